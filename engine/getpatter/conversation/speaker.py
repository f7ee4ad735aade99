"""The agent's mouth: a thin shell that sends what `Playout` says is due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from getpatter.audio.format import FRAME_S
from getpatter.clock import Clock, TimerHandle, sleep
from getpatter.conversation.pacer import Pacer
from getpatter.conversation.playout import Heard, Playout
from getpatter.tts.base import WordTime

AHEAD_S = 8.0
"""Speech synthesised ahead of what is heard: more would be paid for and dropped at the next interruption."""


class Line(Protocol):
    """The way to the far end.  Nothing blocks."""

    def play(self, audio: bytes, plays_at: float) -> None:
        """Send line audio that will be heard at the monotonic time `plays_at`."""

    def mark(self, name: str) -> None:
        """Ask to be told when all audio sent so far was played."""

    def clear(self) -> None:
        """Have the carrier drop what it has not played."""


class Speaker:
    """Speaks one utterance at a time: `begin`, `open`/`add`/`close` for each sentence, `finish`, or `cut`.

    `hold` stops the sound and keeps the utterance, also one that has not begun to sound; `release` lets it sound.
    `on_audible` is called with the first frame of an utterance, `on_finished` when its end was heard.
    """

    def __init__(
        self,
        line: Line,
        pacer: Pacer,
        clock: Clock,
        *,
        on_audible: Callable[[float], None],
        on_finished: Callable[[float], None],
    ) -> None:
        self._line = line
        self._pacer = pacer
        self._clock = clock
        self._on_audible = on_audible
        self._on_finished = on_finished
        self._playout = Playout()
        self._active = False
        self._was_cut = False
        self._pumping = False
        self._end_timer: TimerHandle | None = None
        self._room = asyncio.Event()
        self._room.set()

    def begin(self, *, held: bool = False) -> None:
        """Begin an utterance; one that is held is not heard before `release`."""
        self._stop_timer()
        self._playout.begin()
        self._active = True
        self._was_cut = False
        self._room.set()
        if held:
            self._playout.hold(self._clock.now())

    def open(self, text: str) -> None:
        """Begin a sentence."""
        self._playout.open_segment(text)

    def write(self, text: str) -> None:
        """More text of the sentence, where it comes with its audio."""
        if self._active:
            self._playout.write(text)

    def add(self, audio: bytes, words: tuple[WordTime, ...] = ()) -> None:
        """Audio of the sentence; what is due of it goes out at once."""
        if not self._active:
            return
        self._playout.add(audio, words)
        if self._playout.buffered_s > AHEAD_S:
            self._room.clear()
        self._keep_pumping()

    def sound(self, audio: bytes) -> None:
        """Send audio that belongs to no utterance, now, such as the tones of keys while nobody speaks."""
        self._line.play(audio, self._clock.now())

    def close(self) -> None:
        """End a sentence."""
        if self._active:
            self._playout.close_segment()

    def break_off(self) -> str:
        """End a sentence whose audio will not come; gives what of its text there is audio for."""
        return self._playout.break_off_segment() if self._active else ""

    def finish(self) -> None:
        """The utterance is complete; `on_finished` follows when it was heard."""
        if not self._active:
            return
        self._playout.finish()
        if self._playout.first_sent_at is None and not self._playout.waiting:
            self._end(self._clock.now())
            return
        self._keep_pumping()

    def hold(self) -> None:
        """Stop the sound where it is; the utterance may go on being made."""
        if not self._active:
            return
        now = self._clock.now()
        self._stop_timer()
        if self._playout.first_sent_at is not None and self._playout.audible(now):
            self._line.clear()
        self._playout.hold(now)

    def release(self) -> None:
        """Go on at the first word that was not heard."""
        if not self._active:
            return
        self._playout.release(self._clock.now())
        if self._playout.complete:
            self._end_due()
        else:
            self._keep_pumping()

    async def room(self) -> None:
        """Wait until more speech is worth synthesising."""
        await self._room.wait()

    async def drained(self) -> bool:
        """Wait until all that was added so far was heard, by the clock; False when it was cut off."""
        while self._active and self._playout.audible(self._clock.now()):
            await sleep(self._clock, self._playout.buffered_s + FRAME_S)
        return not self._was_cut

    def cut(self) -> Heard:
        """Stop now: nothing more is sent, the carrier drops its queue.  Tells what was heard."""
        now = self._clock.now()
        self._stop_timer()
        self._was_cut |= self._active
        self._active = False
        self._room.set()
        if not self._playout.held and self._playout.first_sent_at is not None and self._playout.audible(now):
            self._line.clear()
        return self._playout.clear(now)

    def mark_played(self, name: str) -> None:
        now = self._clock.now()
        self._playout.mark_played(name, now)
        if self._active and self._playout.heard_all(now):
            self._end(now)

    @property
    def sounding(self) -> bool:
        """An utterance is being heard."""
        return self._active and self._playout.audible(self._clock.now())

    @property
    def heard_s(self) -> float:
        """How much of the utterance's audio was heard, in seconds."""
        return self._playout.heard_s(self._clock.now())

    def sending(self) -> bool:
        """There is audio to be sent at its time."""
        return self._active and self._playout.waiting and not self._playout.held

    def heard(self) -> Heard:
        return self._playout.heard(self._clock.now())

    def said(self) -> str:
        """The sentences of which most was heard."""
        return self._playout.said(self._clock.now())

    def sounded(self) -> list[tuple[str, float, float]]:
        """The sentences that have begun to sound, and when; of the current utterance, since it was paused last."""
        return self._playout.sounded(self._clock.now())

    @property
    def first_sent_at(self) -> float | None:
        """When the utterance's first frame went out."""
        return self._playout.first_sent_at

    # -- sending

    def _keep_pumping(self) -> None:
        if not self._pumping and self._pump(self._clock.now()):
            self._pumping = True
            self._pacer.add(self._paced)

    def _paced(self, now: float) -> bool:
        self._pumping = False  # should the line fail, the next audio begins afresh
        self._pumping = self._pump(now)
        return self._pumping

    def _pump(self, now: float) -> bool:
        """Send what is due; True while there is more to send later."""
        playout = self._playout
        if not self._active or playout.held:
            return False
        silent = playout.first_sent_at is None
        burst = playout.take(now)
        if burst.audio:
            self._line.play(burst.audio, burst.plays_at)
            if silent:
                self._on_audible(now)
        if burst.marks:
            for name in burst.marks:
                self._line.mark(name)
        if not self._room.is_set() and playout.buffered_s < AHEAD_S / 2:
            self._room.set()
        if playout.waiting:
            return True
        if playout.complete:
            self._wait_for_end()
        return False

    def _wait_for_end(self) -> None:
        if self._end_timer is None:
            self._end_timer = self._clock.call_at(self._playout.heard_by, self._end_due)

    def _end_due(self) -> None:
        self._end_timer = None
        now = self._clock.now()
        if self._active and self._playout.heard_all(now):
            self._end(now)
        elif self._active:
            self._wait_for_end()

    def _end(self, now: float) -> None:
        self._stop_timer()
        self._active = False
        self._on_finished(now)

    def _stop_timer(self) -> None:
        if self._end_timer is not None:
            self._end_timer.cancel()
            self._end_timer = None
