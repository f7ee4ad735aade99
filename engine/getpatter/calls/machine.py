"""What a call learns of the machine that may have taken it."""

from __future__ import annotations

from typing import Protocol

from getpatter.carriers.base import MachineDetection
from getpatter.conversation.conversation import Conversation
from getpatter.events import EndedBy, MachineDetected


class HangUpNow(Protocol):
    def __call__(self, reason: str, *, ended_by: EndedBy) -> None: ...


class MachineNews:
    """The carrier may say it before anybody talks: the conversation is told when it does."""

    def __init__(self, conversation: Conversation, hang_up: HangUpNow) -> None:
        self.took = False
        """A machine took the call, by the carrier's word or by what was heard."""
        self._conversation = conversation
        self._hang_up = hang_up
        self._told: MachineDetection | None = None
        self._talking = False

    @property
    def records(self) -> bool:
        """Its greeting is over, by the carrier's word or as we heard it: what is said now is kept."""
        if self._told is not None and self._told.classification == "machine" and self._told.greeting_ended:
            return True
        return self._conversation.machine_listens

    def detected(self, event: MachineDetected) -> None:
        """It is on the call's record."""
        self.took |= event.classification in ("machine", "fax")

    def told(self, news: MachineDetection) -> None:
        """The carrier's word."""
        if news.classification == "human":
            self._conversation.human_detected()
        elif news.classification in ("machine", "fax"):
            self._told = news
            if self._talking:
                self._act(news)

    def talking(self) -> None:
        """The line is open and the conversation goes."""
        self._talking = True
        if self._told is not None:
            self._act(self._told)

    def _act(self, news: MachineDetection) -> None:
        if news.classification == "fax":
            self._hang_up("a fax machine took the call", ended_by="agent")
        else:
            self._conversation.machine_detected(greeting_ended=news.greeting_ended)
