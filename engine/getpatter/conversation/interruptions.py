"""Voices over the agent: is it an interruption?

A voice that is heard while the agent has the turn is an overlap, until words, or their absence, settle what it is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from getpatter.agent import TurnSettings
from getpatter.barge_in import BargeInSettings
from getpatter.conversation.actions import (
    Action,
    Dismiss,
    HoldReply,
    ResumeReply,
    StartTimer,
    StopTimer,
    TimerName,
)
from getpatter.conversation.caller_turn import CallerTurn

log = logging.getLogger(__name__)

Backchannel = Callable[[str, str, bool], bool]
"""Whether words are a listener's noise and not a turn; told them, what the agent said, and whether it is greeting."""

WARY = 2
"""Back-channels count one, sounds without words two: an agent that pauses at each of them is worse than one that is a
little harder to interrupt.  A real interruption starts the count afresh."""

_TIMERS: tuple[TimerName, ...] = ("overlap", "confirm", "monologue", "transcript")


def no_backchannel(text: str, said: str, greeting: bool) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class AgentTurn:
    """What the agent is doing while a voice is over it."""

    speaking: bool
    """Else it thinks: nothing of its answer was heard yet."""
    audible_at: float = 0.0
    own_words: bool = False
    """What it says was given by us; nobody asked for it."""
    greeting: bool = False
    """It is the first message."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from something heard over the agent."""

    actions: list[Action] = field(default_factory=list)
    taken: bool = False
    """The turn is the caller's."""
    dismissed: bool = False
    """It was no interruption."""


NOTHING = Decision()


class _Overlap:
    """One voice over the agent."""

    def __init__(self, settings: BargeInSettings, words_from: int) -> None:
        self.settings = settings
        self.words_from = words_from
        """What the caller said before is not part of it."""
        self.proof_asked = False
        """The recogniser was asked for words while the voice goes on."""


class Interruptions:
    """One call's.  Pure: seconds on any clock.  The caller's words are in `turn`, which others fill."""

    def __init__(self, settings: TurnSettings, turn: CallerTurn, backchannel: Backchannel) -> None:
        self._settings = settings
        self._turn = turn
        self._backchannel = backchannel
        self._overlap: _Overlap | None = None
        self._false_alarms = 0
        self.held = False
        """The reply's sound is stopped until the overlap is settled."""

    @property
    def pending(self) -> bool:
        """There is an overlap."""
        return self._overlap is not None

    def settings_for(self, agent: AgentTurn) -> BargeInSettings:
        return self._settings.while_speaking if agent.speaking else self._settings.while_thinking

    # -- what is heard

    def voice_began(self, agent: AgentTurn, now: float) -> Decision:
        settings = self.settings_for(agent)
        if self._overlap is not None or settings.mode == "off":
            return NOTHING
        self._overlap = _Overlap(settings, self._turn.length)
        opens_at = now + settings.start_s
        if agent.speaking:
            opens_at = max(opens_at, agent.audible_at + settings.gate_s)
        return Decision([StartTimer("overlap", opens_at)]) if opens_at > now else self.voice_lasts(now)

    def voice_lasts(self, now: float) -> Decision:
        """The voice has lasted long enough to count."""
        if self._overlap is None:
            return NOTHING
        settings = self._overlap.settings
        if settings.mode == "cancel":
            return self.take()
        actions: list[Action] = [StartTimer("confirm", now + settings.confirm_s)]
        if settings.mode == "pause_resume" and self._false_alarms < WARY and not self.held:
            self.held = True
            actions.append(HoldReply())
        return Decision(actions)

    def words_came(self, agent: AgentTurn, words_from: int, asked: str, *, interim: bool) -> Decision:
        """Those after entry `words_from` of the turn are new.  `asked` is what the agent was heard to say."""
        overlap = self._overlap
        if overlap is None:
            settings = self.settings_for(agent)
            if settings.mode == "off" or (agent.own_words and not agent.speaking):
                return NOTHING  # answered after what is being said
            overlap = self._overlap = _Overlap(settings, words_from)  # of a voice too soft for the VAD
        words = self._turn.since(overlap.words_from, interim=interim)
        backchannel = overlap.settings.backchannels and self._backchannel(words, asked, agent.greeting)
        if words and not backchannel and self._convincing(words, agent, interim=interim):
            return self.take()
        if interim or self._turn.finals_due or (self._turn.speaking and not overlap.proof_asked):
            return NOTHING  # what is still being said, or still to be understood, may yet change it
        return self._dismiss(words, backchannel=bool(words) and backchannel)

    def needs_proof(self) -> bool:
        """A voice without words has gone on for long: whether to ask if there is anything to understand."""
        if self._overlap is None or self._turn.finals_due:
            return False
        self._overlap.proof_asked = True
        return True

    # -- how it ends

    def take(self) -> Decision:
        """The turn is the caller's."""
        self._false_alarms = 0
        return Decision(self.forget(), taken=True)

    def forget(self) -> list[Action]:
        """Whatever is heard over the agent no longer matters.  What is held stays so; the owner drops or resumes it."""
        overlap, self._overlap = self._overlap, None
        for strategy in overlap.settings.strategies if overlap is not None else ():
            with suppress(Exception):  # the user's code, as above
                strategy.reset()
        return [StopTimer("overlap"), StopTimer("confirm")]

    def sound_again(self) -> list[Action]:
        """Go on with what is held."""
        if not self.held:
            return []
        self.held = False
        return [ResumeReply()]

    def _convincing(self, words: str, agent: AgentTurn, *, interim: bool) -> bool:
        assert self._overlap is not None
        strategies = self._overlap.settings.strategies
        try:
            return not strategies or any(
                strategy.evaluate(transcript=words, is_interim=interim, agent_speaking=agent.speaking)
                for strategy in strategies
            )
        except Exception as error:  # noqa: BLE001 -- the user's code: where it cannot say, words are words
            log.warning("a barge-in strategy failed: %s", type(error).__name__)
            return True

    def _dismiss(self, words: str, *, backchannel: bool) -> Decision:
        """It was no interruption: the agent goes on."""
        assert self._overlap is not None
        words_from = self._overlap.words_from
        self.forget()
        self._turn.drop(words_from)
        self._turn.voice_dismissed()
        self._false_alarms += 1 if words else 2
        actions: list[Action] = [StopTimer(name) for name in _TIMERS]
        actions.append(Dismiss("backchannel" if backchannel else "unconfirmed" if words else "noise", words))
        return Decision(actions + self.sound_again(), dismissed=True)
