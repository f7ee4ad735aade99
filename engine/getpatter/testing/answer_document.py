"""What an engine has a call do, as a document: the part of TwiML that telephone agents use.

https://www.twilio.com/docs/voice/twiml
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from getpatter.errors import CarrierError
from getpatter.testing.verbs import (
    ConnectStream,
    DialNumber,
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
    if len(document) > MAX_BYTES:
        raise CarrierError(f"The answer document has {len(document)} bytes; {MAX_BYTES} are allowed.")
    try:
        response = ElementTree.fromstring(document)
    except ElementTree.ParseError as broken:
        raise CarrierError(f"The answer document is not XML: {broken}.") from broken
    if response.tag != "Response":
        raise CarrierError(f"The answer document is a <{response.tag}> and no <Response>.")
    return [_verb(element) for element in response]


def _verb(element: Element) -> Verb:
    if element.tag not in _VERBS:
        raise CarrierError(f"The answer document has <{element.tag}>; read are {', '.join(_VERBS)}.")
    return _VERBS[element.tag](element)


def _connect(element: Element) -> Verb:
    stream = _only_child(element, "Stream", ())
    _allow(stream, "url", "name", "statusCallback", "statusCallbackMethod")
    parameters = {item.get("name", ""): item.get("value", "") for item in stream.findall("Parameter")}
    status = _hook(stream, "statusCallback")
    return ConnectStream(_required(stream, "url"), parameters, stream.get("name", ""), status)


def _dial(element: Element) -> Verb:
    attributes = ("timeout", "answerOnBridge", "callerId", "action", "method", "timeLimit")
    if element.find("Conference") is not None:
        return _conference(_only_child(element, "Conference", attributes))
    if len(element):
        number = _only_child(element, "Number", attributes)
        _allow(number)
    else:
        number = element
        _allow(element, *attributes)
    if not number.text or not number.text.strip():
        raise CarrierError("The answer document has a <Dial> without a number.")
    then = Hook(element.get("action", ""), _method(element.get("method", "POST")))
    timeout_s = _seconds(element, "timeout", 30.0)
    return DialNumber(number.text.strip(), timeout_s, element.get("callerId", ""), then)


def _conference(element: Element) -> Verb:
    _allow(
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
        status=_hook(element, "statusCallback"),
        events=frozenset(element.get("statusCallbackEvent", "").split()),
    )


def _say(element: Element) -> Verb:
    _allow(element, "voice", "language", "loop")
    return SayText("".join(element.itertext()).strip())


def _play(element: Element) -> Verb:
    _allow(element, "digits")
    return PressKeys(_required(element, "digits"))


def _pause(element: Element) -> Verb:
    _allow(element, "length")
    return Wait(_seconds(element, "length", 1.0))


def _redirect(element: Element) -> Verb:
    _allow(element, "method")
    return GoTo(Hook((element.text or "").strip(), _method(element.get("method", "POST"))))


def _hang_up(element: Element) -> Verb:
    _allow(element)
    return HangUpCall()


def _reject(element: Element) -> Verb:
    _allow(element, "reason")
    return RejectCall(element.get("reason", "rejected"))


_VERBS: Final[Mapping[str, Callable[[Element], Verb]]] = {
    "Connect": _connect,
    "Dial": _dial,
    "Say": _say,
    "Play": _play,
    "Pause": _pause,
    "Redirect": _redirect,
    "Hangup": _hang_up,
    "Reject": _reject,
}


def _only_child(element: Element, tag: str, attributes: tuple[str, ...]) -> Element:
    _allow(element, *attributes)
    if [child.tag for child in element] != [tag]:
        raise CarrierError(f"In the answer document, <{element.tag}> has something else than one <{tag}>.")
    return element[0]


def _allow(element: Element, *attributes: str) -> None:
    unknown = sorted(set(element.attrib) - set(attributes))
    if unknown:
        raise CarrierError(f"In the answer document, <{element.tag}> has {', '.join(unknown)}, which is not simulated.")


def _required(element: Element, attribute: str) -> str:
    if not element.get(attribute):
        raise CarrierError(f"In the answer document, <{element.tag}> has no {attribute}.")
    return element.get(attribute, "")


def _hook(element: Element, attribute: str) -> Hook:
    return Hook(element.get(attribute, ""), _method(element.get(f"{attribute}Method", "POST")))


def _method(text: str) -> Literal["GET", "POST"]:
    match text:
        case "GET" | "POST":
            return text
        case _:
            raise CarrierError(f"The answer document asks for the HTTP method {text!r}.")


def _seconds(element: Element, attribute: str, default: float) -> float:
    text = element.get(attribute, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit():
        raise CarrierError(f"In the answer document, <{element.tag}> has {attribute}={text!r}, which is no number.")
    return float(text)
