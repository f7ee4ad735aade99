"""What the settings ask for: the ear, the mind and the voice of the agent that answers, or one engine that is all."""

from __future__ import annotations

from typing import Final

from getpatter.engines.base import RealtimeEngine
from getpatter.errors import ConfigurationError
from getpatter.providers.catalogue import Adapter, Kind, adapters, find
from getpatter.settings import Settings
from getpatter.stt.base import SpeechToText
from getpatter.stt.local import local_stt
from getpatter.tts.base import TextToSpeech
from getpatter.tts.local import local_tts

_SETTING: Final[dict[Kind, str]] = {"stt": "PATTER_STT", "tts": "PATTER_TTS", "engine": "PATTER_ENGINE"}
_EXAMPLE: Final[dict[Kind, str]] = {
    "stt": "deepgram/nova-3",
    "tts": "elevenlabs",
    "engine": "openai/gpt-realtime-2.1",
}
_LOCAL_MODELS: Final = ("whisper-", "moonshine-")
"""Models of this machine as `getpatter fetch` lists them."""


def chosen_stt(settings: Settings) -> SpeechToText:
    """The recogniser that `PATTER_STT` names; without it PocketSphinx, which needs no account.

    `vendor`, `vendor/model`, or a model of this machine as `getpatter fetch` lists them.  Raises `ConfigurationError`.
    """
    name, _, model = settings.stt.strip().partition("/")
    adapter = find("stt", name)
    if adapter is None and (not name or name.startswith(_LOCAL_MODELS)):
        return local_stt(name)
    stt: SpeechToText = _known("stt", name, adapter).make(model)
    return stt


def chosen_tts(settings: Settings) -> TextToSpeech:
    """The voice that `PATTER_TTS` and `PATTER_VOICE` name; without `PATTER_TTS` the best that is installed here.

    Raises `ConfigurationError`.
    """
    name, _, model = settings.tts.strip().partition("/")
    if not name:
        return local_tts(settings.voice, settings.language)
    tts: TextToSpeech = _known("tts", name, find("tts", name)).make(model, voice=settings.voice)
    return tts


def chosen_engine(settings: Settings) -> RealtimeEngine | None:
    """The speech-to-speech engine that `PATTER_ENGINE` names; None where a pipeline is to be put together.

    Raises `ConfigurationError`, also where parts of a pipeline are named as well.
    """
    name, _, model = settings.engine.strip().partition("/")
    if not name:
        return None
    parts = {"PATTER_STT": settings.stt, "PATTER_TTS": settings.tts, "PATTER_LLM": settings.llm or settings.llm_url}
    if stray := [variable for variable, value in parts.items() if value]:
        raise ConfigurationError(
            f"PATTER_ENGINE cannot be set together with {' and '.join(stray)}.",
            next_step="An engine hears, thinks and speaks: unset it, or the others.",
        )
    engine: RealtimeEngine = _known("engine", name, find("engine", name)).make(model, voice=settings.voice)
    return engine


def _known(kind: Kind, name: str, adapter: Adapter | None) -> Adapter:
    if adapter is not None:
        return adapter
    known = ", ".join(adapter.name for adapter in adapters(kind))
    raise ConfigurationError(
        f"{_SETTING[kind]} names {name!r}, which is not known here.",
        next_step=f"Set it to one of {known}, with a model behind a slash if need be, e.g. {_EXAMPLE[kind]}.",
    )
