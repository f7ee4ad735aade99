"""What the caller says to OpenAI: what was committed, and what was understood of it.  Pure."""

from __future__ import annotations

import logging

from getpatter.clock import Clock
from getpatter.connections.faults import Faults
from getpatter.engines import openai_wire as wire
from getpatter.engines.base import InputTranscript
from getpatter.engines.dialect import Ends
from getpatter.stt.commits import Commits
from getpatter.stt.openai_wire import TRANSCRIPT_S

log = logging.getLogger(__name__)


class Caller:
    """One session's.  Each commit gives one final transcript, in the order of the commits.

    One that does not come within `TRANSCRIPT_S` is waited for as long as nothing was understood after it; then it is
    taken to be empty.  Whether that is so is looked at whenever anything comes: something does every few seconds, since
    sessions are kept alive.
    """

    def __init__(self, ends: Ends, hearing: Faults, clock: Clock) -> None:
        """`hearing` words what goes wrong with transcripts."""
        self._ends = ends
        self._hearing = hearing
        self._clock = clock
        self._commits = Commits()
        self._partial = ""

    def committed(self) -> None:
        self._commits.add(at=self._clock.now())

    def committed_nothing(self) -> None:
        self._commits.add_empty()
        self._tell_all()

    def refused(self) -> None:
        """The API does not take what was committed."""
        self._commits.refused()
        self._tell_all()

    def receive(self, event: wire.ServerEvent) -> None:
        """Any event of the session; those that are not about the caller are told for the time at which they come."""
        match event.type:
            case "input_audio_buffer.committed":
                self._commits.named(event.item_id)
            case "conversation.item.input_audio_transcription.delta":
                if self._commits.is_next(event.item_id) and event.delta:
                    self._partial += event.delta
                    self._ends.emit(InputTranscript(self._partial, final=False))
            case "conversation.item.input_audio_transcription.completed":
                self._commits.understood(event.item_id, event.transcript or "")
            case "conversation.item.input_audio_transcription.failed":
                self._misheard(event)
        self._tell_all()

    def _tell_all(self) -> None:
        """The transcripts whose turn has come, or does now because those before them are overdue."""
        self._tell()
        while self._commits.is_held_up(since=self._clock.now() - TRANSCRIPT_S):
            self._commits.give_up()
            self._final("")
            self._tell()

    def _tell(self) -> None:
        for understood in self._commits.take():
            if understood.late:
                log.warning("%s: words came too late to be told", self._hearing.name)
            else:
                self._final(understood.text.strip())

    def _final(self, text: str) -> None:
        self._partial = ""
        self._ends.emit(InputTranscript(text, final=True))

    def _misheard(self, event: wire.ServerEvent) -> None:
        """The engine hears the caller all the same: only the words are missing."""
        if wire.was_misheard(event):
            error = wire.complaint(event, self._hearing)
            log.warning("%s", " ".join(filter(None, (error.message, error.next_step))))
        self._commits.understood(event.item_id, "")
