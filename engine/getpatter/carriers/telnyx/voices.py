"""Who speaks for us where Telnyx speaks: voices of Amazon Polly, which Telnyx has in all its languages.

From https://docs.aws.amazon.com/polly/latest/dg/available-voices.html; each has a standard engine.
"""

from __future__ import annotations

from typing import Final

from getpatter.carriers.spoken_text import nearest

DEFAULT_LANGUAGE: Final = "en-US"

_VOICES: Final = {
    "arb": "Zeina",
    "cmn-CN": "Zhiyu",
    "cy-GB": "Gwyneth",
    "da-DK": "Naja",
    "de-DE": "Vicki",
    "en-AU": "Nicole",
    "en-GB": "Amy",
    "en-GB-WLS": "Geraint",
    "en-IN": "Raveena",
    "en-US": "Joanna",
    "es-ES": "Lucia",
    "es-MX": "Mia",
    "es-US": "Lupe",
    "fr-CA": "Chantal",
    "fr-FR": "Celine",
    "hi-IN": "Aditi",
    "is-IS": "Dora",
    "it-IT": "Carla",
    "ja-JP": "Mizuki",
    "ko-KR": "Seoyeon",
    "nb-NO": "Liv",
    "nl-NL": "Lotte",
    "pl-PL": "Ewa",
    "pt-BR": "Camila",
    "pt-PT": "Ines",
    "ro-RO": "Carmen",
    "ru-RU": "Tatyana",
    "sv-SE": "Astrid",
    "tr-TR": "Filiz",
}
_MAIN: Final = {
    "ar": "arb",
    "en": "en-US",
    "es": "es-ES",
    "fr": "fr-FR",
    "no": "nb-NO",
    "pt": "pt-BR",
    "zh": "cmn-CN",
}
"""What a language without a region means, where the first of its entries above is not it."""
_TAGS: Final = tuple(_VOICES)


def voice_for(language: str) -> str:
    """Telnyx's name of a voice for a BCP 47 tag; one of the same language where the region is not known, or else an
    English one."""
    return f"AWS.Polly.{_VOICES[nearest(language, _TAGS, _MAIN) or DEFAULT_LANGUAGE]}"
