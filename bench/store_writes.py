"""What the record of calls costs: `python bench/store_writes.py` prints a table.

Two hundred calls of fifty kept events each, answered and ended, go through a bus and the journal into a new SQLite
file, as fast as they can.
"""

from __future__ import annotations

import asyncio
import gc
import tempfile
import time
from pathlib import Path

from getpatter.events import (
    CallAnswered,
    CallEnded,
    CallPlaced,
    Event,
    ToolCalled,
    TranscriptInterim,
    Turn,
    TurnLatency,
)
from getpatter.observability.bus import EventBus
from getpatter.observability.latency import PARTS, percentile
from getpatter.store import Journal, Store

CALLS = 200
EVENTS = 50
IDLE_S = 50e-6
"""A shorter turn of the event loop did nothing but turn."""


def rows() -> list[tuple[str, float, str]]:
    """(label, value, unit) of each figure."""
    return asyncio.run(_measure())


async def _measure() -> list[tuple[str, float, str]]:
    with tempfile.TemporaryDirectory() as folder:
        store = await Store.open(f"sqlite+aiosqlite:///{Path(folder) / 'calls.db'}")
        bus = EventBus()
        # The timer is out of the way, so that taking and writing are measured apart.
        journal = store.journal(bus, flush_s=3600.0)
        interim = _time_of_write(journal, [TranscriptInterim(call_id="a0", at=0.0, text="I would like")] * 10_000)
        kept = _time_of_write(journal, _story("a"))
        took, busy = await _flush(journal)
        _time_of_write(journal, _story("b"))
        turns = await _turns_of_the_loop(journal)
        await journal.close()
        await store.close()
    events = CALLS * EVENTS
    return [
        ("store: journal.write, event that is kept", kept * 1e6, "µs"),
        ("store: journal.write, interim transcript", interim * 1e6, "µs"),
        ("store: events through the journal into SQLite", events / took, "1/s"),
        ("store: event loop's CPU per event flushed", busy / events * 1e6, "µs"),
        ("store: turn of the event loop while flushing, p99", percentile(turns, 99) * 1e3, "ms"),
        ("store: turn of the event loop while flushing, longest", turns[-1] * 1e3, "ms"),
    ]


def _story(prefix: str) -> list[Event]:
    """The calls' events, interleaved as they are when calls run side by side, and numbered."""
    bus = EventBus()
    calls = [_call(f"{prefix}{number}") for number in range(CALLS)]
    return [bus.publish(event) for moment in zip(*calls, strict=True) for event in moment]


def _call(call_id: str) -> list[Event]:
    latency = TurnLatency(**{part: 100.0 + number for number, part in enumerate(PARTS)})
    beginning: list[Event] = [
        CallPlaced(
            call_id=call_id,
            at=1e9,
            direction="outbound",
            from_number="+12025550199",
            to_number="+12025550100",
            carrier="sim",
            goal="Book a table for two at seven",
        ),
        CallAnswered(call_id=call_id, at=1e9 + 3),
    ]
    turns: list[Event] = [
        Turn(
            call_id=call_id,
            at=1e9 + 5 + index,
            index=index,
            role="agent" if index % 2 else "caller",
            text="I would like to book a table for two people at seven this evening, please.",
            started_at=1e9 + 4 + index,
            ended_at=1e9 + 5 + index,
            latency=latency if index % 2 else TurnLatency(),
        )
        for index in range(EVENTS - 4)
    ]
    tool = ToolCalled(call_id=call_id, at=1e9 + 60, tool_call_id="t1", name="book", arguments='{"people": 2}')
    end = CallEnded(call_id=call_id, at=1e9 + 99, outcome="answered", ended_by="agent", reason="done", duration_s=96.0)
    return [*beginning, *turns, tool, end]


def _time_of_write(journal: Journal, events: list[Event]) -> float:
    """Seconds of CPU per event, without the garbage collector, as timeit measures."""
    gc.disable()
    began = time.thread_time()
    for event in events:
        journal.write(event)
    took = time.thread_time() - began
    gc.enable()
    return took / len(events)


async def _flush(journal: Journal) -> tuple[float, float]:
    """Seconds that the flush took, and seconds of CPU that the event loop's thread spent on it."""
    began, busy = time.perf_counter(), time.thread_time()
    await journal.flush()
    return time.perf_counter() - began, time.thread_time() - busy


async def _turns_of_the_loop(journal: Journal) -> list[float]:
    """Seconds of CPU of each turn of the event loop that did something while flushing, in ascending order."""
    turns: list[float] = []
    flushing = asyncio.create_task(journal.flush())
    last = time.thread_time()
    while not flushing.done():
        await asyncio.sleep(0)
        now = time.thread_time()
        turns.append(now - last)
        last = now
    await flushing
    return sorted(turn for turn in turns if turn > IDLE_S)


def main() -> None:
    for label, value, unit in rows():
        print(f"{label:55} {value:12,.2f} {unit}")


if __name__ == "__main__":
    main()
