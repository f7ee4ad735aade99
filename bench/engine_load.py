"""Simulated calls against one engine on one core: what they get, and what they cost.

    .venv/bin/python bench/engine_load.py [--calls 1 50 150] [--seconds 20] [--core 0]

Each number of calls is a step with a fresh engine (engine_server.py: the real media path, providers that take no time)
on `--core`; the callers are in this process, on the other cores.  They speak real clips, wait for the answer of 2.5 s,
and interrupt every third.  README.md says how to read the figures.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import machine
import uvloop
from engine_process import Engine, Meter, Metered, engine_on
from rich.console import Console
from rich.table import Table
from vad_floor import VadFloor, vad_floor

from getpatter.testing.load import LoadPlan, LoadResult, run_load

Row = tuple[str, float, str]

CALLS = (1, 50, 150)
SECONDS = 20.0
VAD_STOP_S = 0.2
JOINS_PER_SECOND = 40.0
MIN_RAMP_S = 2.0
MAX_LATENESS_MS = 5.0
"""Callers whose frames go out later than this (p99) measure themselves."""


@dataclass(frozen=True, slots=True)
class Step:
    """One number of calls: what they saw, and what the engine made of it."""

    seen: LoadResult
    engine: Metered
    floor: VadFloor
    first: Step | None = None
    """The step with the fewest calls, which memory is compared with."""

    @property
    def trusted(self) -> bool:
        return self.seen.lateness_ms.p99 <= MAX_LATENESS_MS

    @property
    def response_beyond_vad_ms(self) -> float:
        """Means, because the VAD's own times are multiples of a frame, which makes their percentiles jump."""
        return self.seen.response_ms.mean - self.floor.ended_ms.mean

    @property
    def clear_beyond_vad_ms(self) -> float:
        return self.seen.clear_ms.mean - self.floor.began_ms.mean

    @property
    def cpu_ms_per_call_second(self) -> float:
        return self.engine.cpu_s * 1000 / (self.seen.callers * self.seen.seconds)

    @property
    def bytes_per_extra_call(self) -> float:
        if self.first is None or self.first.seen.callers == self.seen.callers:
            return machine.NAN
        more = self.engine.resident_bytes - self.first.engine.resident_bytes
        return more / (self.seen.callers - self.first.seen.callers)


class Figure(NamedTuple):
    """One line of the table; `key` figures are among `rows` too."""

    what: str
    unit: str
    of: Callable[[Step], float]
    key: bool = False


FIGURES = (
    Figure("calls lost", "", lambda step: step.seen.lost_sockets, key=True),
    Figure("caller turns", "", lambda step: step.seen.turns),
    Figure("answers", "", lambda step: step.seen.response_ms.count),
    Figure("missing answers", "", lambda step: step.seen.missing_answers, key=True),
    Figure("early answers", "", lambda step: step.seen.early_answers),
    Figure("missing clears", "", lambda step: step.seen.missing_clears, key=True),
    Figure("underruns", "", lambda step: step.seen.underruns, key=True),
    Figure("stray frames after a clear", "", lambda step: step.seen.stray_frames, key=True),
    Figure("protocol faults", "", lambda step: step.seen.faults),
    Figure("response p50", "ms", lambda step: step.seen.response_ms.p50),
    Figure("response p95", "ms", lambda step: step.seen.response_ms.p95, key=True),
    Figure("response p99", "ms", lambda step: step.seen.response_ms.p99),
    Figure("response less the VAD's, mean", "ms", lambda step: step.response_beyond_vad_ms, key=True),
    Figure("engine: added to the answer p50", "ms", lambda step: step.engine.answer.p50),
    Figure("engine: added to the answer p95", "ms", lambda step: step.engine.answer.p95, key=True),
    Figure("engine: engine_ms of the turns p50", "ms", lambda step: step.engine.engine.p50),
    Figure("engine: engine_ms of the turns p95", "ms", lambda step: step.engine.engine.p95),
    Figure("barge-in to clear p50", "ms", lambda step: step.seen.clear_ms.p50),
    Figure("barge-in to clear p95", "ms", lambda step: step.seen.clear_ms.p95, key=True),
    Figure("barge-in to clear p99", "ms", lambda step: step.seen.clear_ms.p99),
    Figure("barge-in less the VAD's, mean", "ms", lambda step: step.clear_beyond_vad_ms, key=True),
    Figure("engine: detection to clear p50", "ms", lambda step: step.engine.clear.p50),
    Figure("engine: detection to clear p95", "ms", lambda step: step.engine.clear.p95, key=True),
    Figure("engine: CPU", "ms/call-s", lambda step: step.cpu_ms_per_call_second, key=True),
    Figure("engine: share of its core", "%", lambda step: 100 * step.engine.core_share, key=True),
    Figure("others: share of its core", "%", lambda step: 100 * step.engine.others_share, key=True),
    Figure("engine: loop lag p50", "ms", lambda step: step.engine.lag.p50),
    Figure("engine: loop lag p99", "ms", lambda step: step.engine.lag.p99, key=True),
    Figure("engine: loop lag max", "ms", lambda step: step.engine.lag.max),
    Figure("engine: memory", "MB", lambda step: step.engine.resident_bytes / 1e6),
    Figure("engine: memory per extra call", "kB", lambda step: step.bytes_per_extra_call / 1e3, key=True),
    Figure("callers' lateness p99", "ms", lambda step: step.seen.lateness_ms.p99, key=True),
)


def steps(calls: Sequence[int], seconds: float, core: int) -> Iterator[Step]:
    floor = vad_floor(VAD_STOP_S)
    first: Step | None = None
    for callers in sorted(calls):
        with engine_on(core, VAD_STOP_S) as engine:
            seen, metered = uvloop.run(_measure(engine, callers, seconds))
        step = Step(seen, metered, floor, first)
        first = first or step
        yield step


async def _measure(engine: Engine, callers: int, seconds: float) -> tuple[LoadResult, Metered]:
    ramp_s = max(MIN_RAMP_S, callers / JOINS_PER_SECOND)
    meter = Meter(engine)
    seen = await run_load(LoadPlan(engine.media_url, callers, seconds, ramp_s), meter)
    assert meter.metered is not None
    return seen, meter.metered


def rows(calls: Sequence[int] = CALLS, seconds: float = SECONDS, core: int | None = None) -> list[Row]:
    """(what, value, unit); those of a step whose callers were late, and which is not to be trusted, say so."""
    return [
        (f"{_head(step)}, {figure.what}", figure.of(step), figure.unit)
        for step in steps(calls, seconds, machine.cores()[0] if core is None else core)
        for figure in FIGURES
        if figure.key
    ]


def _head(step: Step) -> str:
    calls = f"{step.seen.callers} call{'s' * (step.seen.callers > 1)}"
    return calls if step.trusted else f"{calls} (callers late)"


def table(taken: Sequence[Step]) -> Table:
    columns = Table("", "unit", *(_head(step).replace(" (", "\n(") for step in taken), box=None, pad_edge=False)
    for column in columns.columns[2:]:
        column.justify = "right"
    for figure in FIGURES:
        columns.add_row(figure.what, figure.unit, *(machine.shown(figure.of(step)) for step in taken))
    return columns


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, nargs="+", default=CALLS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="measured time of each step")
    parser.add_argument("--core", type=int, default=machine.cores()[0], help="the engine's")
    options = parser.parse_args()
    console, taken = Console(), []
    console.print(machine.description())
    with console.status("") as status:
        status.update(f"{len(options.calls)} steps of {options.seconds:g} s and the time in which their calls join")
        for step in steps(options.calls, options.seconds, options.core):
            taken.append(step)
            status.update(f"{step.seen.callers} calls measured")
    console.print(table(taken))
    if not all(step.trusted for step in taken):
        console.print(
            f"Callers late: their own frames went out over {MAX_LATENESS_MS:g} ms late (p99); do not trust these."
        )


if __name__ == "__main__":
    main()
