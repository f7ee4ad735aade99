"""From the keywords of `Patter.agent` to an `Agent`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Required, TypedDict, cast

from getpatter.agent import Agent, TurnSettings
from getpatter.audio.background import BackgroundAudio
from getpatter.audio.filters.base import AudioFilter
from getpatter.audio.filters.gain import AgcConfig, AutomaticGain
from getpatter.audio.filters.high_pass import HighPass
from getpatter.audio.filters.webrtc import EchoCancellation
from getpatter.barge_in import BargeInMode, BargeInSettings, BargeInStrategy
from getpatter.engines.base import RealtimeEngine
from getpatter.engines.elevenlabs import ElevenLabsConvAI
from getpatter.engines.openai_realtime import engine_for
from getpatter.environment import variables
from getpatter.errors import ConfigurationError
from getpatter.guardrails import Guardrail
from getpatter.hooks import PipelineHooks
from getpatter.llm.base import LanguageModel
from getpatter.llm.brains import Brain, language_model_of
from getpatter.sdk.default_llm import DefaultLLM
from getpatter.sdk.preamble import with_preamble
from getpatter.stt.base import SpeechToText
from getpatter.tools.mcp_server import McpServer
from getpatter.tools.tool import Tool
from getpatter.tts.base import TextToSpeech
from getpatter.turn_detection.base import TurnDetector

OPENAI_OPTIONS = (
    "openai_realtime_noise_reduction",
    "openai_realtime_reasoning_effort",
    "realtime_gate_response_on_transcript",
)
REALTIME_MODEL, REALTIME_VOICE = "gpt-realtime-2.1-mini", "alloy"
MAX_DURATION_S = 3600.0
CANCEL_AFTER_MS = 300
"""Speech over the agent that stops it for good, in mode `cancel`."""


class AgentOptions(TypedDict, total=False):
    """Keywords of `Patter.agent`.  Each says what it stands for in `Agent`, where there is more about it."""

    system_prompt: Required[str]
    disable_phone_preamble: bool
    """Do not put `sdk.preamble.PREAMBLE` before the prompt."""
    name: str
    purpose: str
    language: str
    first_message: str
    prewarm_first_message: bool
    variables: Mapping[str, str]

    engine: RealtimeEngine | None
    """Hears, thinks and speaks.  Without any provider OpenAI's realtime model does, with `model` and `voice`."""
    provider: Literal["openai_realtime", "elevenlabs_convai", "pipeline"] | None
    stt: SpeechToText | None
    tts: TextToSpeech | None
    llm: Brain | None
    """A language model, or a function, a LangGraph graph or the address of a server in its place (`llm.brains`).
    Where only `stt` and `tts` are given, `on_message` answers, or the model of `sdk.default_llm`."""
    model: str | None
    voice: str | None
    openai_realtime_noise_reduction: Literal["near_field", "far_field"] | None
    openai_realtime_reasoning_effort: Literal["minimal", "low", "medium", "high", "xhigh"] | None
    realtime_gate_response_on_transcript: bool | None
    """A turn is answered once its transcript has come, and not at all where that is empty."""

    tools: Sequence[Tool] | None
    mcp_servers: Sequence[McpServer] | None
    handoffs: Sequence[Agent] | None
    transfer_to: Sequence[str]
    guardrails: Sequence[Guardrail] | None
    hooks: PipelineHooks | None
    text_transforms: Sequence[Callable[[str], str]] | None

    llm_error_message: str | None
    """`error_message`"""
    long_turn_message: str | None
    """`filler_message`"""
    long_turn_message_after_s: float
    """`turns.filler_after_s`"""
    max_duration_s: float
    """`turns.max_duration_s`; an hour by default."""

    turn_detector: TurnDetector | None
    max_semantic_hold_ms: float
    """`turns.max_hold_s`"""
    barge_in_mode: BargeInMode
    """`turns.while_speaking.mode`"""
    barge_in_threshold_ms: int | None
    """`turns.while_speaking.start_s`: how long a voice must last; 0 is mode `off`.  By default 300 in mode `cancel`,
    and none where a voice only pauses the agent until its words are known."""
    barge_in_confirm_ms: float
    """`turns.while_speaking.confirm_s`"""
    barge_in_strategies: Sequence[BargeInStrategy]
    """`turns.while_speaking.strategies`"""
    preemptive_generation: bool
    """`turns.preemptive`"""
    preemptive_min_stable_ms: float
    """`turns.preemptive_stable_s`"""
    aggressive_first_flush: bool
    """`eager_first_flush`"""

    audio_filter: AudioFilter | None
    high_pass_hz: float | None
    echo_cancellation: bool
    agc: bool | AgcConfig
    """These four are `audio_filters`, in the order echo cancellation, high pass, `audio_filter`, gain."""
    background_audio: BackgroundAudio | None


UNAVAILABLE: Mapping[str, str] = {
    "compaction": "Histories are not summarised.",
    "consult": "Give the agent a tool that asks whoever is to be consulted.",
    "context_token_budget": "Histories are not cut.",
    "max_history": "Histories are not cut.",
    "realtime_turn_detection": "The engine's turns are always decided here: see `turn_detector`.",
    "skills": "Put instructions into the prompt, or hand over to another agent with `handoffs`.",
    "tool_call_preambles": "Give tools a `reassurance`.",
    "vad": "All calls share one detector, which is built in.",
}
"""Keywords that are known elsewhere, and what there is in their place."""

ALWAYS_ON = "prewarm"
"""Providers are opened while a call rings, always."""


def agent_from(options: AgentOptions) -> Agent:
    """Raises `TypeError` for unknown keywords and wrong types, and `ConfigurationError` for what cannot work."""
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    _check_names(given)
    options = cast(AgentOptions, given)
    engine, stt, tts, llm = _providers(options)
    prompt = options["system_prompt"]
    return Agent(
        system_prompt=prompt if options.get("disable_phone_preamble") else with_preamble(prompt),
        engine=engine,
        stt=stt,
        tts=tts,
        llm=llm,
        turns=_turns(options),
        tools=_list_of(Tool, "tools", given.get("tools", ())),
        mcp_servers=_list_of(McpServer, "mcp_servers", given.get("mcp_servers", ())),
        handoffs=_list_of(Agent, "handoffs", given.get("handoffs", ())),
        guardrails=_list_of(Guardrail, "guardrails", given.get("guardrails", ())),
        transfer_to=tuple(given.get("transfer_to", ())),
        text_transforms=tuple(given.get("text_transforms", ())),
        audio_filters=_filters(options),
        **_renamed(given),
    )


SAME_NAME = ("name", "purpose", "language", "first_message", "prewarm_first_message", "variables", "hooks")
OTHER_NAME: Mapping[str, str] = {
    "turn_detector": "turn_detector",
    "background_audio": "background",
    "llm_error_message": "error_message",
    "long_turn_message": "filler_message",
    "aggressive_first_flush": "eager_first_flush",
}


def _renamed(given: Mapping[str, Any]) -> dict[str, Any]:
    """Options that are fields of the agent as they are."""
    names = {**{name: name for name in SAME_NAME}, **OTHER_NAME}
    return {field: given[name] for name, field in names.items() if name in given}


def _check_names(given: Mapping[str, Any]) -> None:
    if given.get(ALWAYS_ON) is False:
        raise ConfigurationError("prewarm cannot be turned off: providers are always opened while a call rings.")
    for name, instead in UNAVAILABLE.items():
        if given.get(name):
            raise ConfigurationError(f"Patter.agent does not have {name!r}.", next_step=instead)
    unknown = given.keys() - AgentOptions.__annotations__.keys() - UNAVAILABLE.keys() - {ALWAYS_ON}
    if unknown:
        raise TypeError(f"Patter.agent has no keyword {', '.join(sorted(map(repr, unknown)))}")
    if "system_prompt" not in given:
        raise TypeError("Patter.agent needs system_prompt")


def _list_of(kind: type[Any], name: str, given: Sequence[Any]) -> tuple[Any, ...]:
    if not isinstance(given, Sequence) or not all(isinstance(item, kind) for item in given):
        raise TypeError(f"{name} must be a list of {kind.__name__}")
    return tuple(given)


# -- providers

_Providers = tuple[RealtimeEngine | None, SpeechToText | None, TextToSpeech | None, LanguageModel | None]


def _providers(options: AgentOptions) -> _Providers:
    engine, provider = options.get("engine"), options.get("provider")
    stt, tts, brain = options.get("stt"), options.get("tts"), options.get("llm")
    llm = None if brain is None else language_model_of(brain)
    if provider not in (None, "openai_realtime", "elevenlabs_convai", "pipeline"):
        raise ConfigurationError(
            f"There is no provider {provider!r}.",
            next_step="Pass 'pipeline', 'openai_realtime' or 'elevenlabs_convai', or an engine.",
        )
    if engine is not None and provider is not None:
        raise ConfigurationError("Pass either engine or provider, not both.")
    if engine is not None:
        _refuse(options, "engine", "model", "voice", *OPENAI_OPTIONS)
        return engine, stt, tts, llm
    if provider == "pipeline" or (provider is None and (stt or tts or llm)):
        _refuse(options, "stt and tts", "voice", *OPENAI_OPTIONS)
        if llm is not None:
            _refuse(options, "llm", "model")
        return None, stt, tts, llm or DefaultLLM(options.get("model") or "")
    if provider == "elevenlabs_convai":
        _refuse(options, "an agent of ElevenLabs", "model", *OPENAI_OPTIONS)
        return ElevenLabsConvAI(voice=options.get("voice") or ""), stt, tts, llm
    return _openai_realtime(options), stt, tts, llm


def _refuse(options: AgentOptions, whose: str, *names: str) -> None:
    """Settings of a provider that was given ready-made."""
    if surplus := [name for name in names if options.get(name) is not None]:
        raise ConfigurationError(
            f"{' and '.join(surplus)} cannot be set beside {whose}.", next_step="Set it where the provider is made."
        )


def _openai_realtime(options: AgentOptions) -> RealtimeEngine:
    if not variables().get("OPENAI_API_KEY", "").strip():
        raise ConfigurationError(
            "The agent has no engine, stt, llm or tts, so OpenAI's realtime model would hold its calls; "
            "but OPENAI_API_KEY is not set.",
            next_step="Set OPENAI_API_KEY in the environment or in .env, or have speech and language of this machine, "
            "without a key: from getpatter import local, and pass stt=local.stt(), llm=local.llm(), tts=local.tts().",
        )
    model = options.get("model") or REALTIME_MODEL
    return engine_for(model)(
        model=model,
        voice=options.get("voice") or REALTIME_VOICE,
        noise_reduction=options.get("openai_realtime_noise_reduction"),
        reasoning_effort=options.get("openai_realtime_reasoning_effort"),
        gate_response_on_transcript=options.get("realtime_gate_response_on_transcript") or False,
    )


# -- turns and sound


def _turns(options: AgentOptions) -> TurnSettings:
    default = TurnSettings()
    return TurnSettings(
        filler_after_s=options.get("long_turn_message_after_s", default.filler_after_s),
        max_hold_s=options.get("max_semantic_hold_ms", default.max_hold_s * 1000) / 1000,
        max_duration_s=options.get("max_duration_s", MAX_DURATION_S),
        preemptive=options.get("preemptive_generation", False),
        preemptive_stable_s=options.get("preemptive_min_stable_ms", default.preemptive_stable_s * 1000) / 1000,
        while_speaking=_barge_in(options, default),
    )


def _barge_in(options: AgentOptions, turns: TurnSettings) -> BargeInSettings:
    default = BargeInSettings()
    mode = options.get("barge_in_mode", default.mode)
    if mode not in ("off", "cancel", "pause_resume", "confirm"):
        raise ConfigurationError(f"There is no barge_in_mode {mode!r}.")
    threshold_ms = options.get("barge_in_threshold_ms")
    if threshold_ms is None:
        threshold_ms = CANCEL_AFTER_MS if mode == "cancel" else round(turns.vad_start_s * 1000)
    elif threshold_ms == 0:
        mode = "off"
    return BargeInSettings(
        mode=mode,
        start_s=max(0.0, threshold_ms / 1000 - turns.vad_start_s),
        confirm_s=options.get("barge_in_confirm_ms", default.confirm_s * 1000) / 1000,
        strategies=tuple(options.get("barge_in_strategies", ())),
    )


def _filters(options: AgentOptions) -> tuple[AudioFilter, ...]:
    filters: list[AudioFilter] = []
    if options.get("echo_cancellation"):
        filters.append(EchoCancellation())
    if cutoff_hz := options.get("high_pass_hz"):
        filters.append(HighPass(cutoff_hz))
    if (given := options.get("audio_filter")) is not None:
        filters.append(given)
    if gain := options.get("agc"):
        filters.append(AutomaticGain(gain if isinstance(gain, AgcConfig) else AgcConfig()))
    return tuple(filters)
