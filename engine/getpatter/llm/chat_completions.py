"""The wire format of OpenAI's streaming chat completions, as many servers speak it: no I/O.

Reference: https://platform.openai.com/docs/api-reference/chat/streaming.  What servers do differently is let pass
where the meaning is clear: tool calls without an index or id, usage in every chunk, nulls for absent fields.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from getpatter.llm.base import Message, ReplyPart, TextDelta, ToolCall, ToolSpec
from getpatter.metering import UNKNOWN, Product, Used


def request_body(
    model: str, messages: Sequence[Message], tools: Sequence[ToolSpec], *, temperature: float | None = None
) -> dict[str, Any]:
    """The JSON object to post."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [_message(message) for message in messages],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if tools:
        body["tools"] = [_tool(tool) for tool in tools]
    if temperature is not None:
        body["temperature"] = temperature
    return body


def _message(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.tool_call_id, "content": message.content}
    if message.tool_calls:
        calls = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
        return {"role": message.role, "content": message.content or None, "tool_calls": calls}
    return {"role": message.role, "content": message.content}


def _tool(tool: ToolSpec) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    return {"type": "function", "function": function}


class _Function(msgspec.Struct, frozen=True):
    name: str | None = None
    arguments: str | None = None


class _CallPiece(msgspec.Struct, frozen=True):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Delta(msgspec.Struct, frozen=True):
    content: str | None = None
    tool_calls: list[_CallPiece] | None = None


class _Choice(msgspec.Struct, frozen=True):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _PromptDetails(msgspec.Struct, frozen=True):
    cached_tokens: int | None = None


class _Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None


class _Chunk(msgspec.Struct, frozen=True):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: Any = None


_decode = msgspec.json.Decoder(_Chunk).decode


class StreamError(Exception):
    """The server reported an error, or something that is no chunk, inside the stream."""


@dataclass(slots=True)
class _OpenCall:
    index: int | None
    id: str
    name: str = ""
    arguments: str = ""

    def closed(self) -> ToolCall:
        return ToolCall(self.id or f"call_{uuid.uuid4().hex}", self.name, self.arguments or "{}")


class ReplyAssembler:
    """Turns the chunks of one streamed completion into reply parts: text at once, tool calls and usage when whole."""

    def __init__(self, product: Product = UNKNOWN) -> None:
        self._product = product
        self._calls: list[_OpenCall] = []
        self._usage: _Usage | None = None
        self.began = False
        """The model has begun to write: text or a tool call."""
        self.finished = False
        """The model said that it is done; usage may still follow."""

    def feed(self, data: str) -> list[ReplyPart]:
        """The parts that one event's `data` completes.  Raises `StreamError`."""
        try:
            chunk = _decode(data)
        except msgspec.MsgspecError as broken:
            raise StreamError(f"what came is no completion chunk: {broken}") from None
        if chunk.error:
            raise StreamError(error_text(chunk.error))
        self._usage = chunk.usage or self._usage
        parts: list[ReplyPart] = []
        for choice in chunk.choices or ():
            if choice.delta is not None:
                parts += self._take(choice.delta)
            if choice.finish_reason:
                self.finished = True
                parts += self._close_calls()
        return parts

    def close(self) -> list[ReplyPart]:
        """What is left when the stream is over."""
        usage = self._usage
        self._usage = None
        if usage is None:
            return self._close_calls()
        cached = usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else None
        used = Used(
            self._product,
            input_tokens=usage.prompt_tokens or 0,
            output_tokens=usage.completion_tokens or 0,
            cached_tokens=cached or 0,
        )
        return [*self._close_calls(), used]

    def _take(self, delta: _Delta) -> list[ReplyPart]:
        for piece in delta.tool_calls or ():
            self.began = True
            self._add(piece)
        if not delta.content:
            return []
        self.began = True
        return [TextDelta(delta.content)]

    def _add(self, piece: _CallPiece) -> None:
        call = self._find(piece)
        if call is None:
            call = _OpenCall(piece.index, piece.id or "")
            self._calls.append(call)
        call.id = call.id or piece.id or ""
        if piece.function is not None:
            call.name = call.name or piece.function.name or ""
            call.arguments += piece.function.arguments or ""

    def _find(self, piece: _CallPiece) -> _OpenCall | None:
        """The open call that a piece goes on with.  Some servers give every call index 0 or none, so an id that is
        new begins a new call, and without index and id a name does."""
        if piece.index is None and not piece.id:
            named = piece.function is not None and piece.function.name
            return None if named or not self._calls else self._calls[-1]
        for call in reversed(self._calls):
            same_index = piece.index is None or call.index == piece.index
            if same_index and (not piece.id or not call.id or call.id == piece.id):
                return call
        return None

    def _close_calls(self) -> list[ReplyPart]:
        calls, self._calls = self._calls, []
        return [call.closed() for call in calls if call.name]


def error_text(error: object) -> str:
    """The words in a server's error object, which is a string or `{"message": ..., "code": ...}`."""
    if isinstance(error, dict):
        return str(error.get("message") or error.get("code") or error.get("type") or "an error without words")
    return str(error)
