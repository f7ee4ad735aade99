"""Each adapter of the catalogue with the stand-in for its vendor, for what is tried with all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from getpatter.engines.base import RealtimeEngine
from getpatter.llm.anthropic import AnthropicLLM
from getpatter.llm.base import LanguageModel
from getpatter.llm.google import GoogleLLM
from getpatter.llm.presets import CerebrasLLM, GroqLLM, InworldLLM, OpenAILLM
from getpatter.stt.base import SpeechToText
from getpatter.stt.deepgram import DeepgramSTT
from getpatter.stt.deepgram_flux import DeepgramFluxSTT
from getpatter.stt.elevenlabs import ElevenLabsSTT
from getpatter.stt.soniox import SonioxSTT
from getpatter.stt.telnyx import TelnyxSTT
from getpatter.testing.vendors.anthropic import AnthropicServer
from getpatter.testing.vendors.deepgram import DeepgramFluxServer, DeepgramServer
from getpatter.testing.vendors.deepgram_speak import DeepgramRestSpeakServer, DeepgramSpeakServer
from getpatter.testing.vendors.elevenlabs import ElevenLabsRestServer, ElevenLabsServer
from getpatter.testing.vendors.elevenlabs_scribe import ElevenLabsScribeServer
from getpatter.testing.vendors.google import GoogleServer
from getpatter.testing.vendors.openai_chat import OpenAIServer
from getpatter.testing.vendors.soniox import SonioxServer
from getpatter.testing.vendors.telnyx_listen import TelnyxListenServer
from getpatter.testing.vendors.telnyx_speak import TelnyxSpeakServer
from getpatter.tts.base import TextToSpeech
from getpatter.tts.deepgram import DeepgramRestTTS, DeepgramTTS
from getpatter.tts.elevenlabs import ElevenLabsTTS
from getpatter.tts.elevenlabs_rest import ElevenLabsRestTTS
from getpatter.tts.telnyx import TelnyxTTS

KEY: Final = "sk-roll-0123456789"
"""What the stand-ins take."""

Provider = TypeVar("Provider", SpeechToText, TextToSpeech, LanguageModel, RealtimeEngine)


@dataclass(frozen=True, slots=True)
class Stand(Generic[Provider]):
    """`server` makes the vendor's stand-in, with what it is to understand or to answer and the keyword `key`;
    `provider` the adapter, from the address at which that is served."""

    name: str
    """The catalogue's."""
    server: Callable[..., Any]
    provider: Callable[[str], Provider]


RECOGNISERS: Final[tuple[Stand[SpeechToText], ...]] = (
    Stand("deepgram", DeepgramServer, lambda url: DeepgramSTT(KEY, url=url)),
    Stand("deepgram-flux", DeepgramFluxServer, lambda url: DeepgramFluxSTT(KEY, url=url)),
    Stand("elevenlabs", ElevenLabsScribeServer, lambda url: ElevenLabsSTT(KEY, url=url)),
    Stand("soniox", SonioxServer, lambda url: SonioxSTT(KEY, url=f"{url}/transcribe-websocket")),
    Stand("telnyx", TelnyxListenServer, lambda url: TelnyxSTT(KEY, url=url)),
)
VOICES: Final[tuple[Stand[TextToSpeech], ...]] = (
    Stand("deepgram", DeepgramSpeakServer, lambda url: DeepgramTTS(KEY, url=url)),
    Stand("deepgram-rest", DeepgramRestSpeakServer, lambda url: DeepgramRestTTS(KEY, url=url)),
    Stand("elevenlabs", ElevenLabsServer, lambda url: ElevenLabsTTS(KEY, url=url)),
    Stand("elevenlabs-rest", ElevenLabsRestServer, lambda url: ElevenLabsRestTTS(KEY, url=url)),
    Stand("telnyx", TelnyxSpeakServer, lambda url: TelnyxTTS(KEY, url=url)),
)
MODELS: Final[tuple[Stand[LanguageModel], ...]] = (
    Stand("anthropic", AnthropicServer, lambda url: AnthropicLLM(KEY, base_url=url)),
    Stand("cerebras", OpenAIServer, lambda url: CerebrasLLM(KEY, base_url=url)),
    Stand("google", GoogleServer, lambda url: GoogleLLM(KEY, base_url=url)),
    Stand("groq", OpenAIServer, lambda url: GroqLLM(KEY, base_url=url)),
    Stand("inworld", OpenAIServer, lambda url: InworldLLM(KEY, "m", base_url=url)),
    Stand("openai", OpenAIServer, lambda url: OpenAILLM(KEY, base_url=url)),
)
