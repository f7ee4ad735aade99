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

from getpatter.audio.format import FRAME_BYTES, LINE, SILENCE
from getpatter.tts.base import WordTime

BYTES_PER_S = LINE.bytes_per_second
CHARACTERS_PER_S = 14.0
"""Ordinary speaking rate in English; used only while a sentence's audio is still incomplete."""
MAX_MARK_LAG_S = 0.5
"""Marks later than this say more about the carrier's queue than about the line, and do not correct the clock."""
MARK_GRACE_S = 0.6
"""How long after its computed end an utterance counts as heard although no mark has said so."""


@dataclass(slots=True)
class Segment:
    """One sentence: its text, and where its audio lies in the utterance."""

    text: str
    start: int
    end: int
    complete: bool = False
    words: tuple[WordTime, ...] = ()


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
    `take` whenever it is time to send; `clear` to drop the rest."""

    def __init__(self, *, lead_s: float = 0.06) -> None:
        self._lead = int(lead_s * BYTES_PER_S)
        self._serial = 0
        self._lag_s = 0.0
        self._reset()

    def _reset(self) -> None:
        self._segments: list[Segment] = []
        self._waiting = bytearray()
        self._total = 0
        self._sent = 0
        self._run_start = 0
        self._anchor = 0.0
        self._first_sent_at: float | None = None
        self._finished = False
        self._marked = 0
        self._marks: deque[tuple[str, int]] = deque()
        self._confirmed = 0

    # -- filling

    def begin(self) -> None:
        """A new utterance; what is left of the one before is forgotten."""
        self._reset()

    def open_segment(self, text: str) -> None:
        self._segments.append(Segment(text, self._total, self._total))

    def add(self, audio: bytes, words: tuple[WordTime, ...] = ()) -> None:
        """Line audio of the open segment."""
        segment = self._segments[-1]
        self._waiting += audio
        self._total += len(audio)
        segment.end = self._total
        if words:
            segment.words += words

    def close_segment(self) -> None:
        self._segments[-1].complete = True

    def finish(self) -> None:
        """No more segments will come: the rest is padded to a whole frame."""
        self._finished = True
        if short := -self._total % FRAME_BYTES:
            self._waiting += bytes([SILENCE]) * short
            self._total += short

    @property
    def waiting(self) -> bool:
        """There is audio to be sent."""
        return bool(self._waiting)

    @property
    def buffered_s(self) -> float:
        """Audio that waits to be sent."""
        return len(self._waiting) / BYTES_PER_S

    @property
    def first_sent_at(self) -> float | None:
        return self._first_sent_at

    # -- sending

    def take(self, now: float) -> Burst:
        """What is due at `now`: whole frames up to the lead, and marks after the sentences that they complete."""
        waiting = len(self._waiting)
        if waiting < FRAME_BYTES:
            return NOTHING if not self._mark_due() else Burst(b"", self._place_marks())
        if self._first_sent_at is None or now > self._anchor + (self._sent - self._run_start) / BYTES_PER_S:
            # The first audio, or the line ran dry: playing starts afresh now.
            self._anchor = now
            self._run_start = self._sent
            if self._first_sent_at is None:
                self._first_sent_at = now
        due = self._run_start + int((now - self._anchor) * BYTES_PER_S) + self._lead - self._sent
        # Half a frame of tolerance keeps a timer that fires slightly early from skipping its frame.
        frames = min((due + FRAME_BYTES // 2) // FRAME_BYTES, waiting // FRAME_BYTES)
        if frames <= 0:
            return NOTHING
        size = frames * FRAME_BYTES
        audio = bytes(self._waiting[:size])
        del self._waiting[:size]
        plays_at = self._anchor + (self._sent - self._run_start) / BYTES_PER_S
        self._sent += size
        return Burst(audio, self._place_marks() if self._mark_due() else (), plays_at)

    def _mark_due(self) -> bool:
        if self._marked >= len(self._segments):
            return False
        segment = self._segments[self._marked]
        return segment.complete and segment.end <= self._sent

    def _place_marks(self) -> tuple[str, ...]:
        names: list[str] = []
        while self._mark_due():
            self._marked += 1
            self._serial += 1
            name = f"s{self._serial}"
            self._marks.append((name, self._sent))
            names.append(name)
        return tuple(names)

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
        lag = now - self._anchor - (self._confirmed - self._run_start) / BYTES_PER_S
        if self._confirmed > self._run_start and lag <= MAX_MARK_LAG_S:
            self._lag_s = max(0.0, lag)

    def _played(self, now: float) -> int:
        if self._first_sent_at is None:
            return 0
        by_clock = self._run_start + int((now - self._lag_s - self._anchor) * BYTES_PER_S)
        return max(self._confirmed, min(by_clock, self._sent))

    def audible(self, now: float) -> bool:
        """Audio of this utterance is being played, or will be without anything more being added."""
        return bool(self._waiting) or self._played(now) < self._sent

    @property
    def complete(self) -> bool:
        """Every sentence is there and was sent."""
        return self._finished and not self._waiting

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
            if segment.complete and played >= min(segment.end, self._total):
                heard.append(segment.text)
                continue
            cut = _heard_prefix(segment, played)
            heard.append(segment.text[:cut].rstrip())
            unheard.append(segment.text[cut:].lstrip())
        return Heard(" ".join(filter(None, heard)), " ".join(filter(None, unheard)))

    def clear(self, now: float) -> Heard:
        """Drop what was not heard.  The caller of this also tells the carrier."""
        heard = self.heard(now)
        self._reset()
        return heard


def _heard_prefix(segment: Segment, played: int) -> int:
    """How many characters of a partly heard sentence were heard, to the end of a word."""
    elapsed = (played - segment.start) / BYTES_PER_S
    if elapsed <= 0:
        return 0
    if segment.words:
        return _prefix_by_word_times(segment, elapsed)
    spoken = (segment.end - segment.start) / BYTES_PER_S
    length = spoken if segment.complete else max(spoken, len(segment.text) / CHARACTERS_PER_S)
    reached = min(len(segment.text), int(len(segment.text) * elapsed / length))
    if reached == len(segment.text) or segment.text[reached].isspace():
        return reached
    return segment.text.rfind(" ", 0, reached) + 1


def _prefix_by_word_times(segment: Segment, elapsed: float) -> int:
    """A word counts as heard when the next one has begun."""
    position = heard = 0
    for index, word in enumerate(segment.words):
        found = segment.text.find(word.word, position)
        if found < 0:
            continue
        position = found + len(word.word)
        following = segment.words[index + 1].start_s if index + 1 < len(segment.words) else None
        if following is None or following > elapsed:
            break
        heard = position
    return heard
