"""What the engine under load tells of itself.  Every report covers the time since the one before."""

from __future__ import annotations

import asyncio
from time import monotonic

from getpatter.events import BargeIn, Event, Turn
from getpatter.testing.load import Spread

BEAT_S = 0.01
HELD_UP_S = 0.05
"""A beat later than this begins a new count, so that one hold-up is not told of again by the beats it delayed."""


class LoopLag:
    """How late the event loop runs its timers: a heartbeat."""

    def __init__(self) -> None:
        self._late_ms: list[float] = []

    async def run(self) -> None:
        due = monotonic()
        while True:
            due += BEAT_S
            await asyncio.sleep(max(0.0, due - monotonic()))
            late = monotonic() - due
            self._late_ms.append(late * 1000)
            if late > HELD_UP_S:
                due = monotonic()

    def report(self) -> Spread:
        """Milliseconds."""
        late, self._late_ms = self._late_ms, []
        return Spread.of(late)


class EngineLatency:
    """The engine's own share of its answers and interruptions, from its events.

    The providers are instant, so all of the time from the VAD's word that the caller has stopped to the first frame is
    the engine's: `answer`.  `engine` is what the events call so, where the steps between the providers are not counted
    twice; `clear` is from the detection of a barge-in to the `clear` sent.
    """

    def __init__(self) -> None:
        self._seen: dict[str, list[float]] = {}

    def listen(self, event: Event) -> None:
        match event:
            case BargeIn(clear_ms=clear):
                self._saw("clear", clear)
            case Turn(role="agent", latency=latency):
                if latency.response_ms is not None and latency.silence_ms is not None:
                    self._saw("answer", latency.response_ms - latency.silence_ms)
                if latency.engine_ms is not None:
                    self._saw("engine", latency.engine_ms)

    def report(self) -> dict[str, Spread]:
        """Milliseconds, by the names above."""
        seen, self._seen = self._seen, {}
        return {name: Spread.of(seen.get(name, ())) for name in ("answer", "engine", "clear")}

    def _saw(self, name: str, ms: float) -> None:
        self._seen.setdefault(name, []).append(ms)
