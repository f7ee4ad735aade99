from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from getpatter.tts.base import SpeechChunk, WordTime
from getpatter.tts.progress import SentenceProgress

BYTES_PER_S = 8000
TEXT = "Your number is one two three."


def timed(text: str, seconds_a_word: float = 0.5) -> tuple[WordTime, ...]:
    return tuple(WordTime(word, index * seconds_a_word) for index, word in enumerate(text.split()))


def audio(seconds: float) -> bytes:
    return bytes(int(seconds * BYTES_PER_S))


def rest_after(seconds: float, words: tuple[WordTime, ...] = (), text: str = TEXT) -> str:
    progress = SentenceProgress(text, BYTES_PER_S)
    progress.take(SpeechChunk(audio(seconds), words))
    progress.break_off()
    return progress.rest


def test_before_the_first_audio_all_is_left() -> None:
    assert rest_after(0.0, timed(TEXT)) == TEXT
    assert rest_after(0.0) == TEXT


def test_the_word_that_was_cut_is_said_again_and_those_before_it_are_not() -> None:
    assert rest_after(1.7, timed(TEXT)) == "one two three."
    assert rest_after(2.0, timed(TEXT)) == "two three."


def test_of_the_last_word_nobody_knows_whether_it_was_whole() -> None:
    assert rest_after(9.0, timed(TEXT)) == "three."


def test_word_times_that_came_so_far_count_as_far_as_they_go() -> None:
    assert rest_after(9.0, timed("Your number is")) == "is one two three."


def test_words_that_the_voice_spells_in_another_way_are_passed_over() -> None:
    words = (WordTime("Your", 0.0), WordTime("No.", 0.5), WordTime("is", 1.0), WordTime("one", 1.5))
    assert rest_after(1.2, words) == "is one two three."
    assert rest_after(1.2, (WordTime("¿?", 0.0),)) == rest_after(1.2)


def test_without_word_times_it_goes_on_at_the_word_that_slow_speech_has_reached() -> None:
    assert rest_after(1.0) == "is one two three."  # 12 characters: "Your number "
    assert rest_after(0.3) == TEXT
    assert rest_after(60.0) == ""


def test_the_next_voice_counts_its_words_from_its_own_first_audio() -> None:
    progress = SentenceProgress(TEXT, BYTES_PER_S)
    progress.take(SpeechChunk(audio(1.5), timed(TEXT)))
    progress.break_off()
    assert progress.rest == "one two three."
    chunk = progress.take(SpeechChunk(audio(0.7), timed(progress.rest)))
    assert [word.start_s for word in chunk.words] == [1.5, 2.0, 2.5]
    progress.break_off()
    assert progress.rest == "two three."
    assert progress.given_s == 2.2


@given(st.text("ab ,.", max_size=60), st.lists(st.tuples(st.floats(0, 3), st.booleans()), max_size=5))
def test_however_often_it_breaks_the_rest_gets_shorter_and_begins_with_a_word(
    text: str, breaks: list[tuple[float, bool]]
) -> None:
    progress = SentenceProgress(text, BYTES_PER_S)
    for seconds, with_words in breaks:
        before = progress.rest
        progress.take(SpeechChunk(audio(seconds), timed(before, 0.2) if with_words else ()))
        progress.break_off()
        assert before.endswith(progress.rest)
        cut = len(text) - len(progress.rest)
        assert not progress.rest or cut == 0 or text[cut - 1].isspace()
