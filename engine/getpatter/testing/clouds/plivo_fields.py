"""Which fields Plivo's API takes: https://www.plivo.com/docs/voice/api/overview"""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final, Literal

from getpatter.errors import CarrierError
from getpatter.testing.clouds.rest import Asked, Refused
from getpatter.testing.plivo_document import LANGUAGES, in_e164
from getpatter.testing.verbs import Hook

CREATE_CALL: Final = frozenset(
    {
        "answer_method",
        "answer_url",
        "error_if_parent_not_found",
        "fallback_method",
        "from",
        "hangup_method",
        "hangup_url",
        "machine_detection",
        "machine_detection_method",
        "machine_detection_time",
        "machine_detection_url",
        "ring_method",
        "ring_timeout",
        "ring_url",
        "send_digits",
        "time_limit",
        "to",
    }
)
"""Of those that there are, the simulated ones: others are refused, since a test would wait for them in vain."""
TRANSFER: Final = frozenset({"aleg_method", "aleg_url", "legs"})
RECORD: Final = frozenset({"callback_method", "callback_url", "file_format", "record_channel_type", "time_limit"})
SPEAK: Final = frozenset({"language", "legs", "text", "voice"})
PRESS: Final = frozenset({"digits", "leg"})
UPDATE_NUMBER: Final = frozenset({"alias", "app_id"})
APPLICATION: Final = frozenset(
    {
        "answer_method",
        "answer_url",
        "app_name",
        "default_endpoint_app",
        "default_number_app",
        "fallback_method",
        "hangup_method",
        "hangup_url",
        "log_incoming_messages",
        "message_method",
    }
)
NOTHING: Final[frozenset[str]] = frozenset()

_REQUIRED: Final[Mapping[AbstractSet[str], tuple[str, ...]]] = {
    CREATE_CALL: ("from", "to", "answer_url"),
    TRANSFER: ("aleg_url",),
    SPEAK: ("text",),
    PRESS: ("digits",),
}
_VALUES: Final[Mapping[str, tuple[Any, ...]]] = {
    "error_if_parent_not_found": (False,),
    "file_format": ("wav",),
    "language": tuple(LANGUAGES),
    "leg": ("aleg",),
    "legs": ("aleg",),
    "machine_detection": ("true", True),
    "record_channel_type": ("mono", "stereo"),
}
"""Of enumerations those that are simulated."""
_RANGES: Final = {
    "machine_detection_time": (2000, 10_000),
    "ring_timeout": (1, 600),
    "time_limit": (1, 86_400),
}
_URL: Final = re.compile(r"https?://[^\s/]+\S*")
_KEYS: Final = {"digits": re.compile("[0-9A-D*#wW]+"), "send_digits": re.compile("[0-9A-D*#wW]+")}
_APP_NAME: Final = re.compile("[A-Za-z0-9_-]{1,60}")


def refused(status: int, message: str) -> Refused:
    """Plivo has no codes but those of HTTP."""
    return Refused(status, status, message)


def check(asked: Asked, known: AbstractSet[str], **path: str) -> None:
    """Raises `Refused` for fields that the request does not have or lacks, and for values that they cannot have.

    What names are in `path` may be in the body, too: Plivo's own library sends them twice.
    """
    for name in _REQUIRED.get(known, ()):
        if not asked.text(name):
            raise refused(400, f"{name} parameter not present")
    for name, value in asked.fields.items():
        if value != path.get(name, value):
            raise refused(400, f"{name} parameter is not that of the path")
        if name not in known and name not in path:
            raise refused(400, f"{name} parameter is unknown or not simulated")
        _check_value(name, value)


def _check_value(name: str, value: Any) -> None:
    if name in _VALUES and value not in _VALUES[name]:
        raise refused(400, f"{name} parameter cannot be {value!r} here")
    if name in _RANGES:
        least, most = _RANGES[name]
        if not isinstance(value, int) or not least <= value <= most:
            raise refused(400, f"{name} parameter must be a number from {least} to {most}")
    if name.endswith("_url") and not _URL.fullmatch(str(value)):
        raise refused(400, f"{name} parameter is not a valid URL")
    if name.endswith("_method"):
        method(str(value))
    if name in _KEYS and not _KEYS[name].fullmatch(str(value)):
        raise refused(400, f"{name} parameter has what is no key")
    if name == "app_name" and not _APP_NAME.fullmatch(str(value)):
        raise refused(400, "app_name parameter may have letters, digits, - and _")


def hook(asked: Asked, name: str) -> Hook:
    """The URL of this name, and how it is asked."""
    return Hook(asked.text(f"{name}_url"), method(asked.text(f"{name}_method", "POST")))


def method(text: str) -> Literal["GET", "POST"]:
    match text:
        case "GET" | "POST":
            return text
        case _:
            raise refused(400, f"The HTTP method cannot be {text!r}")


def number(asked: Asked, name: str) -> str:
    """In E.164; raises `Refused` for what is no number."""
    try:
        return in_e164(asked.text(name))
    except CarrierError:
        raise refused(400, f"{name} parameter is invalid") from None
