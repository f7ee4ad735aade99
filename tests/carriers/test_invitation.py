from __future__ import annotations

import pytest

from getpatter.carriers.invitation import Invitation, invitation


@pytest.mark.parametrize(
    ("language", "begins"),
    [
        ("en", "A call is waiting"),
        ("en-GB", "A call is waiting"),
        ("de-AT", "Ein Anruf"),
        ("DE_ch", "Ein Anruf"),
        ("fr", "Un appel"),
        ("es-MX", "Tiene una llamada"),
        ("it", "C'è una chiamata"),
        ("pt-BR", "Há uma chamada"),
    ],
)
def test_it_is_in_the_language_of_the_call(language: str, begins: str) -> None:
    asked = invitation(language)
    assert asked.words.startswith(begins)
    assert asked.language == language


@pytest.mark.parametrize("language", ["", "ja", "tlh", "english"])
def test_where_we_have_no_words_it_is_english_and_spoken_as_such(language: str) -> None:
    assert invitation(language) == Invitation("A call is waiting for you. Press any key to take it.", "en")
