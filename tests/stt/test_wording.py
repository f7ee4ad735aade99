from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.stt.wording import spoken_words


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Hello, how are you?", "hello how are you"),
        ("It's eight o’clock", "it's eight o'clock"),
        ("at 7:30 p.m.", "at seven thirty p.m."),
        ("at 7:30pm", "at seven thirty p.m."),
        ("at 7:05", "at seven oh five"),
        ("at 7:00", "at seven"),
        ("I am 21", "i am twenty one"),
        ("1,250 people", "one thousand two hundred fifty people"),
        ("0100", "zero one zero zero"),
        ("order 48213", "order four eight two one three"),
        ("$12.50", "twelve dollars fifty cents"),
        ("$1", "one dollar"),
        ("3.5%", "three point five percent"),
        ("the 3rd, 20th and 22nd", "the third twentieth and twenty second"),
        ("Dr. Smith & Mrs. Jones", "doctor smith and missus jones"),
        ("pick-up at the café", "pick up at the cafe"),
        ("", ""),
        ("…!? 😀 日本", ""),
    ],
)
def test_text_becomes_what_is_said(written: str, spoken: str) -> None:
    assert " ".join(spoken_words(written)) == spoken


@given(st.text())
def test_every_text_has_words_of_letters(text: str) -> None:
    for word in spoken_words(text):
        assert word
        assert set(word) <= set("abcdefghijklmnopqrstuvwxyz'.")
        assert spoken_words(word) == [word] or "." in word or word in ("mr", "mrs", "dr", "ok")
