"""What happened in a conversation, drawn from its events: for people to read, and for tests to hold."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from getpatter.conversation.history import History, ReplyEntry
from getpatter.events import (
    CallEnded,
    DtmfPressed,
    Event,
    FalseInterruption,
    HandedOver,
    Problem,
    ToolCalled,
    Turn,
    TurnLatency,
)
from getpatter.llm.base import Message, ToolCall

UNHEARD = "[unheard: {}]"


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One call of a tool.  `arguments` is empty when the model wrote none that are a JSON object."""

    name: str
    arguments: dict[str, Any]
    result: str = ""
    error: str = ""
    """Empty when the tool did what it was asked."""


@dataclass(frozen=True, slots=True)
class Record:
    """A conversation, whole or up to a moment."""

    events: tuple[Event, ...]
    system_prompt: str = ""

    @property
    def turns(self) -> list[Turn]:
        return [event for event in self.events if isinstance(event, Turn)]

    @property
    def agent_text(self) -> str:
        """All that was heard of the agent."""
        return " ".join(turn.text for turn in self.turns if turn.role == "agent")

    @property
    def tool_calls(self) -> tuple[ToolUse, ...]:
        return tuple(_use(event) for event in self.events if isinstance(event, ToolCalled))

    @property
    def interrupted(self) -> bool:
        """The agent was, by the caller."""
        return any(turn.interrupted for turn in self.turns)

    @property
    def problems(self) -> list[str]:
        return [event.message for event in self.events if isinstance(event, Problem)]

    @property
    def ended(self) -> CallEnded | None:
        return next((event for event in self.events if isinstance(event, CallEnded)), None)

    @property
    def messages(self) -> list[Message]:
        """The conversation as the language model is told it."""
        return history(self.events, self.system_prompt).messages()

    def __str__(self) -> str:
        """One line a turn, a use of a tool, and whatever else is worth knowing."""
        return "\n".join(line for line in map(describe, self.events) if line)


@dataclass(frozen=True, slots=True)
class TurnResult(Record):
    """What the caller said, and what came of it; `events` are those since."""

    user_text: str = ""
    history_snapshot: tuple[Message, ...] = ()
    """All of the conversation so far, as the language model is told it."""
    before: tuple[Event, ...] = ()
    """What had happened until then."""
    interrupted_after: str | None = None
    """What was heard of the answer when the caller was about to speak over it; None when they were not."""

    @property
    def agent_text(self) -> str:
        """What was heard of the agent since."""
        return " ".join(filter(None, [*(turn.text for turn in self._answer), self.interrupted_after]))

    @property
    def interrupted(self) -> bool:
        return self.interrupted_after is not None or any(turn.interrupted for turn in self._answer)

    @property
    def metrics_turn(self) -> TurnLatency | None:
        """The latency of the first answer; on a clock that passes at once only the parts outside are not zero."""
        return next((turn.latency for turn in self._answer), None)

    @property
    def _answer(self) -> list[Turn]:
        """What the agent said after these words; what they interrupted belongs to the turn before."""
        turns = self.turns
        asked = next((index for index, turn in enumerate(turns) if turn.role == "caller"), 0)
        return [turn for turn in turns[asked:] if turn.role == "agent"]

    @property
    def whole(self) -> Record:
        """The conversation from its beginning."""
        return Record(self.before + self.events, self.system_prompt)


def history(events: Sequence[Event], system_prompt: str = "") -> History:
    """The history that a conversation with these events has."""
    told = History(system_prompt)
    reply: ReplyEntry | None = None
    for event in events:
        if isinstance(event, Turn) and event.role == "caller":
            told.add_user(event.text)
            reply = None
        elif isinstance(event, Turn):
            (reply or told.begin_reply()).heard(event.text, interrupted=event.interrupted and bool(event.unheard))
            reply = None
        elif isinstance(event, ToolCalled):
            reply = reply or told.begin_reply()  # what is said around the tools stands before them
            call = told.add_tool_call(ToolCall(event.tool_call_id, event.name, event.arguments))
            told.add_tool_result(call.id, event.result)
    return told


def describe(event: Event) -> str:
    """One event for people; empty for those that say nothing to them."""
    match event:
        case Turn(role=role, text=text, unheard=unheard):
            return f"{role:>6}  {text}" + (f" — {UNHEARD.format(unheard)}" if unheard else "")
        case ToolCalled(name=name, arguments=arguments, result=result, error=error):
            return f"  tool  {name}({'' if arguments == '{}' else arguments}) → {error or result}"
        case FalseInterruption(kind=kind, text=text):
            return f"  note  no interruption ({kind})" + (f": {text}" if text else "")
        case HandedOver(agent=agent, reason=reason):
            return f"  note  {agent} leads the conversation now" + (f": {reason}" if reason else "")
        case DtmfPressed(role=role, digit=digit):
            return f"  note  the {role} pressed {digit}"
        case Problem(message=message):
            return f"  note  {message}"
        case CallEnded(reason=reason):
            return f"  note  the call is over: {reason}"
    return ""


def _use(event: ToolCalled) -> ToolUse:
    try:
        arguments = json.loads(event.arguments)
    except ValueError:
        arguments = None
    return ToolUse(event.name, arguments if isinstance(arguments, dict) else {}, event.result, event.error)
