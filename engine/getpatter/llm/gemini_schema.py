"""JSON Schema as Gemini takes it for the arguments of a function: a part of OpenAPI 3.0.

The fields are those of `Schema` in the official client `google-genai`; any other makes the API refuse the request.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

MAX_DEPTH: Final = 16
"""Deeper schemas are cut here."""
MAX_PARTS: Final = 2000
"""Larger ones are cut here, and those that references make large.  A judgement: a hundred tools have no more."""

_TYPES: Final = frozenset({"string", "number", "integer", "boolean", "array", "object"})
_FORMATS: Final = frozenset({"enum", "date-time", "int32", "int64", "float", "double"})
_NULL: Final = "null"

_Schema = Mapping[str, Any]
_NONE: Final[_Schema] = {}


def gemini_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema in Gemini's own words; what it cannot say is left out, so that it allows more and never less.

    References are resolved, but for those of a schema to itself.  `const` becomes an `enum`, and an `enum` of anything
    but texts a sentence of the description.  `null` among types becomes `nullable`.  What is no JSON Schema says
    nothing, since an exception would end every call of the agent that has the tool.
    """
    return _Translation(schema).of(schema)


class _Translation:
    """Of one schema, whose parts may refer to each other."""

    def __init__(self, root: _Schema) -> None:
        self._root = root
        self._left = MAX_PARTS

    def of(self, schema: object, above: frozenset[str] = frozenset(), depth: int = MAX_DEPTH) -> dict[str, Any]:
        """`above` are the references that led here."""
        if depth == 0:
            return {"type": "OBJECT"}
        whole, above = self._resolved(schema, above, depth)

        def inner(part: object) -> dict[str, Any]:
            return self.of(part, above, depth - 1)

        told = {name: whole[name] for name, fits in _AS_THEY_ARE.items() if name in whole and fits(whole[name])}
        told |= _alternatives(whole, inner)
        told |= _typed(whole, inner)
        choice = _choice(whole)
        if "enum" in choice:
            told.pop("anyOf", None)
        return told | choice

    def _resolved(self, schema: object, above: frozenset[str], depth: int) -> tuple[_Schema, frozenset[str]]:
        """With what `$ref` points to in its place and `allOf` as one schema; and the references on the way."""
        self._left -= 1
        if depth == 0 or self._left < 0 or not isinstance(schema, Mapping):
            return _NONE, above
        whole: _Schema = {name: value for name, value in schema.items() if name not in {"$ref", "allOf"}}
        for part in _listed(schema.get("allOf")):
            found, _ = self._resolved(part, above, depth - 1)
            whole = _merged(whole, found)
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference not in above:
            target, above = self._resolved(_target(reference, self._root), above | {reference}, depth - 1)
            whole = _merged(whole, target)
        return whole, above


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


_AS_THEY_ARE: Final[Mapping[str, Callable[[object], bool]]] = {
    **dict.fromkeys(("description", "pattern", "title"), _is_text),
    **dict.fromkeys(("maximum", "minimum"), _is_number),
    **dict.fromkeys(("maxItems", "maxLength", "maxProperties", "minItems", "minLength", "minProperties"), _is_count),
    "nullable": lambda value: isinstance(value, bool),
    "format": lambda value: isinstance(value, str) and value in _FORMATS,
}
"""Fields that Gemini has, too, and which values of them are of use."""


def _target(reference: str, root: _Schema) -> object:
    """What a JSON Pointer into the schema itself points to (RFC 6901); nothing for any other reference."""
    if not reference.startswith("#"):
        return None
    place: object = root
    for step in reference.removeprefix("#").split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        place = place.get(name) if isinstance(place, Mapping) else None
    return place


def _merged(one: _Schema, other: _Schema) -> _Schema:
    """Both hold; where they say different things of one field, the first does."""
    both = {**other, **one}
    if "properties" in one and "properties" in other:
        both["properties"] = {**_mapped(other["properties"]), **_mapped(one["properties"])}
    if "required" in one and "required" in other:
        both["required"] = [*_listed(one["required"]), *_listed(other["required"])]
    return both


def _typed(schema: _Schema, inner: Callable[[object], dict[str, Any]]) -> dict[str, Any]:
    """The type, and what belongs to values of it alone; several types are alternatives."""
    given = schema.get("type")
    named = [given] if isinstance(given, str) else _listed(given)
    types = [name for name in named if isinstance(name, str) and name in _TYPES]
    if not types and "properties" in schema:
        types = ["object"]
    told: dict[str, Any] = {"nullable": True} if _NULL in named else {}
    if len(types) > 1:
        return told | {"anyOf": [_of_type(name, schema, inner) for name in types]}
    return told | (_of_type(types[0], schema, inner) if types else {})


def _of_type(name: str, schema: _Schema, inner: Callable[[object], dict[str, Any]]) -> dict[str, Any]:
    told: dict[str, Any] = {"type": name.upper()}
    if name == "array":
        items = schema.get("items")
        told["items"] = inner(items) if isinstance(items, Mapping) else {"type": "STRING"}  # the API wants to know
    properties = _mapped(schema.get("properties"))
    if name == "object" and properties:
        told["properties"] = {str(one): inner(value) for one, value in properties.items()}
        required = [one for one in _listed(schema.get("required")) if isinstance(one, str) and one in properties]
        if required:
            told["required"] = list(dict.fromkeys(required))
    return told


def _alternatives(schema: _Schema, inner: Callable[[object], dict[str, Any]]) -> dict[str, Any]:
    options = [*_listed(schema.get("anyOf")), *_listed(schema.get("oneOf"))]
    real = [option for option in options if not (isinstance(option, Mapping) and option.get("type") == _NULL)]
    told: dict[str, Any] = {"nullable": True} if len(real) < len(options) else {}
    if len(real) == 1:
        only = inner(real[0])
        own = {name: value for name, value in only.items() if name not in schema}
        return own | told
    return told | {"anyOf": [inner(option) for option in real]} if real else told


def _choice(schema: _Schema) -> dict[str, Any]:
    """Of texts alone, and of none that is empty, as the API has it; what else there is to choose from is told in
    words."""
    values = [schema["const"]] if "const" in schema else _listed(schema.get("enum"))
    values = [value for value in values if value is not None]
    if not values:
        return {}
    if all(isinstance(value, str) and value for value in values):
        return {"type": "STRING", "enum": list(dict.fromkeys(values))}
    described = schema.get("description")
    allowed = f"One of {', '.join(_written(value) for value in values)}."
    return {"description": f"{described} {allowed}" if _is_text(described) and described else allowed}


def _written(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _listed(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _mapped(value: object) -> _Schema:
    return value if isinstance(value, Mapping) else _NONE
