"""A server that speaks Gemini's `streamGenerateContent`, as server-sent events."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, Response

from getpatter.metering import Used
from getpatter.testing.vendors.model_server import Answer, ModelServer, cut

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
_PATH = re.compile(r"/models/(?P<model>[^/:]+):streamGenerateContent")
SCHEMA_FIELDS = frozenset(
    {"anyOf", "default", "description", "enum", "example", "format", "items", "maxItems", "maxLength", "maxProperties"}
    | {"maximum", "minItems", "minLength", "minProperties", "minimum", "nullable", "pattern", "properties"}
    | {"propertyOrdering", "required", "title", "type"}
)
"""Those of `Schema` that the Gemini API knows."""


class GoogleServer(ModelServer):
    """Refuses what the API refuses: turns that do not begin with the user's, fields of a schema that it does not know,
    and, with a model since Gemini 3, calls of functions that have no signature."""

    base = "/v1"
    models_path = "/models"
    opening = 0

    def key_in(self, headers: Mapping[str, str]) -> str:
        return headers.get("x-goog-api-key", "") or headers.get("authorization", "").removeprefix("Bearer ")

    def model_in(self, path: str, body: Mapping[str, Any]) -> str | None:
        found = _PATH.fullmatch(path)
        return found["model"] if found else None

    def pieces(self, answer: Answer, model: str, body: Mapping[str, Any]) -> list[bytes]:
        parts: list[dict[str, Any]] = [{"text": piece, "thought": True} for piece in cut(answer.thoughts)]
        parts += [{"text": piece} for piece in cut(answer.text)]
        calls = [
            {"functionCall": {"id": call.id, "name": call.name, "args": json.loads(call.arguments)}}
            | ({"thoughtSignature": call.signature} if call.signature else {})
            for call in answer.tool_calls
        ]
        contents = [[part] for part in parts] + ([calls] if calls else [])
        chunks = [self._chunk(answer, model, {"content": {"role": "model", "parts": some}}) for some in contents]
        end = {"content": {"role": "model", "parts": [{"text": ""}]}, "finishReason": answer.stop or "STOP"}
        chunks.append(self._chunk(answer, model, end))
        return [_event(chunk) for chunk in chunks]

    def error_event(self, error: Mapping[str, Any]) -> bytes:
        return _event(self.error_body(503, {"message": "The model is overloaded.", **error}))

    def error_body(self, status: int, error: Mapping[str, Any]) -> dict[str, Any]:
        return {"error": {"code": status, "status": _STATUS.get(status, "UNKNOWN"), **error}}

    def wrong_key(self) -> Response:
        info = {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "API_KEY_INVALID",
            "domain": "googleapis.com",
            "metadata": {"service": "generativelanguage.googleapis.com"},
        }
        message = "API key not valid. Please pass a valid API key."
        return JSONResponse(self.error_body(400, {"message": message, "details": [info]}), 400)

    def unknown_model(self, model: str) -> Response:
        return self.refusal(404, message=f"models/{model} is not found for API version v1")

    def models(self) -> dict[str, Any]:
        return {"models": [{"name": f"models/{self.model or 'm'}", "displayName": "M"}]}

    def fault(self, headers: Mapping[str, str], body: Mapping[str, Any]) -> str:
        contents = body.get("contents", [])
        if not contents or contents[0].get("role") != "user":
            return "Please ensure that function call turn comes immediately after a user turn."
        declared = [one for tool in body.get("tools", []) for one in tool.get("functionDeclarations", [])]
        for number, one in enumerate(declared):
            if unknown := _unknown_fields(one.get("parameters", {})):
                return f"Unknown name \"{unknown}\" at 'tools[0].function_declarations[{number}].parameters'"
        if self.model.startswith("gemini-3"):
            for content in contents:
                first = next((part for part in content["parts"] if "functionCall" in part), None)
                if first is not None and not first.get("thoughtSignature"):
                    return "Function call is missing a thought_signature in functionCall parts."
        return ""

    def _chunk(self, answer: Answer, model: str, candidate: dict[str, Any]) -> dict[str, Any]:
        """One chunk; each tells what was used so far."""
        told = {"usageMetadata": _usage(answer.usage)} if answer.usage is not None else {}
        return {"candidates": [{"index": 0, **candidate}], "modelVersion": answer.served_as or model, **told}


def _event(data: Mapping[str, Any]) -> bytes:
    return f"data: {json.dumps(data)}\r\n\r\n".encode()


def _usage(usage: Used) -> dict[str, Any]:
    return {
        "promptTokenCount": usage.input_tokens,
        "candidatesTokenCount": usage.output_tokens,
        "cachedContentTokenCount": usage.cached_tokens,
        "totalTokenCount": usage.input_tokens + usage.output_tokens,
    }


def _unknown_fields(schema: Mapping[str, Any]) -> str:
    """The first field that the API does not know, in a schema or in one inside."""
    for name in schema:
        if name not in SCHEMA_FIELDS:
            return name
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", [])]
    inner += [schema["items"]] if "items" in schema else []
    return next((unknown for one in inner if (unknown := _unknown_fields(one))), "")
