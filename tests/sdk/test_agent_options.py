from __future__ import annotations

from typing import Any

import pytest

from getpatter.agent import Agent
from getpatter.audio.filters.gain import AgcConfig
from getpatter.barge_in import MinWordsStrategy
from getpatter.engines.openai_realtime import OpenAIRealtime, OpenAIRealtime2
from getpatter.errors import ConfigurationError
from getpatter.guardrails import guardrail
from getpatter.sdk.agent_options import UNAVAILABLE, agent_from
from getpatter.sdk.default_llm import DefaultLLM
from getpatter.sdk.preamble import PREAMBLE
from getpatter.testing.providers import AnsweringLLM, CountingTTS, TellableSTT
from getpatter.tools.tool import tool

pytestmark = pytest.mark.usefixtures("no_keys")


def made(**options: Any) -> Agent:
    """The agent of these options, with an ear, a mind and a voice unless they say otherwise."""
    providers = {"stt": TellableSTT(), "tts": CountingTTS(), "llm": AnsweringLLM("Yes.")}
    return agent_from({"system_prompt": "Be quick.", **providers, **options})  # type: ignore[typeddict-item]  # by name


# -- who hears, thinks and speaks


def test_without_any_provider_openai_holds_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    agent = agent_from({"system_prompt": "Be quick."})
    assert isinstance(agent.engine, OpenAIRealtime)
    assert agent.engine.name == "gpt-realtime-2.1-mini at api.openai.com"


def test_an_agent_of_elevenlabs_is_named_by_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELEVENLABS_API_KEY", "sk-test")
    monkeypatch.setenv("ELEVENLABS_AGENT_ID", "agent_1")
    engine = made(provider="elevenlabs_convai", stt=None, tts=None, llm=None).engine
    assert engine is not None
    assert engine.name == "agent_1 at api.elevenlabs.io"


def test_what_is_openais_own_reaches_its_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    agent = agent_from(
        {
            "system_prompt": "Be quick.",
            "model": "gpt-realtime-2.1",
            "openai_realtime_reasoning_effort": "low",
            "realtime_gate_response_on_transcript": True,
        }
    )
    assert isinstance(agent.engine, OpenAIRealtime2)
    assert agent.engine.needs_words


def test_without_any_provider_and_key_the_error_names_both_ways_out() -> None:
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY is not set") as refused:
        agent_from({"system_prompt": "Be quick."})
    assert refused.value.next_step is not None
    assert "OPENAI_API_KEY" in refused.value.next_step
    assert "local.stt()" in refused.value.next_step


def test_an_ear_and_a_voice_make_a_pipeline_whose_mind_comes_later() -> None:
    assert isinstance(made(llm=None).llm, DefaultLLM)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"engine": OpenAIRealtime("sk-test"), "provider": "pipeline"}, "not both"),
        ({"provider": "a_friend"}, "no provider 'a_friend'"),
        ({"stt": None}, "no stt"),
        ({"voice": "alloy"}, "voice cannot be set beside stt and tts"),
        ({"model": "large"}, "model cannot be set beside llm"),
        ({"engine": OpenAIRealtime("sk-test")}, "leaves nothing to do for"),
        (
            {"engine": OpenAIRealtime("sk-test"), "stt": None, "tts": None, "llm": None, "voice": "alloy"},
            "voice cannot be set beside engine",
        ),
    ],
)
def test_providers_that_contradict_each_other_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        made(**options)


# -- the prompt


def test_the_prompt_says_how_to_speak_on_the_telephone() -> None:
    assert made().system_prompt == PREAMBLE + "Be quick."
    assert made(disable_phone_preamble=True).system_prompt == "Be quick."


# -- what becomes of each keyword


def test_keywords_become_the_agents_own() -> None:
    rail = guardrail("names", blocked_terms=["secret"])
    lookup = tool(name="lookup", handler=lambda arguments: "")
    agent = made(
        name="Ann",
        first_message="Hello.",
        language="en-GB",
        variables={"who": "Ann"},
        tools=[lookup],
        guardrails=[rail],
        llm_error_message="Sorry.",
        long_turn_message="One moment.",
        aggressive_first_flush=True,
        prewarm_first_message=True,
        transfer_to=["+12025550100"],
        text_transforms=[str.upper],
    )
    assert (agent.name, agent.first_message, agent.language, agent.variables) == (
        "Ann",
        "Hello.",
        "en-GB",
        {"who": "Ann"},
    )
    assert (agent.tools, agent.guardrails, agent.transfer_to) == ((lookup,), (rail,), ("+12025550100",))
    assert (agent.error_message, agent.filler_message) == ("Sorry.", "One moment.")
    assert agent.eager_first_flush
    assert agent.prewarm_first_message
    assert agent.text_transforms == (str.upper,)


def test_milliseconds_become_seconds() -> None:
    turns = made(
        long_turn_message_after_s=3.0,
        max_semantic_hold_ms=800,
        preemptive_generation=True,
        preemptive_min_stable_ms=250,
        max_duration_s=90.0,
    ).turns
    assert (turns.filler_after_s, turns.max_hold_s, turns.preemptive_stable_s, turns.max_duration_s) == (
        3.0,
        0.8,
        0.25,
        90.0,
    )
    assert turns.preemptive


@pytest.mark.parametrize(
    ("options", "mode", "start_s"),
    [
        ({}, "pause_resume", 0.0),
        ({"barge_in_mode": "cancel"}, "cancel", 0.236),
        ({"barge_in_mode": "cancel", "barge_in_threshold_ms": 500}, "cancel", 0.436),
        ({"barge_in_threshold_ms": 500}, "pause_resume", 0.436),
        ({"barge_in_threshold_ms": 20}, "pause_resume", 0.0),
        ({"barge_in_threshold_ms": 0}, "off", 0.0),
    ],
)
def test_how_long_a_voice_must_last_to_interrupt(options: dict[str, Any], mode: str, start_s: float) -> None:
    settings = made(**options).turns.while_speaking
    assert settings.mode == mode
    assert settings.start_s == pytest.approx(start_s)


def test_strategies_confirm_an_interruption() -> None:
    settings = made(barge_in_strategies=[MinWordsStrategy(min_words=2)], barge_in_confirm_ms=900).turns.while_speaking
    assert len(settings.strategies) == 1
    assert settings.confirm_s == 0.9


def test_sound_passes_the_filters_in_order() -> None:
    assert [each.name for each in made(agc=AgcConfig(target_dbfs=-20.0), high_pass_hz=100.0).audio_filters] == [
        "high_pass",
        "automatic_gain",
    ]


# -- what there is not


@pytest.mark.parametrize("name", sorted(UNAVAILABLE))
def test_a_feature_that_there_is_not_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(ConfigurationError, match=repr(name)):
        made(**{name: True})
    assert made(**{name: None}) is not None


def test_providers_are_always_opened_while_it_rings() -> None:
    assert made(prewarm=True) is not None
    with pytest.raises(ConfigurationError, match="prewarm"):
        made(prewarm=False)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"volume": 11}, "no keyword 'volume'"),
        ({"tools": [{"name": "lookup"}]}, "tools must be a list of Tool"),
        ({"guardrails": "rail"}, "guardrails must be a list of Guardrail"),
        ({"system_prompt": None}, "needs system_prompt"),
    ],
)
def test_what_is_of_the_wrong_kind_is_a_type_error(options: dict[str, Any], says: str) -> None:
    with pytest.raises(TypeError, match=says):
        made(**options)


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'shout'"):
        made(barge_in_mode="shout")
