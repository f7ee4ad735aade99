from __future__ import annotations

from getpatter.audio.format import LINE, AudioFormat
from getpatter.conversation.caller_feed import BATCH_BYTES, CallerFeed
from getpatter.engines.base import InputTranscript

FRAME = b"\x55" * 160


def feed_of(format: AudioFormat = LINE) -> tuple[CallerFeed, list[bytes]]:
    given: list[bytes] = []
    return CallerFeed(format, given.append), given


def test_audio_goes_in_batches() -> None:
    feed, given = feed_of()
    for _ in range(7):
        feed.hear(FRAME)
    assert given == [FRAME * (BATCH_BYTES // 160)]


def test_a_commit_gives_the_rest() -> None:
    feed, given = feed_of()
    feed.hear(FRAME)
    feed.commit()
    assert given == [FRAME]
    assert not feed.is_answered
    feed.answered()
    assert feed.is_answered


def test_audio_comes_in_the_format_of_the_engine() -> None:
    feed, given = feed_of(AudioFormat("pcm16", 16000))
    for _ in range(10):
        feed.hear(FRAME)
    assert sum(map(len, given)) > 0.9 * 10 * 160 * 4


def test_another_session_is_told_what_was_not_answered_and_what_came_since() -> None:
    feed, _ = feed_of()
    feed.hear(FRAME)
    feed.commit()
    feed.hear(FRAME * 2)
    again = feed.again()
    assert (again.utterances, again.rest, again.missing) == ([FRAME], FRAME * 2, 0)


def test_what_is_only_sent_is_not_told_again() -> None:
    feed, _ = feed_of()
    feed.send(FRAME)
    again = feed.again()
    assert (again.utterances, again.rest) == ([], b"")


def test_a_transcript_of_audio_that_was_understood_before_is_no_news() -> None:
    feed, _ = feed_of()
    feed.hear(FRAME)
    feed.commit()
    said = InputTranscript("hello", final=True)
    assert feed.is_news(said)
    feed.again()
    assert not feed.is_news(said)
