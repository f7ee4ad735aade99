"""The caller's audio that was not answered yet, so that a new session of an engine can be told it again.  Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from getpatter.audio.format import LINE

MAX_BYTES = 30 * LINE.bytes_per_second
"""More is not kept: of a longer monologue the end matters most."""


@dataclass(eq=False, slots=True)
class Utterance:
    """Line audio from one commit to the next."""

    audio: bytearray = field(default_factory=bytearray)
    understood: bool = False
    """Its transcript has come."""


class Unanswered:
    """One call's: `add` audio, `commit` it, tell `understood` of each transcript, and `answered` of each answer."""

    def __init__(self) -> None:
        self._open = Utterance()
        self._committed: deque[Utterance] = deque()
        self._due: deque[Utterance] = deque()
        """Those whose transcripts the session owes, in the order of their commits."""

    def add(self, audio: bytes) -> None:
        self._open.audio += audio
        if (over := len(self._open.audio) - MAX_BYTES) > 0:
            del self._open.audio[:over]

    def commit(self) -> None:
        self._committed.append(self._open)
        self._due.append(self._open)
        self._open = Utterance()
        while len(self._committed) > 1 and sum(len(utterance.audio) for utterance in self._committed) > MAX_BYTES:
            self._committed.popleft()

    @property
    def news(self) -> bool:
        """The next transcript is not one of audio that was sent again after it had been understood."""
        return bool(self._due) and not self._due[0].understood

    def understood(self) -> bool:
        """A final transcript has come; tells whether it was news."""
        news = self.news
        if self._due:
            self._due.popleft().understood = True
        return news

    def answered(self) -> None:
        """What was committed so far was answered, and the answer heard."""
        self._committed.clear()

    def __bool__(self) -> bool:
        """There is committed audio that waits for an answer."""
        return bool(self._committed)

    def again(self) -> tuple[list[bytes], bytes, int]:
        """For a new session: audio to be sent and committed, audio to be sent after it, and how many transcripts that
        are due will not come because their audio is not sent again."""
        missing = sum(not due.understood and due not in self._committed for due in self._due)
        self._due = deque(self._committed)
        return [bytes(utterance.audio) for utterance in self._committed], bytes(self._open.audio), missing
