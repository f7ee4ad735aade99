"""JSON schemas of a tool's arguments, and arguments held to them.  No I/O: a schema's references are never fetched."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import jsonschema
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from pydantic import ConfigDict, Field, ValidationError, create_model
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaWarningKind
from referencing import Registry
from referencing.exceptions import Unresolvable

from getpatter.errors import ConfigurationError, InvalidRequest

MAX_COMPLAINTS = 5
"""Faults of one set of arguments that the model is told at once."""

NO_ARGUMENTS: Mapping[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}


class Arguments(Protocol):
    """What a tool takes."""

    @property
    def schema(self) -> Mapping[str, Any]:
        """The JSON schema that the model is told."""

    def parse(self, text: str) -> dict[str, Any]:
        """The values in JSON text as the model wrote it; raises `InvalidRequest`, whose text is for the model."""


class SchemaArguments:
    """Arguments described by a JSON schema that somebody else wrote."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """Raises `ConfigurationError` for a schema that is none, or that describes no object."""
        if schema.get("type") != "object":
            raise ConfigurationError('The parameters of a tool are a JSON schema of `"type": "object"`.')
        kind: type[Validator] = validator_for(schema, default=jsonschema.Draft202012Validator)
        try:
            kind.check_schema(dict(schema))
        except jsonschema.SchemaError as error:
            raise ConfigurationError(f"The parameters of a tool are no JSON schema: {error.message}") from None
        self.schema = schema
        # Without a registry of its own, jsonschema would fetch references over the network.
        self._validator = kind(schema, registry=Registry())

    def parse(self, text: str) -> dict[str, Any]:
        values = _json_object(text)
        try:
            faults = sorted(self._validator.iter_errors(values), key=lambda fault: fault.json_path)
        except Unresolvable as error:
            raise InvalidRequest(f"The tool's own schema refers to something missing: {error.ref}") from None
        if faults:
            raise _invalid((".".join(str(part) for part in fault.absolute_path), fault.message) for fault in faults)
        return values


class SignatureArguments:
    """Arguments described by the parameters of a function, with types that pydantic knows."""

    def __init__(
        self,
        parameters: Iterable[inspect.Parameter],
        descriptions: Mapping[str, str],
        *,
        strict: bool = False,
        schema: Mapping[str, Any] | None = None,
    ) -> None:
        """`descriptions` are by parameter; `schema`, where given, is told to the model instead of our own.

        Raises `ConfigurationError` for a type that JSON cannot carry.
        """
        self._names: dict[str, str] = {}
        fields: dict[str, Any] = {}
        for position, parameter in enumerate(parameters):
            # Under names of our own a parameter may be called like a method of pydantic's models, or `_id`.
            field = f"p{position}"
            self._names[field] = parameter.name
            fields[field] = _field(parameter, descriptions.get(parameter.name))
        try:
            self._model = create_model("Arguments", __config__=ConfigDict(extra="forbid"), **fields)
            own = self._model.model_json_schema(by_alias=True, schema_generator=_Schema)
        except PydanticUserError as error:
            raise ConfigurationError(f"A parameter has a type that JSON cannot carry: {error.message}") from None
        own.pop("title", None)
        self.schema: Mapping[str, Any] = schema or (_strict(own) if strict else own)

    def parse(self, text: str) -> dict[str, Any]:
        """Values with the types of the parameters; those that the model left out are absent."""
        try:
            model = self._model.model_validate_json(text.strip() or "{}")
        except ValidationError as error:
            faults = error.errors(include_url=False, include_input=False, include_context=False)
            raise _invalid((".".join(str(part) for part in fault["loc"]), fault["msg"]) for fault in faults) from None
        return {self._names[field]: value for field, value in model if field in model.model_fields_set}


def _json_object(text: str) -> dict[str, Any]:
    try:
        values = json.loads(text.strip() or "{}")
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"The arguments are no JSON: {error}.") from None
    if not isinstance(values, dict):
        raise InvalidRequest("The arguments must be one JSON object.")
    return values


def _invalid(faults: Iterable[tuple[str, str]]) -> InvalidRequest:
    told = [f"{where}: {what}" if where else what for where, what in faults]
    more = f" (and {len(told) - MAX_COMPLAINTS} more)" if len(told) > MAX_COMPLAINTS else ""
    return InvalidRequest(f"The arguments cannot be used. {'; '.join(told[:MAX_COMPLAINTS])}{more}.")


def _field(parameter: inspect.Parameter, description: str | None) -> tuple[Any, Any]:
    annotation = Any if parameter.annotation is parameter.empty else parameter.annotation
    default = ... if parameter.default is parameter.empty else parameter.default
    return annotation, Field(default, alias=parameter.name, description=description)


class _Schema(GenerateJsonSchema):
    """Without the titles that only repeat names: the model pays for every word of a schema."""

    ignored_warning_kinds: set[JsonSchemaWarningKind] = {  # noqa: RUF012 -- pydantic declares it so
        "skipped-choice",
        "non-serializable-default",
    }

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _strict(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema as "structured outputs" demand it: every property required, none added, no defaults.

    Source: OpenAI, "Function calling", strict mode.
    """
    strict = {key: value for key, value in schema.items() if key != "default"}
    for key in ("properties", "$defs"):
        if key in schema:
            strict[key] = {name: _strict(inner) for name, inner in schema[key].items()}
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        if key in schema:
            strict[key] = [_strict(inner) for inner in schema[key]]
    if isinstance(schema.get("items"), dict):
        strict["items"] = _strict(schema["items"])
    if schema.get("type") == "object" and "properties" in schema:
        strict |= {"required": list(schema["properties"]), "additionalProperties": False}
    return strict
