from __future__ import annotations

from getpatter.conversation.unanswered import MAX_BYTES, Unanswered


def test_what_was_not_answered_is_told_again_as_it_was_committed() -> None:
    unanswered = Unanswered()
    unanswered.add(b"a")
    unanswered.add(b"b")
    unanswered.commit()
    unanswered.add(b"c")
    assert unanswered
    assert unanswered.again() == ([b"ab"], b"c", 0)


def test_what_was_answered_is_not_told_again() -> None:
    unanswered = Unanswered()
    unanswered.add(b"a")
    unanswered.commit()
    assert unanswered.understood()
    unanswered.answered()
    assert not unanswered
    assert unanswered.again() == ([], b"", 0)


def test_a_transcript_that_comes_a_second_time_is_no_news() -> None:
    unanswered = Unanswered()
    for audio in (b"a", b"b"):
        unanswered.add(audio)
        unanswered.commit()
    assert unanswered.understood()
    unanswered.again()
    assert not unanswered.understood()
    assert unanswered.understood()
    assert not unanswered.understood()


def test_a_transcript_that_will_not_come_any_more_is_counted() -> None:
    unanswered = Unanswered()
    unanswered.add(b"a")
    unanswered.commit()
    unanswered.answered()
    assert unanswered.again() == ([], b"", 1)


def test_of_a_long_monologue_the_end_is_kept() -> None:
    unanswered = Unanswered()
    unanswered.add(b"a" * MAX_BYTES)
    unanswered.add(b"b")
    unanswered.commit()
    [audio], _, _ = unanswered.again()
    assert (len(audio), audio[-1:]) == (MAX_BYTES, b"b")
    unanswered.add(b"c" * 100)
    unanswered.commit()
    utterances, _, missing = unanswered.again()
    assert (utterances, missing) == ([b"c" * 100], 1)
