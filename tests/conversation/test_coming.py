from __future__ import annotations

from getpatter.conversation.coming import MAX_S, Coming
from getpatter.engines.base import AudioDelta, ResponseDone
from getpatter.llm.base import TextDelta

YES = TextDelta("Yes.")
DONE = ResponseDone()


def test_what_was_announced_is_kept_until_it_is_claimed() -> None:
    coming = Coming(8000)
    coming.begin()
    coming.add(YES)
    coming.add(DONE)
    assert coming.claim() == [YES, DONE]
    assert coming.claim() == []


def test_what_was_not_announced_belongs_to_a_response_that_was_cancelled() -> None:
    coming = Coming(8000)
    coming.add(YES)
    coming.add(DONE)
    assert coming.claim() == []


def test_nothing_is_kept_behind_the_end() -> None:
    coming = Coming(8000)
    coming.begin()
    coming.add(DONE)
    coming.add(YES)
    assert coming.claim() == [DONE]


def test_the_next_one_takes_the_place_of_one_that_nobody_claimed() -> None:
    coming = Coming(8000)
    coming.begin()
    coming.add(TextDelta("No."))
    coming.begin()
    coming.add(YES)
    assert coming.claim() == [YES]


def test_sound_beyond_the_limit_is_not_kept() -> None:
    coming = Coming(8000)
    coming.begin()
    for _ in range(2 * int(MAX_S)):
        coming.add(AudioDelta("item", bytes(8000)))
    coming.add(DONE)
    kept = coming.claim()
    assert len(kept) == MAX_S + 1
    assert kept[-1] == DONE
