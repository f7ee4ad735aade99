"""What a test expects of a conversation, or of one turn in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NoReturn, Self

from getpatter.trying.judge import Judge
from getpatter.trying.record import Record, ToolUse, TurnResult


def expect(result: Record) -> Expectation:
    """`expect(result).tool_called("book").agent_text_contains("booked")`; see `Expectation`."""
    return Expectation(result)


class Expectation:
    """Each method raises an `AssertionError` that says what is missing and shows the conversation."""

    def __init__(self, result: Record) -> None:
        self._result = result

    def agent_text_contains(self, *texts: str) -> Self:
        """All of them were heard of the agent, in any case and with any white space."""
        heard = _plain(self._result.agent_text)
        for text in texts:
            if _plain(text) not in heard:
                self._fail(f"the agent did not say {text!r}")
        return self

    def agent_text_lacks(self, *texts: str) -> Self:
        """None of them was heard of the agent."""
        heard = _plain(self._result.agent_text)
        for text in texts:
            if _plain(text) in heard:
                self._fail(f"the agent said {text!r}")
        return self

    def tool_called(self, name: str, args_subset: Mapping[str, Any] | None = None) -> Self:
        """A tool was called, with at least these arguments."""
        uses = [use for use in self._result.tool_calls if use.name == name]
        if not uses:
            called = ", ".join(use.name for use in self._result.tool_calls) or "none"
            self._fail(f"the tool {name} was not called (called: {called})")
        if not any(_holds(use, args_subset or {}) for use in uses):
            given = "; ".join(str(use.arguments) for use in uses)
            self._fail(f"the tool {name} was not called with {dict(args_subset or {})} but with {given}")
        return self

    def tool_not_called(self, name: str) -> Self:
        if any(use.name == name for use in self._result.tool_calls):
            self._fail(f"the tool {name} was called")
        return self

    def no_tool_called(self) -> Self:
        if self._result.tool_calls:
            self._fail(f"tools were called: {', '.join(use.name for use in self._result.tool_calls)}")
        return self

    def interrupted(self) -> Self:
        """The caller interrupted the agent."""
        if not self._result.interrupted:
            self._fail("the agent was not interrupted")
        return self

    def not_interrupted(self) -> Self:
        if self._result.interrupted:
            self._fail("the agent was interrupted")
        return self

    def ended(self) -> Self:
        """The call is over."""
        if self._result.ended is None:
            self._fail("the call goes on")
        return self

    def not_ended(self) -> Self:
        if self._result.ended is not None:
            self._fail(f"the call is over: {self._result.ended.reason}")
        return self

    def no_problems(self) -> Self:
        """No provider, tool or hook failed."""
        if self._result.problems:
            self._fail(f"something went wrong: {' '.join(self._result.problems)}")
        return self

    async def judge(self, judge: Judge, *, intent: str) -> Self:
        """A judge finds that the conversation up to here fulfils the intent.  Raises `ProviderError` where the judge
        cannot tell."""
        verdict = await judge.judge(str(self._whole), intent)
        if not verdict.passed:
            self._fail(f"the judge does not find that {intent!r} is fulfilled: {verdict.reason}")
        return self

    @property
    def _whole(self) -> Record:
        return self._result.whole if isinstance(self._result, TurnResult) else self._result

    def _fail(self, what: str) -> NoReturn:
        raise AssertionError(f"{what[0].upper()}{what[1:]}.\n\n{self._whole}")


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().casefold()


def _holds(use: ToolUse, wanted: Mapping[str, Any]) -> bool:
    return all(name in use.arguments and use.arguments[name] == value for name, value in wanted.items())
