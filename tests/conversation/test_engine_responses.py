from __future__ import annotations

import pytest

from getpatter.conversation.engine_responses import Responses
from getpatter.engines.base import AudioDelta, ResponseDone
from getpatter.errors import ProviderError
from getpatter.llm.base import TextDelta

DONE, CANCELLED = ResponseDone(), ResponseDone("cancelled")
WORDS = TextDelta("Yes.")


def of_one_call() -> Responses:
    return Responses(8000)


async def test_what_was_asked_for_goes_to_who_asked() -> None:
    responses = of_one_call()
    asked = responses.begin(claims=False)
    assert (responses.wanted, responses.comes_unasked) == (True, False)
    responses.add(WORDS)
    responses.add(DONE)
    assert [await asked.next(), await asked.next()] == [WORDS, DONE]
    assert not responses.wanted
    await responses.free()


async def test_what_comes_unasked_is_kept_until_it_is_claimed() -> None:
    responses = of_one_call()
    responses.turn_taken("hello")
    responses.add(WORDS)
    assert (responses.wanted, responses.comes_unasked) == (False, True)
    claimed = responses.begin(claims=True)
    responses.add(DONE)
    assert [await claimed.next(), await claimed.next()] == [WORDS, DONE]
    assert responses.taken == ""


async def test_what_was_whole_when_it_was_claimed_need_not_be_asked_for() -> None:
    responses = of_one_call()
    responses.turn_taken("hello")
    responses.add(WORDS)
    responses.add(DONE)
    assert responses.begin(claims=True).complete
    assert not responses.wanted


def test_what_nobody_waits_for_any_more_is_still_wanted_until_it_ends() -> None:
    responses = of_one_call()
    asked = responses.begin(claims=False)
    assert responses.leave(asked)
    assert not responses.leave(asked)
    assert responses.wanted
    responses.add(CANCELLED)
    assert not responses.wanted


async def test_what_was_put_off_can_be_claimed_once_it_comes() -> None:
    responses = of_one_call()
    responses.put_off(responses.begin(claims=True))
    assert (responses.late, responses.comes_unasked) == (True, True)
    assert responses.add(WORDS)
    assert not responses.add(AudioDelta("1", b"sound"))
    claimed = responses.begin(claims=True)
    assert [await claimed.next(), await claimed.next()] == [WORDS, AudioDelta("1", b"sound")]


def test_nobody_is_told_of_a_late_response_that_holds_nothing() -> None:
    responses = of_one_call()
    responses.put_off(responses.begin(claims=True))
    assert not responses.add(DONE)
    assert not responses.late
    assert not responses.begin(claims=True).complete


def test_a_late_response_is_void_with_the_next_turn() -> None:
    responses = of_one_call()
    responses.put_off(responses.begin(claims=True))
    responses.add(CANCELLED)
    responses.turn_taken("never mind")
    assert not responses.add(WORDS)


async def test_a_turn_ends_what_was_asked_for_and_never_begun() -> None:
    responses = of_one_call()
    asked = responses.begin(claims=True)
    responses.turn_taken("hello")
    assert await asked.next() == CANCELLED
    assert not responses.leave(asked)
    assert responses.comes_unasked


def test_what_follows_a_tool_is_not_announced() -> None:
    responses = of_one_call()
    responses.follows(True)
    assert not responses.begun()
    assert responses.begun()


async def test_a_loss_is_told_to_who_waits() -> None:
    responses = of_one_call()
    asked = responses.begin(claims=False)
    responses.lost(ProviderError("gone"))
    with pytest.raises(ProviderError, match="gone"):
        await asked.next()
    assert not responses.retry()
    await responses.free()


def test_what_was_put_off_is_asked_of_the_next_session() -> None:
    responses = of_one_call()
    responses.put_off(responses.begin(claims=True))
    responses.lost(ProviderError("gone"))
    assert responses.retry()
    assert responses.add(WORDS)


async def test_after_the_end_there_is_nothing_to_wait_for() -> None:
    responses = of_one_call()
    responses.hung_up()
    asked = responses.begin(claims=False)
    assert asked.complete
    assert await asked.next() == DONE


@pytest.mark.parametrize("follows", [False, True])
def test_a_late_response_that_the_engine_announces_is_told_of_once(follows: bool) -> None:
    responses = of_one_call()
    responses.follows(follows)
    responses.put_off(responses.begin(claims=True))
    assert responses.begun()
    assert not responses.add(WORDS)


async def test_of_what_gave_way_to_other_words_no_part_is_claimed() -> None:
    responses = of_one_call()
    responses.begun()
    responses.add(WORDS)
    responses.give_way()
    responses.add(CANCELLED)
    claimed = responses.begin(claims=True)
    assert claimed.complete
    assert await claimed.next() == CANCELLED


async def test_an_addition_that_is_void_is_waited_out_and_not_claimed() -> None:
    responses = of_one_call()
    responses.begun()
    responses.add(WORDS)
    assert responses.void_addition()
    assert not responses.comes_unasked
    responses.add(CANCELLED)
    await responses.free()
    assert not responses.begin(claims=True).complete


def test_words_that_were_asked_for_are_waited_out_beside_a_void_addition() -> None:
    responses = of_one_call()
    responses.begun()
    responses.add(DONE)
    responses.leave(responses.begin(claims=False))
    assert not responses.void_addition()
    assert not responses.comes_unasked


def test_the_answer_to_a_turn_is_no_addition() -> None:
    responses = of_one_call()
    responses.begun()
    responses.turn_taken("hello")
    responses.add(DONE)
    assert not responses.void_addition()
    assert responses.begin(claims=True).complete
