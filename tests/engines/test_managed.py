from __future__ import annotations

from getpatter.engines.base import (
    AudioDelta,
    EngineEvent,
    HungUp,
    Interrupted,
    ResponseBegun,
    ResponseDone,
    TurnTaken,
)
from getpatter.engines.managed import ManagedResponses
from getpatter.llm.base import TextDelta, ToolCall

DONE, CANCELLED = ResponseDone(), ResponseDone("cancelled")
CALL = ToolCall("1", "look_up", "{}")


def responses() -> tuple[ManagedResponses, list[EngineEvent]]:
    events: list[EngineEvent] = []
    return ManagedResponses(events.append), events


def test_a_turn_is_announced_and_answered() -> None:
    managed, events = responses()
    managed.turn_taken("hello")
    managed.text("Yes.")
    managed.audio(b"sound")
    managed.end()
    assert events == [TurnTaken("hello"), TextDelta("Yes."), AudioDelta("response_1", b"sound"), DONE]


def test_what_we_asked_for_is_not_announced() -> None:
    managed, events = responses()
    managed.asked()
    managed.text("Yes.")
    managed.end()
    assert events == [TextDelta("Yes."), DONE]


def test_what_nobody_asked_for_is() -> None:
    managed, events = responses()
    managed.text("Are you there?")
    managed.end()
    managed.end()
    assert events == [ResponseBegun(), TextDelta("Are you there?"), DONE]


def test_each_has_its_end_before_the_next() -> None:
    managed, events = responses()
    managed.turn_taken("one")
    managed.text("Yes.")
    managed.turn_taken("two")
    managed.interrupted()
    assert events == [TurnTaken("one"), TextDelta("Yes."), CANCELLED, TurnTaken("two"), CANCELLED, Interrupted()]


def test_the_end_of_the_one_before_is_not_that_of_one_of_which_nothing_came() -> None:
    managed, events = responses()
    managed.turn_taken("hello")
    managed.end()
    assert managed.under_way
    assert events == [TurnTaken("hello")]


def test_of_one_that_was_cancelled_nothing_more_is_heard_until_it_is_over() -> None:
    managed, events = responses()
    managed.turn_taken("hello")
    managed.text("Yes.")
    managed.cancel()
    managed.cancel()
    managed.audio(b"more")
    assert not managed.call(CALL)
    managed.end()
    managed.text("And now?")
    assert events == [TurnTaken("hello"), TextDelta("Yes."), CANCELLED, ResponseBegun(), TextDelta("And now?")]


def test_one_that_was_cancelled_gives_way_to_the_next_turn() -> None:
    managed, events = responses()
    managed.turn_taken("hello")
    managed.cancel()
    managed.turn_taken("stop")
    managed.text("Very well.")
    assert events == [TurnTaken("hello"), CANCELLED, TurnTaken("stop"), TextDelta("Very well.")]


def test_what_follows_a_tools_result_is_another_one() -> None:
    managed, events = responses()
    managed.turn_taken("is she there")
    assert managed.call(CALL)
    managed.is_followed()
    managed.text("She is.")
    assert events == [TurnTaken("is she there"), CALL, DONE, ResponseBegun(), TextDelta("She is.")]


def test_items_of_different_responses_have_different_names() -> None:
    managed, events = responses()
    for _ in range(2):
        managed.asked()
        managed.audio(b"sound")
        managed.audio(b"")
        managed.end()
    assert [event.item_id for event in events if isinstance(event, AudioDelta)] == ["response_1", "response_2"]


def test_who_hangs_up_has_said_all_of_it() -> None:
    managed, events = responses()
    managed.turn_taken("that is all")
    managed.text("Goodbye.")
    managed.hung_up()
    assert events == [TurnTaken("that is all"), TextDelta("Goodbye."), DONE, HungUp()]


def test_only_the_response_that_called_a_tool_is_followed_by_another() -> None:
    managed, events = responses()
    managed.turn_taken("look it up")
    managed.call(CALL)
    managed.turn_taken("no, stop")
    managed.is_followed()  # by the result of the tool that was stopped
    managed.text("Very well.")
    assert events == [TurnTaken("look it up"), CALL, CANCELLED, TurnTaken("no, stop"), TextDelta("Very well.")]


def test_the_result_of_a_second_tool_does_not_end_the_answer_to_the_first() -> None:
    managed, events = responses()
    managed.turn_taken("look it up")
    managed.call(CALL)
    managed.is_followed()
    managed.text("One is")
    managed.is_followed()
    managed.text(" found.")
    assert events[-3:] == [ResponseBegun(), TextDelta("One is"), TextDelta(" found.")]


def test_an_answer_that_we_had_interrupted_does_not_take_our_words_with_it() -> None:
    managed, events = responses()
    managed.turn_taken("go on")
    managed.text("Once upon")
    managed.cancel()
    managed.asked()
    managed.interrupted()
    managed.audio(b"goodbye")
    managed.end()
    assert events[2:] == [CANCELLED, AudioDelta("response_2", b"goodbye"), DONE]


def test_the_caller_can_interrupt_our_words_all_the_same() -> None:
    managed, events = responses()
    managed.turn_taken("go on")
    managed.asked()
    managed.interrupted()
    managed.audio(b"goodbye")
    managed.interrupted()
    assert events[1:] == [CANCELLED, AudioDelta("response_2", b"goodbye"), CANCELLED, Interrupted()]


def test_words_of_ours_that_cut_in_on_nothing_are_interrupted_at_once() -> None:
    managed, events = responses()
    managed.asked()
    managed.interrupted()
    assert events == [CANCELLED, Interrupted()]


def test_the_caller_can_interrupt_our_words_once_they_are_complete() -> None:
    managed, events = responses()
    managed.turn_taken("go on")
    managed.asked()  # of what this cuts in on all had come, and there is nothing to be interrupted
    managed.audio(b"goodbye")
    managed.end()
    managed.interrupted()
    assert events[1:] == [CANCELLED, AudioDelta("response_2", b"goodbye"), DONE, Interrupted()]
