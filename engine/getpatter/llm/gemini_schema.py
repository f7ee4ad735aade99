"""JSON Schema as Gemini takes it for the arguments of a function: a part of OpenAPI 3.0.

The fields are those of `Schema` in the official client `google-genai`; any other makes the API refuse the request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

MAX_DEPTH: Final = 16
"""Deeper schemas are cut here."""

_AS_THEY_ARE: Final = frozenset(
    {"description", "example", "maximum", "maxItems", "maxLength", "maxProperties", "minimum", "minItems", "minLength"}
    | {"minProperties", "nullable", "pattern", "required", "title"}
)
_FORMATS: Final = frozenset({"enum", "date-time", "int32", "int64", "float", "double"})
_NO_TYPE: Final = "null"


def gemini_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema in Gemini's own words; what it cannot say is left out, so that it allows more and never less.

    References are resolved, but for those of a schema to itself.  `const` becomes an `enum`, and an `enum` of anything
    but texts a sentence of the description.  `null` among types becomes `nullable`.
    """
    return _translated(schema, {**schema.get("$defs", {}), **schema.get("definitions", {})}, MAX_DEPTH)


def _translated(schema: Mapping[str, Any], known: Mapping[str, Any], depth: int) -> dict[str, Any]:
    if depth == 0:
        return {"type": "OBJECT"}
    name = _referred(schema)
    schema = _resolved(schema, known)
    known = {other: one for other, one in known.items() if other != name}
    told = {name: value for name, value in schema.items() if name in _AS_THEY_ARE}
    if schema.get("format") in _FORMATS:
        told["format"] = schema["format"]
    told |= _alternatives(schema, known, depth) | _typed(schema) | _choice(schema)
    if isinstance(items := schema.get("items"), Mapping):
        told["items"] = _translated(items, known, depth - 1)
    elif told.get("type") == "ARRAY":
        told["items"] = {"type": "STRING"}  # the API wants to know
    if properties := schema.get("properties"):
        told["properties"] = {name: _translated(one, known, depth - 1) for name, one in properties.items()}
        told["required"] = [name for name in schema.get("required", ()) if name in properties]
    if not told.get("required"):
        told.pop("required", None)
    return told


def _resolved(schema: Mapping[str, Any], known: Mapping[str, Any]) -> Mapping[str, Any]:
    """With what `$ref` points to in its place, and the parts of an `allOf` as one."""
    if name := _referred(schema):
        rest = {field: value for field, value in schema.items() if field != "$ref"}
        schema = {**known.get(name, {}), **rest}
    parts = schema.get("allOf", ())
    if not parts:
        return schema
    whole: dict[str, Any] = {name: value for name, value in schema.items() if name != "allOf"}
    for part in parts:
        found = _resolved(part, known)
        properties = {**whole.get("properties", {}), **found.get("properties", {})}
        required = [*whole.get("required", ()), *found.get("required", ())]
        whole = {**found, **whole, "properties": properties, "required": required}
    return whole


def _referred(schema: Mapping[str, Any]) -> str:
    """The name of the definition that a schema refers to."""
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _typed(schema: Mapping[str, Any]) -> dict[str, Any]:
    types = schema.get("type", ())
    named = [types] if isinstance(types, str) else list(types)
    real = [name for name in named if name != _NO_TYPE]
    told: dict[str, Any] = {"nullable": True} if len(real) < len(named) else {}
    if len(real) > 1:
        told["anyOf"] = [{"type": name.upper()} for name in real]
    elif real:
        told["type"] = real[0].upper()
    elif "properties" in schema:
        told["type"] = "OBJECT"
    return told


def _alternatives(schema: Mapping[str, Any], known: Mapping[str, Any], depth: int) -> dict[str, Any]:
    options = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    real = [option for option in options if option.get("type") != _NO_TYPE]
    told: dict[str, Any] = {"nullable": True} if len(real) < len(options) else {}
    if len(real) == 1:
        return _translated(real[0], known, depth - 1) | told
    return told | {"anyOf": [_translated(option, known, depth - 1) for option in real]} if real else told


def _choice(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Of texts alone, as the API has it; what else there is to choose from is told in words."""
    values = [schema["const"]] if "const" in schema else list(schema.get("enum", ()))
    values = [value for value in values if value is not None]
    if not values:
        return {}
    if all(isinstance(value, str) for value in values):
        return {"type": "STRING", "enum": values}
    allowed = f"One of {', '.join(map(str, values))}."
    return {"description": f"{schema.get('description', '')} {allowed}".strip()}
