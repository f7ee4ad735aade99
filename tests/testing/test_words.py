from __future__ import annotations

import pytest

from getpatter.testing.words import word_error_rate


@pytest.mark.parametrize(
    ("heard", "rate"),
    [
        ("a table for four", 0.0),
        ("A TABLE, for 4!", 0.0),
        ("a table for", 0.25),
        ("a cable for four", 0.25),
        ("a big table for four", 0.25),
        ("", 1.0),
        ("we are closed on sundays", 1.25),
    ],
)
def test_every_wrong_missing_and_added_word_counts(heard: str, rate: float) -> None:
    assert word_error_rate("A table for four.", heard) == rate


def test_where_nothing_was_said_every_word_heard_is_wrong() -> None:
    assert word_error_rate("", "") == 0.0
    assert word_error_rate("", "oh hello") == 2.0
