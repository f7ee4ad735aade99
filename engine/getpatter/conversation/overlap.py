"""A voice over the agent: is it an interruption?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from getpatter.barge_in import BargeInSettings

Backchannel = Callable[[str, str, bool], bool]
"""Whether words are a listener's noise and not a turn; told them, what the agent said, and whether it is greeting."""

Verdict = Literal["taken", "backchannel", "open"]


def no_backchannel(text: str, said: str, greeting: bool) -> bool:
    return False


class Overlap:
    """One voice over the agent, from its first sound until it is settled."""

    def __init__(self, settings: BargeInSettings, words_from: int) -> None:
        """`words_from`: what the caller said before this is not part of it."""
        self.settings = settings
        self.words_from = words_from
        self.proof_asked = False
        """The recogniser was asked for words while the voice goes on."""

    def weigh(self, words: str, *, interim: bool, speaking: bool, backchannel: Callable[[str], bool]) -> Verdict:
        """What `words` make of it: the caller's turn, a back-channel, or nothing yet."""
        if not words:
            return "open"
        if self.settings.backchannels and backchannel(words):
            return "backchannel"
        strategies = self.settings.strategies
        if strategies and not any(
            strategy.evaluate(transcript=words, is_interim=interim, agent_speaking=speaking) for strategy in strategies
        ):
            return "open"
        return "taken"

    def close(self) -> None:
        """It is settled."""
        for strategy in self.settings.strategies:
            strategy.reset()
