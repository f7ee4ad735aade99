"""Calls and messages of Ultravox's API (`/api/calls`, and the socket of a call with a `serverWebSocket` medium)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from getpatter.connections.messages import MessageReader, json_bytes
from getpatter.engines.base import EngineConfig
from getpatter.llm.base import Message, ToolSpec

Json = dict[str, Any]

CLIENT_BUFFER_MS: Final = 30_000
"""As the vendor advises for clients that obey `playback_clear_buffer`."""
JOIN_TIMEOUT: Final = "30s"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSettings:
    """Of all calls of one engine."""

    model: str
    voice: str = ""
    temperature: float | None = None
    max_duration_s: int = 3600
    rate: int = 8000
    """Of the audio in both directions, in Hz."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the call, as the vendor names them."""


class Told(msgspec.Struct, rename="camel"):
    """A message of the server's, whatever its type."""

    type: str = ""
    state: str = ""
    role: str = ""
    text: str | None = None
    delta: str | None = None
    final: bool = False
    ordinal: int = 0
    tool_name: str = ""
    invocation_id: str = ""
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)


class Created(msgspec.Struct, rename="camel"):
    """The answer to a call that was created."""

    join_url: str = ""


read: Final = MessageReader(Told)
read_created: Final = MessageReader(Created)


def call(settings: CallSettings, config: EngineConfig, said: Sequence[Message], first_words: str) -> Json:
    """The body of `POST /api/calls`.  The agent speaks first where there are `first_words`."""
    body: Json = {
        **settings.extra,
        "systemPrompt": config.instructions,
        "model": settings.model,
        "languageHint": config.language,
        "maxDuration": f"{settings.max_duration_s}s",
        "joinTimeout": JOIN_TIMEOUT,
        "medium": {
            "serverWebSocket": {
                "inputSampleRate": settings.rate,
                "outputSampleRate": settings.rate,
                "clientBufferSizeMs": CLIENT_BUFFER_MS,
            }
        },
        "firstSpeakerSettings": {"agent": {"text": first_words}} if first_words else {"user": {}},
        "selectedTools": [_tool(spec) for spec in config.tools],
    }
    if settings.voice:
        body["voice"] = settings.voice
    if settings.temperature is not None:
        body["temperature"] = settings.temperature
    if said:
        body["initialMessages"] = _messages(said)
    return body


def _tool(spec: ToolSpec) -> Json:
    required = set(spec.parameters.get("required", ()))
    return {
        "temporaryTool": {
            "modelToolName": spec.name,
            "description": spec.description,
            "dynamicParameters": [
                {
                    "name": name,
                    "location": "PARAMETER_LOCATION_BODY",
                    "schema": schema,
                    "required": name in required,
                }
                for name, schema in spec.parameters.get("properties", {}).items()
            ],
            "client": {},
        }
    }


def _messages(said: Sequence[Message]) -> list[Json]:
    messages: list[Json] = []
    names: dict[str, str] = {}
    for message in said:
        if message.role == "tool":
            call_id = message.tool_call_id
            messages.append(
                {
                    "role": "MESSAGE_ROLE_TOOL_RESULT",
                    "text": message.content,
                    "invocationId": call_id,
                    "toolName": names.get(call_id, ""),
                }
            )
            continue
        if message.content:
            role = "MESSAGE_ROLE_USER" if message.role == "user" else "MESSAGE_ROLE_AGENT"
            messages.append({"role": role, "text": message.content})
        for made in message.tool_calls:
            names[made.id] = made.name
            messages.append(
                {
                    "role": "MESSAGE_ROLE_TOOL_CALL",
                    "text": made.arguments,
                    "invocationId": made.id,
                    "toolName": made.name,
                }
            )
    return messages


def encoded(message: Json) -> str:
    return json_bytes(message).decode()
