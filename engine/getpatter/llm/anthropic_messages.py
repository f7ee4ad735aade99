"""The wire format of Anthropic's Messages API, streamed: no I/O.

Reference: https://docs.anthropic.com/en/api/messages-streaming, and the types of the official client `anthropic`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from pydantic import SecretStr

from getpatter.connections.http import HttpRequest
from getpatter.connections.sse import ServerSentEvent
from getpatter.llm.anthropic_thoughts import ThoughtBlocks, thought_blocks
from getpatter.llm.base import Message, ReplyPart, TextDelta, ToolCall, ToolSpec
from getpatter.llm.calls import arguments_of, call_id, call_name
from getpatter.llm.dialect import StreamError, too_early
from getpatter.llm.options import Chosen
from getpatter.llm.strict_schema import can_be_strict
from getpatter.llm.tokens import count, used_tokens
from getpatter.llm.turns import OPENING, SILENCE, Turn, in_turns
from getpatter.metering import Product
from getpatter.models.matching import longest_prefix

VERSION: Final = "2026-10-21"
"""Of the API."""
SAMPLING_VERSION: Final = "2023-06-01"
"""The one before, which still has `temperature` and `top_p`: the newer refuses them, whatever their value."""
MAX_TOKENS: Final = 1024
"""The API wants a limit.  Nobody listens to more than five minutes of speech, which this is."""
ROOM_TO_THINK: Final = 4096
"""Tokens above that for models that think unasked: thoughts count towards the limit, and a reply that ends among them
is silence.  A judgement."""
LEAST_EFFORT: Final = "low"
_THINKS_UNASKED: Final = (
    *("claude-sonnet-5", "claude-sonnet-5-5", "claude-opus-5", "claude-opus-5-5"),
    *("claude-haiku-5-5", "claude-fable-5-1"),
)
"""With the effort `high` or `medium`, says Anthropic's overview of each (platform.claude.com/docs/en/models)."""

_CACHED: Final[Mapping[str, Any]] = {"type": "ephemeral"}
_NO_TOOL: Final[Mapping[str, Any]] = {"type": "none"}
_MUTE_ENDS = frozenset({"refusal", "max_tokens", "model_context_window_exceeded"})
"""Reasons to stop that leave the caller in silence where nothing was said."""
_RETRYABLE = frozenset({"api_error", "overloaded_error", "rate_limit_error", "timeout_error"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AnthropicMessages:
    """The dialect of one model.

    What comes first in each request of a call, tools and system prompt, is marked to be cached for five minutes.
    """

    url: str
    product: Product
    key: SecretStr
    options: Chosen = field(default_factory=Chosen)

    @property
    def models_url(self) -> str:
        return f"{self.url}/v1/models"

    def headers(self) -> Mapping[str, str]:
        samples = self.options.temperature is not None or self.options.top_p is not None
        own = {
            "Authorization": f"Bearer {self.key.get_secret_value()}",
            "anthropic-version": SAMPLING_VERSION if samples else VERSION,
        }
        return {**own, **self.options.extra_headers}

    def request(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> HttpRequest:
        return HttpRequest(url=f"{self.url}/v1/messages", headers=self.headers(), json=self.body(messages, tools))

    def assembler(self) -> MessageAssembler:
        return MessageAssembler(self.product)

    def body(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> dict[str, Any]:
        """The JSON object to post."""
        chosen, thinks = self.options, longest_prefix(self.product.model, _THINKS_UNASKED) is not None
        effort = chosen.reasoning_effort or (LEAST_EFFORT if thinks else "")
        asked = {
            "system": _cached_from_the_last([_text(m.content) for m in messages if m.role == "system" and m.content]),
            **_offered(messages, tools),
            "temperature": chosen.temperature,
            "top_p": chosen.top_p,
            "output_config": {"effort": effort} if effort else None,
        }
        turns = in_turns(_turns(messages), user="user", opening=_text(OPENING), silence=_text(SILENCE))
        return {
            "model": self.product.model,
            "max_tokens": chosen.max_tokens or MAX_TOKENS + (ROOM_TO_THINK if thinks else 0),
            "messages": [{"role": role, "content": blocks} for role, blocks in turns],
            "stream": True,
            **{name: value for name, value in asked.items() if value is not None},
            **chosen.extra_body,
        }


def _cached_from_the_last(blocks: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """The blocks, of which the last one marks that all up to it are to be cached."""
    return [*blocks[:-1], {**blocks[-1], "cache_control": dict(_CACHED)}] if blocks else None


def _offered(messages: Sequence[Message], tools: Sequence[ToolSpec]) -> dict[str, Any]:
    """The tools, and whether they may be called.  The API refuses a history with calls in it without any tools: where
    there are none, those of the history are told of, and that they are not to be called."""
    if tools:
        return {"tools": _cached_from_the_last([_tool(tool) for tool in tools])}
    names = dict.fromkeys(call_name(call.name) for message in messages for call in message.tool_calls)
    if not names:
        return {}
    return {"tools": [_tool(ToolSpec(name, "", {})) for name in names], "tool_choice": dict(_NO_TOOL)}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _tool(tool: ToolSpec) -> dict[str, Any]:
    schema = {"type": "object", **tool.parameters}
    told = {"name": tool.name, "description": tool.description, "input_schema": schema}
    return {**told, "strict": True} if tool.strict and can_be_strict(schema) else told


def _turns(messages: Sequence[Message]) -> Iterator[Turn]:
    asked = _last_question(messages)
    for at, message in enumerate(messages):
        match message.role:
            case "user":
                yield "user", _texts(message.content)
            case "assistant":
                yield "assistant", _said(message, with_thoughts=at > asked)
            case "tool":
                call = call_id(message.tool_call_id)
                yield "user", [{"type": "tool_result", "tool_use_id": call, "content": message.content}]


def _texts(content: str) -> list[dict[str, Any]]:
    """A text block; the API refuses one of nothing but space."""
    return [_text(content)] if content.strip() else []


def _last_question(messages: Sequence[Message]) -> int:
    """Where the caller last spoke, with all results of tools used before answered; -1 where nobody has.

    What was thought before it need not go back, and must not: newer models refuse a thought before which anything has
    changed, and histories are shortened, agents hand over, and of words that were interrupted the heard ones stay.
    """
    roles = [message.role for message in messages]
    return max((at for at, role in enumerate(roles) if role == "user" and "tool" not in roles[at - 1 : at]), default=-1)


def _said(message: Message, *, with_thoughts: bool) -> list[dict[str, Any]]:
    """What the model thought stands before what it said, and what it thought between calls between them."""
    blocks = _texts(message.content)
    for at, call in enumerate(message.tool_calls):
        thoughts = thought_blocks(call.signature) if with_thoughts else []
        blocks = [*thoughts, *blocks, _call(call)] if at == 0 else [*blocks, *thoughts, _call(call)]
    return blocks


def _call(call: ToolCall) -> dict[str, Any]:
    name, arguments = call_name(call.name), arguments_of(call.arguments)
    return {"type": "tool_use", "id": call_id(call.id), "name": name, "input": arguments}


class _Begun(msgspec.Struct, frozen=True):
    model: Any = ""
    usage: Any = None


class _Block(msgspec.Struct, frozen=True):
    type: str
    id: str | None = None
    name: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None


class _Delta(msgspec.Struct, frozen=True):
    type: str = ""
    text: str | None = None
    partial_json: str | None = None
    thinking: str | None = None
    signature: str | None = None
    stop_reason: str | None = None


class _Error(msgspec.Struct, frozen=True):
    type: str = "api_error"
    message: str = ""


class _Event(msgspec.Struct, frozen=True):
    type: str
    index: int = 0
    message: _Begun | None = None
    content_block: _Block | None = None
    delta: _Delta | None = None
    usage: Any = None
    error: _Error | None = None


_decode = msgspec.json.Decoder(_Event).decode


@dataclass(slots=True)
class _OpenCall:
    id: str
    name: str
    arguments: str = ""


class MessageAssembler:
    """Turns the events of one streamed message into reply parts.  What was thought goes with the call of a tool that
    comes after it, and is else passed over, like blocks of a kind not known here."""

    def __init__(self, product: Product) -> None:
        self._product = product
        self._served: Any = ""
        self._calls: dict[int, _OpenCall] = {}
        self._thoughts = ThoughtBlocks()
        self._usage: dict[str, Any] = {}
        self._gave = False
        self.written = 0
        self.finished = False
        self.over = False

    def feed(self, event: ServerSentEvent) -> list[ReplyPart]:
        """The parts that one event completes.  Raises `StreamError`."""
        try:
            told = _decode(event.data)
        except msgspec.MsgspecError as broken:
            raise StreamError(f"what came is no event of a message: {broken}") from None
        match told.type:
            case "error":
                raise _failure(told.error or _Error())
            case "message_start" if told.message is not None:
                self._served = told.message.model
                self._count(told.message.usage)
            case "content_block_start" if told.content_block is not None:
                return self._open(told.index, told.content_block)
            case "content_block_delta" if told.delta is not None:
                return self._go_on(told.index, told.delta)
            case "content_block_stop":
                return self._shut(told.index)
            case "message_delta":
                self._count(told.usage)
                self._end(told.delta or _Delta())
            case "message_stop":
                self.finished = self.over = True
        return []

    def close(self) -> list[ReplyPart]:
        """What the reply used.  Anthropic counts apart what was cached; `Used.input_tokens` is the sum."""
        told = count(self._usage, "input_tokens")
        cached = count(self._usage, "cache_read_input_tokens") or 0
        kept = count(self._usage, "cache_creation_input_tokens") or 0
        read = None if told is None else told + cached + kept
        written = count(self._usage, "output_tokens")
        return [*used_tokens(self._product, self._served, read, written, cached=cached, cache_write=kept)]

    def _open(self, index: int, block: _Block) -> list[ReplyPart]:
        if block.type == "tool_use":
            self._calls[index] = _OpenCall(block.id or "", block.name or "")
            self.written += len(block.name or "")
        thinking, signature = block.thinking or "", block.signature or ""
        self._thoughts.open(index, block.type, thinking=thinking, signature=signature, data=block.data or "")
        return self._say(block.text or "") if block.type == "text" else []

    def _go_on(self, index: int, delta: _Delta) -> list[ReplyPart]:
        if delta.type == "text_delta":
            return self._say(delta.text or "")
        if delta.type in ("thinking_delta", "signature_delta"):
            self._thoughts.go_on(index, thinking=delta.thinking or "", signature=delta.signature or "")
        elif delta.type == "input_json_delta" and index in self._calls:
            piece = delta.partial_json or ""
            self._calls[index].arguments += piece
            self.written += len(piece)
        return []

    def _shut(self, index: int) -> list[ReplyPart]:
        call = self._calls.pop(index, None)
        if call is None:
            return []
        self._gave = True
        return [ToolCall(call.id, call.name, call.arguments or "{}", self._thoughts.taken())]

    def _say(self, text: str) -> list[ReplyPart]:
        self.written += len(text)
        self._gave = self._gave or bool(text)
        return [TextDelta(text)] if text else []

    def _end(self, delta: _Delta) -> None:
        self.finished = self.finished or bool(delta.stop_reason)
        if delta.stop_reason in _MUTE_ENDS and not self._gave:
            raise too_early(delta.stop_reason)

    def _count(self, usage: Any) -> None:
        """Counts are of the whole message so far, and left out where they did not change."""
        if isinstance(usage, dict):
            self._usage |= {name: told for name, told in usage.items() if told is not None}


def _failure(error: _Error) -> StreamError:
    return StreamError(error.message or error.type, retryable=error.type in _RETRYABLE)
