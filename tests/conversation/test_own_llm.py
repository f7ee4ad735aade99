"""A language model that answers each call apart."""

from __future__ import annotations

from collections.abc import Callable

from getpatter.llm.base import CallContext, LanguageModel
from getpatter.testing.providers import AnsweringLLM, TellableSTT
from getpatter.testing.stage import Stage


class Apart(AnsweringLLM):
    """Remembers the calls that it was asked about, and what became of their models."""

    def __init__(self) -> None:
        super().__init__("Not in a call.")
        self.calls: list[tuple[str, str, str]] = []
        self.warmed: list[str] = []
        self.closed: list[str] = []

    def for_call(self, call: CallContext) -> LanguageModel:
        self.calls.append((call.call_id, call.caller, call.callee))
        return _InCall(self, call.call_id)

    async def close(self) -> None:
        self.closed.append("shared")


class _InCall(AnsweringLLM):
    def __init__(self, shared: Apart, call_id: str) -> None:
        super().__init__(f"This is {call_id}.")
        self._shared = shared
        self._call_id = call_id

    async def warm(self) -> None:
        self._shared.warmed.append(self._call_id)

    async def close(self) -> None:
        self._shared.closed.append(self._call_id)


async def test_it_is_told_whose_call_it_is_and_closed_with_it(call_of: Callable[..., Stage]) -> None:
    shared = Apart()
    stage = call_of(llm=shared, stt=TellableSTT(["whose call is this"]))
    await stage.start()
    await stage.says()
    await stage.passes(2)
    assert stage.last_turn().text == "This is call_1."
    assert shared.calls == [("call_1", "", "")]
    assert shared.warmed == ["call_1"]
    await stage.talk.close()
    assert shared.closed == ["call_1"]
