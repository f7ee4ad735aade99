"""What an engine has a call do: the part of TwiML that connects a media stream, dials a number or turns the call away.

https://www.twilio.com/docs/voice/twiml/stream, .../dial and .../reject
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree

from getpatter.errors import CarrierError

CONTENT_TYPE = "text/xml"
MAX_BYTES = 64 * 1024
"""Twilio takes no longer document."""


@dataclass(frozen=True, slots=True)
class ConnectStream:
    url: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RejectCall:
    reason: str
    """`busy` or `rejected`."""


@dataclass(frozen=True, slots=True)
class DialNumber:
    """Connect the call to somebody else."""

    number: str
    timeout_s: float
    """How long it rings there."""


def connect(url: str, parameters: Mapping[str, str]) -> bytes:
    response = ElementTree.Element("Response")
    stream = ElementTree.SubElement(ElementTree.SubElement(response, "Connect"), "Stream", url=url)
    for name, value in parameters.items():
        ElementTree.SubElement(stream, "Parameter", name=name, value=value)
    return _text(response)


def dial_number(number: str, timeout_s: float) -> bytes:
    response = ElementTree.Element("Response")
    attributes = {"timeout": str(round(timeout_s)), "answerOnBridge": "true"}
    dial = ElementTree.SubElement(response, "Dial", attributes)
    ElementTree.SubElement(dial, "Number").text = number
    return _text(response)


def reject(reason: str) -> bytes:
    response = ElementTree.Element("Response")
    ElementTree.SubElement(response, "Reject", reason=reason)
    return _text(response)


def parse(document: bytes) -> ConnectStream | DialNumber | RejectCall:
    """What the document asks for; raises `CarrierError` when it is none of the three above."""
    if len(document) > MAX_BYTES:
        raise CarrierError(f"The answer document has {len(document)} bytes; {MAX_BYTES} are allowed.")
    try:
        response = ElementTree.fromstring(document)
    except ElementTree.ParseError as broken:
        raise CarrierError(f"The answer document is not XML: {broken}.") from broken
    stream = response.find("Connect/Stream")
    if stream is not None and stream.get("url"):
        parameters = {item.get("name", ""): item.get("value", "") for item in stream.findall("Parameter")}
        return ConnectStream(stream.get("url", ""), parameters)
    dial, number = response.find("Dial"), response.find("Dial/Number")
    if dial is not None and number is not None and number.text:
        return DialNumber(number.text, float(dial.get("timeout", "30")))
    refusal = response.find("Reject")
    if refusal is not None:
        return RejectCall(refusal.get("reason", "rejected"))
    raise CarrierError("The answer document has neither <Connect><Stream url>, <Dial><Number> nor <Reject>.")


def _text(response: ElementTree.Element) -> bytes:
    text: bytes = ElementTree.tostring(response, encoding="utf-8", xml_declaration=True)
    return text
