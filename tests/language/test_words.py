from __future__ import annotations

import re

import pytest

from getpatter.language.words import one_of, phrase_list, primary_language, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mm-hm, that's it.", ["mm", "hm", "that's", "it"]),
        ("D’accord !", ["d'accord"]),
        ("the U.S. at 5 p.m.", ["the", "us", "at", "5", "pm"]),
        ("¿Sí? No…", ["sí", "no"]),
        ("555-0104", ["555", "0104"]),
        ("STRASSE Straße", ["strasse", "strasse"]),
        (" ... ", []),
    ],
)
def test_words_are_what_was_said_however_it_is_spelt(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize("language", ["pt-BR", "pt", "PT_br"])
def test_the_primary_language_is_what_tables_go_by(language: str) -> None:
    assert primary_language(language) == "pt"


def test_longer_phrases_are_found_first() -> None:
    match = re.search(one_of(["one", "one moment", "One-Second"]), "just one moment")
    assert match is not None
    assert match[0] == "one moment"


def test_phrases_are_whole_words() -> None:
    assert re.search(one_of(["s"]), "it's so") is None


def test_a_list_of_phrases_may_have_lines() -> None:
    assert phrase_list("a b, c,\n  d") == ("a b", "c", "d")
