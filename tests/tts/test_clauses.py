from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from getpatter.tts.clauses import clauses


def test_a_short_sentence_stays_whole() -> None:
    assert clauses("Good evening, how can I help you?") == ["Good evening, how can I help you?"]


def test_a_long_sentence_is_cut_behind_punctuation() -> None:
    assert clauses("We have a table at seven, one at eight, and two at nine o'clock.", short=20) == [
        "We have a table at seven,",
        "one at eight, and two at nine o'clock.",
    ]


def test_a_short_rest_belongs_to_what_is_before_it() -> None:
    assert clauses("We have a table for four at eight, Anna.", short=20) == ["We have a table for four at eight, Anna."]


def test_numbers_and_words_without_space_are_not_cut() -> None:
    assert clauses("That is 1,234,567.89 and nothing else.", short=5) == ["That is 1,234,567.89 and nothing else."]


@given(st.text(), st.integers(0, 30))
def test_no_word_is_lost(sentence: str, short: int) -> None:
    parts = clauses(sentence, short)
    assert " ".join(parts).split() == sentence.split()
    assert all(parts)
