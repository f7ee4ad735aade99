"""What Plivo is to do with a call, as Plivo XML: https://www.plivo.com/docs/voice/xml/overview"""

from __future__ import annotations

from typing import Final, Literal
from xml.etree import ElementTree as XML

from getpatter.carriers.base import StreamTarget
from getpatter.carriers.invitation import KEY_WAIT_S, TIMES, Invitation
from getpatter.carriers.plivo import extra_headers
from getpatter.carriers.spoken_text import holdable, nearest
from getpatter.errors import CarrierError

CONTENT_TYPE: Final = "application/xml"

MAX_BYTES: Final = 100_000
"""The longest document that Plivo takes."""

_LANGUAGES: Final = (
    *("en-US", "en-GB", "en-AU", "de-DE", "fr-FR", "fr-CA", "es-ES", "es-US", "it-IT"),
    *("pt-PT", "pt-BR", "nl-NL", "da-DK", "sv-SE", "pl-PL", "ru-RU"),
)
"""What Plivo's own voices speak, of one language the usual first.  Any other makes it drop the whole document:
https://www.plivo.com/docs/voice/xml/audio-output"""


def stream(target: StreamTarget, status_url: str) -> bytes:
    """Connect the call to our media stream, for as long as that is open; `status_url` hears if it cannot be."""
    attributes = {
        "bidirectional": "true",
        "keepCallAlive": "true",
        "contentType": "audio/x-mulaw;rate=8000",
        "statusCallbackUrl": status_url,
        "statusCallbackMethod": "POST",
    }
    if headers := extra_headers.written(target.parameters):
        attributes["extraHeaders"] = headers
    return _document(_element("Stream", target.url, attributes))


def dial(number: str, *, caller_id: str, timeout_s: float) -> bytes:
    """Connect the call to `number`; it ends when nobody answers there."""
    dialing = _element("Dial", attributes={"callerId": caller_id, "timeout": str(max(1, round(timeout_s)))})
    dialing.append(_element("Number", number))
    return _document(dialing)


def speak(text: str, language: str) -> bytes:
    """Say `text` and hang up."""
    return _document(_speech(text, language), _element("Hangup"))


def invite(invitation: Invitation, accept_url: str) -> bytes:
    """Ask a colleague to press a key, for which `accept_url` says what then; without one they are let go."""
    attributes = {
        "action": accept_url,
        "method": "POST",
        "inputType": "dtmf",
        "executionTimeout": str(KEY_WAIT_S),
        "numDigits": "1",
        # Else the pound key would end the input instead of being one.
        "finishOnKey": "none",
    }
    asking = [_element("GetInput", attributes=attributes) for _ in range(TIMES)]
    for one in asking:
        one.append(_speech(invitation.words, invitation.language))
    return _document(*asking, _element("Hangup"))


def wait_in_room(room: str, summary: str, language: str, *, events_url: str) -> bytes:
    """Say `summary` and wait in the conference `room`; `events_url` hears who enters."""
    waiting = {"startConferenceOnEnter": "false", "callbackUrl": events_url, "callbackMethod": "POST"}
    spoken = [_speech(summary, language)] if summary.strip() else []
    return _document(*spoken, _room(room, waiting))


def enter_room(room: str) -> bytes:
    """Meet whoever waits in the conference `room`."""
    return _document(_room(room, {"startConferenceOnEnter": "true"}))


def part() -> bytes:
    """End the call."""
    return _document(_element("Hangup"))


def hang_up(reason: Literal["busy", "rejected"]) -> bytes:
    """Turn the call away.  As the first element this does not answer it."""
    return _document(_element("Hangup", attributes={"reason": reason}))


def _room(name: str, attributes: dict[str, str]) -> XML.Element:
    """A conference of two: it ends when either leaves."""
    return _element("Conference", name, attributes | {"endConferenceOnExit": "true"})


def _speech(text: str, language: str) -> XML.Element:
    spoken = nearest(language, _LANGUAGES, {})
    return _element("Speak", holdable(text), {"language": spoken} if spoken else {})


def _element(name: str, text: str = "", attributes: dict[str, str] | None = None) -> XML.Element:
    element = XML.Element(name, attributes or {})
    element.text = text or None
    return element


def _document(*elements: XML.Element) -> bytes:
    response = XML.Element("Response")
    response.extend(elements)
    document: bytes = XML.tostring(response, encoding="utf-8", xml_declaration=True)
    if len(document) > MAX_BYTES:
        raise CarrierError(f"A document for Plivo has {len(document)} bytes; Plivo takes {MAX_BYTES}.")
    return document
