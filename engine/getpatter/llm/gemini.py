"""The wire format of Gemini's `streamGenerateContent`, as server-sent events: no I/O.

Reference: https://ai.google.dev/api/generate-content, and the types of the official client `google-genai`.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from getpatter.connections.http import HttpRequest
from getpatter.connections.sse import ServerSentEvent
from getpatter.llm.base import Message, ReplyPart, TextDelta, ToolCall, ToolSpec
from getpatter.llm.calls import arguments_of, call_name
from getpatter.llm.dialect import StreamError, too_early
from getpatter.llm.gemini_schema import gemini_schema
from getpatter.llm.options import Chosen
from getpatter.llm.tokens import count, used_tokens
from getpatter.llm.turns import OPENING, SILENCE, Turn, in_turns
from getpatter.metering import Product

NO_SIGNATURE: Final = "skip_thought_signature_validator"
"""What Google's guide to thought signatures has sent with a call that another model made: since Gemini 3 a call without
a signature is refused."""
_UNSIGNED: Final = ("gemini-1", "gemini-2")
"""Families that do without."""
_SIGNATURE: Final = re.compile(r"[A-Za-z0-9+/_-]+=*")
"""Base64; another vendor's model signs in another way."""

THINKING_TOKENS: Final[Mapping[str, int]] = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576}
"""Of the families that count tokens of thought; the figures are those of Google's OpenAI-compatible API."""

_GOOD_ENDS = frozenset({"STOP", "MAX_TOKENS"})
_CHANCE_ENDS = frozenset({"MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL", "OTHER"})
"""The model went wrong, and may not the next time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gemini:
    """The dialect of one model; `authorise` gives the headers that hold the key or the token."""

    url: str
    """All that stands before `/models/`."""
    product: Product
    authorise: Callable[[], Mapping[str, str]]
    options: Chosen = field(default_factory=Chosen)

    @property
    def models_url(self) -> str:
        return f"{self.url}/models"

    def headers(self) -> Mapping[str, str]:
        return {**self.authorise(), **self.options.extra_headers}

    def request(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> HttpRequest:
        return HttpRequest(
            url=f"{self.url}/models/{self.product.model}:streamGenerateContent",
            headers=self.headers(),
            params={"alt": "sse"},
            json=self.body(messages, tools),
        )

    def assembler(self) -> GeminiAssembler:
        return GeminiAssembler(self.product)

    def body(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> dict[str, Any]:
        """The JSON object to post."""
        prompts = [{"text": message.content} for message in messages if message.role == "system" and message.content]
        turns = in_turns(self._turns(messages), user="user", opening={"text": OPENING}, silence={"text": SILENCE})
        body: dict[str, Any] = {"contents": [{"role": role, "parts": parts} for role, parts in turns]}
        if prompts:
            body["systemInstruction"] = {"parts": prompts}
        if tools:
            body["tools"] = [{"functionDeclarations": [_tool(tool) for tool in tools]}]
        if config := self._config():
            body["generationConfig"] = config
        return body | dict(self.options.extra_body)

    def _config(self) -> dict[str, Any]:
        chosen = self.options
        asked = {
            "temperature": chosen.temperature,
            "topP": chosen.top_p,
            "maxOutputTokens": chosen.max_tokens,
            "thinkingConfig": self._thinking(),
        }
        return {name: value for name, value in asked.items() if value is not None}

    def _thinking(self) -> dict[str, Any] | None:
        effort = self.options.reasoning_effort.lower()
        if not effort:
            return None
        if self.product.model.startswith(_UNSIGNED) and effort in THINKING_TOKENS:
            return {"thinkingBudget": THINKING_TOKENS[effort]}
        # The newer families know no level below this one, and refuse a word that is none.
        return {"thinkingLevel": "MINIMAL" if effort == "none" else effort.upper()}

    def _turns(self, messages: Sequence[Message]) -> Iterator[Turn]:
        names = {call.id: call_name(call.name) for message in messages for call in message.tool_calls}
        for message in messages:
            match message.role:
                case "user":
                    yield "user", _texts(message.content)
                case "assistant":
                    yield "model", _texts(message.content) + self._calls(message.tool_calls)
                case "tool":
                    result = {"id": message.tool_call_id, "name": names.get(message.tool_call_id, "unknown")}
                    yield "user", [{"functionResponse": {**result, "response": _result(message.content)}}]

    def _calls(self, calls: Sequence[ToolCall]) -> list[dict[str, Any]]:
        """Of calls made together the model signs the first alone."""
        parts = []
        for number, call in enumerate(calls):
            part: dict[str, Any] = {
                "functionCall": {"id": call.id, "name": call_name(call.name), "args": arguments_of(call.arguments)}
            }
            signature = call.signature if _SIGNATURE.fullmatch(call.signature) else ""
            if signature := signature or ("" if number else self._no_signature):
                part["thoughtSignature"] = signature
            parts.append(part)
        return parts

    @property
    def _no_signature(self) -> str:
        return "" if self.product.model.startswith(_UNSIGNED) else NO_SIGNATURE


def _tool(tool: ToolSpec) -> dict[str, Any]:
    told: dict[str, Any] = {"name": tool.name, "description": tool.description}
    schema = gemini_schema(tool.parameters)
    # An object without properties is refused; a function without parameters is what it means.
    return told | {"parameters": schema} if schema.get("properties") else told


def _texts(content: str) -> list[dict[str, Any]]:
    return [{"text": content}] if content.strip() else []


def _result(content: str) -> dict[str, Any]:
    """A tool's result as the object that the API wants."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = content
    return found if isinstance(found, dict) else {"output": found}


class _Call(msgspec.Struct, frozen=True):
    id: str | None = None
    name: str = ""
    args: dict[str, Any] | None = None


class _Part(msgspec.Struct, frozen=True, rename="camel"):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: _Call | None = None


class _Content(msgspec.Struct, frozen=True):
    parts: list[_Part] | None = None


class _Candidate(msgspec.Struct, frozen=True, rename="camel"):
    content: _Content | None = None
    finish_reason: str | None = None


class _Feedback(msgspec.Struct, frozen=True, rename="camel"):
    block_reason: str | None = None


class _Error(msgspec.Struct, frozen=True):
    code: int = 0
    message: str = ""
    status: str = ""


class _Chunk(msgspec.Struct, frozen=True, rename="camel"):
    candidates: list[_Candidate] | None = None
    usage_metadata: Any = None
    model_version: Any = ""
    prompt_feedback: _Feedback | None = None
    error: _Error | None = None


_decode = msgspec.json.Decoder(_Chunk).decode


class GeminiAssembler:
    """Turns the chunks of one streamed reply into reply parts.  Thoughts are passed over; calls come whole.

    The stream has no last event: it is over when the server closes it.
    """

    def __init__(self, product: Product) -> None:
        self._product = product
        self._served: Any = ""
        self._usage: Any = None
        self.written = 0
        self.finished = False
        self.over = False

    def feed(self, event: ServerSentEvent) -> list[ReplyPart]:
        """The parts of one chunk.  Raises `StreamError`."""
        try:
            chunk = _decode(event.data)
        except msgspec.MsgspecError as broken:
            raise StreamError(f"what came is no chunk of a reply: {broken}") from None
        if (error := chunk.error) is not None:
            raise StreamError(error.message or error.status or "an error without words", retryable=_is_passing(error))
        if chunk.prompt_feedback is not None and (reason := chunk.prompt_feedback.block_reason):
            raise StreamError(f"it blocked what was said ({reason})", retryable=False)
        self._usage = chunk.usage_metadata or self._usage
        self._served = chunk.model_version or self._served
        parts: list[ReplyPart] = []
        for candidate in (chunk.candidates or ())[:1]:
            for part in (candidate.content.parts if candidate.content is not None else None) or ():
                parts += self._parts(part)
            self._end(candidate.finish_reason)
        return parts

    def close(self) -> list[ReplyPart]:
        read, written = count(self._usage, "promptTokenCount"), count(self._usage, "candidatesTokenCount")
        if read is not None:
            read += count(self._usage, "toolUsePromptTokenCount") or 0
            written = (written or 0) + (count(self._usage, "thoughtsTokenCount") or 0)
        cached = count(self._usage, "cachedContentTokenCount") or 0
        return [*used_tokens(self._product, self._served, read, written, cached=cached)]

    def _end(self, reason: str | None) -> None:
        if not reason:
            return
        if reason not in _GOOD_ENDS:
            raise StreamError(f"it stopped ({reason})", retryable=reason in _CHANCE_ENDS)
        if reason == "MAX_TOKENS" and not self.written:
            raise too_early(reason)
        self.finished = True

    def _parts(self, part: _Part) -> list[ReplyPart]:
        if part.thought:
            return []
        if (call := part.function_call) is not None and call.name:
            arguments = json.dumps(call.args or {}, ensure_ascii=False)
            self.written += len(call.name) + len(arguments)
            call_id = call.id or f"call_{uuid.uuid4().hex}"
            return [ToolCall(call_id, call.name, arguments, part.thought_signature or "")]
        self.written += len(part.text or "")
        return [TextDelta(part.text)] if part.text else []


def _is_passing(error: _Error) -> bool:
    return error.code in (408, 429) or error.code >= 500
