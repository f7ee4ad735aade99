"""All adapters of providers, by kind and by the name that settings use.

A table and not a scan: an adapter is loaded when it is asked for, so that a call by one vendor imports no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, Literal, get_args

from getpatter.connections.facts import Facts
from getpatter.errors import ConfigurationError

Kind = Literal["stt", "tts", "llm", "engine"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
TITLES: Final[dict[Kind, str]] = {
    "stt": "Recognisers",
    "tts": "Voices",
    "llm": "Language models",
    "engine": "Speech-to-speech engines",
}


@dataclass(frozen=True, slots=True)
class Adapter:
    """`name` is what stands before the slash in `PATTER_STT`, `PATTER_TTS`, `PATTER_LLM` and `PATTER_ENGINE`."""

    kind: Kind
    name: str
    class_name: str
    module: str
    """Below `getpatter`."""
    behind_slash: str = "model"
    """The argument that is named behind the slash; empty where there is none to name."""

    def load(self) -> Any:
        """The class."""
        return vars(import_module(f"getpatter.{self.module}"))[self.class_name]

    def make(self, named: str = "", **others: str) -> Any:
        """A provider with what was named behind the slash, and other arguments; empty ones are left to its defaults.

        Raises `ConfigurationError`.
        """
        if named and not self.behind_slash:
            raise ConfigurationError(f"{self.name} has no models to choose from.", next_step=f"Name {self.name} alone.")
        given = {**others, self.behind_slash: named} if named else others
        return self.load()(**{argument: value for argument, value in given.items() if value})

    @property
    def facts(self) -> Facts:
        facts: Facts = self.load().FACTS
        return facts


def _of(kind: Kind, *rows: tuple[str, str, str] | tuple[str, str, str, str]) -> tuple[Adapter, ...]:
    return tuple(Adapter(kind, *row) for row in rows)


CATALOGUE: Final = (
    *_of(
        "stt",
        ("assemblyai", "AssemblyAISTT", "stt.assemblyai"),
        ("cartesia", "CartesiaSTT", "stt.cartesia"),
        ("deepgram", "DeepgramSTT", "stt.deepgram"),
        ("deepgram-flux", "DeepgramFluxSTT", "stt.deepgram_flux"),
        ("elevenlabs", "ElevenLabsSTT", "stt.elevenlabs"),
        ("openai", "OpenAISTT", "stt.openai_realtime"),
        ("openai-transcribe", "OpenAITranscribeSTT", "stt.openai_transcribe"),
        ("soniox", "SonioxSTT", "stt.soniox"),
        ("speechmatics", "SpeechmaticsSTT", "stt.speechmatics"),
        ("telnyx", "TelnyxSTT", "stt.telnyx"),
        ("whisper-api", "WhisperSTT", "stt.openai_transcribe"),
        ("whisper", "FasterWhisperSTT", "stt.faster_whisper"),
        ("moonshine", "MoonshineSTT", "stt.moonshine"),
        ("pocketsphinx", "PocketSphinxSTT", "stt.pocketsphinx", ""),
    ),
    *_of(
        "tts",
        ("cartesia", "CartesiaTTS", "tts.cartesia"),
        ("deepgram", "DeepgramTTS", "tts.deepgram"),
        ("deepgram-rest", "DeepgramRestTTS", "tts.deepgram"),
        ("elevenlabs", "ElevenLabsTTS", "tts.elevenlabs"),
        ("elevenlabs-rest", "ElevenLabsRestTTS", "tts.elevenlabs_rest"),
        ("inworld", "InworldTTS", "tts.inworld"),
        ("lmnt", "LMNTTTS", "tts.lmnt"),
        ("openai", "OpenAITTS", "tts.openai"),
        ("rime", "RimeTTS", "tts.rime"),
        ("telnyx", "TelnyxTTS", "tts.telnyx", "voice"),
        ("kokoro", "KokoroTTS", "tts.kokoro", "voice"),
        ("flite", "FliteTTS", "tts.flite", "voice"),
        ("espeak", "EspeakTTS", "tts.espeak", "voice"),
    ),
    *_of(
        "llm",
        ("anthropic", "AnthropicLLM", "llm.anthropic"),
        ("cerebras", "CerebrasLLM", "llm.presets"),
        ("google", "GoogleLLM", "llm.google"),
        ("groq", "GroqLLM", "llm.presets"),
        ("hermes", "HermesLLM", "llm.presets"),
        ("inworld", "InworldLLM", "llm.presets"),
        ("litellm", "LiteLLMLLM", "llm.litellm"),
        ("litellm-proxy", "LiteLLMProxyLLM", "llm.presets"),
        ("ollama", "OllamaLLM", "llm.presets"),
        ("openai", "OpenAILLM", "llm.presets"),
        ("openclaw", "OpenClawLLM", "llm.presets", "agent"),
        ("vllm", "VLLMLLM", "llm.presets"),
    ),
    *_of(
        "engine",
        ("elevenlabs", "ElevenLabsConvAI", "engines.elevenlabs", "agent_id"),
        ("gemini", "GeminiLive", "engines.gemini"),
        ("openai", "OpenAIRealtime", "engines.openai_realtime"),
        ("openai-2", "OpenAIRealtime2", "engines.openai_realtime"),
        ("ultravox", "UltravoxRealtime", "engines.ultravox"),
    ),
)


def adapters(kind: Kind) -> tuple[Adapter, ...]:
    """Those of one kind, in the order of the catalogue."""
    return tuple(adapter for adapter in CATALOGUE if adapter.kind == kind)


def find(kind: Kind, name: str) -> Adapter | None:
    """The adapter of this name, in any case."""
    return next((adapter for adapter in adapters(kind) if adapter.name == name.lower()), None)
