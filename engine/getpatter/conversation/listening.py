"""Hearing all calls of the process: voice activity detection by the beat."""

from __future__ import annotations

import logging
from collections.abc import Callable

from getpatter.audio.vad import WINDOW_S, Batch, Judged, SpeechModel, VoiceActivity, VoiceStream
from getpatter.beat import Beat, Stage
from getpatter.clock import Clock, SystemClock

log = logging.getLogger(__name__)

MAX_BATCHES = 4
"""Batches a beat, so that calls that bring much audio at once do not hold up the event loop: the rest of it waits."""


class Listening:
    """One for all calls, on the event loop.

    A batch takes less time than it would to hand it to a thread and back, up to some twenty windows; beyond, a thread
    would only take turns with the event loop for the interpreter.
    """

    def __init__(self, model: SpeechModel, clock: Clock | None = None, beat: Beat | None = None) -> None:
        """Has a beat to itself when it is given none."""
        self._activity = VoiceActivity(model)
        self._beat = beat or Beat(clock or SystemClock())
        self._started = False
        self._beating = False
        self._failing = False

    @property
    def window_s(self) -> float:
        """Seconds of audio behind each probability."""
        return WINDOW_S

    @property
    def failing(self) -> bool:
        """The model failed on the latest batch: no call hears speech."""
        return self._failing

    def open(self, on_probability: Callable[[float], object]) -> VoiceStream:
        """Listen to one more call: `on_probability` hears of each window with the beat that follows its end."""
        stream = self._activity.open(on_probability)
        if self._started:
            self._wake()
        return stream

    def start(self) -> None:
        """Begin on the running event loop."""
        self._started = True
        if self._activity.open_streams:
            self._wake()

    async def stop(self) -> None:
        """End.  Streams stay open and deaf.  May be called twice."""
        self._started = False
        self._rest()

    def _wake(self) -> None:
        if not self._beating:
            self._beating = True
            self._beat.join(Stage.JUDGE, self._judge)

    def _rest(self) -> None:
        if self._beating:
            self._beating = False
            self._beat.leave(Stage.JUDGE, self._judge)

    def _judge(self, now: float) -> None:
        for _ in range(MAX_BATCHES):
            batch = self._activity.collect()
            if batch is None:
                break
            judged = self._run(batch)
            if judged is None:
                self._activity.discard(batch)
            else:
                self._activity.deliver(batch, judged)
        if not self._activity.open_streams:
            self._rest()

    def _run(self, batch: Batch) -> Judged | None:
        try:
            judged = self._activity.run(batch)
        except Exception:  # the calls go on, and the next batch may be luckier
            if not self._failing:
                log.exception("voice activity detection failed: no call hears speech until it works again")
            self._failing = True
            return None
        if self._failing:
            log.warning("voice activity detection works again")
        self._failing = False
        return judged
