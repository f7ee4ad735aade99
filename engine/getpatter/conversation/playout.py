"""What the agent says, from text to what was heard of it: pure bookkeeping in bytes of line audio.

Audio is handed to the carrier at the pace it is played, a little ahead (`lead_s`) so that its jitter buffer never
runs dry, and never more, so that a `clear` leaves nothing to be said.  What was heard is known from two sources: the
clock since the first frame, corrected by how late the carrier's marks come back, and the marks themselves.  Marks may
be late or lost (acknowledgements 5 s behind playback have been observed), so nothing waits for them alone.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import msgspec

from getpatter.audio.format import FRAME_BYTES, SILENCE
from getpatter.conversation.segment import BYTES_PER_S, Segment
from getpatter.tts.base import WordTime

MAX_MARK_LAG_S = 0.5
"""Marks later than this say more about the carrier's queue than about the line, and do not correct the clock."""
MARK_GRACE_S = 0.6
"""How long after its computed end an utterance counts as heard although no mark has said so."""


class Burst(msgspec.Struct, frozen=True, gc=False):  # fifty a second for every speaking call
    """What to send now: audio (may be empty) and then marks, in order.  `plays_at`: when the audio will be heard."""

    audio: bytes
    marks: tuple[str, ...] = ()
    plays_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Heard:
    """How far an utterance got: the words that were heard, and those that were not."""

    text: str
    unheard: str

    @property
    def all(self) -> bool:
        return not self.unheard


NOTHING = Burst(b"")


class Playout:
    """One utterance at a time.  `begin`, then `open_segment`/`add`/`close_segment` for each sentence, then `finish`;
    `take` whenever it is time to send; `hold` and `release` to pause; `clear` to drop the rest.

    Positions are bytes from the utterance's beginning.
    """

    def __init__(self, *, lead_s: float = 0.06) -> None:
        self._lead = int(lead_s * BYTES_PER_S)
        self._serial = 0
        self._lag_s = 0.0
        self._reset()

    def _reset(self) -> None:
        self._segments: list[Segment] = []
        self._audio = bytearray()
        """From `_kept_from` on: what was heard is let go of by the sentence."""
        self._kept_from = 0
        self._total = 0
        self._sent = 0
        self._run_start = 0
        """Where the sound began last: after the first frame, a pause, or the line having run dry."""
        self._anchor = 0.0
        """When it did."""
        self._first_sent_at: float | None = None
        self._finished = False
        self._held = False
        self._heard_when_held = 0
        self._marked = 0
        self._marks: deque[tuple[str, int]] = deque()
        self._confirmed = 0
        self._surely_heard = 0
        """Where the clock had got to when it was set anew: what counted as heard goes on to."""

    # -- filling

    def begin(self) -> None:
        """A new utterance; what is left of the one before is forgotten."""
        self._reset()

    def open_segment(self, text: str) -> None:
        self._segments.append(Segment(text, self._total, self._total))

    def add(self, audio: bytes, words: tuple[WordTime, ...] = ()) -> None:
        """Line audio of the open segment."""
        segment = self._segments[-1]
        self._audio += audio
        self._total += len(audio)
        segment.end = self._total
        if words:
            segment.words += words

    def write(self, text: str) -> None:
        """More text of the open segment, where it comes with its audio and not before it."""
        self._segments[-1].text += text

    def close_segment(self) -> None:
        self._segments[-1].complete = True

    def break_off_segment(self) -> str:
        """The open segment ends where its audio ends; gives what that can hold of its text, which is all that stays."""
        segment = self._segments[-1]
        if not segment.complete:
            segment.text = segment.text[: segment.heard_characters(segment.end)].rstrip()
            segment.complete = True
        return segment.text

    def finish(self) -> None:
        """No more segments will come: the rest is padded to a whole frame."""
        self._finished = True
        if short := (self._sent - self._total) % FRAME_BYTES:
            self._audio += bytes([SILENCE]) * short
            self._total += short

    @property
    def waiting(self) -> bool:
        """There is audio to be sent."""
        return self._sent < self._total

    @property
    def buffered_s(self) -> float:
        """Audio that waits to be sent."""
        return (self._total - self._sent) / BYTES_PER_S

    @property
    def first_sent_at(self) -> float | None:
        return self._first_sent_at

    # -- sending

    def take(self, now: float) -> Burst:
        """What is due at `now`: whole frames up to the lead, and marks after the sentences that they complete."""
        waiting = self._total - self._sent
        if self._held:
            return NOTHING
        if waiting < FRAME_BYTES:
            return NOTHING if not self._mark_due() else Burst(b"", self._place_marks(now))
        if self._first_sent_at is None or now > self._anchor + (self._sent - self._run_start) / BYTES_PER_S:
            # The first audio, or the line ran dry: playing starts afresh now.
            self._surely_heard = self._played(now)
            self._anchor = now
            self._run_start = self._sent
            if self._first_sent_at is None:
                self._first_sent_at = now
        due = self._run_start + int((now - self._anchor) * BYTES_PER_S) + self._lead - self._sent
        # Half a frame of tolerance keeps a timer that fires slightly early from skipping its frame.
        frames = min((due + FRAME_BYTES // 2) // FRAME_BYTES, waiting // FRAME_BYTES)
        if frames <= 0:
            return NOTHING
        size, at = frames * FRAME_BYTES, self._sent - self._kept_from
        audio = bytes(self._audio[at : at + size])
        plays_at = self._anchor + (self._sent - self._run_start) / BYTES_PER_S
        self._sent += size
        return Burst(audio, self._place_marks(now) if self._mark_due() else (), plays_at)

    def _mark_due(self) -> bool:
        if self._marked >= len(self._segments):
            return False
        segment = self._segments[self._marked]
        return segment.complete and segment.end <= self._sent

    def _place_marks(self, now: float) -> tuple[str, ...]:
        names: list[str] = []
        while self._mark_due():
            self._marked += 1
            self._serial += 1
            name = f"s{self._serial}"
            self._marks.append((name, self._sent))
            names.append(name)
        self._let_go(self._played(now))
        return tuple(names)

    def _let_go(self, played: int) -> None:
        """Forget the audio of sentences that were heard."""
        keep = next((segment.start for segment in self._segments if segment.end > played), played)
        if keep > self._kept_from:
            del self._audio[: keep - self._kept_from]
            self._kept_from = keep

    # -- pausing

    @property
    def held(self) -> bool:
        return self._held

    def hold(self, now: float) -> None:
        """Send nothing until `release`.  The caller of this also tells the carrier to drop what it has queued.

        What follows the words that were heard is sent again.
        """
        if self._held:
            return
        played = self._heard_when_held = self._played(now)
        self._held = True
        self._marks.clear()
        if self._first_sent_at is None:
            return
        segment = next((segment for segment in self._segments if segment.end > played), None)
        if segment is not None:
            heard = self._audio[segment.start - self._kept_from : played - self._kept_from + FRAME_BYTES]
            self._sent = segment.resume_point(played, bytes(heard))
        self._run_start = self._sent
        self._marked = sum(segment.complete and segment.end <= self._sent for segment in self._segments)
        self._confirmed = played  # what is said again was heard before
        if self._finished:
            self._finished = False
            self.finish()  # the frames are counted from elsewhere now

    def release(self, now: float) -> None:
        """Go on where `hold` said."""
        if self._held:
            self._held = False
            self._anchor = now

    # -- hearing

    def mark_played(self, name: str, now: float) -> None:
        """The carrier says that all audio before the mark was played; unknown and dropped marks are ignored."""
        if not any(known == name for known, _ in self._marks):
            return
        while self._marks:
            known, position = self._marks.popleft()
            self._confirmed = max(self._confirmed, position)
            if known == name:
                break
        self._surely_heard = self._played(now)
        lag = now - self._anchor - (self._confirmed - self._run_start) / BYTES_PER_S
        if self._confirmed > self._run_start and lag <= MAX_MARK_LAG_S:
            self._lag_s = max(0.0, lag)

    def _played(self, now: float) -> int:
        """Never less than before: sentences that were heard are let go of."""
        if self._held:
            return self._heard_when_held
        if self._first_sent_at is None:
            return 0
        by_clock = self._run_start + int((now - self._lag_s - self._anchor) * BYTES_PER_S)
        return max(self._confirmed, self._surely_heard, min(by_clock, self._sent))

    def heard_s(self, now: float) -> float:
        """How much of the utterance's audio was heard."""
        return self._played(now) / BYTES_PER_S

    def audible(self, now: float) -> bool:
        """Audio of this utterance is being played, or will be without anything more being added."""
        return self.waiting or self._played(now) < self._sent

    @property
    def complete(self) -> bool:
        """Every sentence is there and was sent."""
        return self._finished and not self.waiting

    @property
    def heard_by(self) -> float:
        """When what was sent so far counts as heard although no mark says so."""
        return self._anchor + (self._sent - self._run_start) / BYTES_PER_S + self._lag_s + MARK_GRACE_S

    def heard_all(self, now: float) -> bool:
        """The finished utterance was played to its end, by its last mark or by the clock and a grace."""
        return self.complete and (self._confirmed >= self._total or now >= self.heard_by)

    def heard(self, now: float) -> Heard:
        """The words heard by `now`, cut at the last whole word."""
        played = self._played(now)
        heard: list[str] = []
        unheard: list[str] = []
        for segment in self._segments:
            cut = segment.heard_characters(played)
            heard.append(segment.text[:cut].rstrip())
            unheard.append(segment.text[cut:].lstrip())
        return Heard(" ".join(filter(None, heard)), " ".join(filter(None, unheard)))

    def said(self, now: float) -> str:
        """The sentences of which most was heard, whole: what the caller may be answering."""
        played = self._played(now)
        return " ".join(
            segment.text for segment in self._segments if 2 * segment.heard_characters(played) > len(segment.text)
        )

    def sounded(self, now: float) -> list[tuple[str, float, float]]:
        """The sentences that have begun to sound since the sound began last, with the times of their sound."""
        played, began = self._played(now), self._anchor + self._lag_s
        if self._first_sent_at is None or self._held:
            return []
        return [
            (
                segment.text,
                began + max(0, segment.start - self._run_start) / BYTES_PER_S,
                began + (segment.end - self._run_start) / BYTES_PER_S,
            )
            for segment in self._segments
            if segment.start <= played and segment.end > self._run_start
        ]

    def clear(self, now: float) -> Heard:
        """Drop what was not heard.  The caller of this also tells the carrier."""
        heard = self.heard(now)
        self._reset()
        return heard
