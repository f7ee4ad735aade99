"""What `on_call_start` may change about the agent of one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

from getpatter.agent import Agent
from getpatter.errors import ConfigurationError
from getpatter.sdk.preamble import has_preamble, with_preamble
from getpatter.tools.tool import Tool

FIELDS = ("first_message", "language", "variables", "stt", "tts", "llm")
"""Overrides that are fields of the agent."""
TEXTS = ("system_prompt", "voice", "model", "first_message", "language")
OVERRIDES = ("system_prompt", "voice", "model", "tools", *FIELDS)


@runtime_checkable
class _Voiced(Protocol):
    def with_voice(self, voice: str) -> Any: ...


@runtime_checkable
class _Modelled(Protocol):
    def with_model(self, model: str) -> Any: ...


def overridden(agent: Agent, overrides: Mapping[str, Any]) -> Agent:
    """The agent with these changes, for one call.  Raises `ConfigurationError` for what cannot be changed."""
    if unknown := overrides.keys() - set(OVERRIDES):
        raise ConfigurationError(
            f"on_call_start cannot change {', '.join(sorted(map(repr, unknown)))} of a call.",
            next_step=f"It can change {', '.join(OVERRIDES)}.",
        )
    if wrong := [name for name in TEXTS if not isinstance(overrides.get(name, ""), str)]:
        raise ConfigurationError(f"on_call_start gave a {wrong[0]} that is no text.")
    if not all(isinstance(one, Tool) for one in overrides.get("tools", ())):
        raise ConfigurationError("on_call_start gave tools that are not made by `tool`.")
    changes = {name: value for name, value in overrides.items() if name in FIELDS}
    if "system_prompt" in overrides:
        prompt = overrides["system_prompt"]
        changes["system_prompt"] = with_preamble(prompt) if has_preamble(agent.system_prompt) else prompt
    if "tools" in overrides:
        changes["tools"] = tuple(overrides["tools"])
    changed = replace(agent, **changes)
    if "voice" in overrides:
        changed = _with_voice(changed, overrides["voice"])
    if "model" in overrides:
        changed = _with_model(changed, overrides["model"])
    return changed


def _with_voice(agent: Agent, voice: str) -> Agent:
    speaker = agent.engine or agent.tts
    if not isinstance(speaker, _Voiced):
        raise ConfigurationError(f"The voice of {_name(speaker)} cannot be changed.", next_step="Change tts.")
    other = speaker.with_voice(voice)
    return replace(agent, tts=other) if agent.engine is None else replace(agent, engine=other)


def _with_model(agent: Agent, model: str) -> Agent:
    thinker = agent.engine or agent.llm
    if not isinstance(thinker, _Modelled):
        raise ConfigurationError(f"The model of {_name(thinker)} cannot be changed.", next_step="Change llm.")
    other = thinker.with_model(model)
    return replace(agent, llm=other) if agent.engine is None else replace(agent, engine=other)


def _name(provider: object) -> str:
    return type(provider).__name__
