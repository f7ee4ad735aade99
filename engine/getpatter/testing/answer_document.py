"""What an engine has a call do, as a document: the part of TwiML that telephone agents use.

https://www.twilio.com/docs/voice/twiml
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from xml.etree import ElementTree
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

CONTENT_TYPE = "text/xml"
MAX_BYTES = 64 * 1024
"""Twilio takes no longer document."""

# -- writing


def connect(url: str, parameters: Mapping[str, str]) -> bytes:
    response = Element("Response")
    stream = ElementTree.SubElement(ElementTree.SubElement(response, "Connect"), "Stream", url=url)
    for name, value in parameters.items():
        ElementTree.SubElement(stream, "Parameter", name=name, value=value)
    return _text(response)


def dial_number(number: str, timeout_s: float) -> bytes:
    response = Element("Response")
    attributes = {"timeout": str(round(timeout_s)), "answerOnBridge": "true"}
    dial = ElementTree.SubElement(response, "Dial", attributes)
    ElementTree.SubElement(dial, "Number").text = number
    return _text(response)


def reject(reason: str) -> bytes:
    response = Element("Response")
    ElementTree.SubElement(response, "Reject", reason=reason)
    return _text(response)


def _text(response: Element) -> bytes:
    text: bytes = ElementTree.tostring(response, encoding="utf-8", xml_declaration=True)
    return text


# -- reading


def read(document: bytes) -> list[Verb]:
    """What the document asks for, in its order.

    Raises `CarrierError` for what is no document, and for verbs, nouns and attributes that are not simulated: better
    a test that fails than one in which something was quietly left out.
    """
    return [_verb(element) for element in response_of(document, MAX_BYTES)]


def _verb(element: Element) -> Verb:
    if element.tag not in _VERBS:
        raise CarrierError(f"The answer document has <{element.tag}>; read are {', '.join(_VERBS)}.")
    return _VERBS[element.tag](element)


def _connect(element: Element) -> Verb:
    stream = only_child(element, "Stream", ())
    allow(stream, "url", "name", "statusCallback", "statusCallbackMethod")
    parameters = {item.get("name", ""): item.get("value", "") for item in stream.findall("Parameter")}
    status = hook(stream, "statusCallback", "statusCallbackMethod")
    return ConnectStream(required(stream, "url"), parameters, stream.get("name", ""), status)


def _dial(element: Element) -> Verb:
    attributes = ("timeout", "answerOnBridge", "callerId", "action", "method", "timeLimit")
    if element.find("Conference") is not None:
        return _conference(only_child(element, "Conference", attributes))
    if len(element):
        number = only_child(element, "Number", attributes)
        allow(number)
    else:
        number = element
        allow(element, *attributes)
    if not number.text or not number.text.strip():
        raise CarrierError("The answer document has a <Dial> without a number.")
    then = hook(element, "action", "method")
    timeout_s = seconds(element, "timeout", 30.0)
    return DialNumber(number.text.strip(), timeout_s, element.get("callerId", ""), then)


def _conference(element: Element) -> Verb:
    allow(
        element,
        "startConferenceOnEnter",
        "endConferenceOnExit",
        "beep",
        "waitUrl",
        "waitMethod",
        "maxParticipants",
        "participantLabel",
        "statusCallback",
        "statusCallbackMethod",
        "statusCallbackEvent",
    )
    if not element.text or not element.text.strip():
        raise CarrierError("The answer document has a <Conference> without a name.")
    return JoinRoom(
        element.text.strip(),
        opens=element.get("startConferenceOnEnter", "true") == "true",
        closes=element.get("endConferenceOnExit", "false") == "true",
        status=hook(element, "statusCallback", "statusCallbackMethod"),
        events=frozenset(element.get("statusCallbackEvent", "").split()),
    )


def _say(element: Element) -> Verb:
    allow(element, "voice", "language", "loop")
    return SayText("".join(element.itertext()).strip())


def _gather(element: Element) -> Verb:
    """Of any key.  Without an `action` Twilio would ask the document's own URL."""
    allow(element, "input", "numDigits", "timeout", "finishOnKey", "action", "method")
    if (element.get("input"), element.get("numDigits"), element.get("finishOnKey")) != ("dtmf", "1", ""):
        raise CarrierError("The answer document has a <Gather> of something else than one key, which is not simulated.")
    required(element, "action")
    if any(child.tag != "Say" for child in element):
        raise CarrierError("The answer document has a <Gather> with something else than <Say> in it.")
    prompts = tuple("".join(child.itertext()).strip() for child in element)
    return GatherKey(prompts, seconds(element, "timeout", 5.0), then=hook(element, "action", "method"))


def _play(element: Element) -> Verb:
    allow(element, "digits")
    return PressKeys(required(element, "digits"))


def _pause(element: Element) -> Verb:
    allow(element, "length")
    return Wait(seconds(element, "length", 1.0))


def _redirect(element: Element) -> Verb:
    allow(element, "method")
    return GoTo(Hook((element.text or "").strip(), method(element.get("method", "POST"))))


def _hang_up(element: Element) -> Verb:
    allow(element)
    return HangUpCall()


def _reject(element: Element) -> Verb:
    allow(element, "reason")
    return RejectCall(element.get("reason", "rejected"))


_VERBS: Final[Mapping[str, Callable[[Element], Verb]]] = {
    "Connect": _connect,
    "Dial": _dial,
    "Say": _say,
    "Gather": _gather,
    "Play": _play,
    "Pause": _pause,
    "Redirect": _redirect,
    "Hangup": _hang_up,
    "Reject": _reject,
}
