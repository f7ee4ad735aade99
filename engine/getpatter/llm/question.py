"""What a brain of somebody else's is asked, as plain JSON values, and tool calls as it writes them.  No I/O."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from getpatter.llm.base import Message, ToolCall, ToolSpec


def messages_as_json(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """`role` and `content` of each, `tool_calls` (`id`, `name`, `arguments`) of an assistant's, `tool_call_id` of a
    tool's."""
    return [_message(message) for message in messages]


def tools_as_json(tools: Sequence[ToolSpec]) -> list[dict[str, Any]]:
    """`name`, `description` and `parameters`, a JSON schema, of each."""
    return [{"name": one.name, "description": one.description, "parameters": dict(one.parameters)} for one in tools]


def last_words(messages: Sequence[Message]) -> tuple[str, list[Message]]:
    """What the caller has just said, and what was said before it by both sides.

    The words are empty where it is not the caller who is answered: nothing was said yet, or a tool has a result.
    """
    said = [message for message in messages if message.role in ("user", "assistant") and message.content]
    if messages and messages[-1].role == "user" and said and said[-1].role == "user":
        return said[-1].content, said[:-1]
    return "", said


def tool_call_from(value: object) -> ToolCall:
    """A call of a tool: `name`, `arguments` as an object or as JSON text, and an `id` or none.

    Raises `ValueError` for anything else.
    """
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str) or not value["name"]:
        raise ValueError("a tool call without a name")
    arguments, call_id = value.get("arguments"), value.get("id")
    if arguments is None or isinstance(arguments, Mapping):
        arguments = json.dumps(arguments or {}, ensure_ascii=False)
    if not isinstance(arguments, str) or not isinstance(call_id, str | None):
        raise ValueError(f"a call of {value['name'][:60]!r} whose arguments are no object")
    return ToolCall(call_id or f"call_{uuid.uuid4().hex}", value["name"], arguments)


def _message(message: Message) -> dict[str, Any]:
    told: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        told["tool_calls"] = [
            {"id": call.id, "name": call.name, "arguments": _arguments(call.arguments)} for call in message.tool_calls
        ]
    if message.role == "tool":
        told["tool_call_id"] = message.tool_call_id
    return told


def _arguments(written: str) -> Any:
    """As an object; the text that the model wrote where that is no JSON."""
    try:
        return json.loads(written or "{}")
    except ValueError:
        return written
