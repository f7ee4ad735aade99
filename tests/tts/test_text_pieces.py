from __future__ import annotations

import pytest

from getpatter.tts.text_pieces import pieces_of


@pytest.mark.parametrize("text", ["short", "one two three four five", "x" * 25, "one two threefourfivesixseven eight "])
def test_a_long_text_is_cut_between_words_and_stays_whole(text: str) -> None:
    pieces = pieces_of(text, limit=10)
    assert "".join(pieces) == text
    assert all(len(piece) <= 10 for piece in pieces)
    assert pieces_of("one two three", limit=10) == ["one two ", "three"]
