"""Which schemas APIs can hold a model to while it writes a call's arguments.  No I/O.

Sources: OpenAI, "Structured Outputs", supported schemas, and Anthropic's "Strict tool use".  Only what both take is let
through: a request is refused as a whole for one schema that holds more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

MAX_DEPTH: Final = 5
"""Objects within objects that OpenAI took from the beginning."""

_KNOWN: Final = frozenset(
    {
        *("type", "description", "title", "enum", "const", "$ref", "$defs"),
        *("properties", "required", "additionalProperties", "items", "anyOf"),
    }
)


def can_be_strict(schema: Mapping[str, Any]) -> bool:
    """Whether every object says all its properties, requires them and lets nobody add any, and nothing else is asked
    that cannot be kept while words are chosen."""
    return schema.get("type") == "object" and _fits(schema, MAX_DEPTH)


def _fits(schema: object, depth: int) -> bool:
    if not isinstance(schema, Mapping) or not schema.keys() <= _KNOWN:
        return False
    properties = schema.get("properties") or {}
    if not isinstance(properties, Mapping):
        return False
    if schema.get("type") == "object" or properties:
        is_closed = schema.get("additionalProperties") is False
        if depth == 0 or not is_closed or set(schema.get("required") or ()) != set(properties):
            return False
        depth -= 1
    inner = [*properties.values(), *(schema.get("$defs") or {}).values(), *(schema.get("anyOf") or ())]
    return all(_fits(one, depth) for one in (*inner, *([schema["items"]] if "items" in schema else ())))
