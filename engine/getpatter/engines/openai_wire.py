"""OpenAI's realtime protocol as of its general availability (2025): messages to it and events from it, without I/O."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from getpatter.audio.format import LINE, AudioFormat
from getpatter.engines.base import EngineConfig, EngineUsage, ResponseDone
from getpatter.errors import ProviderError
from getpatter.llm.base import Message, ToolSpec

PCM16 = AudioFormat("pcm16", 24000)
"""The only linear format that the API takes."""
FORMATS: Mapping[AudioFormat, Mapping[str, Any]] = {
    LINE: {"type": "audio/pcmu"},
    PCM16: {"type": "audio/pcm", "rate": 24000},
}
MIN_COMMIT_S = 0.1
"""The API refuses to commit less audio."""
NoiseReduction = Literal["near_field", "far_field"]

Json = dict[str, Any]

_RETRYABLE = frozenset({"server_error", "rate_limit_exceeded", "session_expired", "timeout"})
_FATAL = frozenset({"server_error", "session_expired", "invalid_api_key", "insufficient_quota"})
"""Codes and types of errors after which a session is of no more use; it survives most others."""
_MAX_WORDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    """What is the same for all calls of an engine object."""

    voice: str
    input_format: AudioFormat
    output_format: AudioFormat
    transcription_model: str
    noise_reduction: NoiseReduction | None
    max_output_tokens: int | None


# -- to the API


def session_update(settings: SessionSettings, config: EngineConfig) -> Json:
    """The whole configuration.  Nobody but us decides about turns, so its own detection is off."""
    heard: Json = {
        "format": FORMATS[settings.input_format],
        "transcription": {"model": settings.transcription_model, "language": config.language.partition("-")[0]},
        "turn_detection": None,
        "noise_reduction": {"type": settings.noise_reduction} if settings.noise_reduction else None,
    }
    session: Json = {
        "type": "realtime",
        "output_modalities": ["audio"],
        "audio": {
            "input": heard,
            "output": {"format": FORMATS[settings.output_format], "voice": settings.voice},
        },
        **_what_it_does(config.instructions, config.tools),
    }
    if settings.max_output_tokens is not None:
        session["max_output_tokens"] = settings.max_output_tokens
    return {"type": "session.update", "session": session}


def reconfigure(instructions: str, tools: Sequence[ToolSpec]) -> Json:
    return {"type": "session.update", "session": {"type": "realtime", **_what_it_does(instructions, tools)}}


def _what_it_does(instructions: str, tools: Sequence[ToolSpec]) -> Json:
    functions = [
        {"type": "function", "name": tool.name, "description": tool.description, "parameters": tool.parameters}
        for tool in tools
    ]
    return {"instructions": instructions, "tools": functions, "tool_choice": "auto"}


def append(audio: bytes) -> Json:
    return {"type": "input_audio_buffer.append", "audio": base64.b64encode(audio).decode("ascii")}


COMMITTING = "commit"
RESPONDING = "respond"
"""Ids of our messages, which errors about them name."""
COMMIT: Json = {"type": "input_audio_buffer.commit", "event_id": COMMITTING}
RESPOND: Json = {"type": "response.create", "event_id": RESPONDING}
CANCEL: Json = {"type": "response.cancel"}


def say(text: str) -> Json:
    """A response that reads words out.  Without the conversation as its input it does not answer the caller instead."""
    words = f"Say exactly the following words, all of them, and nothing else:\n{text}"
    return RESPOND | {"response": {"instructions": words, "input": [], "tool_choice": "none"}}


def truncate(item_id: str, audio_end_ms: int) -> Json:
    return {
        "type": "conversation.item.truncate",
        "item_id": item_id,
        "content_index": 0,
        "audio_end_ms": audio_end_ms,
    }


def tool_result(call_id: str, output: str) -> Json:
    return _create({"type": "function_call_output", "call_id": call_id, "output": output})


def told(text: str) -> Json:
    return _create({"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]})


def history(messages: Sequence[Message]) -> list[Json]:
    """Items that stand for what was said before."""
    items: list[Json] = []
    for message in messages:
        match message.role:
            case "user":
                items.append(told(message.content))
            case "assistant":
                if message.content:
                    part = {"type": "output_text", "text": message.content}
                    items.append(_create({"type": "message", "role": "assistant", "content": [part]}))
                items += [
                    _create(
                        {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}
                    )
                    for call in message.tool_calls
                ]
            case "tool":
                items.append(tool_result(message.tool_call_id, message.content))
    return items


def _create(item: Json) -> Json:
    return {"type": "conversation.item.create", "item": item}


# -- from the API


class _Error(msgspec.Struct, gc=False):
    message: str = ""
    type: str | None = None
    code: str | None = None
    event_id: str | None = None
    """Of the message that it is about."""


class _StatusDetails(msgspec.Struct, gc=False):
    error: _Error | None = None


class _InputTokens(msgspec.Struct, gc=False):
    audio_tokens: int | None = None
    cached_tokens: int | None = None


class _OutputTokens(msgspec.Struct, gc=False):
    audio_tokens: int | None = None


class _Usage(msgspec.Struct, gc=False):
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_token_details: _InputTokens | None = None
    output_token_details: _OutputTokens | None = None


class _Response(msgspec.Struct, gc=False):
    id: str | None = None
    status: str | None = None
    status_details: _StatusDetails | None = None
    usage: _Usage | None = None


class ServerEvent(msgspec.Struct, gc=False):
    """The fields of all events that matter here; each event has some of them."""

    type: str
    response_id: str = ""
    item_id: str = ""
    delta: str | None = None
    transcript: str | None = None
    call_id: str = ""
    name: str = ""
    arguments: str = ""
    response: _Response | None = None
    error: _Error | None = None


_decoder = msgspec.json.Decoder(ServerEvent)


def parse(data: str | bytes) -> ServerEvent:
    """Raises `ValueError` for what is no event."""
    return _decoder.decode(data)


def audio(event: ServerEvent) -> bytes:
    """The audio of a delta.  Raises `ValueError`."""
    try:
        return base64.b64decode(event.delta or "", validate=True)
    except ValueError as error:
        raise ValueError(f"audio that is no base64: {error}") from None


def response_done(event: ServerEvent, provider: str, secret: str) -> ResponseDone:
    response = event.response or _Response()
    match response.status:
        case "cancelled":
            return ResponseDone("cancelled", _usage(response.usage))
        case "incomplete":
            return ResponseDone("incomplete", _usage(response.usage))
        case "failed":
            error = (response.status_details and response.status_details.error) or _Error("it gave no reason")
            return ResponseDone("failed", _usage(response.usage), _as_error(error, provider, secret))
    return ResponseDone("completed", _usage(response.usage))


def complaint(event: ServerEvent, provider: str, secret: str) -> ProviderError:
    """What an `error` event says."""
    return _as_error(event.error or _Error("it gave no reason"), provider, secret)


def is_fatal(event: ServerEvent) -> bool:
    """Whether the session is lost with an `error` event."""
    return event.error is not None and bool(_FATAL & {event.error.code, event.error.type})


def _as_error(error: _Error, provider: str, secret: str) -> ProviderError:
    words = " ".join(error.message.split())
    if secret:
        words = words.replace(secret, "***")
    return ProviderError(
        f"{provider} failed: {words[:_MAX_WORDS]}",
        provider=provider,
        retryable=bool(_RETRYABLE & {error.code, error.type}) and error.code != "insufficient_quota",
    )


def _usage(usage: _Usage | None) -> EngineUsage:
    if usage is None:
        return EngineUsage()
    heard, spoken = usage.input_token_details or _InputTokens(), usage.output_token_details or _OutputTokens()
    return EngineUsage(
        usage.input_tokens or 0,
        usage.output_tokens or 0,
        heard.audio_tokens or 0,
        spoken.audio_tokens or 0,
        heard.cached_tokens or 0,
    )
