"""The agent's part in the talk: whether it speaks, what of, and what it owes the caller.  Pure."""

from __future__ import annotations

from enum import Enum, auto

from getpatter.conversation.interruptions import AgentTurn


class AgentSide(Enum):
    SILENT = auto()
    THINKING = auto()
    """A reply is being made, and nothing of it was heard yet."""
    SPEAKING = auto()


class AgentPart:
    """One call's: the agent `thinks` of an answer, or `says` words of ours; it is `audible`, and has `finished`."""

    def __init__(self) -> None:
        self.side = AgentSide.SILENT
        self.owes = False
        """The caller was promised an answer of which nothing was heard yet."""
        self.own_words = False
        """What is being said was given by `says`; nobody asked for it."""
        self.has_more = False
        """An engine has more to say than what is being said."""
        self._greeting = False
        """It is the first message."""
        self._audible_at = 0.0

    @property
    def busy(self) -> bool:
        """It thinks or speaks."""
        return self.side is not AgentSide.SILENT

    @property
    def thinking(self) -> bool:
        return self.side is AgentSide.THINKING

    @property
    def speaking(self) -> bool:
        return self.side is AgentSide.SPEAKING

    @property
    def turn(self) -> AgentTurn:
        """What a voice is over."""
        return AgentTurn(self.speaking, self._audible_at, own_words=self.own_words, greeting=self._greeting)

    def says(self, *, greeting: bool) -> None:
        """It is given words of ours."""
        self.side, self.own_words, self._greeting = AgentSide.THINKING, True, greeting

    def thinks(self) -> None:
        """It is to answer."""
        self.side, self.own_words = AgentSide.THINKING, False
        self.owes, self.has_more = True, False

    def audible(self, now: float) -> bool:
        """Its first sound went out; tells whether that is news."""
        if not self.thinking:
            return False
        self.side, self.owes, self._audible_at = AgentSide.SPEAKING, False, now
        return True

    def finished(self) -> None:
        """All of what it said was heard, or there was nothing to be heard."""
        self.side = AgentSide.SILENT
        self.owes = self._greeting = False

    def silenced(self) -> bool:
        """It is to say no more; tells whether it was about to, or did."""
        was_busy, self.side = self.busy, AgentSide.SILENT
        self._greeting = self.has_more = False
        return was_busy
