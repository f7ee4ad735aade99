"""What of an agent's configuration the turn machine goes by."""

from __future__ import annotations

from dataclasses import replace

from getpatter.agent import Agent, TurnSettings
from getpatter.conversation import actions
from getpatter.conversation.outbound import Outbound
from getpatter.conversation.prompt import fill
from getpatter.conversation.talk import Rules
from getpatter.engines.base import Gated
from getpatter.language.backchannel import is_backchannel
from getpatter.language.patience import extra_patience
from getpatter.language.question import asked_for


def lines_of(agent: Agent) -> actions.Lines:
    return actions.Lines(
        first_message=fill(agent.first_message, agent.variables),
        still_there=agent.still_there_message,
        on_hold=agent.transfer_wait_message,
        silence=agent.silence_message,
        time_limit=agent.time_limit_message,
        error=agent.error_message,
        shutdown=agent.shutdown_message,
        voicemail=agent.voicemail_message,
        filler=agent.filler_message,
    )


def for_one_call(settings: TurnSettings) -> TurnSettings:
    """The settings with strategies that are this call's alone."""
    return replace(
        settings,
        while_speaking=settings.while_speaking.for_one_call(),
        while_thinking=settings.while_thinking.for_one_call(),
    )


def rules_of(agent: Agent, outbound: Outbound) -> Rules:
    language = agent.language

    def patience(text: str, asked: str) -> float:
        return max(extra_patience(text, language, asked), outbound.patience(text))

    def backchannel(text: str, said: str, greeting: bool) -> bool:
        asking = asked_for(said, language) is not None
        return is_backchannel(text, language, after_question=asking, first_message=greeting)

    engine = agent.engine
    leads = engine is not None and engine.manages_turns
    gated = isinstance(engine, Gated) and engine.needs_words
    return Rules(
        patience,
        backchannel,
        turn_detector=agent.turn_detector is not None,
        needs_words=engine is None or leads or gated,
        engine_leads=leads,
    )
