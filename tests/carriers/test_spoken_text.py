from __future__ import annotations

from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.carriers.spoken_text import holdable, nearest

SPOKEN = ("en-AU", "en-US", "de-DE", "cmn-CN")
USUAL = {"en": "en-US", "zh": "cmn-CN"}


@pytest.mark.parametrize(
    ("language", "found"),
    [
        ("en-AU", "en-AU"),
        ("EN_au", "en-AU"),
        (" en-au ", "en-AU"),
        ("en", "en-US"),
        ("en-ZA", "en-US"),
        ("de", "de-DE"),
        ("de-AT", "de-DE"),
        ("zh-TW", "cmn-CN"),
        ("d", None),
        ("fr", None),
        ("", None),
    ],
)
def test_the_nearest_language_is_the_same_or_the_usual_of_its_kind(language: str, found: str | None) -> None:
    assert nearest(language, SPOKEN, USUAL) == found


def test_without_a_usual_one_the_first_of_the_language_is_taken() -> None:
    assert nearest("en-ZA", SPOKEN, {}) == "en-AU"


def test_what_xml_cannot_hold_is_a_space() -> None:
    assert holdable("Fish\x00 & \x0bchips\ud800 \uffff!\tü \U0001f41f\n") == "Fish  &  chips   !\tü \U0001f41f\n"


@given(st.text(st.characters()))
def test_any_words_stand_in_a_document(words: str) -> None:
    document = f"<Say>{escape(holdable(words))}</Say>"
    read = ElementTree.fromstring(document.encode()).text or ""
    assert len(read.split()) <= len(words.split()) + len(words)
