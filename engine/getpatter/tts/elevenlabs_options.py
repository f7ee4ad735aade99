"""What ElevenLabs' two ways of speaking, by WebSocket and by request, are told alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from getpatter.audio.format import AudioFormat
from getpatter.errors import ConfigurationError
from getpatter.language.words import primary_language
from getpatter.tts.elevenlabs_voices import voice_id

MODEL: Final = "eleven_flash_v2_5"
"""The one with the least latency, 75 ms by ElevenLabs' own figure."""

Setting = float | bool
Locator = Mapping[str, str]

_RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "stability": (0.0, 1.0),
    "similarity_boost": (0.0, 1.0),
    "style": (0.0, 1.0),
    "speed": (0.7, 1.2),
}
_NORMALIZATIONS: Final = ("", "auto", "on", "off")
_NO_LANGUAGE: Final = frozenset(
    {
        "eleven_flash_v2",
        "eleven_monolingual_v1",
        "eleven_multilingual_v1",
        "eleven_multilingual_v2",
        "eleven_turbo_v2",
    }
)
"""They speak English alone, or find the language in the text."""
_CODES: Final = {"nb": "no", "nn": "no", "tl": "fil", "iw": "he", "in": "id"}
_FORMATS: Final[Mapping[AudioFormat, str]] = {
    AudioFormat("mulaw", 8000): "ulaw_8000",
    **{AudioFormat("pcm16", rate): f"pcm_{rate}" for rate in (8000, 16000, 22050, 24000, 44100)},
}
MAX_LOCATORS: Final = 3
MAX_SEED: Final = 4_294_967_295


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechOptions:
    """Checked when it is made; raises `ConfigurationError`."""

    voice: str
    """A name or an id."""
    model: str
    language: str
    """BCP 47; empty for the call's."""
    format: AudioFormat
    voice_settings: Mapping[str, Setting]
    apply_text_normalization: str
    pronunciation_dictionary_locators: Sequence[Locator]
    seed: int | None

    def __post_init__(self) -> None:
        voice_id(self.voice)
        _check_settings(self.voice_settings)
        if self.format not in _FORMATS:
            raise ConfigurationError(
                f"ElevenLabs gives no {self.format.encoding} at {self.format.rate} Hz.",
                next_step="Leave `format` out to have the telephone's own, or pass pcm16 at 16000.",
            )
        if self.language and self.model in _NO_LANGUAGE:
            raise ConfigurationError(
                f"{self.model} cannot be told a language.", next_step=f"Leave `language` out, or use {MODEL}."
            )
        if self.apply_text_normalization not in _NORMALIZATIONS:
            raise ConfigurationError("`apply_text_normalization` is one of auto, on, off.")
        if self.apply_text_normalization == "on" and self.model.endswith("_v2_5"):
            raise ConfigurationError(f"{self.model} does not write numbers and dates out.", next_step="Pass auto.")
        if len(self.pronunciation_dictionary_locators) > MAX_LOCATORS:
            raise ConfigurationError(f"ElevenLabs takes up to {MAX_LOCATORS} pronunciation dictionaries.")
        for locator in self.pronunciation_dictionary_locators:
            if not locator.get("pronunciation_dictionary_id"):
                raise ConfigurationError("A pronunciation dictionary is named by its `pronunciation_dictionary_id`.")
        if self.seed is not None and not 0 <= self.seed <= MAX_SEED:
            raise ConfigurationError(f"`seed` is between 0 and {MAX_SEED}.")

    @property
    def voice_id(self) -> str:
        return voice_id(self.voice)

    @property
    def output_format(self) -> str:
        return _FORMATS[self.format]

    def language_code(self, language: str) -> str:
        """ISO 639 of our own language, else of the call's; empty where the model cannot be told one."""
        if self.model in _NO_LANGUAGE:
            return ""
        code = primary_language(self.language or language)
        return _CODES.get(code, code)

    @property
    def manner(self) -> dict[str, object]:
        """What goes along with a text, by ElevenLabs' names."""
        manner: dict[str, object] = {}
        if self.voice_settings:
            manner["voice_settings"] = dict(self.voice_settings)
        if self.pronunciation_dictionary_locators:
            manner["pronunciation_dictionary_locators"] = [
                dict(locator) for locator in self.pronunciation_dictionary_locators
            ]
        return manner


def _check_settings(settings: Mapping[str, Setting]) -> None:
    for name, value in settings.items():
        if name == "use_speaker_boost":
            if not isinstance(value, bool):
                raise ConfigurationError("The voice setting use_speaker_boost is true or false.")
            continue
        if name not in _RANGES:
            known = ", ".join((*_RANGES, "use_speaker_boost"))
            raise ConfigurationError(f"ElevenLabs has no voice setting {name!r}; it has {known}.")
        low, high = _RANGES[name]
        if isinstance(value, bool) or not low <= value <= high:
            raise ConfigurationError(f"The voice setting {name} is between {low:g} and {high:g}.")
