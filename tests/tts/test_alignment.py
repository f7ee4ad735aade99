from __future__ import annotations

import pytest

from getpatter.tts.alignment import Alignment
from getpatter.tts.base import WordTime

Piece = tuple[str, list[float]]


def words(*pieces: Piece, piece_s: float = 0.4) -> list[WordTime]:
    """Of pieces whose characters begin at these seconds and last a tenth each."""
    alignment = Alignment()
    found: list[WordTime] = []
    for number, (characters, starts) in enumerate(pieces):
        ends = [start + 0.1 for start in starts]
        found += alignment.take(list(characters), starts, ends, audio_s=number * piece_s)
    return [WordTime(word.word, round(word.start_s, 3)) for word in (*found, *alignment.rest())]


def test_characters_are_folded_into_words() -> None:
    assert words(("Oh no.", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5])) == [WordTime("Oh", 0.0), WordTime("no.", 0.3)]


def test_a_word_may_go_over_the_border_of_two_pieces() -> None:
    assert words(("a by", [0.0, 0.1, 0.2, 0.3]), ("e ", [0.0, 0.1])) == [WordTime("a", 0.0), WordTime("bye", 0.2)]


def test_times_may_be_counted_from_each_piece() -> None:
    assert words(("one ", [0.0, 0.1, 0.2, 0.3]), ("two", [0.0, 0.1, 0.2])) == [
        WordTime("one", 0.0),
        WordTime("two", 0.4),
    ]


def test_times_may_be_counted_from_the_sentence() -> None:
    assert words(("one ", [0.0, 0.1, 0.2, 0.3]), ("two", [0.4, 0.5, 0.6])) == [
        WordTime("one", 0.0),
        WordTime("two", 0.4),
    ]


def test_times_may_be_counted_from_a_run_of_pieces() -> None:
    assert words(
        ("one ", [0.0, 0.1, 0.2, 0.3]),
        ("two ", [0.4, 0.5, 0.6, 0.7]),
        ("six ", [0.0, 0.1, 0.2, 0.3]),
        ("ten", [0.4, 0.5, 0.6]),
    ) == [WordTime("one", 0.0), WordTime("two", 0.4), WordTime("six", 0.8), WordTime("ten", 1.2)]


def test_a_time_that_is_a_little_early_does_not_begin_anew() -> None:
    assert words(("one ", [0.0, 0.1, 0.2, 0.3]), ("two", [0.39, 0.5, 0.6])) == [
        WordTime("one", 0.0),
        WordTime("two", 0.39),
    ]


def test_a_piece_without_characters_changes_nothing() -> None:
    assert words(("one ", [0.0, 0.1, 0.2, 0.3]), ("", []), ("two", [0.4, 0.5, 0.6]))[-1] == WordTime("two", 0.4)


def test_characters_without_times_cannot_be_read() -> None:
    with pytest.raises(ValueError, match="without times"):
        Alignment().take(["a", "b"], [0.0], [0.1], audio_s=0.0)
