"""Plivo XML, as much of it as telephone agents use: https://www.plivo.com/docs/voice/xml/overview"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final
from xml.etree.ElementTree import Element

from getpatter.errors import CarrierError
from getpatter.testing.elements import allow, hook, method, only_child, required, response_of, seconds
from getpatter.testing.verbs import (
    ConnectStream,
    DialNumber,
    GatherKey,
    GoTo,
    HangUpCall,
    Hook,
    JoinRoom,
    PressKeys,
    RejectCall,
    SayText,
    Verb,
    Wait,
)

MAX_BYTES = 100_000
"""Plivo takes no longer document: https://www.plivo.com/docs/voice/xml/request"""
MAX_EXTRA_HEADERS = 512
CONTENT_TYPE = "audio/x-mulaw;rate=8000"

LANGUAGES: Final = frozenset(
    {
        *("da-DK", "de-DE", "en-AU", "en-GB", "en-US", "es-ES", "es-US", "fr-CA", "fr-FR", "it-IT"),
        *("nl-NL", "pl-PL", "pt-BR", "pt-PT", "ru-RU", "sv-SE"),
    }
)
"""Of Plivo's own voices; with any other a document is dropped: https://www.plivo.com/docs/voice/xml/audio-output"""
MIN_INPUT_S, MAX_INPUT_S = 5, 60
"""How long input may be waited for: https://www.plivo.com/docs/voice/xml/getinput"""
_DIAL_TIMEOUT_S = 120.0
"""Plivo has no limit of its own for this."""
_EXTRA_HEADER = re.compile("[A-Za-z0-9]+=[A-Za-z0-9]*")
_DIGITS = re.compile(r"\+?[1-9][0-9]{4,14}")


def read(document: bytes) -> list[Verb]:
    """What the document asks for, in its order.

    Raises `CarrierError` for what is no document, what Plivo would not take, and what is not simulated: better a test
    that fails than one in which something was quietly left out.
    """
    response = response_of(document, MAX_BYTES)
    verbs = [_verb(element) for element in response]
    if verbs and isinstance(verbs[0], HangUpCall):
        # As the first element it does not answer the call: https://www.plivo.com/docs/voice/xml/hangup
        return [RejectCall(response[0].get("reason", "rejected")), *verbs[1:]]
    return verbs


def in_e164(number: str) -> str:
    """A number with the plus sign that Plivo's callers may leave out; raises `CarrierError` for what is none."""
    if not _DIGITS.fullmatch(number):
        raise CarrierError(f"{number!r} is no phone number.")
    return f"+{number.removeprefix('+')}"


def _verb(element: Element) -> Verb:
    if element.tag not in _VERBS:
        raise CarrierError(f"The answer document has <{element.tag}>; read are {', '.join(_VERBS)}.")
    return _VERBS[element.tag](element)


def _stream(element: Element) -> Verb:
    attributes = ("bidirectional", "keepCallAlive", "contentType", "audioTrack", "extraHeaders")
    allow(element, *attributes, "statusCallbackUrl", "statusCallbackMethod")
    _only_simulated(element, "bidirectional", "true")
    _only_simulated(element, "keepCallAlive", "true")
    _only_simulated(element, "contentType", CONTENT_TYPE)
    _only_simulated(element, "audioTrack", "inbound", default="inbound")
    status = hook(element, "statusCallbackUrl", "statusCallbackMethod")
    return ConnectStream(_text(element), _extra_headers(element.get("extraHeaders", "")), status=status)


def _extra_headers(text: str) -> Mapping[str, str]:
    if len(text.encode()) > MAX_EXTRA_HEADERS:
        raise CarrierError(f"The stream's extraHeaders have more than {MAX_EXTRA_HEADERS} bytes.")
    pairs = text.split(",") if text else []
    if not all(_EXTRA_HEADER.fullmatch(pair) for pair in pairs):
        raise CarrierError("The stream's extraHeaders are not pairs of letters and digits, a=1,b=2.")
    return dict(pair.split("=", 1) for pair in pairs)


def _dial(element: Element) -> Verb:
    number = only_child(element, "Number", ("action", "method", "timeout", "callerId"))
    allow(number)
    caller_id = element.get("callerId", "")
    return DialNumber(
        in_e164(_text(number)),
        seconds(element, "timeout", _DIAL_TIMEOUT_S),
        in_e164(caller_id) if caller_id else "",
        hook(element, "action", "method"),
    )


def _conference(element: Element) -> Verb:
    allow(element, "startConferenceOnEnter", "endConferenceOnExit", "callbackUrl", "callbackMethod")
    return JoinRoom(
        _text(element),
        opens=_truth(element, "startConferenceOnEnter", "true"),
        closes=_truth(element, "endConferenceOnExit", "false"),
        status=hook(element, "callbackUrl", "callbackMethod"),
    )


def _speak(element: Element) -> Verb:
    return SayText(_spoken(element))


def _spoken(element: Element) -> str:
    allow(element, "voice", "language")
    if element.get("language", "en-US") not in LANGUAGES:
        raise CarrierError(f"Plivo's voices do not speak {element.get('language')}.")
    return _text(element)


def _get_input(element: Element) -> Verb:
    """Of any key."""
    allow(element, "inputType", "numDigits", "executionTimeout", "finishOnKey", "action", "method")
    if (element.get("inputType"), element.get("numDigits"), element.get("finishOnKey")) != ("dtmf", "1", "none"):
        raise CarrierError("The answer document has a <GetInput> of more than one key, which is not simulated.")
    required(element, "action")
    timeout_s = seconds(element, "executionTimeout", 15.0)
    if not MIN_INPUT_S <= timeout_s <= MAX_INPUT_S:
        raise CarrierError(f"The answer document has a <GetInput> with an executionTimeout of {timeout_s:g} s.")
    prompts = []
    for child in element:
        if child.tag != "Speak":
            raise CarrierError("The answer document has a <GetInput> with something else than <Speak> in it.")
        prompts.append(_spoken(child))
    return GatherKey(tuple(prompts), timeout_s, then=hook(element, "action", "method"))


def _dtmf(element: Element) -> Verb:
    allow(element)
    digits = _text(element)
    if not re.fullmatch("[0-9A-D*#wW]+", digits):
        raise CarrierError("The answer document has a <DTMF> with what is no key.")
    return PressKeys(digits.replace("W", "ww"))


def _wait(element: Element) -> Verb:
    allow(element, "length")
    return Wait(seconds(element, "length", 1.0))


def _redirect(element: Element) -> Verb:
    allow(element, "method")
    return GoTo(Hook(_text(element), method(element.get("method", "POST"))))


def _hang_up(element: Element) -> Verb:
    allow(element, "reason")
    if element.get("reason", "busy") not in ("busy", "rejected"):
        raise CarrierError("The answer document has a <Hangup> with a reason that is neither busy nor rejected.")
    return HangUpCall()


_VERBS: Final[Mapping[str, Callable[[Element], Verb]]] = {
    "Stream": _stream,
    "Dial": _dial,
    "Conference": _conference,
    "Speak": _speak,
    "GetInput": _get_input,
    "DTMF": _dtmf,
    "Wait": _wait,
    "Redirect": _redirect,
    "Hangup": _hang_up,
}


def _text(element: Element) -> str:
    if len(element):
        raise CarrierError(f"In the answer document, <{element.tag}> has elements in it, which is not simulated.")
    if not element.text or not element.text.strip():
        raise CarrierError(f"The answer document has an empty <{element.tag}>.")
    return element.text.strip()


def _truth(element: Element, attribute: str, default: str) -> bool:
    given = element.get(attribute, default)
    if given not in ("true", "false"):
        raise CarrierError(f"In the answer document, <{element.tag}> has {attribute}={given!r}.")
    return given == "true"


def _only_simulated(element: Element, attribute: str, value: str, *, default: str = "") -> None:
    given = element.get(attribute, default)
    if given != value:
        raise CarrierError(
            f"In the answer document, <{element.tag}> has {attribute}={given!r}; simulated is {value!r}."
        )
