"""Each adapter of the catalogue with the stand-in for its vendor, for what is tried with all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from getpatter.engines.base import RealtimeEngine
from getpatter.engines.elevenlabs import ElevenLabsConvAI
from getpatter.engines.gemini import GeminiLive
from getpatter.engines.openai_realtime import OpenAIRealtime, OpenAIRealtime2
from getpatter.engines.ultravox import UltravoxRealtime
from getpatter.llm.anthropic import AnthropicLLM
from getpatter.llm.base import LanguageModel
from getpatter.llm.google import GoogleLLM
from getpatter.llm.presets import CerebrasLLM, GroqLLM, InworldLLM, OpenAILLM
from getpatter.stt.assemblyai import AssemblyAISTT
from getpatter.stt.base import SpeechToText
from getpatter.stt.cartesia import CartesiaSTT
from getpatter.stt.deepgram import DeepgramSTT
from getpatter.stt.deepgram_flux import DeepgramFluxSTT
from getpatter.stt.elevenlabs import ElevenLabsSTT
from getpatter.stt.openai_realtime import OpenAISTT
from getpatter.stt.openai_transcribe import OpenAITranscribeSTT, WhisperSTT
from getpatter.stt.soniox import SonioxSTT
from getpatter.stt.speechmatics import SpeechmaticsSTT
from getpatter.stt.telnyx import TelnyxSTT
from getpatter.testing.realtime_server import RealtimeServer
from getpatter.testing.vendors.anthropic import AnthropicServer
from getpatter.testing.vendors.assemblyai import AssemblyAIServer
from getpatter.testing.vendors.cartesia import CartesiaServer
from getpatter.testing.vendors.cartesia_speak import CartesiaSpeakServer
from getpatter.testing.vendors.deepgram import DeepgramFluxServer, DeepgramServer
from getpatter.testing.vendors.deepgram_speak import DeepgramRestSpeakServer, DeepgramSpeakServer
from getpatter.testing.vendors.elevenlabs import ElevenLabsRestServer, ElevenLabsServer
from getpatter.testing.vendors.elevenlabs_convai import ElevenLabsConvAIServer
from getpatter.testing.vendors.elevenlabs_scribe import ElevenLabsScribeServer
from getpatter.testing.vendors.gemini_live import GeminiLiveServer
from getpatter.testing.vendors.google import GoogleServer
from getpatter.testing.vendors.inworld import InworldServer
from getpatter.testing.vendors.lmnt import LmntServer
from getpatter.testing.vendors.openai_chat import OpenAIServer
from getpatter.testing.vendors.openai_listen import OpenAIListenServer
from getpatter.testing.vendors.openai_speech import OpenAISpeechServer
from getpatter.testing.vendors.openai_transcriptions import OpenAITranscriptionsServer
from getpatter.testing.vendors.rime import RimeServer
from getpatter.testing.vendors.soniox import SonioxServer
from getpatter.testing.vendors.speechmatics import SpeechmaticsServer
from getpatter.testing.vendors.telnyx_listen import TelnyxListenServer
from getpatter.testing.vendors.telnyx_speak import TelnyxSpeakServer
from getpatter.testing.vendors.ultravox import UltravoxServer
from getpatter.tts.base import TextToSpeech
from getpatter.tts.cartesia import CartesiaTTS
from getpatter.tts.deepgram import DeepgramRestTTS, DeepgramTTS
from getpatter.tts.elevenlabs import ElevenLabsTTS
from getpatter.tts.elevenlabs_rest import ElevenLabsRestTTS
from getpatter.tts.inworld import InworldTTS
from getpatter.tts.lmnt import LMNTTTS
from getpatter.tts.openai import OpenAITTS
from getpatter.tts.rime import RimeTTS
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


def _http(url: str, path: str = "") -> str:
    return url.replace("ws://", "http://") + path


RECOGNISERS: Final[tuple[Stand[SpeechToText], ...]] = (
    Stand("assemblyai", AssemblyAIServer, lambda url: AssemblyAISTT(KEY, url=url)),
    Stand("cartesia", CartesiaServer, lambda url: CartesiaSTT(KEY, url=url)),
    Stand("deepgram", DeepgramServer, lambda url: DeepgramSTT(KEY, url=url)),
    Stand("deepgram-flux", DeepgramFluxServer, lambda url: DeepgramFluxSTT(KEY, url=url)),
    Stand("elevenlabs", ElevenLabsScribeServer, lambda url: ElevenLabsSTT(KEY, url=url)),
    Stand("openai", OpenAIListenServer, lambda url: OpenAISTT(KEY, url=f"{url}/v1/realtime")),
    Stand(
        "openai-transcribe", OpenAITranscriptionsServer, lambda url: OpenAITranscribeSTT(KEY, url=f"{_http(url)}/v1")
    ),
    Stand("whisper-api", OpenAITranscriptionsServer, lambda url: WhisperSTT(KEY, url=f"{_http(url)}/v1")),
    Stand("soniox", SonioxServer, lambda url: SonioxSTT(KEY, url=f"{url}/transcribe-websocket")),
    Stand("speechmatics", SpeechmaticsServer, lambda url: SpeechmaticsSTT(KEY, url=f"{url}/v2")),
    Stand("telnyx", TelnyxListenServer, lambda url: TelnyxSTT(KEY, url=url)),
)
VOICES: Final[tuple[Stand[TextToSpeech], ...]] = (
    Stand("cartesia", CartesiaSpeakServer, lambda url: CartesiaTTS(KEY, url=url)),
    Stand("deepgram", DeepgramSpeakServer, lambda url: DeepgramTTS(KEY, url=url)),
    Stand("deepgram-rest", DeepgramRestSpeakServer, lambda url: DeepgramRestTTS(KEY, url=url)),
    Stand("elevenlabs", ElevenLabsServer, lambda url: ElevenLabsTTS(KEY, url=url)),
    Stand("elevenlabs-rest", ElevenLabsRestServer, lambda url: ElevenLabsRestTTS(KEY, url=url)),
    Stand("inworld", InworldServer, lambda url: InworldTTS(KEY, url=_http(url))),
    Stand("lmnt", LmntServer, lambda url: LMNTTTS(KEY, url=_http(url))),
    Stand("openai", OpenAISpeechServer, lambda url: OpenAITTS(KEY, url=_http(url, "/v1"))),
    Stand("rime", RimeServer, lambda url: RimeTTS(KEY, url=url)),
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
ENGINES: Final[tuple[Stand[RealtimeEngine], ...]] = (
    Stand("elevenlabs", ElevenLabsConvAIServer, lambda url: ElevenLabsConvAI("agent_1", KEY, url=url)),
    Stand("gemini", GeminiLiveServer, lambda url: GeminiLive(KEY, url=url)),
    Stand("openai", RealtimeServer, lambda url: OpenAIRealtime(KEY, url=url)),
    Stand("openai-2", RealtimeServer, lambda url: OpenAIRealtime2(KEY, url=url)),
    Stand("ultravox", UltravoxServer, lambda url: UltravoxRealtime(KEY, url=_http(url))),
)
