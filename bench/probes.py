"""What the engine under load tells of itself.  Every report covers the time since the one before."""

from __future__ import annotations

from math import inf

from getpatter.beat import BEAT_S
from getpatter.events import BargeIn, Event, Turn
from getpatter.testing.load import Spread


class LoopLag:
    """How late the event loop comes to the engine's own beat.  A timer for the probe alone would be a tenth of what
    few calls cost."""

    def __init__(self) -> None:
        self._late_ms: list[float] = []
        self._due = inf

    def strike(self, now: float) -> None:
        """To be called with every beat.  One that was missed counts by how late the next one is."""
        late = max(0.0, now - self._due)
        self._late_ms.append(late * 1000)
        held_up = late > BEAT_S or self._due == inf
        self._due = (now if held_up else self._due) + BEAT_S

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
