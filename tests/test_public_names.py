"""What can be imported from `getpatter`, and what that costs."""

from __future__ import annotations

import subprocess
import sys

import getpatter

NAMES = {
    "AccessDenied",
    "AfterLlm",
    "AgcConfig",
    "Agent",
    "AnthropicLLM",
    "AssemblyAISTT",
    "AtCapacity",
    "BackgroundAudio",
    "BargeInStrategy",
    "CallControl",
    "CallEnded",
    "CallMetrics",
    "CallNotFound",
    "CallResult",
    "CallableLLM",
    "CarrierError",
    "CartesiaSTT",
    "CartesiaTTS",
    "CerebrasLLM",
    "CloudflareTunnel",
    "ConfigurationError",
    "CostBreakdown",
    "CustomLLM",
    "DeepgramFluxSTT",
    "DeepgramRestTTS",
    "DeepgramSTT",
    "DeepgramTTS",
    "ElevenLabsConvAI",
    "ElevenLabsRestTTS",
    "ElevenLabsSTT",
    "ElevenLabsTTS",
    "ElevenLabsWebSocketTTS",
    "EventBus",
    "FallbackLLM",
    "GeminiLive",
    "GoogleLLM",
    "GroqLLM",
    "Guardrail",
    "HermesLLM",
    "HookContext",
    "InvalidRequest",
    "InworldLLM",
    "InworldTTS",
    "LMNTTTS",
    "LangGraphLLM",
    "LatencyBreakdown",
    "LiteLLMLLM",
    "LiteLLMProxyLLM",
    "MachineDetectionResult",
    "McpServer",
    "MinWordsStrategy",
    "Ngrok",
    "OllamaLLM",
    "OpenAICompatibleLLM",
    "OpenAILLM",
    "OpenAIRealtime",
    "OpenAIRealtime2",
    "OpenAISTT",
    "OpenAITTS",
    "OpenAITranscribeSTT",
    "OpenClawLLM",
    "Patter",
    "PatterError",
    "PipelineHooks",
    "Plivo",
    "PolicyDenied",
    "ProviderError",
    "Reassurance",
    "RemoteLLM",
    "RimeTTS",
    "SonioxSTT",
    "SpeechEvents",
    "SpeechmaticsSTT",
    "Static",
    "Telnyx",
    "TelnyxSTT",
    "TelnyxTTS",
    "Tool",
    "ToolContext",
    "ToolError",
    "TurnMetrics",
    "TurnSettings",
    "Twilio",
    "UltravoxRealtime",
    "VLLMLLM",
    "WhisperSTT",
    "__version__",
    "guardrail",
    "init_tracing",
    "patter_call_scope",
    "start_span",
    "tool",
}


def run(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_list_of_public_names() -> None:
    assert set(getpatter.__all__) == NAMES
    assert dir(getpatter) == sorted(dir(getpatter))
    assert set(dir(getpatter)) >= NAMES


def test_all_of_them_can_be_imported() -> None:
    assert run("from getpatter import *; print(Patter.__name__, tool.__name__)") == "Patter tool"


def test_a_name_costs_what_it_needs_and_the_package_next_to_nothing() -> None:
    loaded = "import sys; print(*sorted({'numpy', 'pydantic', 'fastapi', 'onnxruntime', 'httpx'} & set(sys.modules)))"
    assert run(f"import getpatter; {loaded}") == ""
    assert "fastapi" not in run(f"from getpatter import Patter; {loaded}").split()


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(getpatter, "Pattern")
