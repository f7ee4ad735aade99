"""When the caller's voice over the agent takes the turn, as configuration."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from getpatter.errors import ConfigurationError

BargeInMode = Literal["off", "cancel", "pause_resume", "confirm"]


class BargeInStrategy(Protocol):
    """Says whether what the caller says over the agent is meant to take the turn.

    Every call has a copy of its own, so a strategy may remember what it heard until `reset`.
    """

    def evaluate(self, *, transcript: str, is_interim: bool, agent_speaking: bool) -> bool:
        """`transcript` is all that was understood since the caller began to speak over the agent."""

    def reset(self) -> None:
        """That voice is settled; the next one is another."""


class MinWordsStrategy:
    """Takes at least `min_words` words over a speaking agent; while it is silent, one is enough."""

    def __init__(self, *, min_words: int, use_interim: bool = True) -> None:
        """`use_interim` False waits for final transcripts.  Raises `ValueError` for less than one word."""
        if min_words < 1:
            raise ValueError(f"min_words is {min_words}; it must be at least 1")
        self._min_words = min_words
        self._use_interim = use_interim

    def evaluate(self, *, transcript: str, is_interim: bool, agent_speaking: bool) -> bool:
        if is_interim and not self._use_interim:
            return False
        return len(transcript.split()) >= (self._min_words if agent_speaking else 1)

    def reset(self) -> None:
        """It remembers nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BargeInSettings:
    """What happens when the caller speaks while the agent has the turn.

    Raises `ConfigurationError` for a strategy of which a call cannot have a copy.
    """

    mode: BargeInMode = "pause_resume"
    """At the first sound of a voice the agent
    `pause_resume`: pauses, and goes on at the unheard word when it was none or was not meant to interrupt;
    `cancel`: stops for good;
    `confirm`: speaks on until words have confirmed the interruption;
    `off`: speaks on to its end and answers then."""
    start_s: float = 0.0
    """How long the voice must last, beyond what the VAD takes to find it."""
    gate_s: float = 0.1
    """After the first audio of an utterance was sent nobody interrupts it for this long: what is heard then answers
    what came before, or is the line's own echo, which comes back within 100 to 200 ms."""
    confirm_s: float = 1.5
    """A voice without words for this long is asked for them: the recogniser is made to say what it has."""
    backchannels: bool = True
    """"mm-hm", "okay" and the like while the agent speaks do not take the turn, unless they answer its question."""
    echo_guard: bool = True
    """The agent's own words, come back from a speaker-phone, do not take the turn."""
    strategies: tuple[BargeInStrategy, ...] = ()
    """When there are any, one of them must agree that the words take the turn."""

    def __post_init__(self) -> None:
        _copied(self.strategies)

    def for_one_call(self) -> BargeInSettings:
        """The same with strategies that are one call's alone."""
        return replace(self, strategies=_copied(self.strategies))


def _copied(strategies: tuple[BargeInStrategy, ...]) -> tuple[BargeInStrategy, ...]:
    try:
        return deepcopy(strategies)
    except Exception as error:  # a strategy may be anybody's, and fail to be copied in any way
        raise ConfigurationError(
            f"A barge-in strategy cannot be copied: {error}.",
            next_step="Keep what cannot be copied, such as locks and connections, out of it, or define __deepcopy__.",
        ) from error
