from __future__ import annotations

from typing import Any

import pytest

from getpatter.llm.gemini_schema import gemini_schema

TEXT = {"type": "STRING"}


@pytest.mark.parametrize(
    ("schema", "gemini"),
    [
        ({"type": "string", "format": "email", "$comment": "x", "default": "a"}, TEXT),
        ({"type": "string", "format": "date-time"}, TEXT | {"format": "date-time"}),
        ({"type": ["string", "null"]}, TEXT | {"nullable": True}),
        ({"type": ["string", "integer"]}, {"anyOf": [TEXT, {"type": "INTEGER"}]}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, TEXT | {"nullable": True}),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, {"anyOf": [TEXT, {"type": "INTEGER"}]}),
        ({"const": "a"}, TEXT | {"enum": ["a"]}),
        ({"enum": ["a", "b", None]}, TEXT | {"enum": ["a", "b"]}),
        (
            {"type": "integer", "description": "How many.", "enum": [1, 2]},
            {"type": "INTEGER", "description": "How many. One of 1, 2."},
        ),
        ({"type": "integer", "minimum": 1, "exclusiveMaximum": 9}, {"type": "INTEGER", "minimum": 1}),
        ({"type": "array"}, {"type": "ARRAY", "items": TEXT}),
        ({"type": "array", "items": {"type": "number"}}, {"type": "ARRAY", "items": {"type": "NUMBER"}}),
        ({"type": "object", "additionalProperties": False}, {"type": "OBJECT"}),
        (
            {"properties": {"a": {"type": "string"}}, "required": ["a", "gone"]},
            {"type": "OBJECT", "properties": {"a": TEXT}, "required": ["a"]},
        ),
        (
            {"allOf": [{"properties": {"a": {"type": "string"}}}, {"required": ["a"]}]},
            {"type": "OBJECT", "properties": {"a": TEXT}, "required": ["a"]},
        ),
    ],
)
def test_a_schema_is_said_in_geminis_words(schema: dict[str, Any], gemini: dict[str, Any]) -> None:
    assert gemini_schema(schema) == gemini


def test_references_are_resolved() -> None:
    schema = {"$defs": {"Day": {"type": "string"}}, "properties": {"day": {"$ref": "#/$defs/Day", "description": "D."}}}
    assert gemini_schema(schema)["properties"] == {"day": TEXT | {"description": "D."}}


def test_a_schema_that_refers_to_itself_ends() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}, "last": {"$ref": "#/$defs/Node"}}}
    found = gemini_schema({"$defs": {"Node": node}, "$ref": "#/$defs/Node"})
    assert found["properties"]["next"] == {}


def test_a_schema_without_end_is_cut() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(50):
        schema = {"type": "array", "items": schema}
    assert str(gemini_schema(schema)).count("ARRAY") == 16
