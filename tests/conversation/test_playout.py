"""What was sent and what was heard, in bytes and seconds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.audio.format import FRAME_BYTES, FRAME_S
from getpatter.conversation.playout import MARK_GRACE_S, Burst, Heard, Playout
from getpatter.tts.base import WordTime

SECOND = b"\x55" * 8000
WORDS = "one two three four five six seven eight nine ten"


def speaking(text: str = WORDS, audio: bytes = SECOND * 5, *, words: tuple[WordTime, ...] = ()) -> Playout:
    playout = Playout(lead_s=0.06)
    playout.begin()
    playout.open_segment(text)
    playout.add(audio, words)
    playout.close_segment()
    playout.finish()
    return playout


def play(playout: Playout, start: float, end: float) -> list[Burst]:
    """Take what is due every 20 ms; the bursts that were not empty."""
    ticks = round((end - start) / FRAME_S)
    bursts = [playout.take(start + tick * FRAME_S) for tick in range(ticks)]
    return [burst for burst in bursts if burst.audio or burst.marks]


def test_audio_begins_with_the_lead_and_goes_on_at_its_own_pace() -> None:
    playout = speaking()
    assert len(playout.take(10.0).audio) == 3 * FRAME_BYTES
    assert [len(burst.audio) for burst in play(playout, 10.02, 10.12)] == [FRAME_BYTES] * 5


def test_a_late_clock_catches_up() -> None:
    playout = speaking()
    playout.take(10.0)
    assert len(playout.take(10.04).audio) == 2 * FRAME_BYTES


def test_never_more_is_under_way_than_the_lead() -> None:
    playout = speaking()
    sent = 0
    for tick in range(200):
        now = 10.0 + tick * FRAME_S
        sent += len(playout.take(now).audio)
        assert sent <= (now - 10.0) * 8000 + 0.06 * 8000 + FRAME_BYTES


def test_each_frame_is_told_when_it_will_be_heard() -> None:
    playout = speaking()
    assert playout.take(10.0).plays_at == 10.0
    assert playout.take(10.02).plays_at == pytest.approx(10.06)


def test_an_incomplete_frame_waits_for_the_rest_and_is_padded_at_the_end() -> None:
    playout = Playout()
    playout.begin()
    playout.open_segment("hm")
    playout.add(b"\x55" * 100)
    assert not playout.take(10.0).audio
    playout.close_segment()
    playout.finish()
    assert playout.take(10.02).audio == b"\x55" * 100 + b"\xff" * 60


def test_after_running_dry_playing_starts_afresh() -> None:
    playout = Playout(lead_s=0.06)
    playout.begin()
    playout.open_segment(WORDS)
    playout.add(SECOND)
    play(playout, 10.0, 12.0)
    playout.add(SECOND)
    assert len(playout.take(15.0).audio) == 3 * FRAME_BYTES, "not two seconds of arrears at once"
    assert playout.heard(15.5).text != ""


def test_a_mark_follows_each_sentence() -> None:
    playout = Playout(lead_s=0.06)
    playout.begin()
    for text in ("First.", "Second."):
        playout.open_segment(text)
        playout.add(b"\x55" * 1600)
        playout.close_segment()
    playout.finish()
    marks = [name for burst in play(playout, 10.0, 11.0) for name in burst.marks]
    assert marks == ["s1", "s2"]


# -- hearing


def test_nothing_was_heard_before_anything_was_sent() -> None:
    assert speaking().heard(10.0) == Heard("", WORDS)


def test_half_way_through_half_the_words_were_heard() -> None:
    playout = speaking()
    play(playout, 10.0, 12.5)
    heard = playout.heard(12.5)
    assert heard.text == "one two three four five"
    assert heard.unheard == "six seven eight nine ten"


def test_a_word_is_not_cut_in_two() -> None:
    playout = speaking("extraordinarily long", SECOND * 2)
    play(playout, 10.0, 11.0)
    assert playout.heard(11.0) == Heard("", "extraordinarily long")


def test_word_times_of_the_voice_are_better_than_a_guess() -> None:
    times = tuple(WordTime(word, at) for word, at in (("one", 0.0), ("two", 4.0), ("three", 4.5)))
    playout = speaking("one two three", words=times)
    play(playout, 10.0, 14.2)
    assert playout.heard(14.2).text == "one"


def test_all_is_heard_when_the_last_mark_is_back() -> None:
    playout = speaking(audio=SECOND)
    play(playout, 10.0, 11.1)
    assert not playout.heard_all(11.1)
    playout.mark_played("s1", 11.1)
    assert playout.heard_all(11.1)
    assert playout.heard(11.1) == Heard(WORDS, "")


def test_a_mark_that_never_comes_is_not_waited_for() -> None:
    playout = speaking(audio=SECOND)
    play(playout, 10.0, 11.1)
    assert playout.heard_all(11.0 + MARK_GRACE_S)


def test_late_marks_say_how_far_the_ear_is_behind_the_clock() -> None:
    playout = Playout(lead_s=0.06)
    playout.begin()
    for text in ("One.", WORDS):
        playout.open_segment(text)
        playout.add(SECOND * (1 if text == "One." else 5))
        playout.close_segment()
    play(playout, 10.0, 11.4)
    playout.mark_played("s1", 11.4)
    punctual = Playout(lead_s=0.06)
    punctual.begin()
    for text in ("One.", WORDS):
        punctual.open_segment(text)
        punctual.add(SECOND * (1 if text == "One." else 5))
        punctual.close_segment()
    play(punctual, 10.0, 11.4)
    play(playout, 11.4, 13.0)
    play(punctual, 11.4, 13.0)
    assert len(playout.heard(13.0).text) < len(punctual.heard(13.0).text)


def test_a_mark_from_seconds_ago_does_not_slow_the_clock() -> None:
    playout = speaking()
    play(playout, 10.0, 15.1)
    playout.mark_played("s1", 20.0)
    assert playout.heard_by < 16.0


def test_an_unknown_mark_means_nothing() -> None:
    playout = speaking()
    play(playout, 10.0, 10.1)
    playout.mark_played("s99", 10.1)
    assert playout.heard(10.1).text == ""


def test_clearing_tells_what_was_heard_and_leaves_nothing() -> None:
    playout = speaking()
    play(playout, 10.0, 12.5)
    assert playout.clear(12.5).text == "one two three four five"
    assert playout.take(12.52) == Burst(b"")
    assert not playout.audible(12.52)


def test_marks_of_what_was_cleared_say_nothing_about_the_next_utterance() -> None:
    playout = speaking(audio=SECOND)
    play(playout, 10.0, 11.0)
    playout.clear(11.0)
    playout.begin()
    playout.open_segment("Next.")
    playout.add(SECOND)
    playout.close_segment()
    playout.finish()
    playout.take(12.0)
    playout.mark_played("s1", 12.01)
    assert not playout.heard_all(12.01)


@given(
    st.lists(st.integers(0, 3000), min_size=1, max_size=8),
    st.lists(st.floats(0.001, 0.2), min_size=1, max_size=40),
)
def test_every_byte_is_sent_once_and_in_order_however_it_comes(sizes: list[int], steps: list[float]) -> None:
    playout = Playout()
    playout.begin()
    playout.open_segment("x")
    audio = b""
    for index, size in enumerate(sizes):
        piece = bytes([index + 1]) * size
        audio += piece
        playout.add(piece)
    playout.close_segment()
    playout.finish()
    sent, now = b"", 10.0
    for step in steps:
        now += step
        sent += playout.take(now).audio
    while not playout.complete:
        now += FRAME_S
        sent += playout.take(now).audio
    assert sent.rstrip(b"\xff") == audio
    assert len(sent) % FRAME_BYTES == 0


@given(st.floats(0, 8), st.floats(0, 8))
def test_what_was_heard_only_grows(first: float, second: float) -> None:
    earlier, later = sorted((first, second))
    playout = speaking()
    play(playout, 10.0, 15.2)
    assert playout.heard(10.0 + later).text.startswith(playout.heard(10.0 + earlier).text)


def test_a_pause_after_the_last_word_has_nothing_to_repeat() -> None:
    playout = speaking("hm", b"\x55" * 1700)
    play(playout, 10.0, 10.22)
    playout.hold(10.215)  # between the end of the words and that of their last frame
    playout.release(10.5)
    assert not playout.waiting
    assert playout.heard(10.5) == Heard("hm", "")
    assert playout.heard_by == pytest.approx(10.5 + MARK_GRACE_S), "and not a whole utterance later"


def test_what_is_said_again_was_heard_before() -> None:
    playout = speaking()
    play(playout, 10.0, 12.3)
    heard = playout.heard(12.3)
    playout.hold(12.3)
    playout.release(12.6)
    assert playout.heard(12.6) == heard


# -- what was heard stays heard


def paragraphs() -> Playout:
    """A second of words, two short sentences of 0.3 s and 0.1 s, and two seconds."""
    playout = Playout(lead_s=0.06)
    playout.begin()
    for text, seconds in (("One two three four.", 1.0), ("Yes.", 0.3), ("No.", 0.1), ("And a much longer end.", 2.0)):
        playout.open_segment(text)
        playout.add(text[:1].encode() * int(seconds * 8000))
        playout.close_segment()
    playout.finish()
    return playout


def test_a_late_mark_takes_no_word_back() -> None:
    playout = paragraphs()
    play(playout, 10.0, 11.46)
    before = playout.heard(11.46)
    playout.mark_played("s1", 11.46)  # 0.46 s after it was due
    assert playout.heard(11.46) == before
    assert playout.heard_s(11.9) >= playout.heard_s(11.46)


def test_after_a_late_mark_the_unheard_words_are_sent_again_whole() -> None:
    playout = paragraphs()
    play(playout, 10.0, 11.46)
    playout.mark_played("s1", 11.46)
    playout.hold(11.46)
    playout.release(12.0)
    again = b"".join(burst.audio for burst in play(playout, 12.0, 16.0))
    assert set(again) == {ord("A")}  # the last sentence, of which nothing was heard whole
    assert len(again) > 1.9 * 8000
    assert playout.complete


def test_a_line_that_ran_dry_takes_no_word_back() -> None:
    playout = Playout(lead_s=0.06)
    playout.begin()
    for text in ("One.", "Two three four five."):
        playout.open_segment(text)
        playout.add(SECOND)
        playout.close_segment()
    play(playout, 10.0, 11.4)
    playout.mark_played("s1", 11.4)  # the ear is 0.4 s behind the clock
    play(playout, 11.4, 13.0)
    heard = playout.heard_s(13.0)
    playout.open_segment("Six.")
    playout.add(SECOND)
    playout.take(13.0)
    assert playout.heard_s(13.0) >= heard


@pytest.mark.parametrize(("seconds", "stays"), [(0, ""), (1, "one two three"), (5, WORDS)])
def test_of_a_sentence_that_breaks_off_stays_what_its_sound_can_hold(seconds: int, stays: str) -> None:
    playout = Playout(lead_s=0.06)
    playout.begin()
    playout.open_segment(WORDS)
    playout.add(SECOND * seconds)
    assert playout.break_off_segment() == stays
    assert playout.break_off_segment() == stays
    playout.open_segment("And eleven.")
    playout.add(SECOND)
    playout.close_segment()
    playout.finish()
    play(playout, 10.0, 20.0)
    assert playout.heard(20.0).text == f"{stays} And eleven.".strip()
