"""Documents for answered calls as XML: what the dialects of all carriers have in common."""

from __future__ import annotations

from typing import Literal
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from getpatter.errors import CarrierError
from getpatter.testing.verbs import Hook


def response_of(document: bytes, max_bytes: int) -> Element:
    """The `<Response>` that the document is; raises `CarrierError`, as all of these, for what is none."""
    if len(document) > max_bytes:
        raise CarrierError(f"The answer document has {len(document)} bytes; {max_bytes} are allowed.")
    try:
        response = ElementTree.fromstring(document)
    except ElementTree.ParseError as broken:
        raise CarrierError(f"The answer document is not XML: {broken}.") from broken
    if response.tag != "Response":
        raise CarrierError(f"The answer document is a <{response.tag}> and no <Response>.")
    return response


def allow(element: Element, *attributes: str) -> None:
    """Refuse any other attribute: better a test that fails than one in which something was quietly left out."""
    unknown = sorted(set(element.attrib) - set(attributes))
    if unknown:
        raise CarrierError(f"In the answer document, <{element.tag}> has {', '.join(unknown)}, which is not simulated.")


def only_child(element: Element, tag: str, attributes: tuple[str, ...]) -> Element:
    """The one element in it; `attributes` are those that the outer one may have."""
    allow(element, *attributes)
    if [child.tag for child in element] != [tag]:
        raise CarrierError(f"In the answer document, <{element.tag}> has something else than one <{tag}>.")
    return element[0]


def required(element: Element, attribute: str) -> str:
    if not element.get(attribute):
        raise CarrierError(f"In the answer document, <{element.tag}> has no {attribute}.")
    return element.get(attribute, "")


def method(text: str) -> Literal["GET", "POST"]:
    match text:
        case "GET" | "POST":
            return text
        case _:
            raise CarrierError(f"The answer document asks for the HTTP method {text!r}.")


def hook(element: Element, attribute: str, method_attribute: str) -> Hook:
    """The URL of this attribute, none where it is missing."""
    return Hook(element.get(attribute, ""), method(element.get(method_attribute, "POST")))


def seconds(element: Element, attribute: str, default: float) -> float:
    text = element.get(attribute, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit():
        raise CarrierError(f"In the answer document, <{element.tag}> has {attribute}={text!r}, which is no number.")
    return float(text)
