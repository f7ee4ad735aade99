"""What Speechmatics makes of a `StartRecognition` message: pure, no I/O."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from getpatter.testing.vendors.socket_server import Json

SAMPLE_BYTES: Final = {"mulaw": 1, "pcm_s16le": 2, "pcm_f32le": 4}
LANGUAGES: Final = frozenset(
    (
        *("ar", "ar_en", "ba", "be", "bg", "bn", "ca", "cmn", "cmn_en", "cmn_en_ms_ta", "cs", "cy", "da", "de", "el"),
        *("en", "en_ms", "en_ta", "eo", "es", "et", "eu", "fa", "fi", "fr", "ga", "gl", "he", "hi", "hr", "hu", "ia"),
        *("id", "it", "ja", "ko", "lt", "lv", "mn", "mr", "ms", "mt", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sl"),
        *("sv", "sw", "ta", "th", "tl", "tr", "ug", "uk", "ur", "vi", "yue"),
    )
)
MODELS: Final = frozenset(("standard", "enhanced", "melia-1"))
LOCALES: Final = {"en": ("en-AU", "en-GB", "en-US"), "cmn": ("cmn-Hans", "cmn-Hant")}
MAX_VOCABULARY: Final = 1000
MAX_ENTRY: Final = 6
"""Words."""

_MESSAGE: Final = frozenset(
    ("message", "audio_format", "transcription_config", "translation_config", "audio_events_config")
)
_CONFIG: Final = frozenset(
    (
        *("language", "domain", "output_locale", "additional_vocab", "diarization", "max_delay", "max_delay_mode"),
        *("speaker_diarization_config", "audio_filtering_config", "transcript_filtering_config", "enable_partials"),
        *("enable_entities", "operating_point", "model", "punctuation_overrides", "conversation_config"),
        "channel_diarization_labels",
    )
)
Fault = tuple[str, str]
"""The type of an error, and its reason."""


def misconfigured(start: Json) -> Fault | None:
    """What is wrong with it; None when nothing is."""
    audio, config = start.get("audio_format"), start.get("transcription_config")
    if not isinstance(audio, dict) or not isinstance(config, dict) or start.keys() - _MESSAGE:
        return "invalid_message", "The message was not understood."
    return _audio_fault(audio) or _language_fault(config) or _config_fault(config)


def too_long(vocabulary: Iterable[Any]) -> bool:
    """Some entries have more words than are taken."""
    contents = [entry if isinstance(entry, str) else entry.get("content", "") for entry in vocabulary]
    return any(len(content.split()) > MAX_ENTRY for content in contents)


def _audio_fault(audio: Json) -> Fault | None:
    if audio == {"type": "file"}:
        return None
    if audio.get("type") != "raw" or audio.keys() != {"type", "encoding", "sample_rate"}:
        return "invalid_audio_type", "A raw format has an encoding and a sample rate."
    if audio["encoding"] not in SAMPLE_BYTES or not isinstance(audio["sample_rate"], int) or audio["sample_rate"] <= 0:
        return "invalid_audio_type", "The encoding or the sample rate is not supported."
    return None


def _language_fault(config: Json) -> Fault | None:
    language, model = config.get("language"), config.get("model", config.get("operating_point", "standard"))
    if model not in MODELS or {"model", "operating_point"} <= config.keys():
        return "invalid_model", f"There is no model {model}."
    if language not in LANGUAGES:
        return "invalid_language", f"The language {language} is not supported."
    if "output_locale" in config and config["output_locale"] not in LOCALES.get(language, ()):
        return "invalid_config", f"There is no locale {config['output_locale']} of {language}."
    return None


def _config_fault(config: Json) -> Fault | None:
    if unknown := config.keys() - _CONFIG:
        return "invalid_config", f"Additional properties are not allowed: {', '.join(sorted(unknown))}."
    if not 0.7 <= config.get("max_delay", 4) <= 4:
        return "invalid_config", "max_delay is between 0.7 and 4."
    if config.get("max_delay_mode", "flexible") not in ("flexible", "fixed"):
        return "invalid_config", "max_delay_mode is flexible or fixed."
    if not all(isinstance(config.get(name, True), bool) for name in ("enable_partials", "enable_entities")):
        return "invalid_config", "enable_partials and enable_entities are booleans."
    conversation = config.get("conversation_config", {})
    if conversation.keys() - {"end_of_utterance_silence_trigger"}:
        return "invalid_config", "conversation_config was not understood."
    if not 0 <= conversation.get("end_of_utterance_silence_trigger", 0) <= 2:
        return "invalid_config", "end_of_utterance_silence_trigger is between 0 and 2."
    return _vocabulary_fault(config.get("additional_vocab", []))


def _vocabulary_fault(vocabulary: list[Any]) -> Fault | None:
    if len(vocabulary) > MAX_VOCABULARY:
        return "invalid_config", f"additional_vocab has up to {MAX_VOCABULARY} entries."
    for entry in vocabulary:
        content = entry if isinstance(entry, str) else entry.get("content")
        extra = set() if isinstance(entry, str) else entry.keys() - {"content", "sounds_like"}
        if not content or extra:
            return "invalid_config", "An entry of additional_vocab was not understood."
    return None
