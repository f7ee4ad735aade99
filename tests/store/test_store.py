from __future__ import annotations

import os
import signal
import sys
import time
from asyncio import create_subprocess_exec
from collections.abc import Callable
from subprocess import PIPE

import pytest

from getpatter.errors import StoreError
from getpatter.events import CallPlaced
from getpatter.observability.bus import EventBus
from getpatter.store import Store

Placed = Callable[..., CallPlaced]

# An engine with nothing but a store: publishes an event every five milliseconds and says so.
ENGINE = """
import asyncio, sys, time
from getpatter.events import CallAnswered, CallPlaced, DtmfPressed
from getpatter.observability.bus import EventBus
from getpatter.store import Store

async def main():
    store = await Store.open(sys.argv[1])
    bus = EventBus()
    journal = store.journal(bus)
    numbers = {"from_number": "+12025550199", "to_number": "+12025550100"}
    bus.publish(CallPlaced(call_id="c1", at=time.time(), direction="outbound", carrier="sim", **numbers))
    bus.publish(CallAnswered(call_id="c1", at=time.time()))
    loop = asyncio.get_running_loop()
    def press():
        event = bus.publish(DtmfPressed(call_id="c1", at=time.time(), role="caller", digit="1"))
        print(event.seq, event.at, flush=True)
        loop.call_later(0.005, press)
    press()
    await loop.create_future()

asyncio.run(main())
"""


async def test_a_killed_engine_loses_at_most_the_last_half_second(url: str) -> None:
    engine = await create_subprocess_exec(sys.executable, "-c", ENGINE, url, stdout=PIPE)
    assert engine.stdout is not None
    began = float((await engine.stdout.readline()).split()[1])
    async for line in engine.stdout:
        if float(line.split()[1]) > began + 1.2:
            break
    killed_at = time.time()
    os.kill(engine.pid, signal.SIGKILL)
    published = [line.split()] + [line.split() async for line in engine.stdout]
    assert await engine.wait() == -signal.SIGKILL

    store = await Store.open(url)
    kept = await store.calls.events(limit=10_000)
    assert [row.seq for row in kept] == list(range(1, len(kept) + 1))
    assert kept[-1].at > killed_at - 0.5
    assert len(kept) <= int(published[-1][0])

    assert await store.calls.interrupt_open(killed_at + 60) == ["c1"]
    call = await store.calls.get("c1")
    assert call is not None
    assert call.outcome == "interrupted"
    assert call.answered_at is not None
    assert call.duration_s == pytest.approx(kept[-1].at - call.answered_at)
    await store.close()


async def test_a_store_is_there_again_after_a_restart(url: str, bus: EventBus, placed: Placed) -> None:
    store = await Store.open(url)
    journal = store.journal(bus)
    bus.publish(placed("c1"))
    await journal.close()
    await store.close()
    again = await Store.open(url)
    assert [row.id for row in await again.calls.list()] == ["c1"]
    await again.close()


async def test_a_file_that_is_no_database_is_told(sqlite_url: str) -> None:
    await (await Store.open(sqlite_url)).close()
    with open(sqlite_url.removeprefix("sqlite+aiosqlite:///"), "wb") as file:  # noqa: ASYNC230  (a test's own file)
        file.write(b"not a database, whatever its name says" * 100)
    with pytest.raises(StoreError, match="not a database"):
        await Store.open(sqlite_url)
