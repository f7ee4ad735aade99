"""OpenAI's realtime protocol as of its general availability (2025): messages to it and events from it, without I/O."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from getpatter.audio.format import LINE, AudioFormat
from getpatter.connections.faults import Faults
from getpatter.connections.messages import MessageReader, json_bytes
from getpatter.engines.base import EngineConfig, ResponseDone
from getpatter.errors import ProviderError
from getpatter.llm.base import Message, ToolSpec
from getpatter.metering import Product, Used
from getpatter.stt.openai_guidance import guidance, language_code
from getpatter.stt.openai_wire import COMMITTING, FORMATS, NO_SUCH_MODEL, NOTHING_SAID, NoiseReduction

ReasoningEffort = Literal["minimal", "low", "medium", "high", "xhigh"]

Json = dict[str, Any]

_RETRYABLE = frozenset({"server_error", "rate_limit_exceeded", "session_expired", "timeout"})
_FATAL = frozenset({"server_error", "session_expired", "invalid_api_key", "insufficient_quota"})
"""Codes and types of errors after which a session is of no more use; it survives most others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    """What is the same for all calls of an engine object; None leaves it to the model."""

    voice: str
    format: AudioFormat = LINE
    speed: float | None = None
    transcription_model: str = "gpt-transcribe"
    transcription_language: str = ""
    """ISO 639-1; the call's own where it is empty."""
    noise_reduction: NoiseReduction | None = None
    max_output_tokens: int | None = None
    tool_choice: str = "auto"
    """`auto`, `none`, `required`, or the name of a tool."""
    reasons: bool = False
    """The model is one that reasons."""
    reasoning_effort: ReasoningEffort | None = None


# -- to the API


def session_update(settings: SessionSettings, config: EngineConfig) -> Json:
    """The whole configuration.  Nobody but us decides about turns, so its own detection is off."""
    language = language_code(settings.transcription_language, config.language)
    heard_by = settings.transcription_model
    heard: Json = {
        "format": FORMATS[settings.format],
        "transcription": {"model": heard_by, **guidance(heard_by, language=language, prompt="", phrases=())},
        "turn_detection": None,
        "noise_reduction": {"type": settings.noise_reduction} if settings.noise_reduction else None,
    }
    session: Json = {
        "type": "realtime",
        "output_modalities": ["audio"],
        "audio": {"input": heard, "output": _spoken(settings)},
        **_what_it_does(config.instructions, config.tools, settings),
    }
    if settings.max_output_tokens is not None:
        session["max_output_tokens"] = settings.max_output_tokens
    if settings.reasoning_effort is not None:
        session["reasoning"] = {"effort": settings.reasoning_effort}
    return {"type": "session.update", "session": session}


def _spoken(settings: SessionSettings) -> Json:
    voice = {"id": settings.voice} if settings.voice.startswith(_CUSTOM_VOICE) else settings.voice
    spoken: Json = {"format": FORMATS[settings.format], "voice": voice}
    if settings.speed is not None:
        spoken["speed"] = settings.speed
    return spoken


def reconfigure(instructions: str, tools: Sequence[ToolSpec], settings: SessionSettings) -> Json:
    return {"type": "session.update", "session": {"type": "realtime", **_what_it_does(instructions, tools, settings)}}


def _what_it_does(instructions: str, tools: Sequence[ToolSpec], settings: SessionSettings) -> Json:
    functions = [
        {"type": "function", "name": tool.name, "description": tool.description, "parameters": tool.parameters}
        for tool in tools
    ]
    choice = settings.tool_choice
    named = choice not in ("auto", "none", "required")
    if choice != "auto" and not any(named is False or tool.name == choice for tool in tools):
        choice, named = "auto", False  # an agent without the tool, after a handover
    chosen = {"type": "function", "name": choice} if named else choice
    return {"instructions": instructions, "tools": functions, "tool_choice": chosen}


def text(message: Json) -> str:
    return json_bytes(message).decode()


_CUSTOM_VOICE = "voice_"
"""With this the ids of custom voices begin, e.g. `voice_1234`; they are no names."""
RESPONDING = "respond"
"""The id of a message that asks for a response, which errors about it name."""
COMMIT: Json = {"type": "input_audio_buffer.commit", "event_id": COMMITTING}
RESPOND: Json = {"type": "response.create", "event_id": RESPONDING}
CANCEL: Json = {"type": "response.cancel"}
UNCHANGED: Json = {"type": "session.update", "session": {"type": "realtime"}}
NOTHING_TO_COMMIT = "input_audio_buffer_commit_empty"


def say(text: str, settings: SessionSettings) -> Json:
    """A response that reads words out.  Without the conversation as its input it does not answer the caller instead.

    Reading needs no thought, and a response with settings of its own is told the voice again.
    """
    words = f"Say exactly the following words, all of them, and nothing else:\n{text}"
    voice = {"voice": _spoken(settings)["voice"], "format": FORMATS[settings.format]}
    response: Json = {"instructions": words, "input": [], "tool_choice": "none", "audio": {"output": voice}}
    if settings.reasons:
        response["reasoning"] = {"effort": "minimal"}
    return RESPOND | {"response": response}


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


class _CachedTokens(msgspec.Struct, gc=False):
    audio_tokens: int | None = None


class _InputTokens(msgspec.Struct, gc=False):
    audio_tokens: int | None = None
    cached_tokens: int | None = None
    cached_tokens_details: _CachedTokens | None = None


class _OutputTokens(msgspec.Struct, gc=False):
    audio_tokens: int | None = None


class _Usage(msgspec.Struct, gc=False):
    """Of a response, or of a transcription, which tells tokens or seconds."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    input_token_details: _InputTokens | None = None
    output_token_details: _OutputTokens | None = None
    seconds: float | None = None


class _Response(msgspec.Struct, gc=False):
    id: str | None = None
    status: str | None = None
    status_details: _StatusDetails | None = None
    usage: _Usage | None = None


class _Format(msgspec.Struct, gc=False):
    type: str | None = None


class _AudioSide(msgspec.Struct, gc=False):
    format: _Format | None = None


class _Audio(msgspec.Struct, gc=False):
    input: _AudioSide | None = None
    output: _AudioSide | None = None


class _Session(msgspec.Struct, gc=False):
    audio: _Audio | None = None
    input_audio_format: Any = None
    """Only the beta has it."""


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
    session: _Session | None = None
    usage: _Usage | None = None
    error: _Error | None = None


parse: Final = MessageReader(ServerEvent)


def audio(event: ServerEvent) -> bytes:
    """The audio of a delta.  Raises `ValueError`."""
    try:
        return base64.b64decode(event.delta or "", validate=True)
    except ValueError as error:
        raise ValueError(f"audio that is no base64: {error}") from None


def is_beta(event: ServerEvent) -> bool:
    """Whether a new session is one of the API before its general availability, which had other events and settings."""
    return event.session is not None and event.session.audio is None and event.session.input_audio_format is not None


def other_format(event: ServerEvent, settings: SessionSettings) -> str:
    """The format that a configured session has in place of ours; empty where there is none."""
    audio = (event.session and event.session.audio) or _Audio()
    for side in (audio.input, audio.output):
        kind = side.format.type if side is not None and side.format is not None else None
        if kind is not None and kind != FORMATS[settings.format]["type"]:
            return kind
    return ""


def response_done(event: ServerEvent, product: Product, faults: Faults) -> ResponseDone:
    response = event.response or _Response()
    usage = None if response.usage is None else used(response.usage, product)
    match response.status:
        case "cancelled":
            return ResponseDone("cancelled", usage)
        case "incomplete":
            return ResponseDone("incomplete", usage)
        case "failed":
            error = (response.status_details and response.status_details.error) or _Error("it gave no reason")
            return ResponseDone("failed", usage, _as_error(error, faults))
    return ResponseDone("completed", usage)


def complaint(event: ServerEvent, faults: Faults) -> ProviderError:
    """What an `error` event says."""
    return _as_error(event.error or _Error("it gave no reason"), faults)


def was_misheard(event: ServerEvent) -> bool:
    """Whether a transcription failed for another reason than that nobody said anything."""
    return event.error is not None and event.error.code != NOTHING_SAID


def is_fatal(event: ServerEvent) -> bool:
    """Whether the session is lost with an `error` event."""
    return event.error is not None and bool(_FATAL & {event.error.code, event.error.type})


def _as_error(error: _Error, faults: Faults) -> ProviderError:
    retryable = bool(_RETRYABLE & {error.code, error.type}) and error.code != "insufficient_quota"
    what = f"failed: {error.message or error.code or error.type}"
    next_step = faults.unknown_model() if error.code in NO_SUCH_MODEL else None
    return faults.failed(what, retryable=retryable, next_step=next_step)


def used(usage: _Usage, product: Product) -> Used:
    heard, spoken = usage.input_token_details or _InputTokens(), usage.output_token_details or _OutputTokens()
    cached = heard.cached_tokens_details or _CachedTokens()
    return Used(
        product,
        seconds=usage.seconds or 0.0,
        input_tokens=usage.input_tokens or 0,
        output_tokens=usage.output_tokens or 0,
        cached_tokens=heard.cached_tokens or 0,
        input_audio_tokens=heard.audio_tokens or 0,
        output_audio_tokens=spoken.audio_tokens or 0,
        cached_audio_tokens=cached.audio_tokens or 0,
    )
