from __future__ import annotations

import inspect
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from getpatter.errors import ConfigurationError, InvalidRequest
from getpatter.tools.schema import SchemaArguments, SignatureArguments


@dataclass
class Address:
    street: str
    number: int = 1


class Guest(BaseModel):
    name: str
    address: Address | None = None


def drawn(function: Callable[..., Any], *, strict: bool = False, **descriptions: str) -> SignatureArguments:
    parameters = inspect.signature(function, eval_str=True).parameters.values()
    return SignatureArguments(parameters, descriptions, strict=strict)


def order(size: Literal["small", "large"], count: int = 1, note: str | None = None) -> None: ...


def invite(guests: list[Guest], default: str = "x") -> None: ...


def test_a_schema_is_drawn_from_type_hints() -> None:
    assert drawn(order, count="How many.").schema == {
        "type": "object",
        "properties": {
            "size": {"enum": ["small", "large"], "type": "string"},
            "count": {"type": "integer", "default": 1, "description": "How many."},
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        },
        "required": ["size"],
        "additionalProperties": False,
    }


def test_values_arrive_as_the_types_of_the_hints() -> None:
    values = drawn(invite).parse('{"guests": [{"name": "Ann", "address": {"street": "High Street"}}]}')
    assert values == {"guests": [Guest(name="Ann", address=Address("High Street"))]}


def test_what_the_model_left_out_is_left_to_the_functions_own_defaults() -> None:
    assert drawn(order).parse('{"size": "small"}') == {"size": "small"}


def test_a_function_without_parameters_takes_an_empty_text() -> None:
    def nothing() -> None: ...

    assert drawn(nothing).parse("") == {}
    assert drawn(nothing).schema["properties"] == {}


def test_parameters_may_be_called_like_anything() -> None:
    def awkward(schema: str, _id: int, model_dump: str, json: str, copy: int) -> None: ...

    given = {"schema": "a", "_id": 1, "model_dump": "b", "json": "c", "copy": 2}
    assert drawn(awkward).parse(json.dumps(given)) == given


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"size": "huge"}', "size: Input should be 'small' or 'large'"),
        ('{"count": 2}', "size: Field required"),
        ('{"size": "small", "colour": "red"}', "colour: Extra inputs are not permitted"),
        ('{"size": "small", "count": "many"}', "count: Input should be a valid integer"),
        ("[]", "Input should be an object"),
        ("{", "Invalid JSON"),
    ],
)
def test_the_model_is_told_in_words_what_is_wrong(text: str, complaint: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        drawn(order).parse(text)
    assert complaint in refused.value.message


def test_a_strict_schema_requires_everything_and_has_no_defaults() -> None:
    schema = drawn(invite, strict=True).schema
    assert schema["required"] == ["guests", "default"]
    assert schema["properties"]["default"] == {"type": "string"}
    assert schema["$defs"]["Address"]["required"] == ["street", "number"]
    assert schema["$defs"]["Guest"]["additionalProperties"] is False


def test_a_type_that_json_cannot_carry_is_refused() -> None:
    def odd(callback: Callable[[], None]) -> None: ...

    def odder(thing: inspect.Parameter) -> None: ...

    for function in (odd, odder):
        with pytest.raises(ConfigurationError, match="JSON cannot carry"):
            drawn(function)


def test_a_default_that_json_cannot_carry_is_not_told() -> None:
    nowhere = object()

    def f(at: Any = nowhere) -> None: ...

    assert "default" not in drawn(f).schema["properties"]["at"]


SIZE = {"type": "object", "properties": {"size": {"type": "integer", "maximum": 9}}, "required": ["size"]}


def test_arguments_are_held_to_a_schema_that_was_given() -> None:
    arguments = SchemaArguments(SIZE)
    assert arguments.parse('{"size": 3, "more": true}') == {"size": 3, "more": True}
    for text, complaint in [
        ('{"size": 10}', "size: 10 is greater than the maximum of 9"),
        ("{}", "'size' is a required property"),
        ("3", "must be one JSON object"),
        ("{'size': 3}", "no JSON"),
        ("[" * 100_000, "no JSON"),
    ]:
        with pytest.raises(InvalidRequest) as refused:
            arguments.parse(text)
        assert complaint in refused.value.message


def test_only_the_first_faults_are_told() -> None:
    arguments = SchemaArguments({"type": "object", "additionalProperties": {"type": "null"}})
    with pytest.raises(InvalidRequest, match=r"and 3 more"):
        arguments.parse(json.dumps({f"a{n}": n for n in range(8)}))


@pytest.mark.parametrize("schema", [{"type": "string"}, {}, {"type": "object", "properties": {"a": {"type": "int"}}}])
def test_a_schema_that_cannot_be_used_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        SchemaArguments(schema)


class Schemas(BaseHTTPRequestHandler):
    """Gives a schema to whoever asks, and keeps that somebody asked."""

    def do_GET(self) -> None:
        self.server.asked = True  # type: ignore[attr-defined] # an attribute of the test's own
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")


def test_references_of_a_schema_are_never_fetched() -> None:
    with HTTPServer(("127.0.0.1", 0), Schemas) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        reference = {"$ref": f"http://127.0.0.1:{server.server_port}/schema"}
        arguments = SchemaArguments({"type": "object", "properties": {"a": reference}})
        with pytest.raises(InvalidRequest, match="refers to something missing"):
            arguments.parse('{"a": 1}')
        server.shutdown()
        assert not hasattr(server, "asked")
