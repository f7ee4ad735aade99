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
        nested(MAX_DEPTH + 1),
    ],
)
def test_what_leaves_anything_open_cannot(schema: dict[str, Any]) -> None:
    assert not can_be_strict(schema)
