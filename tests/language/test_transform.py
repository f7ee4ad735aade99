from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from getpatter.language.transform import filter_emoji, filter_for_tts, filter_markdown, for_speech


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Plain words, 7.30 p.m. and $5.", "Plain words, 7.30 p.m. and $5."),
        ("**Very** *nice*, __really__ _so_.", "Very nice, really so."),
        ("## Opening hours", "Opening hours"),
        ("- Pasta\n- Pizza\n* Salad", "Pasta Pizza Salad"),
        ("> quoted", "quoted"),
        ("Use `end_call` now.", "Use end_call now."),
        ("```python\nprint\n```", "print"),
        ("See [our menu](https://example.com/menu_(1)?x=1).", "See our menu."),
        ("Go to https://www.example.com/menu/?utm=1.", "Go to example.com/menu."),
        ("Go to <https://example.com>, please.", "Go to example.com, please."),
        ("As they say [1], it is open[^2].", "As they say, it is open."),
        ("Great 😊👍🏽! Flags 🇮🇹 and ✅ too 1️⃣", "Great ! Flags and too 1"),
        ("A<br>B <break time='1s'/> C", "A B C"),
        ("| Day | Hours |\n|---|:--:|\n| Mon | 9 |", "Day Hours Mon 9"),
        ("first\n\n---\n\nsecond", "first second"),
        ("snake_case and 5 * 3 and 5*3 stay", "snake_case and 5 * 3 and 5*3 stay"),
        ("I am <3 years old & a < b", "I am <3 years old & a < b"),
    ],
)
def test_marks_go_and_words_stay(written: str, spoken: str) -> None:
    assert for_speech(written) == spoken


@pytest.mark.parametrize("silent", ["", "  \n", "**", "---", "😊", "...", "```"])
def test_what_cannot_be_said_is_empty(silent: str) -> None:
    assert for_speech(silent) == ""


@pytest.mark.parametrize("torn", ["**Hello there.", "there.**", "*Hello", "_Hello", "`Hello"])
def test_a_mark_whose_partner_is_in_another_sentence_goes_too(torn: str) -> None:
    assert re.fullmatch(r"\w+( \w+)?\.?", for_speech(torn))


@settings(deadline=None)
@given(st.text(alphabet=st.characters(categories=["L", "Nd", "Zs"]), max_size=200))
def test_letters_digits_and_spaces_are_not_touched(text: str) -> None:
    assert for_speech(text) == " ".join(text.split())


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_gives_one_line(text: str) -> None:
    spoken = for_speech(text)
    assert spoken == spoken.strip()
    assert "\n" not in spoken


def test_each_filter_takes_its_own() -> None:
    written = "**Great** 😊, see [the menu](https://example.com)."
    assert filter_markdown(written) == "Great 😊, see the menu."
    assert filter_emoji(written) == "**Great** , see [the menu](https://example.com)."
    assert filter_for_tts(written) == "Great, see the menu."


@given(st.text(max_size=200))
def test_the_two_filters_together_are_the_whole(text: str) -> None:
    assert filter_for_tts(text) in ("", filter_emoji(filter_markdown(text)))
