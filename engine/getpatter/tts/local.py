"""The best voice that this machine can speak with by itself."""

from __future__ import annotations

from getpatter.errors import ConfigurationError
from getpatter.tts import flite
from getpatter.tts.base import TextToSpeech
from getpatter.tts.espeak import DEFAULT_VOICE, EspeakTTS, espeak_installed
from getpatter.tts.flite import FliteTTS, find_flite
from getpatter.tts.kokoro import KokoroTTS
from getpatter.tts.kokoro_files import NAME as KOKORO


def local_tts(voice: str = "", language: str = "en-US") -> TextToSpeech:
    """A voice that needs no key and, in a call, no network.

    `voice` is one of Flite or of eSpeak NG, or `kokoro`, or `kokoro/af_heart` for one voice of it.  With `voice` empty:
    Flite for English where its program is installed, else eSpeak NG where its package is.
    Raises `ConfigurationError` where none can serve.
    """
    model, _, chosen = voice.partition("/")
    if model == KOKORO:
        return KokoroTTS(chosen)
    english = language.lower().split("-")[0] == "en"
    if voice in flite.VOICES or (not voice and english and find_flite()):
        return FliteTTS(voice or "rms")
    if espeak_installed():
        return EspeakTTS(voice or (DEFAULT_VOICE if english else language.lower().split("-")[0]))
    raise ConfigurationError(
        "No local voice is installed." if english else f"No local voice for {language} is installed.",
        next_step="Run: pip install 'patter-mcp[local]'" + (", or install the program flite." if english else ""),
    )
