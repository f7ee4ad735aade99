"""What a graph with a memory is told of what became of its words."""

from __future__ import annotations

import pytest

from getpatter.llm.base import Message, ToolCall
from getpatter.llm.graph_turns import GraphTurns, Said, Turn

PROMPT = Message("system", "Be quick.")
HELLO = Message("assistant", "Hello.")
OPEN = Message("user", "Are you open?")
UNTIL_SIX = Message("assistant", "We are open until six.")
TODAY = Message("user", "Today as well?")

FIRST, SECOND = {"checkpoint_id": "1"}, {"checkpoint_id": "2"}


def complete(turn: Turn, text: str, *, message_id: str = "m1", at: dict[str, str] = FIRST) -> None:
    turn.run.said = [Said(message_id, text)]
    turn.run.checkpoint = at


def test_the_first_turn_brings_all_there_is() -> None:
    turn = GraphTurns().begin([PROMPT, HELLO, OPEN])
    assert (turn.prompt, turn.new, turn.words) == ("Be quick.", [HELLO, OPEN], "Are you open?")
    assert (turn.back_to, turn.afresh, turn.corrected) == (None, False, {})


def test_later_turns_bring_what_is_new() -> None:
    turns = GraphTurns()
    complete(turns.begin([PROMPT, OPEN]), UNTIL_SIX.content)
    turn = turns.begin([PROMPT, OPEN, UNTIL_SIX, TODAY])
    assert (turn.prompt, turn.new, turn.corrected) == ("", [TODAY], {})
    assert (turn.back_to, turn.afresh) == (None, False)


def test_a_prompt_that_changed_is_told_again() -> None:
    turns = GraphTurns()
    complete(turns.begin([PROMPT, OPEN]), UNTIL_SIX.content)
    assert turns.begin([Message("system", "Be slow."), OPEN, UNTIL_SIX, TODAY]).prompt == "Be slow."


def test_words_that_were_not_heard_are_taken_back() -> None:
    turns = GraphTurns()
    complete(turns.begin([OPEN]), UNTIL_SIX.content)
    turn = turns.begin([OPEN, Message("assistant", "We are—"), TODAY])
    assert (turn.corrected, turn.new) == ({"m1": "We are—"}, [TODAY])


def test_each_message_keeps_what_was_heard_of_it() -> None:
    turns = GraphTurns()
    run = turns.begin([OPEN]).run
    run.said = [Said("m1", "Let me see. "), Said("m2", "", calls_tools=True), Said("m3", "We are open until six.")]
    run.checkpoint = FIRST
    assert turns.begin([OPEN, Message("assistant", "Let me see. We are—"), TODAY]).corrected == {"m3": "We are—"}


def test_a_message_that_calls_tools_and_the_question_of_an_interrupt_stay() -> None:
    turns = GraphTurns()
    run = turns.begin([OPEN]).run
    run.said = [Said("m1", "Let me see.", calls_tools=True), Said("", "Which day?")]
    run.checkpoint = FIRST
    assert turns.begin([OPEN, Message("assistant", "Let—"), TODAY]).corrected == {}


def test_words_that_were_said_behind_an_answer_belong_to_it() -> None:
    turns = GraphTurns()
    complete(turns.begin([OPEN]), UNTIL_SIX.content)
    more = Message("assistant", UNTIL_SIX.content + " Are you still there?")
    assert turns.begin([OPEN, more, TODAY]).corrected == {"m1": more.content}


def test_an_answer_that_nobody_heard_never_was() -> None:
    turns = GraphTurns()
    complete(turns.begin([OPEN]), UNTIL_SIX.content)
    complete(turns.begin([OPEN, UNTIL_SIX, TODAY]), "Yes.", message_id="m2", at=SECOND)
    both = Message("user", "Today as well? And tomorrow?")
    turn = turns.begin([OPEN, UNTIL_SIX, both])
    assert (turn.new, turn.back_to, turn.afresh) == ([both], FIRST, False)


def test_when_the_first_answer_was_not_heard_the_thread_begins_anew() -> None:
    turns = GraphTurns()
    complete(turns.begin([OPEN]), UNTIL_SIX.content)
    turn = turns.begin([TODAY])
    assert (turn.new, turn.back_to, turn.afresh) == ([TODAY], None, True)


def test_a_thread_from_before_the_call_goes_back_to_where_it_was() -> None:
    turns = GraphTurns(FIRST)
    complete(turns.begin([OPEN]), UNTIL_SIX.content, at=SECOND)
    turn = turns.begin([TODAY])
    assert (turn.back_to, turn.afresh) == (FIRST, False)


def test_a_run_that_was_broken_off_is_told_what_was_heard_of_it() -> None:
    turns = GraphTurns()
    complete(turns.begin([OPEN]), UNTIL_SIX.content)
    turns.begin([OPEN, UNTIL_SIX, TODAY])
    heard = Message("assistant", "Yes—")
    turn = turns.begin([OPEN, UNTIL_SIX, TODAY, heard, OPEN])
    assert (turn.new, turn.back_to) == ([TODAY, heard, OPEN], FIRST)


def test_an_answer_may_go_on_in_the_message_that_was_there() -> None:
    turns = GraphTurns()
    complete(turns.begin([OPEN, UNTIL_SIX]), "Anything else?")
    turn = turns.begin([OPEN, Message("assistant", "We are open until six. Anything else?"), TODAY])
    assert (turn.new, turn.back_to, turn.corrected) == ([TODAY], None, {})


def test_results_of_tools_are_new() -> None:
    turns = GraphTurns()
    complete(turns.begin([OPEN]), "")
    called = Message("assistant", "", (ToolCall("1", "end_call", "{}"),))
    result = Message("tool", "done", tool_call_id="1")
    assert turns.begin([OPEN, called, result]).new == [result]


@pytest.mark.parametrize(("heard", "asked"), [([Message("assistant", "Which day?")], ("q1",)), ([], ())])
def test_a_question_that_was_heard_is_answered(heard: list[Message], asked: tuple[str, ...]) -> None:
    turns = GraphTurns()
    run = turns.begin([OPEN]).run
    run.said, run.checkpoint, run.interrupts = [Said("", "Which day?")], FIRST, ("q1",)
    turn = turns.begin([OPEN, *heard, TODAY])
    assert (turn.interrupts, turn.words) == (asked, "Today as well?")


def test_a_question_that_was_answered_and_the_answer_withdrawn_is_answered_again() -> None:
    turns = GraphTurns()
    run = turns.begin([OPEN]).run
    run.said, run.checkpoint, run.interrupts = [Said("", "Which day?")], FIRST, ("q1",)
    question = Message("assistant", "Which day?")
    complete(turns.begin([OPEN, question, Message("user", "Mon")]), "Fine.", at=SECOND)
    turn = turns.begin([OPEN, question, Message("user", "Monday")])
    assert (turn.interrupts, turn.words, turn.back_to) == (("q1",), "Monday", FIRST)
