"""The caller's audio on its way to a speech-to-speech engine, kept as long as it was not answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from getpatter.audio.format import LINE, AudioFormat
from getpatter.audio.transcode import Transcoder
from getpatter.conversation.unanswered import Unanswered
from getpatter.engines.base import InputTranscript

BATCH_BYTES = LINE.bytes_per_second // 10
"""Line audio that is sent at once: a message for each frame costs five times the work, and what a commit needs of the
rest it sends itself."""


@dataclass(frozen=True, slots=True)
class Again:
    """What another session is told; audio is in the engine's format."""

    utterances: list[bytes]
    """Each to be sent and committed."""
    rest: bytes
    """To be sent after them."""
    missing: int
    """Transcripts that were due and will not come."""


class CallerFeed:
    """One call's: `hear` or `send` line audio, which goes to `give` in batches, and `commit` what was heard."""

    def __init__(self, format: AudioFormat, give: Callable[[bytes], None]) -> None:
        """`format` is what `give` takes."""
        self._format = format
        self._give = give
        self._batch = bytearray()
        self._transcoder = None if format == LINE else Transcoder(LINE, format)
        self._unanswered = Unanswered()

    def hear(self, audio: bytes) -> None:
        """Audio that is to be answered."""
        self._unanswered.add(audio)
        self.send(audio)

    def send(self, audio: bytes) -> None:
        self._batch += audio
        if len(self._batch) >= BATCH_BYTES:
            self._flush()

    def commit(self) -> None:
        """What was heard is a turn of the caller, or a part of one; all of it was given."""
        self._flush()
        self._unanswered.commit()

    def is_news(self, transcript: InputTranscript) -> bool:
        """It is not that of audio that was understood before, and given again."""
        return self._unanswered.understood() if transcript.final else self._unanswered.news

    def answered(self) -> None:
        """The caller has heard an answer to what they said so far."""
        self._unanswered.answered()

    @property
    def is_answered(self) -> bool:
        """All that was committed was answered."""
        return not self._unanswered

    def again(self) -> Again:
        """For another session: what this one has not answered."""
        self._batch.clear()
        utterances, rest, missing = self._unanswered.again()
        return Again([self._converted(audio) for audio in utterances], self._converted(rest), missing)

    def _flush(self) -> None:
        audio = bytes(self._batch)
        self._batch.clear()
        if audio:
            self._give(self._transcoder.feed(audio) if self._transcoder else audio)

    def _converted(self, audio: bytes) -> bytes:
        if self._transcoder is None or not audio:
            return audio
        transcoder = Transcoder(LINE, self._format)
        return transcoder.feed(audio) + transcoder.flush()
