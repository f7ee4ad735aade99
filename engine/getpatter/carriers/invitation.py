"""What a colleague is asked before they are told about a caller and given them.

An answering machine takes calls, too: it presses no key, so it hears nothing but this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from getpatter.language.words import primary_language

KEY_WAIT_S: Final = 10
"""How long a key is waited for after the question: time to take the phone from the ear and find the keys."""
TIMES: Final = 2
"""How often it is asked: the first time may have been said into a greeting."""

_ENGLISH: Final = "en"
_WORDS: Final = {
    _ENGLISH: "A call is waiting for you. Press any key to take it.",
    "de": "Ein Anruf wartet auf Sie. Drücken Sie eine beliebige Taste, um ihn anzunehmen.",
    "es": "Tiene una llamada en espera. Pulse cualquier tecla para atenderla.",
    "fr": "Un appel vous attend. Appuyez sur n'importe quelle touche pour le prendre.",
    "it": "C'è una chiamata in attesa per lei. Prema un tasto qualsiasi per rispondere.",
    "pt": "Há uma chamada à sua espera. Prima qualquer tecla para atender.",
}


@dataclass(frozen=True, slots=True)
class Invitation:
    """The question, and the language in which it is to be spoken as a BCP 47 tag."""

    words: str
    language: str


def invitation(language: str) -> Invitation:
    """The question in this language, a BCP 47 tag, or in English where we have no words in it."""
    words = _WORDS.get(primary_language(language))
    return Invitation(_WORDS[_ENGLISH], _ENGLISH) if words is None else Invitation(words, language)
