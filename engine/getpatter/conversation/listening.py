"""Hearing all calls of the process: voice activity detection on a timer and in a worker thread."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from getpatter.audio.vad import WINDOW_S, Batch, VoiceActivity, VoiceActivityModel, VoiceStream
from getpatter.clock import Clock, SystemClock, TimerHandle

log = logging.getLogger(__name__)

TICK_S = 0.01
"""Windows wait this long for company at most, and a run for one call alone costs as much as for three."""


class Listening:
    """One for all calls.  Batches run one at a time in one thread; all else, callbacks too, on the event loop."""

    def __init__(self, model: VoiceActivityModel, clock: Clock | None = None) -> None:
        self._activity = VoiceActivity(model)
        self._clock = clock or SystemClock()
        self._tick = asyncio.Event()
        self._timer: TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._failing = False

    @property
    def window_s(self) -> float:
        """Seconds of audio behind each probability."""
        return WINDOW_S

    @property
    def failing(self) -> bool:
        """The model failed on the latest batch: no call hears speech."""
        return self._failing

    def open(self, on_probability: Callable[[float], None]) -> VoiceStream:
        """Listen to one more call: `on_probability` hears of each window, at most a tick and a run after its end."""
        stream = self._activity.open(on_probability)
        if self._timer is None:
            self._tick.set()
        return stream

    def start(self) -> None:
        """Begin on the running event loop."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._listen(), name="listening")

    async def stop(self) -> None:
        """End, the run in flight included.  Streams stay open and deaf.  May be called twice."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    async def _listen(self) -> None:
        try:
            # Leaving it waits for the run in flight, which takes a millisecond or two.
            with ThreadPoolExecutor(1, thread_name_prefix="listening") as worker:
                while True:
                    await self._tick.wait()
                    self._tick.clear()
                    self._set_timer()
                    while (batch := self._activity.collect()) is not None:
                        await self._judge(batch, worker)
        finally:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _set_timer(self) -> None:
        if self._activity.open_streams:
            self._timer = self._clock.call_at(self._clock.now() + TICK_S, self._tick.set)
        else:
            self._timer = None

    async def _judge(self, batch: Batch, worker: ThreadPoolExecutor) -> None:
        try:
            inference = await asyncio.get_running_loop().run_in_executor(worker, self._activity.run, batch)
            self._activity.deliver(batch, inference)
        except Exception:  # the calls go on, and the next batch may be luckier
            if not self._failing:
                log.exception("voice activity detection failed: no call hears speech until it works again")
            self._failing = True
            self._activity.discard(batch)
        else:
            if self._failing:
                log.warning("voice activity detection works again")
            self._failing = False
