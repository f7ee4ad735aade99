from __future__ import annotations

import pytest

from getpatter.tts.base import WordTime
from getpatter.tts.spoken_tokens import SpokenTokens


def times(text: str, *tokens: str) -> list[WordTime]:
    """With a token each second."""
    spoken = SpokenTokens(text)
    return [word for second, token in enumerate(tokens) for word in spoken.take(token, float(second))]


@pytest.mark.parametrize(
    "tokens",
    [
        ("Hello,", "there."),
        ("Hello", "there"),
        ("hello, ", "there."),
        (" Hello,", " there."),
    ],
)
def test_tokens_may_be_words(tokens: tuple[str, ...]) -> None:
    assert times("Hello, there.", *tokens) == [WordTime("Hello,", 0.0), WordTime("there.", 1.0)]


def test_tokens_may_be_parts_of_words_and_what_is_between() -> None:
    tokens = ("Hel", "lo", ",", " ", "the", "re", ".")
    assert times("Hello, there.", *tokens) == [WordTime("Hello,", 0.0), WordTime("there.", 4.0)]


def test_a_word_that_was_read_in_other_words_is_passed_over() -> None:
    assert times("At 5 sharp.", "At", "five", "sharp") == [WordTime("At", 0.0), WordTime("sharp.", 2.0)]


def test_a_word_is_not_looked_for_far_away() -> None:
    text = f"One {'x' * 50} two."
    assert times(text, "One", "two") == [WordTime("One", 0.0)]


def test_the_same_word_twice_is_two_words() -> None:
    assert times("no no", "no", "no") == [WordTime("no", 0.0), WordTime("no", 1.0)]


def test_nothing_is_nothing() -> None:
    assert times("", "a") == times("a", "", " ") == []
