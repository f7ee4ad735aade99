"""How telephone menus speak, by language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Grammar:
    """How a language's menus speak, as regular expressions over lower-case text."""

    press: str
    """Stands before a key."""
    connective: str
    """Begins an option's name."""
    keys: Mapping[str, str]
    lead: str
    """Announces a menu."""
    entry: str = r"(?!)"
    """Asks for a number; group `what` names it."""
    pound: str = r"(?!)"
    """Behind an entry: the number ends with pound."""
    stay: str = r"(?!)"
    """Takes a name as a key does, but asks to press nothing."""
    filler: str = r"(?!)"
    """Stands around names without being one."""


def _keys(digits: str, *, star: str, pound: str) -> Mapping[str, str]:
    """The key that each word names; `digits` are the words for 0 to 9 in order."""
    names = {word: str(digit) for digit, word in enumerate(digits.split())}
    return names | dict.fromkeys(star.split(), "*") | dict.fromkeys(pound.split(), "#")


GRAMMARS: Mapping[str, Grammar] = {
    "en": Grammar(
        press=r"(?:press or say|say or press|press|dial|push|hit|select|choose|enter"
        r"|say(?= \w+(?: *[.,;]| for\b| to\b| or\b|$)))(?: the)?(?: number| key| option| digit)?",
        connective=r"(?:for|to|if)",
        keys=_keys("zero one two three four five six seven eight nine", star="star asterisk", pound="pound hash"),
        lead=r"options have (?:recently )?changed|menu has (?:recently )?changed|following (?:menu )?options|main menu",
        entry=r"(?<!to )\b(?:enter|key in|type in)\s+"
        r"(?P<what>(?:your|the|a)(?:\s(?!(?:followed|then|starting|now)\b)\w+){1,8})",
        pound=r"[\s,]*(?:followed by|then|and then)(?: press| hit)?(?: the)? (?:pound|hash)(?: key| sign)?",
        stay=r"(?:stay on the line|remain on the line|please hold|hold the line)",
        filler=r"\b(?:please|now|or|and|then|you can|you may|at any time)\b",
    ),
    "es": Grammar(
        press=r"(?:oprima|presione|marque|pulse|diga|digite)(?: el| la)?(?: número| tecla| opción)?",
        connective=r"(?:para|si)",
        keys=_keys(
            "cero uno dos tres cuatro cinco seis siete ocho nueve",
            star="asterisco estrella",
            pound="numeral almohadilla gato",
        ),
        lead=r"menú principal|las siguientes opciones|nuestras opciones han cambiado",
        entry=r"\b(?:ingrese|introduzca|marque|digite)\s+"
        r"(?P<what>(?:su|el número|la clave)(?:\s(?!seguid[oa]\b)\w+){0,6})",
        pound=r"[\s,]*seguid[oa] (?:de|por)(?: la| el)?(?: tecla| signo)? (?:numeral|almohadilla|gato)",
        stay=r"(?:permanezca en la línea|espere en la línea)",
        filler=r"\b(?:por favor|o|y|ahora)\b",
    ),
    "de": Grammar(
        press=r"(?:drücken sie|wählen sie|sagen sie|drücken|wählen)(?: bitte)?(?: die)?(?: taste| ziffer| nummer)?",
        connective=r"(?:für|um|wenn sie|falls sie|zu|zur|zum)",
        keys=_keys(
            "null eins zwei drei vier fünf sechs sieben acht neun",
            star="stern sterntaste",
            pound="raute rautetaste",
        ),
        lead=r"hauptmenü|folgenden (?:optionen|möglichkeiten)",
        stay=r"(?:bleiben sie in der leitung|bleiben sie bitte in der leitung)",
        filler=r"\b(?:bitte|oder|und|dann|jetzt)\b",
    ),
    "fr": Grammar(
        press=r"(?:appuyez sur|tapez|composez|faites|dites)(?: le| la)?(?: touche| chiffre)?",
        connective=r"(?:pour|si)",
        keys=_keys("zéro un deux trois quatre cinq six sept huit neuf", star="étoile", pound="dièse"),
        lead=r"menu principal|les options suivantes",
        stay=r"(?:restez en ligne|ne quittez pas)",
        filler=r"\b(?:s'il vous plaît|ou|et|puis|maintenant|veuillez)\b",
    ),
}
"""By language; menus of other languages are read as English."""


def grammar_of(language: str) -> Grammar:
    """The grammar of a language tag such as "en-US"."""
    return GRAMMARS.get(language.lower().split("-")[0], GRAMMARS["en"])
