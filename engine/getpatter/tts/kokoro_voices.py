"""The voices of Kokoro v1.0, as the model's authors list them in `VOICES.md`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from getpatter.errors import ConfigurationError

_NAME = re.compile(r"[a-z][fm]_[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Tongue:
    """One language of the model."""

    language: str
    """BCP 47."""
    phonemes: str
    """What eSpeak NG calls it, from which the model has the pronunciation."""
    default_voice: str


TONGUES = {
    "a": Tongue("en-US", "en-us", "af_heart"),
    "b": Tongue("en-GB", "en-gb", "bf_emma"),
    "e": Tongue("es-ES", "es", "ef_dora"),
    "f": Tongue("fr-FR", "fr-fr", "ff_siwis"),
    "h": Tongue("hi-IN", "hi", "hf_alpha"),
    "i": Tongue("it-IT", "it", "if_sara"),
    "p": Tongue("pt-BR", "pt-br", "pf_dora"),
}
"""By the first letter of a voice's name.  The model knows Japanese and Mandarin, too, but not by eSpeak's phonemes."""


def tongue_of(voice: str) -> Tongue:
    """Raises `ConfigurationError` for a name that cannot be a voice's, and for one of a language left out above."""
    if not _NAME.fullmatch(voice):
        raise ConfigurationError(f"{voice!r} is no name of a Kokoro voice; write it like af_heart.")
    if voice[0] not in TONGUES:
        known = ", ".join(tongue.language for tongue in TONGUES.values())
        raise ConfigurationError(f"The language of the voice {voice} cannot be spoken; use one of {known}.")
    return TONGUES[voice[0]]


def default_voice(language: str) -> str:
    """The best one of a language (BCP 47), of that country where there is one; raises `ConfigurationError`."""
    wanted = language.lower()
    tongues = sorted(TONGUES.values(), key=lambda tongue: tongue.language.lower() != wanted)
    for tongue in tongues:
        if tongue.language.lower().split("-")[0] == wanted.split("-")[0]:
            return tongue.default_voice
    raise ConfigurationError(
        f"Kokoro has no voice of {language} that can be spoken here.", next_step="Use EspeakTTS for this language."
    )
