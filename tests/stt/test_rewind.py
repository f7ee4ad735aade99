from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from getpatter.stt.rewind import RewindBuffer


def replayed(buffer: RewindBuffer) -> list[bytes | None]:
    return list(buffer.replay())


def test_audio_since_the_last_final_transcript_is_kept_in_one_run() -> None:
    buffer = RewindBuffer(100)
    buffer.add(b"ab")
    buffer.add(b"cd")
    assert replayed(buffer) == [b"abcd"]


def test_a_request_keeps_its_place() -> None:
    buffer = RewindBuffer(100)
    buffer.add(b"ab")
    buffer.request()
    buffer.add(b"cd")
    assert replayed(buffer) == [b"ab", None, b"cd"]
    assert buffer.pending == 1


def test_an_answer_covers_the_audio_before_its_request_and_no_more() -> None:
    buffer = RewindBuffer(100)
    for word in (b"ab", b"cd"):
        buffer.add(word)
        buffer.request()
    buffer.add(b"ef")
    buffer.answered()
    assert replayed(buffer) == [b"cd", None, b"ef"]


def test_a_final_that_nobody_asked_for_leaves_requests_to_be_answered() -> None:
    buffer = RewindBuffer(100)
    buffer.add(b"ab")
    buffer.finalized()
    buffer.add(b"cd")
    buffer.request()
    buffer.add(b"ef")
    buffer.finalized()
    assert replayed(buffer) == [None, b"ef"]


def test_audio_that_a_final_does_not_reach_is_kept_in_whole_runs() -> None:
    buffer = RewindBuffer(100)
    for run in (b"ab", b"cd", b"ef"):
        buffer.add(run)
    buffer.finalized(after=3)
    assert replayed(buffer) == [b"cdef"]
    assert buffer.size_bytes == 4
    buffer.finalized(after=99)
    assert replayed(buffer) == [b"cdef"]
    buffer.finalized()
    assert replayed(buffer) == []


def test_an_answer_to_nothing_is_a_final_that_nobody_asked_for() -> None:
    buffer = RewindBuffer(100)
    buffer.add(b"ab")
    buffer.answered()
    assert replayed(buffer) == []
    assert buffer.pending == 0


def test_the_oldest_audio_goes_first_and_in_whole_runs() -> None:
    buffer = RewindBuffer(5)
    for run in (b"ab", b"cd", b"ef", b"gh"):
        buffer.add(run)
    assert replayed(buffer) == [b"cdefgh"]


def test_a_request_outlives_its_audio() -> None:
    buffer = RewindBuffer(4)
    buffer.add(b"ab")
    buffer.request()
    buffer.add(b"cdef")
    buffer.finalized()  # covers what was dropped
    assert replayed(buffer) == [None, b"cdef"]
    buffer.answered()
    assert replayed(buffer) == [b"cdef"]


@given(st.lists(st.one_of(st.binary(min_size=1, max_size=8), st.sampled_from(["request", "answered", "finalized"]))))
def test_it_never_forgets_a_request_nor_the_newest_audio(steps: list[bytes | str]) -> None:
    buffer = RewindBuffer(16)
    unanswered: list[bytes] = [b""]
    """Audio by the request that ends it; the last has none yet."""
    for step in steps:
        match step:
            case bytes():
                buffer.add(step)
                unanswered[-1] += step
            case "request":
                buffer.request()
                unanswered.append(b"")
            case "answered" if len(unanswered) > 1:
                buffer.answered()
                unanswered.pop(0)
            case _:
                buffer.finalized()
                unanswered[0] = b""
        entries = replayed(buffer)
        audio = b"".join(entry for entry in entries if entry is not None)
        expected = b"".join(unanswered)
        assert entries.count(None) == buffer.pending == len(unanswered) - 1
        assert expected.endswith(audio)
        assert len(audio) == buffer.size_bytes
        assert audio.endswith(expected[-16:])
        assert len(audio) < 16 + 8
        assert not (entries and entries[-1] is not None) or unanswered[-1].endswith(entries[-1])
