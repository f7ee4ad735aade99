"""The functions of a program that are told of calls."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypedDict, cast

from getpatter.agent import Agent
from getpatter.errors import ConfigurationError
from getpatter.llm.brains import language_model_of
from getpatter.llm.callable import MessageHandler
from getpatter.sdk.callback import Callback
from getpatter.sdk.default_llm import DefaultLLM


class CallbackOptions(TypedDict, total=False):
    """Keywords for `Callbacks`."""

    on_call_start: Callback | None
    on_call_end: Callback | None
    on_transcript: Callback | None
    on_metrics: Callback | None
    on_machine_detection: Callback | None
    on_price: Callback | None
    on_message: MessageHandler | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Callbacks:
    """Each is given one thing, and those of one call are called one after the other.

    on_call_start
        A dict: `call_id`, `caller`, `callee`, `direction`, `telephony_provider`, `custom_params`.  For a call that
        comes in it is awaited while the call rings, and may answer with changes to the agent (`sdk.overrides`); for
        one that we place it is told when the call is answered, and what it answers is not looked at.
    on_call_end
        The same, and `ended_at`, `outcome`, `reason`, `transcript`, `conversation_history` (the same lines),
        `metrics`, `recording_path` where there is one.  Once for each call that `on_call_start` was told of.
    on_transcript
        A dict: `call_id`, `role` (`user`, `assistant`, `tool`), `text`, `history`, and `turnIndex` of a turn,
        `tool_name`, `tool_args`, `tool_result` of a tool.
    on_metrics
        A dict after each answer: `call_id`, `turn` (`TurnMetrics`), `cost_so_far`, `llm_ttft_ms`.
    on_machine_detection
        A `MachineDetectionResult`, when it becomes known and when it changes.
    on_price
        A dict: `call_id`, `amount`, `currency` (ISO 4217).  What the carrier charged for the call, which it tells some
        minutes after the end; `metrics` has an estimate until then.  At most once, and never on the simulated network.
    on_message
        In place of a language model: a function (`llm.callable`), which gets the `CallControl` for its second
        argument, or the address of a server (`llm.remote`).
    """

    on_call_start: Callback | None = None
    on_call_end: Callback | None = None
    on_transcript: Callback | None = None
    on_metrics: Callback | None = None
    on_machine_detection: Callback | None = None
    on_price: Callback | None = None
    on_message: MessageHandler | str | None = None

    def __post_init__(self) -> None:
        """Raises `ConfigurationError` for an `on_message` that cannot answer."""
        if self.on_message is not None:
            language_model_of(self.on_message)

    def changed(self, options: CallbackOptions) -> Callbacks:
        """These, but for those that are given.  Raises `TypeError` for names that no callback has."""
        return replace(self, **cast(dict[str, Callback], {name: one for name, one in options.items() if one}))

    def check(self, agent: Agent) -> None:
        """Raises `ConfigurationError` where the agent's words would come from two places, or from none."""
        if not isinstance(agent, Agent):
            raise TypeError(f"agent must be made by Patter.agent, and is {type(agent).__name__}")
        if self.on_message is not None and not isinstance(agent.llm, DefaultLLM):
            raise ConfigurationError(
                "The agent has an engine, which leaves nothing to do for on_message."
                if agent.engine is not None
                else "The agent has llm, which leaves nothing to do for on_message.",
                next_step="Give the agent stt and tts alone, or leave out on_message.",
            )
