"""One caller of a load test, without I/O: speaks, waits for the answer, interrupts some, and measures."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Literal

from getpatter.audio.format import FRAME_BYTES
from getpatter.errors import MediaError
from getpatter.testing.line_codec import Clear, Mark, Play
from getpatter.testing.playout import PlayoutBuffer
from getpatter.testing.speech import line_noise
from getpatter.testing.twilio_line import TwilioLineCodec

ANSWER_TIMEOUT_S = 5.0
ANSWER_OVER_S = 0.3
"""Silence after which the answer counts as said."""
PAUSE_S = (0.5, 1.5)
"""Between the end of an answer and the next words."""

State = Literal["pausing", "speaking", "waiting", "listening"]


@dataclass
class Tally:
    """What callers saw.  Latencies in milliseconds."""

    response_ms: list[float] = field(default_factory=list)
    """Last frame of the caller's words sent → first audio of the answer received."""
    clear_ms: list[float] = field(default_factory=list)
    """First frame of an interruption sent → `clear` received."""
    turns: int = 0
    missing_answers: int = 0
    """No audio within `ANSWER_TIMEOUT_S`."""
    missing_clears: int = 0
    """An interruption was spoken to its end and not heeded."""
    early_answers: int = 0
    """The answer began while the caller still spoke and was not taken back; not among the latencies."""
    underruns: int = 0
    stray_frames: int = 0
    """Audio that came after a `clear`, before the caller had finished."""
    faults: int = 0
    """Messages that break the protocol."""


class LoadCaller:
    """`receive` takes the engine's messages, `tick` is called every 20 ms; both give what is to be sent."""

    def __init__(
        self,
        codec: TwilioLineCodec,
        utterances: Sequence[bytes],
        rng: random.Random,
        *,
        interrupt_every: int = 3,
        interrupt_after_s: float = 1.0,
    ) -> None:
        """Every so many-th answer is interrupted after `interrupt_after_s`; 0 interrupts none."""
        self.tally = Tally()
        self._codec = codec
        self._utterances = utterances
        self._rng = rng
        self._interrupt_every = interrupt_every
        self._interrupt_after_s = interrupt_after_s
        self._playout = PlayoutBuffer()
        self._noise = cycle(line_noise())
        self._state: State = "pausing"
        self._until = rng.uniform(*PAUSE_S)
        self._speech = b""
        self._spoke_at = 0.0
        """When the first or, once said, the last frame of the current words was sent."""
        self._answered_at = 0.0
        self._audible_at = 0.0
        self._awaits_clear = False
        self._cleared = False

    def open(self, now: float) -> list[bytes]:
        """The messages that begin the stream."""
        self._until += now
        return [self._codec.connected(), self._codec.start()]

    def take_tally(self) -> Tally:
        """What was seen so far; counting begins afresh."""
        tally, self.tally = self.tally, Tally()
        tally.underruns, self._playout.underruns = self._playout.underruns, 0
        return tally

    def receive(self, message: bytes, now: float) -> list[bytes]:
        try:
            command = self._codec.decode(message)
        except MediaError:
            self.tally.faults += 1
            return []
        if isinstance(command, Play):
            self._on_audio(command.audio, now)
            return []
        if isinstance(command, Mark):
            return [self._codec.mark(name) for name in self._playout.mark(command.name)]
        assert isinstance(command, Clear)
        if self._awaits_clear:
            self._awaits_clear = False
            self.tally.clear_ms.append((now - self._spoke_at) * 1000)
        self._cleared = self._state == "speaking"
        return [self._codec.mark(name) for name in self._playout.clear()]

    def tick(self, now: float) -> list[bytes]:
        audible = self._playout.queued_bytes > 0
        _, marks = self._playout.tick()
        if audible:
            self._audible_at = now
        self._move_on(now, audible)
        return [*(self._codec.mark(name) for name in marks), self._codec.media(self._next_frame(now))]

    def stop(self) -> bytes:
        return self._codec.stop()

    def _on_audio(self, audio: bytes, now: float) -> None:
        self._playout.play(audio)
        if self._state == "waiting":
            self._state = "listening"
            self._answered_at = self._audible_at = now
            self.tally.response_ms.append((now - self._spoke_at) * 1000)
        elif self._cleared:
            self.tally.stray_frames += -(-len(audio) // FRAME_BYTES)

    def _move_on(self, now: float, audible: bool) -> None:
        if self._state == "pausing" and now >= self._until:
            self._speak(now)
        elif self._state == "waiting" and now - self._spoke_at >= ANSWER_TIMEOUT_S:
            self.tally.missing_answers += 1
            self._pause(now)
        elif self._state == "listening":
            due = self._interrupt_every and self.tally.turns % self._interrupt_every == 0
            if due and audible and now - self._answered_at >= self._interrupt_after_s:
                self._awaits_clear = True
                self._speak(now)
            elif now - self._audible_at >= ANSWER_OVER_S:
                self._pause(now)

    def _speak(self, now: float) -> None:
        self._state = "speaking"
        self._speech = self._rng.choice(self._utterances)
        self._spoke_at = now
        self._cleared = False
        self.tally.turns += 1

    def _pause(self, now: float) -> None:
        self._state = "pausing"
        self._until = now + self._rng.uniform(*PAUSE_S)

    def _next_frame(self, now: float) -> bytes:
        noise = next(self._noise)
        if self._state != "speaking":
            return noise
        frame, self._speech = self._speech[:FRAME_BYTES], self._speech[FRAME_BYTES:]
        if not self._speech:
            self._on_said(now)
        return frame + noise[len(frame) :]

    def _on_said(self, now: float) -> None:
        if self._awaits_clear:
            self._awaits_clear = False
            self.tally.missing_clears += 1
        self._cleared = False
        self._spoke_at = now
        if self._playout.queued_bytes:
            self.tally.early_answers += 1
            self._state = "listening"
            self._answered_at = self._audible_at = now
        else:
            self._state = "waiting"
