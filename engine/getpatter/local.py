"""Speech and language that run on this machine, without a key: `stt=local.stt(), tts=local.tts(), llm=local.llm()`."""

from __future__ import annotations

from getpatter import settings
from getpatter.llm.base import LanguageModel
from getpatter.llm.factory import language_model
from getpatter.stt.base import SpeechToText
from getpatter.stt.local import local_stt
from getpatter.tts.base import TextToSpeech
from getpatter.tts.local import local_tts

__all__ = ["llm", "stt", "tts"]


def stt(model: str = "") -> SpeechToText:
    """A model by its name, e.g. `whisper-small`; `getpatter fetch` lists and fetches them.

    With `model` empty PocketSphinx: English, good for sentences that it was told to expect (`Agent.phrases`), rough
    otherwise, and without a download.
    """
    return local_stt(model)


def tts(voice: str = "", language: str = "en-US") -> TextToSpeech:
    """Flite, eSpeak NG or Kokoro (`voice="kokoro"`); see `getpatter.tts.local`."""
    return local_tts(voice, language)


def llm() -> LanguageModel:
    """The model that `PATTER_LLM` or `PATTER_LLM_URL` names, e.g. of Ollama here; else a script that books tables."""
    return language_model(settings.load())
