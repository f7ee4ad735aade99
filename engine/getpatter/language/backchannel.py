"""Listener's noises: words that say "I am listening" and do not ask for the turn."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from getpatter.language.words import one_of, phrase_list, primary_language, words

MOST = 4
"""Back-channels in a row.  Who says "okay" more often than that wants to get a word in."""

_HUM = r"(?:m+|hm+|m+ ?h+ ?m+|m+ ?h+u*h?m*|uh ?hu+h?|u+h?hu+h?|a ?ha+h?|a+h+|o+h+|u+h+|u+m+|e+r+m?|eh+m*|hu+m+)"
"""Hums in the many spellings of recognisers: "mhm", "mm hmm", "uhuh", "aha", and hesitations."""
_NO = r".*\buh uh\b"
"""Looks like two hesitations, and means no."""


@dataclass(frozen=True, slots=True)
class BackchannelWords:
    listening: tuple[str, ...]
    """Said while somebody else speaks, to show that one follows."""
    answering: tuple[str, ...]
    """Said on picking up a telephone."""


BACKCHANNELS: Mapping[str, BackchannelWords] = {
    "en": BackchannelWords(
        listening=phrase_list(
            """okay, ok, kay, okey, okey dokey, right, all right, alright, yeah, yea, ya, yah, yep, yup, yes, sure,
            i see, i know, got it, gotcha, i got it, i understand, understood, of course, exactly, absolutely,
            definitely, totally, true, that's true, fair enough, makes sense, that makes sense, good, great, perfect,
            cool, nice, wow, really, sounds good, very good, fine, that's fine, that's right"""
        ),
        answering=phrase_list("hello, hello there, hi, hi there, hey, good morning, good afternoon, good evening"),
    ),
    "es": BackchannelWords(
        listening=phrase_list(
            """sí, si, vale, ok, okay, okey, ya, claro, claro que sí, ajá, aja, ya veo, entiendo, comprendo, entendido,
            de acuerdo, bueno, bien, muy bien, perfecto, exacto, correcto, cierto, es verdad, genial, por supuesto"""
        ),
        answering=phrase_list("hola, diga, dígame, aló, buenas, buenos días, buenas tardes, sí diga, qué tal"),
    ),
    "de": BackchannelWords(
        listening=phrase_list(
            """ja, jo, jaja, genau, okay, ok, gut, alles klar, klar, aha, ach so, achso, verstehe, ich verstehe,
            verstanden, stimmt, richtig, sicher, natürlich, in ordnung, na gut, super, prima, schön, sehr gut, tja"""
        ),
        answering=phrase_list("hallo, ja hallo, guten tag, guten morgen, guten abend, grüß gott, moin, servus"),
    ),
    "fr": BackchannelWords(
        listening=phrase_list(
            """oui, ouais, ok, okay, d'accord, bien, très bien, bon, je vois, je comprends, compris, entendu, c'est ça,
            voilà, exactement, exact, tout à fait, bien sûr, c'est vrai, parfait, super, ah bon, ah oui, ça marche"""
        ),
        answering=phrase_list("allô, allo, oui allô, bonjour, bonsoir, salut"),
    ),
    "it": BackchannelWords(
        listening=phrase_list(
            """sì, si, ok, okay, va bene, bene, certo, certamente, capisco, ho capito, capito, d'accordo, esatto,
            esattamente, giusto, vero, è vero, perfetto, ottimo, ecco, già, chiaro, ah sì"""
        ),
        answering=phrase_list("pronto, ciao, buongiorno, buon giorno, buonasera, buona sera, salve"),
    ),
    "pt": BackchannelWords(
        listening=phrase_list(
            """sim, tá, tá bom, está bem, está bom, ok, okay, certo, claro, entendi, entendo, compreendo, percebo, pois,
            pois é, isso, isso mesmo, exato, exatamente, correto, verdade, é verdade, perfeito, ótimo, beleza, é, aham,
            uhum, ahã"""
        ),
        answering=phrase_list("alô, olá, oi, estou, está lá, bom dia, boa tarde, boa noite"),
    ),
}
"""By primary language.  Another language needs a table here; until then its hums are known and its words are not."""


def is_backchannel(text: str, language: str, *, after_question: bool, first_message: bool) -> bool:
    """Whether what the caller said over the agent leaves the turn with the agent.

    `text` is all that was understood since the caller began to speak over the agent.  `after_question`: the agent has
    just asked something, so the words answer it.  `first_message`: the agent is greeting, and "hello?" is only the
    caller picking up.  No words at all are no back-channel.
    """
    spoken = " ".join(words(text))
    primary = primary_language(language)
    if not spoken:
        return False
    if after_question:
        return first_message and _answering(primary).fullmatch(spoken) is not None
    return (_greeting(primary) if first_message else _listening(primary)).fullmatch(spoken) is not None


@cache
def _answering(language: str) -> re.Pattern[str]:
    return _few(one_of(_table(language).answering))


@cache
def _listening(language: str) -> re.Pattern[str]:
    return _few(_HUM, one_of(_table(language).listening))


@cache
def _greeting(language: str) -> re.Pattern[str]:
    table = _table(language)
    return _few(_HUM, one_of(table.listening + table.answering))


def _table(language: str) -> BackchannelWords:
    # "Okay" is one word everywhere.
    return BACKCHANNELS.get(language) or BackchannelWords(("ok", "okay"), ("hello",))


def _few(*kinds: str) -> re.Pattern[str]:
    one = f"(?:{'|'.join(kinds)})"
    return re.compile(f"(?!{_NO}){one}(?: {one}){{0,{MOST - 1}}}")
