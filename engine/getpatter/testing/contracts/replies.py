"""What language models are asked in the contract of all of them, and what their replies come to."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing

import pytest

from getpatter.errors import ProviderError
from getpatter.llm.base import LanguageModel, Message, ReplyPart, TextDelta, ToolCall, ToolSpec

HELLO = [Message("system", "Be brief."), Message("user", "Hello?")]
LOOK_UP = ToolSpec(
    "look_up",
    "Look a day up.",
    {"type": "object", "properties": {"day": {"type": "string"}, "people": {"type": "integer"}}, "required": ["day"]},
)
NOTE = ToolSpec("note", "Note something.", {"type": "object", "properties": {"text": {"type": "string"}}})
MONDAY = ToolCall("call_1", "look_up", '{"day": "Mondaÿ", "people": 2}')
NOTED = ToolCall("call_2", "note", '{"text": "window seat"}')


async def reply(
    llm: LanguageModel, messages: Sequence[Message] = HELLO, tools: Sequence[ToolSpec] = ()
) -> list[ReplyPart]:
    """All parts of a reply."""
    async with aclosing(llm.reply(messages, tools)) as parts:
        return [part async for part in parts]


def said(parts: Sequence[ReplyPart]) -> str:
    """The text of all of them."""
    return "".join(part.text for part in parts if isinstance(part, TextDelta))


async def failure(llm: LanguageModel) -> ProviderError:
    """What a reply fails with."""
    with pytest.raises(ProviderError) as failed:
        await reply(llm)
    return failed.value


async def broken(llm: LanguageModel) -> tuple[ProviderError, list[ReplyPart]]:
    """What a reply fails with, and what came before."""
    parts: list[ReplyPart] = []
    with pytest.raises(ProviderError) as failed:
        await _read(llm, parts)
    return failed.value, parts


async def _read(llm: LanguageModel, parts: list[ReplyPart]) -> None:
    async with aclosing(llm.reply(HELLO, [])) as coming:
        async for part in coming:
            parts.append(part)  # noqa: PERF401 -- what came before a failure counts
