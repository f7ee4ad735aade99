"""What the agent has just asked for: the same words may be a whole answer or the beginning of one.

"Two" answers "how many?", and begins a telephone number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from typing import NamedTuple

from getpatter.language.words import one_of, phrase_list, primary_language, words


class Answer(Enum):
    ANYTHING = auto()
    QUANTITY = auto()
    """A number, soon said: how many, what time."""
    DIGITS = auto()
    """A number that is read out digit by digit."""
    SPELLING = auto()
    """Letter by letter."""


@dataclass(frozen=True, slots=True)
class Asked:
    answer: Answer
    digits: int | None = None
    """How many an answer has, where that is certain."""


@dataclass(frozen=True, slots=True)
class QuestionWords:
    """One language's ways to ask."""

    quantity: tuple[str, ...]
    spelling: tuple[str, ...]
    digits: Mapping[str, int | None]
    """Names of numbers that are read out, and their lengths where they have one."""
    requests: tuple[str, ...]
    """What makes a request of a sentence without a question mark."""


QUESTIONS: Mapping[str, QuestionWords] = {
    "en": QuestionWords(
        quantity=phrase_list("how many, how much, how old, how long, how often, what time, what day, party of"),
        spelling=phrase_list("spell, spelling, letter by letter, email address, e-mail address"),
        digits={
            "phone number": 10, "telephone number": 10, "cell number": 10, "mobile number": 10, "callback number": 10,
            "number to call": 10, "number to reach": 10, "best number": 10,
            "zip code": 5, "zip": 5, "last four": 4, "last four digits": 4, "card number": 16,
            "account number": None, "order number": None, "member number": None, "member id": None,
            "reference number": None, "confirmation number": None, "policy number": None, "tracking number": None,
            "social security number": 9, "pin": None, "code": None, "digits": None,
        },
        requests=phrase_list("please, tell me, give me, could you, can you, i need, i will need, go ahead"),
    ),
    "es": QuestionWords(
        quantity=phrase_list("cuántos, cuántas, cuánto, a qué hora, qué hora, qué día"),
        spelling=phrase_list("deletrear, deletrea, deletree, deletrearme, correo electrónico"),
        digits={
            "número de teléfono": 9, "teléfono": None, "código postal": 5, "número de tarjeta": 16, "código": None,
            "número de cuenta": None, "número de pedido": None, "últimos cuatro": 4,
        },
        requests=phrase_list("por favor, dígame, dime, deme, dame, necesito, indíqueme"),
    ),
    "de": QuestionWords(
        quantity=phrase_list("wie viele, wie viel, wieviel, um wie viel uhr, wann, welcher tag"),
        spelling=phrase_list("buchstabieren, buchstabiere, e-mail-adresse, mailadresse"),
        digits={
            "telefonnummer": None, "handynummer": None, "rückrufnummer": None, "postleitzahl": 5, "kartennummer": 16,
            "kundennummer": None, "bestellnummer": None, "kontonummer": None, "code": None, "ziffern": None,
        },
        requests=phrase_list("bitte, nennen sie, sagen sie, geben sie, ich brauche"),
    ),
    "fr": QuestionWords(
        quantity=phrase_list("combien, à quelle heure, quelle heure, quel jour"),
        spelling=phrase_list("épeler, épelez, adresse e-mail, adresse mail"),
        digits={
            "numéro de téléphone": 10, "numéro de portable": 10, "code postal": 5, "numéro de carte": 16,
            "numéro de compte": None, "numéro de commande": None, "numéro client": None, "code": None,
        },
        requests=phrase_list("s'il vous plaît, s'il te plaît, donnez-moi, dites-moi, indiquez-moi, veuillez"),
    ),
    "it": QuestionWords(
        quantity=phrase_list("quanti, quante, quanto, a che ora, che ora, che giorno"),
        spelling=phrase_list("compitare, sillabare, lettera per lettera, indirizzo email"),
        digits={
            "numero di telefono": None, "numero di cellulare": 10, "codice postale": 5, "cap": 5,
            "numero di carta": 16, "numero d'ordine": None, "codice": None,
        },
        requests=phrase_list("per favore, per cortesia, mi dica, dimmi, mi dia, ho bisogno, mi serve"),
    ),
    "pt": QuestionWords(
        quantity=phrase_list("quantos, quantas, quanto, a que horas, que horas, que dia"),
        spelling=phrase_list("soletrar, soletre, endereço de e-mail"),
        digits={
            "número de telefone": None, "telefone": None, "código postal": None, "cep": 8, "número do cartão": 16,
            "número da conta": None, "número do pedido": None, "código": None,
        },
        requests=phrase_list("por favor, diga-me, me diga, me dê, informe, preciso"),
    ),
}  # fmt: skip

_CLOSING = " \"'”’»)"
"""What may stand after a question mark."""
_SENTENCE = re.compile(r"[^.!?…。！？]+[.!?…。！？]*")


def is_question(text: str) -> bool:
    """Whether it ends with a question mark."""
    return text.rstrip(_CLOSING).endswith(("?", "？"))


def asked_for(said: str, language: str) -> Asked | None:
    """What the agent's last words ask for; None when they ask for nothing.

    A last sentence with a question mark asks.  So does one that requests what is read out or spelt ("Please tell me
    your account number."), unless there are digits in it: then the agent reads it out itself.
    """
    sentences: list[str] = _SENTENCE.findall(said)
    last = next((sentence for sentence in reversed(sentences) if words(sentence)), "")
    if not last:
        return None
    question = is_question(last)
    named = (
        None if re.search(r"\d", last) else _named(" ".join(words(last)), primary_language(language), question=question)
    )
    return named or Asked(Answer.ANYTHING) if question else named


def digits_named(text: str, language: str) -> int | None:
    """How many digits the number has that `text` names ("my zip code is ..."), where that is certain."""
    if (primary := primary_language(language)) not in QUESTIONS:
        return None
    patterns = _patterns(primary)
    match = patterns.digits.search(" ".join(words(text)))
    return patterns.lengths[match[0]] if match else None


def _named(text: str, language: str, *, question: bool) -> Asked | None:
    if language not in QUESTIONS:
        return None
    patterns = _patterns(language)
    if question and patterns.quantity.search(text):
        return Asked(Answer.QUANTITY)
    if not question and not patterns.requests.search(text):
        return None
    if patterns.spelling.search(text):
        return Asked(Answer.SPELLING)
    if match := patterns.digits.search(text):
        return Asked(Answer.DIGITS, patterns.lengths[match[0]])
    return None


class _Patterns(NamedTuple):
    quantity: re.Pattern[str]
    spelling: re.Pattern[str]
    digits: re.Pattern[str]
    requests: re.Pattern[str]
    lengths: Mapping[str, int | None]


@cache
def _patterns(language: str) -> _Patterns:
    table = QUESTIONS[language]
    quantity, spelling, digits, requests = (
        re.compile(one_of(phrases)) for phrases in (table.quantity, table.spelling, table.digits, table.requests)
    )
    lengths = {" ".join(words(name)): length for name, length in table.digits.items()}
    return _Patterns(quantity, spelling, digits, requests, lengths)
