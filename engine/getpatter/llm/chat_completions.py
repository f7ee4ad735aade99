"""The wire format of OpenAI's streaming chat completions, as many servers speak it: no I/O.

Reference: https://platform.openai.com/docs/api-reference/chat/streaming.  What servers do differently is let pass
where the meaning is clear: tool calls without an index or id, usage in every chunk, nulls for absent fields, words in
parts.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from pydantic import SecretStr

from getpatter.connections.http import HttpRequest
from getpatter.connections.sse import ServerSentEvent
from getpatter.llm.base import Message, ReplyPart, TextDelta, ToolCall, ToolSpec
from getpatter.llm.calls import arguments_of, arguments_text, call_id, call_name
from getpatter.llm.dialect import StreamError, too_early
from getpatter.llm.options import Chosen
from getpatter.llm.session import Session
from getpatter.llm.strict_schema import can_be_strict
from getpatter.llm.thoughts import Thoughts
from getpatter.llm.tokens import count, used_tokens
from getpatter.metering import UNKNOWN, Product
from getpatter.models.matching import longest_prefix


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatCompletions:
    """The dialect of one model on one server."""

    url: str
    """The API's base, without a slash at its end."""
    product: Product
    key: SecretStr = field(default_factory=lambda: SecretStr(""))
    options: Chosen = field(default_factory=Chosen)
    limit_field: str = "max_tokens"
    """What the server calls the longest reply: OpenAI's reasoning models know `max_completion_tokens` alone, and many
    other servers `max_tokens` alone."""
    efforts: Mapping[str, str] = field(default_factory=dict)
    """How much models think, by their names, where the user does not say."""
    strict_tools: bool = False
    """The server can hold a model to a tool's schema; many others refuse a request that asks for it."""
    session: Session | None = None

    @property
    def models_url(self) -> str:
        return f"{self.url}/models"

    def headers(self) -> Mapping[str, str]:
        key = self.key.get_secret_value()
        own = {"Accept": "text/event-stream"} | ({"Authorization": f"Bearer {key}"} if key else {})
        return {**own, **self.options.extra_headers}

    def request(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> HttpRequest:
        headers = {**self.headers(), **(self.session.headers if self.session is not None else {})}
        return HttpRequest(url=f"{self.url}/chat/completions", headers=headers, json=self.body(messages, tools))

    def assembler(self) -> ReplyAssembler:
        return ReplyAssembler(self.product)

    def body(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> dict[str, Any]:
        """The JSON object to post."""
        chosen = self.options
        asked = {
            "tools": [_tool(tool, strict=self.strict_tools and tool.strict) for tool in tools] or None,
            "temperature": chosen.temperature,
            "top_p": chosen.top_p,
            self.limit_field: chosen.max_tokens,
            "reasoning_effort": chosen.reasoning_effort or self._effort,
            "user": (self.session.user if self.session is not None else "") or None,
        }
        return {
            "model": self.product.model,
            "messages": [_message(message) for message in messages],
            "stream": True,
            "stream_options": {"include_usage": True},
            **{name: value for name, value in asked.items() if value is not None},
            **chosen.extra_body,
        }

    @property
    def _effort(self) -> str | None:
        known = longest_prefix(self.product.model, self.efforts)
        return None if known is None else self.efforts[known]


def _message(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": call_id(message.tool_call_id), "content": message.content}
    if message.tool_calls:
        calls = [_call(call) for call in message.tool_calls]
        return {"role": message.role, "content": message.content or None, "tool_calls": calls}
    return {"role": message.role, "content": message.content}


def _call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call_name(call.name), "arguments": arguments_text(call.arguments)}
    return {"id": call_id(call.id), "type": "function", "function": function}


def _tool(tool: ToolSpec, *, strict: bool) -> dict[str, Any]:
    function: dict[str, Any] = {
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
    }
    if strict and can_be_strict(tool.parameters):
        function["strict"] = True
    return {"type": "function", "function": function}


class _Function(msgspec.Struct, frozen=True):
    name: str | None = None
    arguments: str | dict[str, Any] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.arguments, dict):
            return json.dumps(self.arguments, ensure_ascii=False)
        return self.arguments or ""


class _CallPiece(msgspec.Struct, frozen=True):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Delta(msgspec.Struct, frozen=True):
    content: str | list[Any] | None = None
    refusal: str | None = None
    """Words, too: in their place the model says why it will not answer."""
    tool_calls: list[_CallPiece] | None = None


class _Choice(msgspec.Struct, frozen=True):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _XGroq(msgspec.Struct, frozen=True):
    usage: Any = None
    error: Any = None


class _Chunk(msgspec.Struct, frozen=True):
    model: Any = None
    choices: list[_Choice] | None = None
    usage: Any = None
    error: Any = None
    x_groq: _XGroq | None = None
    """Groq's own place for what others have in `usage` and `error`."""


_NO_GROQ: Final = _XGroq()
_MUTE_ENDS = frozenset({"length", "content_filter", "tool_calls"})
"""Reasons with which a model ends, by which it should have given something before."""

_decode = msgspec.json.Decoder(_Chunk).decode


@dataclass(slots=True)
class _OpenCall:
    index: int | None
    id: str
    name: str = ""
    arguments: str = ""

    def is_before(self, name: str) -> bool:
        """A piece with this name, of which nothing else is known, begins the next call."""
        return bool(self.name) and (name != self.name or bool(arguments_of(self.arguments)) or self.arguments == "{}")

    def closed(self) -> ToolCall:
        return ToolCall(self.id or f"call_{uuid.uuid4().hex}", self.name, self.arguments or "{}")


class ReplyAssembler:
    """Turns the chunks of one streamed completion into reply parts: text at once, tool calls and usage when whole."""

    def __init__(self, product: Product = UNKNOWN) -> None:
        self._product = product
        self._calls: list[_OpenCall] = []
        self._usage: Any = None
        self._served: Any = ""
        self._thoughts = Thoughts()
        self._gave = False
        self.written = 0
        """Characters of text and of tool calls."""
        self.finished = False
        """The model said that it is done; usage may still follow."""
        self.over = False

    def feed(self, event: ServerSentEvent) -> list[ReplyPart]:
        """The parts that one event completes.  Raises `StreamError`."""
        if self.over or event.data.strip() == "[DONE]":
            self.finished = self.over = True
            return []
        try:
            chunk = _decode(event.data)
        except msgspec.MsgspecError as broken:
            raise StreamError(f"what came is no completion chunk: {broken}") from None
        groq = chunk.x_groq or _NO_GROQ
        if error := chunk.error or groq.error:
            raise StreamError(error_text(error))
        self._usage = chunk.usage or groq.usage or self._usage
        self._served = chunk.model or self._served
        parts: list[ReplyPart] = []
        for choice in chunk.choices or ():
            if choice.delta is not None:
                parts += self._take(choice.delta)
            if choice.finish_reason:
                parts += self._end(choice.finish_reason)
        self._gave = self._gave or bool(parts)
        return parts

    def close(self) -> list[ReplyPart]:
        """What is left when the stream is over."""
        usage, self._usage = self._usage, None
        used = used_tokens(
            self._product,
            self._served,
            count(usage, "prompt_tokens"),
            count(usage, "completion_tokens"),
            cached=count(usage, "prompt_tokens_details", "cached_tokens") or 0,
            cache_write=count(usage, "prompt_tokens_details", "cache_write_tokens") or 0,
        )
        return [*self._rest(), *used]

    def _take(self, delta: _Delta) -> list[ReplyPart]:
        for piece in delta.tool_calls or ():
            self._add(piece)
        return self._say(self._thoughts.spoken(_words(delta.content)) + (delta.refusal or ""))

    def _say(self, text: str) -> list[ReplyPart]:
        self.written += len(text)
        return [TextDelta(text)] if text else []

    def _end(self, reason: str) -> list[ReplyPart]:
        self.finished = True
        parts = self._rest()
        if reason in _MUTE_ENDS and not parts and not self._gave:
            raise too_early(reason, retryable=reason == "tool_calls")
        return parts

    def _rest(self) -> list[ReplyPart]:
        return [*self._say(self._thoughts.rest()), *self._close_calls()]

    def _add(self, piece: _CallPiece) -> None:
        call = self._find(piece)
        if call is None:
            call = _OpenCall(piece.index, piece.id or "")
            self._calls.append(call)
        call.id = call.id or piece.id or ""
        if piece.function is not None:
            call.name = call.name or piece.function.name or ""
            call.arguments += piece.function.text
            self.written += len(piece.function.name or "") + len(piece.function.text)

    def _find(self, piece: _CallPiece) -> _OpenCall | None:
        """The open call that a piece goes on with.  Some servers give every call index 0 or none, and some every piece
        an id of its own, so what begins a new call is a name: with an id that is new, or where nothing else tells it
        from a call that is complete."""
        name = (piece.function.name if piece.function is not None else "") or ""
        if piece.index is None and not piece.id:
            return None if name or not self._calls else self._calls[-1]
        for call in reversed(self._calls):
            if piece.index is not None and call.index != piece.index:
                continue
            if not name or (call.id == piece.id if piece.id and call.id else not call.is_before(name)):
                return call
        return None

    def _close_calls(self) -> list[ReplyPart]:
        calls, self._calls = self._calls, []
        return [call.closed() for call in calls if call.name]


def _words(content: str | list[Any] | None) -> str:
    """Some servers write parts, of which those of the type `text` are the words."""
    if not isinstance(content, list):
        return content or ""
    texts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
    return "".join(text for text in texts if isinstance(text, str))


def error_text(error: object) -> str:
    """The words in a server's error object, which is a string or `{"message": ..., "code": ...}`."""
    if isinstance(error, dict):
        return str(error.get("message") or error.get("code") or error.get("type") or "an error without words")
    return str(error)
