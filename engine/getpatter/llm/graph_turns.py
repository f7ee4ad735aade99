"""What a graph that keeps its own history is told at each turn of a call, and from which of its states it goes on.

A graph with a checkpointer remembers what it was told and what it said, so each turn brings it only what is new.  But
it cannot know what became of its words: that a caller spoke over them, or that a whole answer was withdrawn because the
caller had not finished.  So an answer counts when some of it stands in the call's history, and is put right where
fewer words were heard; a run whose answer does not count is left, and the next goes on from the state before it.

No I/O.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from getpatter.llm.base import Message

Checkpoint = Mapping[str, Any]
"""Names one state of a thread: the `configurable` part of a graph's own config."""


@dataclass(slots=True)
class Said:
    """One message that a run gave: its id in the graph's state, empty for the question of an interrupt."""

    id: str
    text: str = ""
    calls_tools: bool = False


@dataclass(slots=True)
class Run:
    """One run of the graph."""

    known: int
    """Entries of the history when it was asked."""
    last: Message | None
    prompt: str
    said: list[Said] = field(default_factory=list)
    checkpoint: Checkpoint | None = None
    """The state after it; None until it is complete."""
    interrupts: tuple[str, ...] = ()
    """Ids of the questions at which it stopped."""

    def of(self, message_id: str) -> Said:
        """What the message with this id said so far; those without one are each their own."""
        if not self.said or not message_id or self.said[-1].id != message_id:
            self.said.append(Said(message_id))
        return self.said[-1]


@dataclass(frozen=True, slots=True)
class Turn:
    """What to do next."""

    run: Run
    prompt: str
    """Empty where the graph has it already."""
    corrected: Mapping[str, str]
    """What was heard of messages that it has, by their ids."""
    new: Sequence[Message]
    back_to: Checkpoint | None
    """The state to go on from where a later one is to be left."""
    afresh: bool
    """The thread is to begin anew: what it has was all withdrawn."""
    interrupts: tuple[str, ...]
    """Ids of the questions that are answered with the caller's words."""

    @property
    def words(self) -> str:
        """What the caller said last."""
        return next((message.content for message in reversed(self.new) if message.role == "user"), "")


class GraphTurns:
    """One call's."""

    def __init__(self, base: Checkpoint | None = None) -> None:
        """`base` is the state that the thread has from before the call."""
        self._base = base
        self._interrupts: tuple[str, ...] = ()
        self._known = 0
        self._prompt = ""
        self._run: Run | None = None

    def begin(self, messages: Sequence[Message]) -> Turn:
        """The next turn; `Turn.run` is to be told what comes of it."""
        history = [message for message in messages if message.role != "system"]
        prompt = "\n\n".join(message.content for message in messages if message.role == "system")
        corrected: dict[str, str] = {}
        left = self._run
        if left is not None and left.checkpoint is not None and (heard := _heard(left, history)) is not None:
            corrected = _corrected(left.said, heard)
            self._base, self._interrupts, self._prompt = left.checkpoint, left.interrupts, left.prompt
            self._known = left.known + (len(history) > left.known and history[left.known].role == "assistant")
            left = None
        self._run = Run(len(history), history[-1] if history else None, prompt)
        return Turn(
            run=self._run,
            prompt=prompt if prompt != self._prompt else "",
            corrected=corrected,
            new=history[self._known :],
            back_to=self._base if left is not None else None,
            afresh=left is not None and self._base is None,
            interrupts=self._interrupts,
        )


def _heard(run: Run, history: Sequence[Message]) -> str | None:
    """What was heard of a run's answer; None where nothing of it stands in the history.

    It stands behind what the run was asked, or goes on in the same message, since what one side says is one message.
    """
    if len(history) > run.known and history[run.known].role == "assistant":
        return history[run.known].content
    if run.last is not None and run.last.role == "assistant" and len(history) >= run.known:
        before, now = run.last.content, history[run.known - 1].content
        if now != before and now.startswith(before):
            return now[len(before) :].strip()
    return None


def _corrected(said: Sequence[Said], heard: str) -> dict[str, str]:
    """The texts that messages are to have instead, by their ids, where something else was heard than was said.

    A message that calls tools stays as it is: its results refer to it.
    """
    corrected: dict[str, str] = {}
    left = heard.split()
    for number, message in enumerate(said, 1):
        words = message.text.split()
        upto = len(words) if number < len(said) else len(left)
        here, left = left[:upto], left[upto:]
        if here != words and message.id and not message.calls_tools:
            corrected[message.id] = " ".join(here)
    return corrected
