"""Which form fields Twilio's API takes: https://github.com/twilio/twilio-oai, api_v2010"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from typing import Final, Literal

from getpatter.testing.clouds.rest import Asked, Refused
from getpatter.testing.verbs import Hook

CREATE_CALL: Final = frozenset(
    [
        "AsyncAmd",
        "AsyncAmdStatusCallback",
        "AsyncAmdStatusCallbackMethod",
        "From",
        "MachineDetection",
        "MachineDetectionSilenceTimeout",
        "MachineDetectionSpeechEndThreshold",
        "MachineDetectionSpeechThreshold",
        "MachineDetectionTimeout",
        "Method",
        "Record",
        "RecordingChannels",
        "RecordingStatusCallback",
        "RecordingStatusCallbackEvent",
        "RecordingStatusCallbackMethod",
        "SendDigits",
        "StatusCallback",
        "StatusCallbackEvent",
        "StatusCallbackMethod",
        "TimeLimit",
        "Timeout",
        "To",
        "Twiml",
        "Url",
    ]
)
"""Of those that there are, the simulated ones: others are refused, since a test would wait for them in vain."""
UPDATE_CALL: Final = frozenset(["Method", "Status", "TimeLimit", "Twiml", "Url"])
CREATE_RECORDING: Final = frozenset(
    [
        "RecordingChannels",
        "RecordingStatusCallback",
        "RecordingStatusCallbackEvent",
        "RecordingStatusCallbackMethod",
        "RecordingTrack",
        "Trim",
    ]
)
UPDATE_RECORDING: Final = frozenset(["PauseBehavior", "Status"])
UPDATE_NUMBER: Final = frozenset(
    [
        "StatusCallback",
        "StatusCallbackMethod",
        "TrunkSid",
        "VoiceApplicationSid",
        "VoiceFallbackMethod",
        "VoiceFallbackUrl",
        "VoiceMethod",
        "VoiceUrl",
    ]
)

_VALUES: Final = {
    "AsyncAmd": "true|false",
    "MachineDetection": "Enable|DetectMessageEnd",
    "MachineDetectionSilenceTimeout": r"\d+",
    "MachineDetectionSpeechEndThreshold": r"\d+",
    "MachineDetectionSpeechThreshold": r"\d+",
    "Record": "true|false",
    "RecordingChannels": "mono|dual",
    "RecordingStatusCallbackEvent": "in-progress|completed|absent",
    "RecordingTrack": "inbound|outbound|both",
    "SendDigits": "[0-9A-D*#wW]{1,32}",
    "Status": "canceled|completed|paused|in-progress|stopped",
    "StatusCallbackEvent": "initiated|ringing|answered|completed",
    "Trim": "trim-silence|do-not-trim",
}
_URL: Final = re.compile(r"https?://[^\s/]+\S*")


def check(asked: Asked, known: AbstractSet[str]) -> None:
    """Raises `Refused` for fields that the request does not have, and for values that they cannot have."""
    for name in asked.fields:
        if name not in known:
            raise Refused(400, 20001, f"Parameter '{name}' is unknown or not simulated")
        for value in asked.texts(name):
            _check_value(name, value)


def _check_value(name: str, value: str) -> None:
    if not value:
        return
    if name in _VALUES and not re.fullmatch(_VALUES[name], value):
        raise Refused(400, 20001, f"Parameter '{name}' cannot be '{value}'")
    if name.endswith(("Url", "Callback")) and not _URL.fullmatch(value):
        raise Refused(400, 21609 if name == "StatusCallback" else 21205, f"{name} is not a valid URL: {value}")
    if name.endswith("Method"):
        method(value)


def hook(asked: Asked, name: str) -> Hook:
    """The URL of this name, and how it is asked."""
    return Hook(asked.text(name), method(asked.text(f"{name}Method", "POST")))


def method(text: str) -> Literal["GET", "POST"]:
    match text:
        case "GET" | "POST":
            return text
        case _:
            raise Refused(400, 20001, f"The HTTP method cannot be '{text}'")


def whole(asked: Asked, name: str, default: int, least: int, most: int) -> int:
    """A number among the fields, within its limits."""
    text = asked.text(name, str(default))
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise Refused(400, 20001, f"Parameter '{name}' must be a number from {least} to {most}")
    return int(text)
