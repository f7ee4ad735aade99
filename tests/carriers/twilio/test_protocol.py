"""Both ends of the stream against a description of the protocol that others wrote (AsyncAPI, JSON Schema)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from getpatter.carriers.twilio.media import TwilioMediaCodec
from getpatter.testing.twilio_line import TwilioLineCodec

DESCRIPTION = Path(__file__).parents[4] / "shared" / "data" / "specs" / "twilio_media_streams.asyncapi.yml"

pytestmark = pytest.mark.skipif(not DESCRIPTION.exists(), reason=f"{DESCRIPTION.name} is not beside the project")


def closed(schema: Any) -> Any:
    """The schema with objects that take no more than they declare; the published one takes anything beside it."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    if inner.get("type") == "object" and "properties" in inner:
        inner.setdefault("additionalProperties", False)
    return inner


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    description = yaml.load(DESCRIPTION.read_text("utf-8"), Loader=yaml.CSafeLoader)
    return {name: closed(schema) for name, schema in description["components"]["schemas"].items()}


def check(message: bytes, schema: Any) -> None:
    jsonschema.Draft7Validator(schema).validate(json.loads(message))


def line_codec() -> TwilioLineCodec:
    return TwilioLineCodec("MZ" + "1" * 32, "CA" + "2" * 32, {"token": "once"})


def test_the_line_says_what_twilio_says(schemas: dict[str, Any]) -> None:
    line = line_codec()
    check(line.connected(), schemas["MediaConnected"])
    check(line.start(), schemas["MediaStart"])
    check(line.media(b"\xff" * 160), schemas["MediaMedia"])
    check(line.dtmf("#"), schemas["MediaDtmf"])
    check(line.mark("a"), schemas["MediaMark"])
    check(line.stop(), schemas["MediaStop"])


@given(audio=st.binary(max_size=400), name=st.text(st.characters(codec="utf-8"), max_size=40))
def test_we_say_what_twilio_takes(schemas: dict[str, Any], audio: bytes, name: str) -> None:
    codec = TwilioMediaCodec()
    codec.decode(line_codec().start())
    check(codec.play(audio), schemas["MediaOutboundMedia"])
    check(codec.mark(name), schemas["MediaOutboundMark"])
    check(codec.clear(), schemas["MediaOutboundClear"])


def test_the_check_itself_notices_an_extra_field(schemas: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError, match="Additional properties"):
        check(b'{"event":"clear","streamSid":"MZ1","sequenceNumber":"1"}', schemas["MediaOutboundClear"])
