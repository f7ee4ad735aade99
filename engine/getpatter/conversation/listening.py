"""Hearing all calls of the process: voice activity detection on a timer and in a worker thread."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

from getpatter.audio.vad import MAX_BATCH, WINDOW_S, Batch, Judged, SpeechModel, VoiceActivity, VoiceStream
from getpatter.clock import Clock, SystemClock, TimerHandle

log = logging.getLogger(__name__)

TICK_S = 0.01
"""Longest time that a window waits for company.  A run for one window costs as much as for three."""


class Listening:
    """One for all calls.  Batches run one at a time in one thread; all else, callbacks too, on the event loop."""

    def __init__(self, model: SpeechModel, clock: Clock | None = None) -> None:
        self._activity = VoiceActivity(model)
        self._clock = clock or SystemClock()
        # A queue and a callback cost a third of what an executor's futures do, a hundred times a second.
        self._batches: SimpleQueue[Batch | None] = SimpleQueue()
        self._worker: Thread | None = None
        self._worked_off = asyncio.Event()
        self._timer: TimerHandle | None = None
        self._in_flight = False
        self._late = False
        """A tick came while a batch was in flight."""
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
        """Listen to one more call: `on_probability` hears of each window, at most a tick and a run after its end."""
        stream = self._activity.open(on_probability)
        if self._worker is not None and self._timer is None:
            self._tick()
        return stream

    def start(self) -> None:
        """Begin on the running event loop."""
        if self._worker is None:
            loop = asyncio.get_running_loop()
            # A daemon, because a process that ends without `stop` must not wait for it.
            self._worker = Thread(target=self._work, args=(loop,), name="listening", daemon=True)
            self._worker.start()
            self._tick()

    async def stop(self) -> None:
        """End, once the run in flight is over.  Streams stay open and deaf.  May be called twice."""
        worker, self._worker = self._worker, None
        if worker is None:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._batches.put(None)
        await self._worked_off.wait()
        self._worked_off.clear()
        worker.join()

    def _tick(self) -> None:
        self._timer = None
        if self._activity.open_streams:
            self._timer = self._clock.call_at(self._clock.now() + TICK_S, self._tick)
        self._run_next()

    def _run_next(self) -> None:
        if self._in_flight:
            self._late = True
            return
        if self._worker is None:
            return
        batch = self._activity.collect()
        if batch is not None:
            self._in_flight = True
            self._batches.put(batch)

    def _finish(self, batch: Batch, judged: Judged | None) -> None:
        self._in_flight = False
        if judged is None:
            self._activity.discard(batch)
        else:
            self._activity.deliver(batch, judged)
        if self._late or len(batch.claims) == MAX_BATCH:
            # Else the few windows that came meanwhile wait for company until the next tick.
            self._late = False
            self._run_next()

    # -- in the worker thread -----------------------------------------------------------------------------------

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        while (batch := self._batches.get()) is not None:
            loop.call_soon_threadsafe(self._finish, batch, self._run(batch))
        loop.call_soon_threadsafe(self._worked_off.set)

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
