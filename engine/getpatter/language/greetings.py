"""What answering machines say and what only people say, by language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Greetings:
    """Regular expressions over text that went through `plain`."""

    tone: re.Pattern[str]
    """Announces a beep."""
    message: re.Pattern[str]
    """Asks for a message."""
    named: re.Pattern[str]
    """Names the machine; menus do so too."""
    opening: re.Pattern[str]
    """How machines begin, and receptions."""
    away: re.Pattern[str]
    """Why nobody answers: said by machines, and sometimes by people about others."""
    person: re.Pattern[str]
    """What nobody records: a question to whoever is on the line."""
    screening: re.Pattern[str]
    """A telephone that asks who is calling before it rings: it wants an answer, so it is no answering machine."""


def plain(text: str) -> str:
    """Lower case words with single spaces, without punctuation and apostrophes."""
    return " ".join(re.findall(r"\w+", re.sub(r"['’]", "", text.lower())))


def greetings_of(language: str) -> Greetings:
    """The table for a language tag such as "en-US"; English where there is none."""
    return GREETINGS.get(language.lower().split("-")[0], GREETINGS["en"])


def _any(*phrases: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(phrases)})\b")


_MESSAGE = r"(?:a|your|the) (?:\w+ )?(?:message|name)(?! press)"
_CALL = r"(?:your|the|my|this) (?:call|phone)"

GREETINGS: Mapping[str, Greetings] = {
    "en": Greetings(
        tone=_any(r"(?:after|at|following|hear|wait for) (?:the|a) (?:\w+ )?(?:tone|beep|signal)"),
        message=_any(
            rf"(?<!to )(?<!i )(?<!did you )leave (?:me |us |him |her |them )?{_MESSAGE}",
            r"record (?:a|your|the) (?:\w+ )?message(?! press)",
            r"leave your name (?:and|number)",
            r"you know what to do",
            r"(?:ill|i will|well|we will) (?:call|ring|get back to|return your call)(?: to)?(?: you)?(?: back)?"
            r" (?:as soon as|when i|when we|shortly)",
        ),
        named=_any(
            r"voice ?mail(?:box)?",
            r"mail ?box",
            r"(?:automatic|automated) voice messag\w+ (?:system|service)",
            r"answering (?:machine|service)",
        ),
        opening=_any(r"(?:youve|you have) reached", r"thank(?:s| you) for calling", r"this is the (?:office|home) of"),
        away=_any(
            r"(?:is|are|am|im|were) (?:currently |presently )?(?:not available|unavailable|not here|away from)",
            rf"(?:cant|cannot) (?:take|answer|come to|get to) {_CALL}",
            r"(?:unable|not able)",
            r"(?:sorry )?(?:i|we)(?: have|ve)? missed your call",
            r"sorry (?:i|we) missed you",
            r"to (?:take|answer) your call",
            r"(?:nobody|no one) is (?:available|here|home)",
            r"(?:person|party|customer|subscriber|number) you (?:are|have|were) (?:trying|call(?:ing|ed)|diall?ed)",
            r"(?:try|call)(?: your call)? (?:again|back) later",
            r"(?:is|are) (?:currently |now )?closed",
            r"office hours are",
        ),
        person=_any(
            r"how (?:can|may|could) i (?:help|assist)",
            r"(?:can|may|could|shall) i (?:help|take a message|ask whos|ask who|tell (?:him|her|them))",
            r"(?:would|do) you (?:like|want|need)",
            r"who(?:s| is| am i) (?:this|calling|speaking)",
            r"what can i do for you",
            r"what(?:s| is) (?:this|it) (?:about|regarding)",
            r"can you hear me",
            r"(?:one|just a) (?:moment|second|sec|minute)",
            r"hold on",
            r"(?:hello )?(?:this is )?(?:she|he)(?: speaking)",
        ),
        screening=_any(
            r"(?:using|used) a (?:call )?screening",
            r"call (?:screening|assist)",
            r"say your name and why",
            r"(?:record|say|state) your name and (?:the )?reason",
            r"ill see if (?:this|the) person is available",
        ),
    ),
    "es": Greetings(
        tone=_any(
            r"(?:después|despues|luego) (?:de|del) (?:oír |escuchar )?(?:el )?(?:tono|señal|pitido|bip)",
            r"al oír la señal",
        ),
        message=_any(
            r"(?:deje|deja|dejen|grabe)(?:nos|me)? (?:un|su|tu) (?:\w+ )?(?:mensaje|recado|nombre)",
        ),
        named=_any(r"buzón(?: de voz)?", r"contestadora?"),
        opening=_any(r"(?:usted )?ha (?:llamado|marcado) (?:a|al)", r"gracias por llamar"),
        away=_any(
            r"no (?:está|se encuentra|estoy|estamos) disponibles?",
            r"no (?:puedo|podemos|puede) (?:atender|contestar)",
        ),
        person=_any(
            r"en qué (?:le |te )?(?:puedo|podemos) ayudar(?:le|te|lo|la)?",
            r"(?:de parte de quién|quién (?:habla|es|llama))",
            r"(?:un momento|espere|dígame)",
            r"(?:quiere|desea) dejar",
        ),
        screening=_any(r"(?:diga|indique) su nombre y (?:el )?motivo"),
    ),
    "de": Greetings(
        tone=_any(r"nach dem (?:\w+ )?(?:ton|signalton|piepton|piep|signal)"),
        message=_any(
            r"(?:hinterlassen|sprechen) sie (?:\w+ ){0,3}(?:nachricht|name\w*)",
            r"(?:eine |ihre )nachricht (?:auf|nach)",
            r"rufe(?:n)? (?:sie |dich |wir |ich )*(?:sobald|so schnell|baldmöglichst)?.*zurück",
        ),
        named=_any(r"mailbox", r"anrufbeantworter", r"sprachbox"),
        opening=_any(r"anschluss von", r"(?:danke|vielen dank) für (?:ihren|deinen) anruf"),
        away=_any(
            r"(?:zurzeit|derzeit|momentan|im moment|leider) (?:\w+ ){0,2}nicht (?:da|verfügbar|zu erreichen)",
            r"nicht (?:persönlich )?(?:erreichbar|entgegennehmen)",
        ),
        person=_any(
            r"(?:wie|was) kann ich (?:\w+ ){0,3}(?:helfen|tun)",
            r"wer (?:spricht|ist) (?:da|dort|denn)",
            r"(?:einen )?(?:moment|augenblick)(?: bitte)?",
            r"(?:soll|kann|möchten|wollen) (?:ich|sie) (?:\w+ ){0,3}(?:ausrichten|hinterlassen)",
        ),
        screening=_any(r"nennen sie (?:\w+ ){0,3}namen und (?:den )?grund"),
    ),
    "fr": Greetings(
        tone=_any(r"après le (?:bip|signal|signal sonore|ton)"),
        message=_any(
            r"(?:laissez|laisser|enregistrez)(?: moi| nous)? (?:un|votre) (?:\w+ )?(?:message|nom)",
            r"(?:je|nous) (?:vous )?rappeller\w+ dès",
        ),
        named=_any(r"répondeur", r"messagerie", r"boîte vocale"),
        opening=_any(r"vous êtes bien (?:sur|chez|au)", r"merci (?:de votre appel|davoir appelé)"),
        away=_any(
            r"(?:nest|ne suis|sommes|est) (?:pas|actuellement)(?: pas)? (?:disponible|joignable|là)s?",
            r"(?:je ne peux|nous ne pouvons|ne peut) pas (?:vous )?(?:répondre|prendre)",
        ),
        person=_any(
            r"(?:que|quest ce que) (?:puis je|je peux) (?:\w+ ){0,2}faire",
            r"(?:comment|en quoi) puis je (?:vous )?aider",
            r"(?:cest|qui est) (?:de la part de qui|qui|à lappareil)",
            r"un instant|ne quittez pas|je vous écoute",
            r"(?:voulez|souhaitez) vous (?:lui )?laisser",
        ),
        screening=_any(r"(?:dites|indiquez) votre nom et (?:la )?raison"),
    ),
}
