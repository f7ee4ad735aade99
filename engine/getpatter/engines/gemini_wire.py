"""The protocol of Google's Gemini Live API (`BidiGenerateContent`, v1beta): messages to it and from it, without I/O."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from getpatter.audio.format import AudioFormat
from getpatter.connections.messages import MessageReader, json_bytes
from getpatter.engines.base import EngineConfig
from getpatter.llm.base import Message, ToolCall, ToolSpec
from getpatter.metering import Product, Used

INPUT = AudioFormat("pcm16", 16000)
OUTPUT = AudioFormat("pcm16", 24000)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    """What is the same for all calls of an engine object; None and empty leave it to the model."""

    model: str
    voice: str = ""
    temperature: float | None = None
    max_output_tokens: int | None = None


# -- to the API


def setup(settings: SessionSettings, config: EngineConfig, resumes: str) -> Json:
    """The whole configuration.  Nobody but us decides about turns, so its own detection is off.

    `resumes` is the handle of a session that this one goes on with.
    """
    generation: Json = {"responseModalities": ["AUDIO"]}
    if settings.voice:
        generation["speechConfig"] = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": settings.voice}}}
    if settings.temperature is not None:
        generation["temperature"] = settings.temperature
    if settings.max_output_tokens is not None:
        generation["maxOutputTokens"] = settings.max_output_tokens
    message: Json = {
        "model": f"models/{settings.model.removeprefix('models/')}",
        "generationConfig": generation,
        "systemInstruction": _words(config.instructions),
        "tools": _tools(config.tools),
        "realtimeInputConfig": {"automaticActivityDetection": {"disabled": True}},
        "inputAudioTranscription": {},
        "outputAudioTranscription": {},
        "sessionResumption": {"handle": resumes} if resumes else {},
        # Without it a session of sound ends after a quarter of an hour.
        "contextWindowCompression": {"slidingWindow": {}},
    }
    if config.history and not resumes:
        message["historyConfig"] = {"initialHistoryInClientContent": True}
    return {"setup": message}


def reconfigure(instructions: str, tools: Sequence[ToolSpec]) -> Json:
    return {"contextUpdate": {"systemInstruction": _words(instructions), "tools": {"tools": _tools(tools)}}}


def _words(text: str) -> Json:
    return {"parts": [{"text": text}]}


def _tools(tools: Sequence[ToolSpec]) -> list[Json]:
    functions = [
        {
            "name": tool.name,
            "description": tool.description,
            "parametersJsonSchema": tool.parameters,
            # The model waits for the result: newer ones talk on by default.
            "behavior": "BLOCKING",
        }
        for tool in tools
    ]
    return [{"functionDeclarations": functions}] if functions else []


ACTIVITY_START: Json = {"realtimeInput": {"activityStart": {}}}
ACTIVITY_END: Json = {"realtimeInput": {"activityEnd": {}}}


def append(audio: bytes) -> str:
    """As text at once: base64 needs no escapes, and this is the message of which there are many."""
    data = base64.b64encode(audio).decode("ascii")
    return '{"realtimeInput":{"audio":{"mimeType":"audio/pcm;rate=16000","data":"' + data + '"}}}'


def text(message: Json) -> str:
    return json_bytes(message).decode()


def told(words: str) -> Json:
    """Text within what the caller is saying."""
    return {"realtimeInput": {"text": words}}


def turn(words: str) -> Json:
    """A turn of the caller that consists of text, to be answered."""
    return {"clientContent": {"turns": [{"role": "user", **_words(words)}], "turnComplete": True}}


def say(words: str) -> Json:
    return turn(f"Say exactly the following words, all of them, and nothing else:\n{words}")


def history(messages: Sequence[Message]) -> Json:
    """What was said before; it is not answered."""
    return {"clientContent": {"turns": [_turn_of(message, messages) for message in messages], "turnComplete": True}}


def _turn_of(message: Message, messages: Sequence[Message]) -> Json:
    match message.role:
        case "assistant":
            said = [{"text": message.content}] if message.content else []
            calls = [
                {"functionCall": {"id": call.id, "name": call.name, "args": _args(call)}} for call in message.tool_calls
            ]
            return {"role": "model", "parts": [*said, *calls]}
        case "tool":
            name = next((c.name for m in messages for c in m.tool_calls if c.id == message.tool_call_id), "")
            return {
                "role": "user",
                "parts": [{"functionResponse": _result(message.tool_call_id, name, message.content)}],
            }
    return {"role": "user", **_words(message.content)}


def tool_results(results: Sequence[tuple[str, str, str]]) -> Json:
    """`results` have id, name and output."""
    return {"toolResponse": {"functionResponses": [_result(*result) for result in results]}}


def _result(call_id: str, name: str, output: str) -> Json:
    return {"id": call_id, "name": name, "response": {"output": output}}


def _args(call: ToolCall) -> Any:
    try:
        return json.loads(call.arguments or "{}")
    except ValueError:
        return {}


# -- from the API


class _Struct(msgspec.Struct, rename="camel", gc=False):
    """Fields that the API leaves out have their defaults."""


class _Blob(_Struct):
    data: str = ""
    mime_type: str = ""


class _Part(_Struct):
    inline_data: _Blob | None = None


class _Content(_Struct):
    parts: list[_Part] = []


class Transcription(_Struct):
    text: str = ""
    finished: bool = False


class ServerContent(_Struct):
    model_turn: _Content | None = None
    turn_complete: bool = False
    turn_complete_reason: str = ""
    interrupted: bool = False
    generation_complete: bool = False
    input_transcription: Transcription | None = None
    interim_input_transcription: Transcription | None = None
    output_transcription: Transcription | None = None


class _FunctionCall(_Struct):
    id: str = ""
    name: str = ""
    args: Mapping[str, Any] = {}


class ToolCalls(_Struct):
    function_calls: list[_FunctionCall] = []


class _ToolCancellation(_Struct):
    ids: list[str] = []


class _Tokens(_Struct):
    modality: str = ""
    token_count: int = 0


class Usage(_Struct):
    prompt_token_count: int = 0
    cached_content_token_count: int = 0
    response_token_count: int = 0
    tool_use_prompt_token_count: int = 0
    thoughts_token_count: int = 0
    prompt_tokens_details: list[_Tokens] = []
    cache_tokens_details: list[_Tokens] = []
    response_tokens_details: list[_Tokens] = []


class _GoAway(_Struct):
    time_left: str = ""


class _Resumption(_Struct):
    new_handle: str = ""
    resumable: bool = False


class _SetupComplete(_Struct):
    pass


class _Error(_Struct):
    code: int = 500
    message: str = ""


class ServerMessage(_Struct):
    """One has some of these."""

    error: _Error | None = None

    setup_complete: _SetupComplete | None = None
    server_content: ServerContent | None = None
    tool_call: ToolCalls | None = None
    tool_call_cancellation: _ToolCancellation | None = None
    usage_metadata: Usage | None = None
    go_away: _GoAway | None = None
    session_resumption_update: _Resumption | None = None


parse: Final = MessageReader(ServerMessage)


def sounds(content: ServerContent) -> list[bytes]:
    """The pieces of sound in it.  Raises `ValueError`."""
    parts = content.model_turn.parts if content.model_turn is not None else []
    found = [part.inline_data for part in parts if part.inline_data is not None]
    try:
        return [base64.b64decode(blob.data, validate=True) for blob in found if blob.mime_type.startswith("audio/")]
    except ValueError as error:
        raise ValueError(f"audio that is no base64: {error}") from None


def calls(message: ToolCalls) -> list[ToolCall]:
    return [ToolCall(call.id, call.name, msgspec.json.encode(call.args).decode()) for call in message.function_calls]


def used(usage: Usage, product: Product) -> Used:
    return Used(
        product,
        input_tokens=usage.prompt_token_count + usage.tool_use_prompt_token_count,
        output_tokens=usage.response_token_count + usage.thoughts_token_count,
        cached_tokens=usage.cached_content_token_count,
        input_audio_tokens=_of_sound(usage.prompt_tokens_details),
        output_audio_tokens=_of_sound(usage.response_tokens_details),
        cached_audio_tokens=_of_sound(usage.cache_tokens_details),
    )


def _of_sound(details: Sequence[_Tokens]) -> int:
    return sum(tokens.token_count for tokens in details if tokens.modality == "AUDIO")
