"""A server that speaks Anthropic's Messages API, streamed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from getpatter.metering import UNKNOWN, Used
from getpatter.testing.vendors.model_server import Answer, ModelServer, cut

VERSIONS = ("2023-06-01", "2026-10-21")
SIGNATURE = "EqQBCgIYAhIM"
"""Of all thoughts."""
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}


class AnthropicServer(ModelServer):
    """Refuses what the API refuses: a request without version or limit, one with sampling parameters in the version
    that has none, one that ends with the assistant's turn, an empty text, a tool that was used and has no result, and,
    where `thinking` is enabled, the use of a tool without the thought before it.
    The key may come in either header: the official client sends a bearer token, the documentation shows `x-api-key`.
    """

    models_path = "/v1/models"
    opening = 3

    def key_in(self, headers: Mapping[str, str]) -> str:
        return headers.get("authorization", "").removeprefix("Bearer ") or headers.get("x-api-key", "")

    def model_in(self, path: str, body: Mapping[str, Any]) -> str | None:
        return str(body.get("model", "")) if path == "/v1/messages" else None

    def pieces(self, answer: Answer, model: str, body: Mapping[str, Any]) -> list[bytes]:
        usage = answer.usage or Used(UNKNOWN)
        begun: dict[str, Any] = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": answer.served_as or model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": _input(usage) | {"output_tokens": 1},
        }
        events: list[dict[str, Any]] = [{"type": "message_start", "message": begun}]
        for index, (block, deltas) in enumerate(_blocks(answer)):
            events.append({"type": "content_block_start", "index": index, "content_block": block})
            if index == 0:
                events.append({"type": "ping"})
            events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
            events.append({"type": "content_block_stop", "index": index})
        reason = answer.stop or ("tool_use" if answer.tool_calls else "end_turn")
        delta = {"stop_reason": reason, "stop_sequence": None}
        events.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": usage.output_tokens}})
        events.append({"type": "message_stop"})
        return [_event(event) for event in events]

    def error_event(self, error: Mapping[str, Any]) -> bytes:
        return _event({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded", **error}})

    def error_body(self, status: int, error: Mapping[str, Any]) -> dict[str, Any]:
        return {"type": "error", "error": {"type": _TYPES.get(status, "api_error"), **error}, "request_id": "req_1"}

    def wrong_key(self) -> Response:
        return self.refusal(401, message="invalid x-api-key")

    def unknown_model(self, model: str) -> Response:
        return self.refusal(404, message=f"model: {model}")

    def fault(self, headers: Mapping[str, str], body: Mapping[str, Any]) -> str:
        version = headers.get("anthropic-version", "")
        if version not in VERSIONS:
            return "anthropic-version: header is required"
        if version == VERSIONS[-1] and (removed := sorted(body.keys() & {"temperature", "top_p", "top_k"})):
            return f"{removed[0]}: Extra inputs are not permitted"
        if not isinstance(body.get("max_tokens"), int):
            return "max_tokens: Field required"
        thinks = body.get("thinking", {}).get("type") == "enabled"
        return _fault(body["messages"]) or (_thoughtless(body["messages"]) if thinks else "")

    def models(self) -> dict[str, Any]:
        model = {"type": "model", "id": self.model or "m", "display_name": "M", "created_at": "2025-10-01T00:00:00Z"}
        return {"data": [model], "has_more": False, "first_id": model["id"], "last_id": model["id"]}


def _event(event: Mapping[str, Any]) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def _blocks(answer: Answer) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Each block of the message as it begins, and its deltas."""
    blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    if answer.thoughts:
        thoughts = [{"type": "thinking_delta", "thinking": piece} for piece in cut(answer.thoughts)]
        signature = {"type": "signature_delta", "signature": SIGNATURE}
        blocks.append(({"type": "thinking", "thinking": "", "signature": ""}, [*thoughts, signature]))
    if answer.text:
        blocks.append(({"type": "text", "text": ""}, [{"type": "text_delta", "text": one} for one in cut(answer.text)]))
    for call in answer.tool_calls:
        pieces = [{"type": "input_json_delta", "partial_json": piece} for piece in ["", *cut(call.arguments)]]
        blocks.append(({"type": "tool_use", "id": call.id, "name": call.name, "input": {}}, pieces))
    return blocks


def _input(usage: Used) -> dict[str, int]:
    """Anthropic counts cached tokens apart."""
    return {
        "input_tokens": usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
        "cache_creation_input_tokens": usage.cache_write_tokens,
    }


def _fault(messages: list[dict[str, Any]]) -> str:
    """What is wrong with the turns, in the API's words."""
    if not messages:
        return "messages: at least one message is required"
    if messages[-1]["role"] != "user":
        return "This model does not support assistant message prefill."
    used: list[str] = []
    for number, message in enumerate(messages):
        blocks = message["content"]
        if any(block["type"] == "text" and not block["text"].strip() for block in blocks):
            return f"messages.{number}: text content blocks must be non-empty"
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        if results != used:
            return f"messages.{number}: `tool_use` ids were found without `tool_result` blocks immediately after"
        used = [block["id"] for block in blocks if block["type"] == "tool_use"]
    return ""


def _thoughtless(messages: list[dict[str, Any]]) -> str:
    """What is wrong with the thoughts, in the API's words: the use of tools that was answered last must begin with
    one, as it was given."""
    for number in range(len(messages) - 1, -1, -1):
        blocks = messages[number]["content"]
        if messages[number]["role"] != "assistant" or all(block["type"] != "tool_use" for block in blocks):
            continue
        first = blocks[0]
        if first["type"] not in ("thinking", "redacted_thinking"):
            return (
                f"messages.{number}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`."
            )
        if first["type"] == "thinking" and first.get("signature") != SIGNATURE:
            return f"messages.{number}.content.0: Invalid `signature` in `thinking` block"
        return ""
    return ""
