"""The messages of ElevenLabs' agents (`/v1/convai/conversation`), as its client library and its schema have them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from getpatter.audio.format import AudioFormat
from getpatter.connections.messages import MessageReader, json_bytes
from getpatter.engines.base import EngineConfig
from getpatter.llm.base import Message

Json = dict[str, Any]

RATES: Final = (8000, 16000, 24000, 48000)
"""Of PCM; the vendor has 22.05 and 44.1 kHz, too, which no telephone needs."""


class _Metadata(msgspec.Struct):
    agent_output_audio_format: str = "pcm_16000"
    user_input_audio_format: str = "pcm_16000"


class _Audio(msgspec.Struct):
    audio_base_64: str = ""
    event_id: int = 0
    is_final: bool = False


class _Said(msgspec.Struct):
    agent_response: str = ""


class _Heard(msgspec.Struct):
    user_transcript: str = ""


class _Numbered(msgspec.Struct):
    event_id: int = 0


class _Call(msgspec.Struct):
    tool_name: str = ""
    tool_call_id: str = ""
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)
    expects_response: bool = True


class _Used(msgspec.Struct):
    """What became of a tool that the agent has at the vendor's."""

    tool_name: str = ""
    is_called: bool = True
    is_error: bool = False
    is_blocked: bool = False


class _Error(msgspec.Struct):
    code: int = 0
    error_type: str | None = None
    message: str | None = None
    reason: str | None = None


class Told(msgspec.Struct):
    """A message of the server's; of its bodies the one is there that its `type` names."""

    type: str = ""
    conversation_initiation_metadata_event: _Metadata = msgspec.field(default_factory=_Metadata)
    audio_event: _Audio = msgspec.field(default_factory=_Audio)
    agent_response_event: _Said = msgspec.field(default_factory=_Said)
    user_transcription_event: _Heard = msgspec.field(default_factory=_Heard)
    tentative_user_transcription_event: _Heard = msgspec.field(default_factory=_Heard)
    interruption_event: _Numbered = msgspec.field(default_factory=_Numbered)
    ping_event: _Numbered = msgspec.field(default_factory=_Numbered)
    client_tool_call: _Call = msgspec.field(default_factory=_Call)
    agent_tool_response: _Used = msgspec.field(default_factory=_Used)
    error_event: _Error = msgspec.field(default_factory=_Error)


read: Final = MessageReader(Told)


def ends_call(used: _Used) -> bool:
    """The agent hangs up: the server closes the connection then."""
    return used.tool_name == "end_call" and used.is_called and not (used.is_error or used.is_blocked)


def sound(audio: _Audio) -> bytes:
    """Raises `ValueError`."""
    try:
        return base64.b64decode(audio.audio_base_64, validate=True)
    except binascii.Error:
        raise ValueError("audio that is not base64") from None


def audio_format(name: str) -> AudioFormat | None:
    """None for one that we do not speak."""
    encoding, _, rate = name.partition("_")
    if name == "ulaw_8000":
        return AudioFormat("mulaw", 8000)
    if encoding == "pcm" and rate.isdecimal() and int(rate) in RATES:
        return AudioFormat("pcm16", int(rate))
    return None


def overrides(config: EngineConfig, allowed: frozenset[str], *, voice: str, first_message: str) -> Json:
    """`conversation_config_override`: of the agent's configuration at the vendor what is to be another in this call."""
    agent: Json = {}
    if "prompt" in allowed:
        agent["prompt"] = {"prompt": config.instructions}
    if "first_message" in allowed:
        agent["first_message"] = first_message
    if "language" in allowed:
        agent["language"] = config.language.partition("-")[0].lower()
    override: Json = {"agent": agent} if agent else {}
    if voice:
        override["tts"] = {"voice_id": voice}
    return override


def history(messages: Sequence[Message]) -> str:
    """The conversation so far, as one text."""
    names = {"user": "Caller", "assistant": "You", "tool": "Result of a tool"}
    lines = [f"{names[message.role]}: {message.content}" for message in messages if message.content]
    return "The connection was lost and is there again. So far was said:\n" + "\n".join(lines)


def encoded(message: Json) -> str:
    return json_bytes(message).decode()
