from __future__ import annotations

import json
from typing import Any

import pytest
from google.genai.types import Schema
from hypothesis import given
from hypothesis import strategies as st

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
        ({"type": ["array", "string"]}, {"anyOf": [{"type": "ARRAY", "items": TEXT}, TEXT]}),
        ({"enum": ["", "a"]}, {"description": 'One of "", "a".'}),
        ({"enum": ["a", "a"], "type": ["string", "integer"]}, TEXT | {"enum": ["a"]}),
        ({"enum": [True, 1.5, ["a"]]}, {"description": 'One of true, 1.5, ["a"].'}),
        ({"type": "integer", "const": 0}, {"type": "INTEGER", "description": "One of 0."}),
        (
            {"description": "When.", "anyOf": [{"type": "string", "description": "A day."}, {"type": "null"}]},
            TEXT | {"nullable": True, "description": "When."},
        ),
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


def test_a_reference_is_a_pointer_to_any_place_of_the_schema() -> None:
    schema = {
        "definitions": {"a/b~": {"type": "string"}},
        "properties": {
            "one": {"$ref": "#/definitions/a~1b~0"},
            "two": {"$ref": "#/properties/three"},
            "three": {"type": "number"},
            "nowhere": {"$ref": "#/definitions/gone"},
            "elsewhere": {"$ref": "other.json#/a"},
        },
    }
    number = {"type": "NUMBER"}
    assert gemini_schema(schema)["properties"] == {
        "one": TEXT,
        "two": number,
        "three": number,
        "nowhere": {},
        "elsewhere": {},
    }


def test_what_a_schema_is_made_of_may_be_used_again_below_it() -> None:
    base = {"type": "object", "properties": {"name": {"type": "string"}}}
    schema = {
        "$defs": {"Base": base},
        "allOf": [{"$ref": "#/$defs/Base"}],
        "properties": {"of": {"$ref": "#/$defs/Base"}},
    }
    said = {"type": "OBJECT", "properties": {"name": TEXT}}
    assert gemini_schema(schema) == {"type": "OBJECT", "properties": {"name": TEXT, "of": said}}


def test_a_schema_that_refers_to_itself_ends() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}, "last": {"$ref": "#/$defs/Node"}}}
    found = gemini_schema({"$defs": {"Node": node}, "$ref": "#/$defs/Node"})
    assert found["properties"]["next"] == {}


def test_a_schema_without_end_is_cut() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(50):
        schema = {"type": "array", "items": schema}
    assert str(gemini_schema(schema)).count("ARRAY") == 16


def test_a_schema_that_is_part_of_itself_ends() -> None:
    node = {"allOf": [{"$ref": "#/$defs/Node"}], "type": "object"}
    assert gemini_schema({"$defs": {"Node": node}, "$ref": "#/$defs/Node"}) == {"type": "OBJECT"}


@pytest.mark.parametrize("field", ["properties", "allOf"])
def test_a_schema_that_references_make_large_is_cut(field: str) -> None:
    everyone = [{"$ref": f"#/$defs/{number}"} for number in range(12)]
    inside = everyone if field == "allOf" else {str(number): one for number, one in enumerate(everyone)}
    one = {"type": "object", field: inside}
    found = gemini_schema({"$defs": {str(number): one for number in range(12)}, **one})
    assert len(json.dumps(found)) < 500_000


def test_a_reference_behind_many_others_is_not_followed_for_ever() -> None:
    chain = {str(number): {"$ref": f"#/$defs/{number + 1}"} for number in range(5000)}
    assert gemini_schema({"$defs": chain, "$ref": "#/$defs/0"}) == {}


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": True}},
        {"properties": None, "required": True, "type": None},
        {"type": "file", "$defs": None, "definitions": 5},
        {"type": [5, "string"], "format": ["a"], "description": None},
        {"type": "array", "items": [{"type": "string"}], "minItems": -1},
        {"type": "number", "minimum": float("-inf"), "maximum": float("nan")},
        {"type": "number", "minimum": 10**400},
        {"anyOf": [True, {"type": "string"}], "oneOf": 5},
        {"allOf": [True, None], "$ref": 5},
        {"enum": "ab"},
        {"nullable": "yes", "title": 5, "pattern": {}},
    ],
)
def test_what_is_no_schema_says_nothing(schema: dict[str, Any]) -> None:
    json.dumps(gemini_schema(schema), allow_nan=False)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.sampled_from(["", "a", "string", "null", "#"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "type", "$ref"]), inner),
    max_leaves=5,
)
_TYPES = st.sampled_from(["string", "integer", "number", "boolean", "array", "object", "null"])
_SCHEMAS = st.recursive(
    st.fixed_dictionaries({}, optional={"type": _TYPES | st.lists(_TYPES) | _VALUES, "enum": _VALUES, "const": _VALUES})
    | st.fixed_dictionaries({"$ref": st.sampled_from(["#", "#/properties/a", "#/$defs/a", "#/items"])})
    | st.dictionaries(st.sampled_from(["format", "minimum", "maxItems", "required", "default", "nullable"]), _VALUES),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": _TYPES,
            "properties": st.dictionaries(st.sampled_from(["a", "b"]), inner),
            "required": st.lists(st.sampled_from(["a", "b", "gone"])),
            "items": inner,
            "anyOf": st.lists(inner, max_size=3),
            "oneOf": st.lists(inner, max_size=3),
            "allOf": st.lists(inner, max_size=3),
            "$defs": st.dictionaries(st.just("a"), inner),
        },
    ),
    max_leaves=8,
)


@given(_SCHEMAS)
def test_the_official_client_takes_whatever_comes_of_a_schema(schema: dict[str, Any]) -> None:
    found = gemini_schema(schema)
    Schema.model_validate(found)
    holds(found)


def holds(schema: dict[str, Any]) -> None:
    """What the API wants of a schema beyond what its client looks at."""
    assert "items" in schema or schema.get("type") != "ARRAY"
    assert set(schema.get("required", ())) <= set(schema.get("properties", {}))
    assert all(schema.get("enum", ["a"]))
    for part in (*schema.get("properties", {}).values(), *schema.get("anyOf", ())):
        holds(part)
