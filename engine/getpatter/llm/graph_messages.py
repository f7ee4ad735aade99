"""Between our history and LangChain's messages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from getpatter.llm.base import Message, ToolCall
from getpatter.metering import Product, Used, counted

PROMPT_ID = "patter-prompt"
"""A later prompt takes the place of the one before in a state that adds messages."""


def to_langchain(messages: Sequence[Message]) -> list[BaseMessage]:
    return [_message(message) for message in messages]


def prompt_message(text: str) -> SystemMessage:
    return SystemMessage(text, id=PROMPT_ID)


def corrections(corrected: Mapping[str, str]) -> list[BaseMessage]:
    """Messages that take the place of those with their ids."""
    return [AIMessage(text, id=message_id) for message_id, text in corrected.items()]


def tool_calls(message: AIMessage, names: set[str]) -> list[ToolCall]:
    """Its calls of these tools."""
    return [
        ToolCall(call["id"] or f"call_{number}", call["name"], json.dumps(call["args"], ensure_ascii=False))
        for number, call in enumerate(message.tool_calls)
        if call["name"] in names
    ]


def used(message: AIMessage, metadata: Mapping[str, Any]) -> Used | None:
    """What a message, or this piece of it, cost."""
    usage = message.usage_metadata
    if not usage:
        return None
    read, wrote = usage.get("input_token_details") or {}, usage.get("output_token_details") or {}
    return Used(
        Product(str(metadata.get("ls_provider") or ""), str(metadata.get("ls_model_name") or "")),
        input_tokens=counted(usage.get("input_tokens")),
        output_tokens=counted(usage.get("output_tokens")),
        cached_tokens=counted(read.get("cache_read")),
        cache_write_tokens=counted(read.get("cache_creation")),
        input_audio_tokens=counted(read.get("audio")),
        output_audio_tokens=counted(wrote.get("audio")),
    )


def _message(message: Message) -> BaseMessage:
    match message.role:
        case "system":
            return prompt_message(message.content)
        case "user":
            return HumanMessage(message.content)
        case "tool":
            return ToolMessage(message.content, tool_call_id=message.tool_call_id)
    calls = [{"id": call.id, "name": call.name, "args": _arguments(call.arguments)} for call in message.tool_calls]
    return AIMessage(message.content, tool_calls=calls)


def _arguments(written: str) -> dict[str, Any]:
    """An object always: what a model wrote that is none cannot be told to another."""
    try:
        read = json.loads(written or "{}")
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}
