from __future__ import annotations

import pytest

from getpatter.engines.gemini_turn import ModelTurn
from getpatter.engines.gemini_wire import ServerContent

COMPLETE = ServerContent(generation_complete=True)
OVER = ServerContent(turn_complete=True)
BROKEN = ServerContent(interrupted=True)


def asked() -> ModelTurn:
    turn = ModelTurn()
    turn.begin()
    return turn


def endings(turn: ModelTurn, *contents: ServerContent) -> list[str]:
    return [ending for content in contents if (ending := turn.ends(content)) is not None]


@pytest.mark.parametrize(
    ("contents", "ending"),
    [
        ((COMPLETE, OVER), "completed"),
        ((ServerContent(generation_complete=True, turn_complete=True),), "completed"),
        ((OVER,), "completed"),
        ((BROKEN, OVER), "cancelled"),
        ((ServerContent(interrupted=True, turn_complete=True),), "cancelled"),
    ],
)
def test_an_answer_ends_once(contents: tuple[ServerContent, ...], ending: str) -> None:
    assert endings(asked(), *contents) == [ending]


def test_an_answer_that_nobody_wants_is_cancelled_however_it_ends() -> None:
    turn = asked()
    turn.cancelled = True
    assert not turn.is_heard
    assert endings(turn, COMPLETE, OVER) == ["cancelled"]


def test_the_late_end_of_a_turn_is_not_that_of_the_next() -> None:
    turn = asked()
    assert endings(turn, COMPLETE) == ["completed"]
    turn.begin()
    assert endings(turn, OVER) == []
    assert turn.is_heard
    assert endings(turn, COMPLETE, OVER) == ["completed"]


def test_breaking_off_what_was_complete_is_not_breaking_off_the_next() -> None:
    turn = asked()
    turn.ends(COMPLETE)
    turn.begin()
    assert endings(turn, BROKEN, OVER) == []
    assert endings(turn, COMPLETE) == ["completed"]


def test_nothing_is_heard_of_a_turn_that_was_never_ended_before_the_next() -> None:
    turn = asked()
    turn.cancelled = True
    turn.begin()
    assert not turn.is_heard
    assert endings(turn, BROKEN, OVER) == []
    assert turn.is_heard
    assert endings(turn, COMPLETE, OVER) == ["completed"]


@pytest.mark.parametrize("end_of_the_call", [(OVER,), ()], ids=["newer models", "older models"])
def test_a_turn_that_waits_for_tools_goes_on_with_their_results(end_of_the_call: tuple[ServerContent, ...]) -> None:
    turn = asked()
    turn.wait_for_tools()
    turn.begin()
    assert endings(turn, *end_of_the_call) == []
    turn.spoke()
    assert endings(turn, COMPLETE, OVER) == ["completed"]


def test_what_nobody_asked_for_ends_nothing() -> None:
    assert endings(ModelTurn(), COMPLETE, OVER, BROKEN, OVER) == []


def test_the_last_message_is_due_from_the_end_of_the_words_to_that_of_the_turn() -> None:
    turn = asked()
    assert not turn.last_message_due
    assert endings(turn, COMPLETE) == ["completed"]
    assert turn.last_message_due
    endings(turn, OVER)
    assert not turn.last_message_due


def test_the_last_message_of_a_turn_that_was_broken_off_is_due() -> None:
    turn = asked()
    turn.cancelled = True
    assert turn.last_message_due
    endings(turn, BROKEN, OVER)
    assert not turn.last_message_due
