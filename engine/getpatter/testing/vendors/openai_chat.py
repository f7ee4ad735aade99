"""A server that speaks OpenAI's streaming chat completions, and those of vendors who have made them theirs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from getpatter.metering import Used
from getpatter.testing.vendors.model_server import Answer, ModelServer, cut

__all__ = ["Answer", "OpenAIServer"]

THINKING: Final = ("gpt-5.6", "gpt-6")
"""Models of these families think unless they are told not to, and then take no tools here."""


class OpenAIServer(ModelServer):
    """The first piece of an answer names the role, the next hold text and tool calls."""

    base = "/v1"
    models_path = "/models"
    opening = 1

    def __init__(self, *answers: Answer, key: str = "", model: str = "", usage_in: str = "usage") -> None:
        """`usage_in="x_groq"` puts the usage where Groq has it, into the last chunk of the reply itself."""
        super().__init__(*answers, key=key, model=model)
        self._usage_in = usage_in

    def key_in(self, headers: Mapping[str, str]) -> str:
        return headers.get("authorization", "").removeprefix("Bearer ")

    def model_in(self, path: str, body: Mapping[str, Any]) -> str | None:
        return str(body.get("model", "")) if path == "/chat/completions" else None

    def fault(self, headers: Mapping[str, str], body: Mapping[str, Any]) -> str:
        model = str(body.get("model", ""))
        if body.get("tools") and model.startswith(THINKING) and body.get("reasoning_effort") != "none":
            return f"Function tools with reasoning_effort are not supported for {model} in /v1/chat/completions."
        return ""

    def pieces(self, answer: Answer, model: str, body: Mapping[str, Any]) -> list[bytes]:
        common = {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1_700_000_000,
            "model": answer.served_as or model,
            "system_fingerprint": "fp_1",
        }
        chunks: list[dict[str, Any]] = [common | {"choices": [choice]} for choice in _choices(answer)]
        if answer.usage is not None:
            if self._usage_in == "x_groq":
                chunks[-1]["x_groq"] = {"id": "req_1", "usage": _usage(answer.usage)}
            elif (body.get("stream_options") or {}).get("include_usage"):
                chunks.append(common | {"choices": [], "usage": _usage(answer.usage)})
        return [*(_event(json.dumps(chunk)) for chunk in chunks), _event("[DONE]")]

    def error_event(self, error: Mapping[str, Any]) -> bytes:
        return _event(json.dumps({"error": dict(error)}))

    def error_body(self, status: int, error: Mapping[str, Any]) -> dict[str, Any]:
        return {"error": dict(error)}

    def wrong_key(self) -> Response:
        return self._refuse(401, "Incorrect API key provided.", "invalid_api_key")

    def unknown_model(self, model: str) -> Response:
        words = f"The model `{model}` does not exist or you do not have access to it."
        return self._refuse(404, words, "model_not_found")

    def models(self) -> dict[str, Any]:
        model = {"id": self.model or "m", "object": "model", "created": 1_700_000_000, "owned_by": "test"}
        return {"object": "list", "data": [model]}

    def _refuse(self, status: int, message: str, code: str) -> Response:
        return self.refusal(status, message=message, type="invalid_request_error", param=None, code=code)


def _event(data: str) -> bytes:
    return f"data: {data}\n\n".encode()


def _choices(answer: Answer) -> list[dict[str, Any]]:
    """The completion as OpenAI cuts it: the role, text, tool calls with their arguments, the reason."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "" if answer.text else None}]
    deltas += [{"reasoning": piece} for piece in cut(answer.thoughts)]
    deltas += [{"content": piece} for piece in cut(answer.text)]
    for index, call in enumerate(answer.tool_calls):
        function = {"name": call.name, "arguments": ""}
        deltas.append({"tool_calls": [{"index": index, "id": call.id, "type": "function", "function": function}]})
        for piece in cut(call.arguments):
            function = {"arguments": piece}
            deltas.append({"tool_calls": [{"index": index, "type": "function", "function": function}]})
    reason = answer.stop or ("tool_calls" if answer.tool_calls else "stop")
    ends: list[tuple[dict[str, Any], str | None]] = [*((delta, None) for delta in deltas), ({}, reason)]
    return [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": end} for delta, end in ends]


def _usage(usage: Used) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }
