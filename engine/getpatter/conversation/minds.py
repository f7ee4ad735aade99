"""The mind that an agent asks for."""

from __future__ import annotations

from getpatter.agent import Agent
from getpatter.clock import Clock
from getpatter.conversation.first_message import FirstMessage
from getpatter.conversation.history import History
from getpatter.conversation.leading_ear import EngineNews
from getpatter.conversation.log import ConversationLog
from getpatter.conversation.mind import Mind
from getpatter.conversation.persona import Persona
from getpatter.conversation.pipeline import Pipeline
from getpatter.conversation.realtime import RealtimeMind


def mind_for(
    call_id: str,
    agent: Agent,
    persona: Persona,
    history: History,
    log: ConversationLog,
    clock: Clock,
    first_message: FirstMessage | None,
    *,
    news: EngineNews,
) -> Mind:
    """One call's; `first_message` is spoken in advance where there is a voice of its own."""
    if agent.engine is not None:
        return RealtimeMind(
            agent.engine,
            agent.language,
            persona=persona,
            history=history,
            clock=clock,
            on_tool=log.tool,
            on_first_token=log.first_token,
            on_problem=log.problem,
            on_used=log.used,
            news=news,
            greets=bool(agent.first_message),
        )
    return Pipeline(
        call_id,
        agent,
        persona=persona,
        history=history,
        clock=clock,
        on_tool=log.tool,
        on_first_token=log.first_token,
        on_problem=log.problem,
        on_used=log.used,
        first_message=first_message,
    )
