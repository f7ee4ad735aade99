"""A script in the place of a language model: for demos and tests, without an account, and saying so."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Self

from getpatter.llm.base import Message, ReplyPart, TextDelta, ToolCall, ToolSpec
from getpatter.llm.goal import goal_in, system_prompt
from getpatter.llm.script import Script, Situation, default_script, load_script

END_CALL = "end_call"
"""The tool that a line with `end` calls, where the conversation offers it."""

_WORD = re.compile(r"[\w']+")
_SPOKEN = re.compile(r"\S+\s*")


class ScriptedLLM:
    """Says what a script says.  Serves any number of calls: where each stands is read from its messages."""

    scripted = True

    def __init__(self, script: Script | None = None) -> None:
        self._script = script or default_script()

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Raises `ConfigurationError` for a file that holds no script."""
        return cls(load_script(path))

    @property
    def name(self) -> str:
        return f"script: {self._script.title}"

    async def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncGenerator[ReplyPart]:
        """See `LanguageModel.reply`.  The text comes word by word; nothing is said to the result of a tool."""
        if messages and messages[-1].role == "tool":
            return
        prompt = system_prompt(messages)
        situation = Situation(prompt=prompt, goal=goal_in(prompt), last_words=_last_words(messages))
        heard = [_words(message.content) for message in messages if message.role == "assistant"]
        text, end = self._script.next_line(situation, lambda line: any(_holds(words, _words(line)) for words in heard))
        for word in _SPOKEN.findall(text):
            yield TextDelta(word)
        if end and any(tool.name == END_CALL for tool in tools):
            yield ToolCall("call_end", END_CALL, "{}")

    async def warm(self) -> None:
        """There is nothing to open."""

    async def close(self) -> None:
        """There is nothing to let go of."""


def _last_words(messages: Sequence[Message]) -> str:
    last = messages[-1] if messages else None
    return last.content if last is not None and last.role == "user" else ""


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _holds(heard: Sequence[str], line: Sequence[str]) -> bool:
    """Whether a line is among the words that were heard, or at least half of it is at their end: one that was
    interrupted later than that was understood."""
    for start in range(len(heard)):
        part = heard[start : start + len(line)]
        if 2 * len(part) >= len(line) and part == line[: len(part)]:
            return True
    return False
