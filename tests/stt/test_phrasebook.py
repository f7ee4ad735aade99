from __future__ import annotations

from getpatter.stt.phrasebook import Phrasebook
from getpatter.stt.wording import spoken_words

PHRASES = ("Good evening, Trattoria Roma. How can I help you?", "At 7:30 p.m.?", "Yes!", "Yes, please.")
VOCABULARY = {word for phrase in PHRASES for word in spoken_words(phrase)} - {"trattoria"}
BOOK = Phrasebook(PHRASES, VOCABULARY)


def written(spoken: str) -> str:
    return BOOK.written(spoken.split())


def test_a_phrase_gets_its_own_spelling() -> None:
    assert written("at seven thirty p.m.") == "At 7:30 p.m.?"


def test_words_that_cannot_be_recognised_come_back_with_their_phrase() -> None:
    assert written("good evening roma how can i help you") == PHRASES[0]


def test_a_sentence_of_a_phrase_counts_as_a_phrase() -> None:
    assert written("how can i help you") == "How can I help you?"


def test_phrases_in_a_row_are_found() -> None:
    assert written("yes at seven thirty p.m. how can i help you") == "Yes! At 7:30 p.m.? How can I help you?"


def test_the_longest_phrases_win() -> None:
    assert written("yes please") == "Yes, please."


def test_other_words_stay_as_they_are() -> None:
    assert written("yes i can help you") == "yes i can help you"
    assert written("") == ""


def test_an_empty_book_changes_nothing() -> None:
    assert Phrasebook((), {"yes"}).written(["yes"]) == "yes"
    assert Phrasebook(("Trattoria", "..."), {"yes"}).sentences == []
