"""The media engine of patter-mcp: telephone calls held by an AI agent.

Everything in `__all__` can be imported from here.  It is loaded when it is first asked for, so that importing one name
does not cost what all of them would.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from getpatter.version import __version__

if TYPE_CHECKING:
    from getpatter.agent import Agent as Agent
    from getpatter.agent import TurnSettings as TurnSettings
    from getpatter.audio.background import BackgroundAudio as BackgroundAudio
    from getpatter.audio.filters.gain import AgcConfig as AgcConfig
    from getpatter.barge_in import BargeInStrategy as BargeInStrategy
    from getpatter.barge_in import MinWordsStrategy as MinWordsStrategy
    from getpatter.carriers.plivo.account import Plivo as Plivo
    from getpatter.carriers.telnyx.account import Telnyx as Telnyx
    from getpatter.carriers.twilio.account import Twilio as Twilio
    from getpatter.client import Patter as Patter
    from getpatter.engines.elevenlabs import ElevenLabsConvAI as ElevenLabsConvAI
    from getpatter.engines.gemini import GeminiLive as GeminiLive
    from getpatter.engines.openai_realtime import OpenAIRealtime as OpenAIRealtime
    from getpatter.engines.openai_realtime import OpenAIRealtime2 as OpenAIRealtime2
    from getpatter.engines.ultravox import UltravoxRealtime as UltravoxRealtime
    from getpatter.errors import AccessDenied as AccessDenied
    from getpatter.errors import AtCapacity as AtCapacity
    from getpatter.errors import CallEnded as CallEnded
    from getpatter.errors import CallNotFound as CallNotFound
    from getpatter.errors import CarrierError as CarrierError
    from getpatter.errors import ConfigurationError as ConfigurationError
    from getpatter.errors import InvalidRequest as InvalidRequest
    from getpatter.errors import PatterError as PatterError
    from getpatter.errors import PolicyDenied as PolicyDenied
    from getpatter.errors import ProviderError as ProviderError
    from getpatter.errors import ToolError as ToolError
    from getpatter.guardrails import Guardrail as Guardrail
    from getpatter.guardrails import guardrail as guardrail
    from getpatter.hooks import AfterLlm as AfterLlm
    from getpatter.hooks import HookContext as HookContext
    from getpatter.hooks import PipelineHooks as PipelineHooks
    from getpatter.llm.anthropic import AnthropicLLM as AnthropicLLM
    from getpatter.llm.callable import CallableLLM as CallableLLM
    from getpatter.llm.custom import CustomLLM as CustomLLM
    from getpatter.llm.fallback import FallbackLLM as FallbackLLM
    from getpatter.llm.google import GoogleLLM as GoogleLLM
    from getpatter.llm.graph import LangGraphLLM as LangGraphLLM
    from getpatter.llm.litellm import LiteLLMLLM as LiteLLMLLM
    from getpatter.llm.openai_compatible import OpenAICompatibleLLM as OpenAICompatibleLLM
    from getpatter.llm.presets import VLLMLLM as VLLMLLM
    from getpatter.llm.presets import CerebrasLLM as CerebrasLLM
    from getpatter.llm.presets import GroqLLM as GroqLLM
    from getpatter.llm.presets import HermesLLM as HermesLLM
    from getpatter.llm.presets import InworldLLM as InworldLLM
    from getpatter.llm.presets import LiteLLMProxyLLM as LiteLLMProxyLLM
    from getpatter.llm.presets import OllamaLLM as OllamaLLM
    from getpatter.llm.presets import OpenAILLM as OpenAILLM
    from getpatter.llm.presets import OpenClawLLM as OpenClawLLM
    from getpatter.llm.remote import RemoteLLM as RemoteLLM
    from getpatter.observability.bus import EventBus as EventBus
    from getpatter.observability.spans import init_tracing as init_tracing
    from getpatter.observability.spans import patter_call_scope as patter_call_scope
    from getpatter.observability.spans import start_span as start_span
    from getpatter.sdk.call_control import CallControl as CallControl
    from getpatter.sdk.call_result import CallResult as CallResult
    from getpatter.sdk.machine_detection import MachineDetectionResult as MachineDetectionResult
    from getpatter.sdk.metrics import CallMetrics as CallMetrics
    from getpatter.sdk.metrics import CostBreakdown as CostBreakdown
    from getpatter.sdk.metrics import LatencyBreakdown as LatencyBreakdown
    from getpatter.sdk.metrics import TurnMetrics as TurnMetrics
    from getpatter.sdk.speech_events import SpeechEvents as SpeechEvents
    from getpatter.stt.assemblyai import AssemblyAISTT as AssemblyAISTT
    from getpatter.stt.cartesia import CartesiaSTT as CartesiaSTT
    from getpatter.stt.deepgram import DeepgramSTT as DeepgramSTT
    from getpatter.stt.deepgram_flux import DeepgramFluxSTT as DeepgramFluxSTT
    from getpatter.stt.elevenlabs import ElevenLabsSTT as ElevenLabsSTT
    from getpatter.stt.openai_realtime import OpenAISTT as OpenAISTT
    from getpatter.stt.openai_transcribe import OpenAITranscribeSTT as OpenAITranscribeSTT
    from getpatter.stt.openai_transcribe import WhisperSTT as WhisperSTT
    from getpatter.stt.soniox import SonioxSTT as SonioxSTT
    from getpatter.stt.speechmatics import SpeechmaticsSTT as SpeechmaticsSTT
    from getpatter.stt.telnyx import TelnyxSTT as TelnyxSTT
    from getpatter.tools.context import ToolContext as ToolContext
    from getpatter.tools.mcp_server import McpServer as McpServer
    from getpatter.tools.tool import Reassurance as Reassurance
    from getpatter.tools.tool import Tool as Tool
    from getpatter.tools.tool import tool as tool
    from getpatter.tts.cartesia import CartesiaTTS as CartesiaTTS
    from getpatter.tts.deepgram import DeepgramRestTTS as DeepgramRestTTS
    from getpatter.tts.deepgram import DeepgramTTS as DeepgramTTS
    from getpatter.tts.elevenlabs import ElevenLabsTTS as ElevenLabsTTS
    from getpatter.tts.elevenlabs import ElevenLabsWebSocketTTS as ElevenLabsWebSocketTTS
    from getpatter.tts.elevenlabs_rest import ElevenLabsRestTTS as ElevenLabsRestTTS
    from getpatter.tts.inworld import InworldTTS as InworldTTS
    from getpatter.tts.lmnt import LMNTTTS as LMNTTTS
    from getpatter.tts.openai import OpenAITTS as OpenAITTS
    from getpatter.tts.rime import RimeTTS as RimeTTS
    from getpatter.tts.telnyx import TelnyxTTS as TelnyxTTS
    from getpatter.tunnels import CloudflareTunnel as CloudflareTunnel
    from getpatter.tunnels import Ngrok as Ngrok
    from getpatter.tunnels import Static as Static

_HOMES: Final = {
    "agent": ("Agent", "TurnSettings"),
    "audio.background": ("BackgroundAudio",),
    "audio.filters.gain": ("AgcConfig",),
    "barge_in": ("BargeInStrategy", "MinWordsStrategy"),
    "carriers.plivo.account": ("Plivo",),
    "carriers.telnyx.account": ("Telnyx",),
    "carriers.twilio.account": ("Twilio",),
    "client": ("Patter",),
    "engines.elevenlabs": ("ElevenLabsConvAI",),
    "engines.gemini": ("GeminiLive",),
    "engines.openai_realtime": ("OpenAIRealtime", "OpenAIRealtime2"),
    "engines.ultravox": ("UltravoxRealtime",),
    "errors": (
        "AccessDenied",
        "AtCapacity",
        "CallEnded",
        "CallNotFound",
        "CarrierError",
        "ConfigurationError",
        "InvalidRequest",
        "PatterError",
        "PolicyDenied",
        "ProviderError",
        "ToolError",
    ),
    "guardrails": ("Guardrail", "guardrail"),
    "hooks": ("AfterLlm", "HookContext", "PipelineHooks"),
    "llm.anthropic": ("AnthropicLLM",),
    "llm.callable": ("CallableLLM",),
    "llm.custom": ("CustomLLM",),
    "llm.fallback": ("FallbackLLM",),
    "llm.google": ("GoogleLLM",),
    "llm.graph": ("LangGraphLLM",),
    "llm.litellm": ("LiteLLMLLM",),
    "llm.openai_compatible": ("OpenAICompatibleLLM",),
    "llm.presets": (
        "CerebrasLLM",
        "GroqLLM",
        "HermesLLM",
        "InworldLLM",
        "LiteLLMProxyLLM",
        "OllamaLLM",
        "OpenAILLM",
        "OpenClawLLM",
        "VLLMLLM",
    ),
    "llm.remote": ("RemoteLLM",),
    "observability.bus": ("EventBus",),
    "observability.spans": ("init_tracing", "patter_call_scope", "start_span"),
    "sdk.call_control": ("CallControl",),
    "sdk.call_result": ("CallResult",),
    "sdk.machine_detection": ("MachineDetectionResult",),
    "sdk.metrics": ("CallMetrics", "CostBreakdown", "LatencyBreakdown", "TurnMetrics"),
    "sdk.speech_events": ("SpeechEvents",),
    "stt.assemblyai": ("AssemblyAISTT",),
    "stt.cartesia": ("CartesiaSTT",),
    "stt.deepgram": ("DeepgramSTT",),
    "stt.deepgram_flux": ("DeepgramFluxSTT",),
    "stt.elevenlabs": ("ElevenLabsSTT",),
    "stt.openai_realtime": ("OpenAISTT",),
    "stt.openai_transcribe": ("OpenAITranscribeSTT", "WhisperSTT"),
    "stt.soniox": ("SonioxSTT",),
    "stt.speechmatics": ("SpeechmaticsSTT",),
    "stt.telnyx": ("TelnyxSTT",),
    "tools.context": ("ToolContext",),
    "tools.mcp_server": ("McpServer",),
    "tools.tool": ("Reassurance", "Tool", "tool"),
    "tts.cartesia": ("CartesiaTTS",),
    "tts.deepgram": ("DeepgramRestTTS", "DeepgramTTS"),
    "tts.elevenlabs": ("ElevenLabsTTS", "ElevenLabsWebSocketTTS"),
    "tts.elevenlabs_rest": ("ElevenLabsRestTTS",),
    "tts.inworld": ("InworldTTS",),
    "tts.lmnt": ("LMNTTTS",),
    "tts.openai": ("OpenAITTS",),
    "tts.rime": ("RimeTTS",),
    "tts.telnyx": ("TelnyxTTS",),
    "tunnels": ("CloudflareTunnel", "Ngrok", "Static"),
}
_HOME_OF: Final = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *_HOME_OF]


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = vars(import_module(f"{__name__}.{home}"))[name]
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
