from __future__ import annotations

from typing import Any

import pytest

from getpatter.llm.strict_schema import MAX_DEPTH, can_be_strict

DAY = {"type": "string", "enum": ["Monday", "Tuesday"]}


def closed(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def nested(depth: int) -> dict[str, Any]:
    return closed(inner=nested(depth - 1)) if depth > 1 else closed()


@pytest.mark.parametrize(
    "schema",
    [
        closed(),
        closed(day=DAY, guests={"type": ["integer", "null"], "description": "How many."}),
        closed(days={"type": "array", "items": closed(day=DAY)}),
        closed(day={"anyOf": [DAY, {"type": "null"}]}),
        {**closed(day={"$ref": "#/$defs/Day"}), "$defs": {"Day": DAY}},
        {**closed(a={"$ref": "#/$defs/A"}, b={"$ref": "#/$defs/A"}), "$defs": {"A": closed(day=DAY)}},
        nested(MAX_DEPTH),
    ],
)
def test_what_is_closed_can_be_held_to(schema: dict[str, Any]) -> None:
    assert can_be_strict(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        DAY,
        {"type": "object"},
        closed(day=DAY) | {"required": []},
        closed(day=DAY) | {"additionalProperties": True},
        closed(day={"type": "string", "pattern": "^M"}),
        closed(day=DAY | {"default": "Monday"}),
        closed(table={"type": "object"}),
        closed(days={"type": "array", "items": {"type": "object", "properties": {"day": DAY}}}),
        closed(day={"anyOf": [DAY, {"type": "object"}]}),
        {**closed(day={"$ref": "#/$defs/Day"}), "$defs": {"Day": {"type": "object"}}},
        closed(day=True),
        {"type": "object", "properties": [], "required": [], "additionalProperties": False, "not": {}},
        {"type": "object", "properties": {}, "required": [{}], "additionalProperties": False},
        nested(MAX_DEPTH + 1),
        closed(inner={"$ref": "#/$defs/Deep"}) | {"$defs": {"Deep": nested(MAX_DEPTH)}},
    ],
)
def test_what_leaves_anything_open_cannot(schema: dict[str, Any]) -> None:
    assert not can_be_strict(schema)


@pytest.mark.parametrize(
    "schema",
    [
        closed(day={}),
        closed(day={"description": "Any."}),
        closed(day={"const": "Monday"}),
        closed(days={"type": "array"}),
        closed(days={"type": ["array", "null"]}),
        closed(table={"type": ["object", "null"]}),
    ],
)
def test_what_says_no_type_of_a_value_cannot(schema: dict[str, Any]) -> None:
    assert not can_be_strict(schema)


@pytest.mark.parametrize(
    "schema",
    [
        closed(day=DAY) | {"anyOf": [closed(day=DAY)]},
        closed(day={"$ref": "#/$defs/Day", "description": "When."}) | {"$defs": {"Day": DAY}},
        closed(day={"$ref": "#/$defs/Night"}) | {"$defs": {"Day": DAY}},
        closed(day={"$ref": "https://example.org/day.json"}),
        closed(table=closed(day=DAY) | {"$defs": {"Day": DAY}}),
        closed(day=DAY) | {"$defs": {"Unused": {"type": "object"}}},
    ],
)
def test_a_choice_at_the_root_and_references_of_other_kinds_cannot(schema: dict[str, Any]) -> None:
    assert not can_be_strict(schema)


def test_what_holds_itself_cannot() -> None:
    later = {"anyOf": [{"$ref": "#/$defs/Stop"}, {"type": "null"}]}
    assert not can_be_strict(closed(first={"$ref": "#/$defs/Stop"}) | {"$defs": {"Stop": closed(then=later)}})


def test_definitions_that_refer_to_one_another_are_each_read_once() -> None:
    pair = [{"anyOf": [{"$ref": f"#/$defs/{n + 1}"}, {"$ref": f"#/$defs/{n + 1}"}]} for n in range(60)]
    definitions = {**{str(n): told for n, told in enumerate(pair)}, "60": DAY}
    assert can_be_strict(closed(day={"$ref": "#/$defs/0"}) | {"$defs": definitions})
