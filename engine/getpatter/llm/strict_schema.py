"""Which schemas APIs can hold a model to while it writes a call's arguments.  No I/O.

Sources: OpenAI, "Structured Outputs", supported schemas, and Anthropic's "Strict tool use".  Only what both take is let
through: a request is refused as a whole for one schema that holds more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

MAX_DEPTH: Final = 5
"""Objects within objects that OpenAI took from the beginning."""

_UNFIT: Final = MAX_DEPTH + 1
_DEFINITIONS: Final = "#/$defs/"

_KNOWN: Final = frozenset(
    {
        *("type", "description", "title", "enum", "const", "$ref"),
        *("properties", "required", "additionalProperties", "items", "anyOf"),
    }
)


def can_be_strict(schema: Mapping[str, Any]) -> bool:
    """Whether every object says all its properties, requires them and lets nobody add any, every value says its type,
    and nothing else is asked that cannot be kept while words are chosen."""
    root = {name: told for name, told in schema.items() if name != "$defs"}
    definitions = schema.get("$defs") or {}
    if root.get("type") != "object" or "anyOf" in root or not isinstance(definitions, Mapping):
        return False
    depths = _Depths(definitions)
    return max(depths.of(root), *map(depths.of, definitions.values()), 0) < _UNFIT


class _Depths:
    """How many objects stand within one another in schemas that share definitions; `_UNFIT` or more where one cannot
    be strict."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions
        self._known: dict[str, int] = {}

    def of(self, schema: object) -> int:
        if not isinstance(schema, Mapping) or not schema.keys() <= _KNOWN:
            return _UNFIT
        if "$ref" in schema:
            # OpenAI refuses a reference with as much as a description beside it.
            return self._of_definition(schema["$ref"]) if len(schema) == 1 else _UNFIT
        types = _listed(schema.get("type"))
        inner = [*_listed(schema.get("anyOf")), *([schema["items"]] if "items" in schema else [])]
        if (not types and "anyOf" not in schema) or ("array" in types and "items" not in schema):
            return _UNFIT
        if "object" not in types and "properties" not in schema:
            return max(map(self.of, inner), default=0)
        if not _is_closed(schema):
            return _UNFIT
        return 1 + max(map(self.of, [*inner, *schema.get("properties", {}).values()]), default=0)

    def _of_definition(self, reference: object) -> int:
        name = str(reference).removeprefix(_DEFINITIONS)
        if name == reference or name not in self._definitions:
            return _UNFIT
        if name not in self._known:
            self._known[name] = _UNFIT  # as long as it is not known: Anthropic takes none that holds itself
            self._known[name] = self.of(self._definitions[name])
        return self._known[name]


def _is_closed(schema: Mapping[str, Any]) -> bool:
    properties, required = schema.get("properties", {}), _listed(schema.get("required"))
    if not isinstance(properties, Mapping) or schema.get("additionalProperties") is not False:
        return False
    return len(required) == len(properties) and all(name in required for name in properties)


def _listed(told: object) -> list[Any]:
    """What a keyword lists; a type may stand alone."""
    if isinstance(told, (list, tuple)):
        return list(told)
    return [told] if isinstance(told, str) else []
