"""Which fields Telnyx's Call Control takes: https://github.com/team-telnyx/openapi"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

from getpatter.testing.clouds.rest import Asked, Refused

_EVERYWHERE: Final = {"client_state", "command_id"}
_STREAM: Final = {
    "stream_url",
    "stream_track",
    "stream_codec",
    "stream_bidirectional_mode",
    "stream_bidirectional_codec",
    "stream_bidirectional_target_legs",
}
_WEBHOOK: Final = {"webhook_url", "webhook_url_method"}

DIAL: Final = frozenset(
    {
        *_EVERYWHERE,
        *_STREAM,
        *_WEBHOOK,
        "stream_bidirectional_sampling_rate",
        "to",
        "from",
        "from_display_name",
        "connection_id",
        "timeout_secs",
        "time_limit_secs",
        "answering_machine_detection",
        "answering_machine_detection_config",
        "park_after_unbridge",
    }
)
"""Of those that there are, the simulated ones: others are refused, since a test would wait for them in vain."""
ACTIONS: Final[Mapping[str, AbstractSet[str]]] = {
    "answer": {*_EVERYWHERE, *_STREAM, *_WEBHOOK},
    "reject": {*_EVERYWHERE, "cause"},
    "hangup": _EVERYWHERE,
    "transfer": {
        *_EVERYWHERE,
        *_WEBHOOK,
        "to",
        "from",
        "timeout_secs",
        "time_limit_secs",
        "target_leg_client_state",
        "park_after_unbridge",
    },
    "bridge": {*_EVERYWHERE, "call_control_id", "park_after_unbridge"},
    "send_dtmf": {*_EVERYWHERE, "digits", "duration_millis"},
    "speak": {*_EVERYWHERE, "payload", "payload_type", "service_level", "voice", "language"},
    "gather_using_speak": {
        *_EVERYWHERE,
        "payload",
        "payload_type",
        "service_level",
        "voice",
        "language",
        "minimum_digits",
        "maximum_digits",
        "maximum_tries",
        "timeout_millis",
        "valid_digits",
    },
    "record_start": {*_EVERYWHERE, "format", "channels", "play_beep", "recording_track", "trim"},
    "record_stop": {*_EVERYWHERE, "recording_id"},
    "streaming_start": {*_EVERYWHERE, *_STREAM, "stream_bidirectional_sampling_rate", "custom_parameters"},
    "streaming_stop": {*_EVERYWHERE, "stream_id"},
}
_REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "dial": ("connection_id", "to", "from"),
    "reject": ("cause",),
    "transfer": ("to",),
    "bridge": ("call_control_id",),
    "send_dtmf": ("digits",),
    "speak": ("payload", "voice"),
    "gather_using_speak": ("payload", "voice"),
    "record_start": ("format", "channels"),
    "streaming_start": ("stream_url",),
}
_VALUES: Final[Mapping[str, tuple[str | int, ...]]] = {
    "answering_machine_detection": (
        "premium",
        "detect",
        "detect_beep",
        "detect_words",
        "greeting_end",
        "disabled",
    ),
    "cause": ("CALL_REJECTED", "USER_BUSY"),
    "channels": ("single", "dual"),
    "format": ("wav", "mp3"),
    "maximum_digits": (1,),
    "minimum_digits": (1,),
    "park_after_unbridge": ("self",),
    "stream_bidirectional_codec": ("PCMU",),
    "stream_bidirectional_mode": ("mp3", "rtp"),
    "stream_bidirectional_target_legs": ("both", "self", "opposite"),
    "stream_codec": ("PCMU", "default"),
    "stream_track": ("inbound_track",),
    "valid_digits": ("0123456789#*",),
    "webhook_url_method": ("POST",),
}
"""Of enumerations; for streams and keys those that are simulated."""
_RANGES: Final = {
    "timeout_secs": (5, 600),
    "time_limit_secs": (30, 14400),
    "duration_millis": (100, 500),
    "maximum_tries": (1, 100),
    "timeout_millis": (1, 600_000),
}
MAX_SPOKEN = 3000


def check(asked: Asked, command: str, known: AbstractSet[str]) -> None:
    """Raises `Refused` for fields that the command does not have or lacks, and for values that they cannot have."""
    for name in _REQUIRED.get(command, ()):
        if not asked.text(name):
            raise Refused(422, 10004, f"The '{name}' parameter is required")
    for name, value in asked.fields.items():
        if name not in known:
            raise Refused(422, 10015, f"The '{name}' parameter is unknown or not simulated")
        _check_value(name, value)


def _check_value(name: str, value: Any) -> None:
    if name in _VALUES and value not in _VALUES[name]:
        raise Refused(422, 10015, f"The '{name}' parameter cannot be {value!r} here")
    if name in _RANGES:
        least, most = _RANGES[name]
        if not isinstance(value, int) or not least <= value <= most:
            raise Refused(422, 10015, f"The '{name}' parameter must be a number from {least} to {most}")
    if name == "payload" and len(value) > MAX_SPOKEN:
        raise Refused(422, 10015, f"The 'payload' parameter may have {MAX_SPOKEN} characters")
