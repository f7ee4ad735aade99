"""What an engine answers to a ringing call: the part of TwiML that connects a media stream or turns the call away.

https://www.twilio.com/docs/voice/twiml/stream and .../reject
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


def connect(url: str, parameters: Mapping[str, str]) -> bytes:
    response = ElementTree.Element("Response")
    stream = ElementTree.SubElement(ElementTree.SubElement(response, "Connect"), "Stream", url=url)
    for name, value in parameters.items():
        ElementTree.SubElement(stream, "Parameter", name=name, value=value)
    return _text(response)


def reject(reason: str) -> bytes:
    response = ElementTree.Element("Response")
    ElementTree.SubElement(response, "Reject", reason=reason)
    return _text(response)


def parse(document: bytes) -> ConnectStream | RejectCall:
    """What the document asks for; raises `CarrierError` when it is none of the two above."""
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
    refusal = response.find("Reject")
    if refusal is not None:
        return RejectCall(refusal.get("reason", "rejected"))
    raise CarrierError("The answer document has neither <Connect><Stream url> nor <Reject>.")


def _text(response: ElementTree.Element) -> bytes:
    text: bytes = ElementTree.tostring(response, encoding="utf-8", xml_declaration=True)
    return text
