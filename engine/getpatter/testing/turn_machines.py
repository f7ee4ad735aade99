"""Turn machines at the points where rules about turns begin, and what to look for in what they decide."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from getpatter.agent import TurnSettings
from getpatter.barge_in import BargeInMode, BargeInSettings
from getpatter.conversation.actions import (
    Action,
    Farewell,
    HangUp,
    Lines,
    StartReply,
)
from getpatter.conversation.talk import Rules
from getpatter.conversation.turns import TurnMachine

LINES = Lines(
    still_there="Are you there?",
    silence="Nobody there. Goodbye.",
    time_limit="Time is up. Goodbye.",
    error="Something broke. Goodbye.",
    shutdown="We are closing. Goodbye.",
    voicemail="Please call back.",
)
SETTINGS = TurnSettings(silence_timeout_s=10.0, stt_timeout_s=3.0, goodbye_timeout_s=15.0, max_duration_s=600.0)
AGENT = Farewell("agent", "the agent ended the call")


def listening(settings: TurnSettings = SETTINGS, *, rules: Rules | None = None, lines: Lines = LINES) -> TurnMachine:
    """Since 0.0; nobody has said anything."""
    machine = TurnMachine(settings, lines, rules)
    machine.on_start(0.0)
    return machine


def thinking(settings: TurnSettings = SETTINGS, *, rules: Rules | None = None, lines: Lines = LINES) -> TurnMachine:
    """Since 2.1, about what the caller said: hello."""
    machine = listening(settings, rules=rules, lines=lines)
    machine.on_speech_started(1.0)
    machine.on_speech_ended(2.0, 0.5)
    assert StartReply("hello") in machine.on_transcript("hello", 2.1)
    return machine


def speaking(settings: TurnSettings = SETTINGS, *, rules: Rules | None = None) -> TurnMachine:
    """Since 3.0."""
    machine = thinking(settings, rules=rules)
    machine.on_agent_audible(3.0)
    return machine


def over(mode: BargeInMode, **more: Any) -> TurnSettings:
    """Settings for what happens to a voice over the agent."""
    barge_in = BargeInSettings(mode=mode, **more)
    return replace(SETTINGS, while_speaking=barge_in, while_thinking=barge_in)


def kinds(actions: Iterable[Action]) -> set[type[Action]]:
    """What is to be done, whatever of it."""
    return {type(action) for action in actions}


def hang_up(actions: object) -> HangUp | None:
    """How the call ends, if it does."""
    assert isinstance(actions, list)
    return next((action for action in actions if isinstance(action, HangUp)), None)
