from __future__ import annotations

from collections.abc import Callable

import pytest

from getpatter.events import CallEnded, Event, Problem, ToolCalled, Turn
from getpatter.trying import Expectation, Record, Verdict, expect

WHEN = {"call_id": "test_1", "at": 1.0}


def turn(role: str, text: str, **more: object) -> Turn:
    return Turn(index=0, role=role, text=text, started_at=1.0, ended_at=1.0, **WHEN, **more)  # type: ignore[arg-type]  # fields by name


def record(*more: Event) -> Record:
    booked = ToolCalled(tool_call_id="1", name="book", arguments='{"seats": 2, "name": "Miller"}', **WHEN)  # type: ignore[arg-type]  # fields by name
    return Record((turn("caller", "A table."), booked, turn("agent", "It is\n booked."), *more))


ENDED = CallEnded(outcome="answered", ended_by="caller", reason="they hung up", duration_s=1.0, **WHEN)  # type: ignore[arg-type]  # fields by name
LOST = Problem(code="provider", message="The model is away.", **WHEN)  # type: ignore[arg-type]  # fields by name


def test_what_holds_can_be_expected_in_one_go() -> None:
    held = expect(record()).agent_text_contains("it is BOOKED").agent_text_lacks("table").tool_called("book")
    held.tool_called("book", {"seats": 2}).tool_not_called("end_call").not_interrupted().not_ended().no_problems()
    expect(record(ENDED)).ended()
    expect(Record(())).no_tool_called()
    expect(record(turn("agent", "We", interrupted=True, unheard="open"))).interrupted()


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (lambda e: e.agent_text_contains("booked", "tomorrow"), "The agent did not say 'tomorrow'."),
        (lambda e: e.agent_text_lacks("booked"), "The agent said 'booked'."),
        (lambda e: e.tool_called("end_call"), r"The tool end_call was not called \(called: book\)."),
        (lambda e: e.tool_called("book", {"seats": 3}), "not called with {'seats': 3} but with {'seats': 2"),
        (lambda e: e.tool_not_called("book"), "The tool book was called."),
        (lambda e: e.no_tool_called(), "Tools were called: book."),
        (lambda e: e.interrupted(), "The agent was not interrupted."),
        (lambda e: e.ended(), "The call goes on."),
    ],
)
def test_what_does_not_hold_is_told_with_the_conversation(broken: Callable[[Expectation], object], told: str) -> None:
    with pytest.raises(AssertionError, match=told) as raised:
        broken(expect(record()))
    assert "caller  A table." in str(raised.value)


def test_the_end_and_problems_are_told_too() -> None:
    with pytest.raises(AssertionError, match="they hung up"):
        expect(record(ENDED)).not_ended()
    with pytest.raises(AssertionError, match="The model is away"):
        expect(record(LOST)).no_problems()
    with pytest.raises(AssertionError, match="was interrupted"):
        expect(record(turn("agent", "We", interrupted=True))).not_interrupted()


class Strict:
    """A judge with a fixed opinion, who notes what they were shown."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self.shown: list[tuple[str, str]] = []

    async def judge(self, conversation: str, intent: str) -> Verdict:
        self.shown.append((conversation, intent))
        return self.verdict


async def test_a_judge_sees_the_conversation_and_decides() -> None:
    judge = Strict(Verdict(True))
    await expect(record()).judge(judge, intent="Books a table.")
    assert judge.shown == [(str(record()), "Books a table.")]
    with pytest.raises(AssertionError, match=r"'Books a table\.' is fulfilled: It was rude"):
        await expect(record()).judge(Strict(Verdict(False, "It was rude.")), intent="Books a table.")
