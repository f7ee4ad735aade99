from __future__ import annotations

import asyncio

import pytest

from getpatter.sdk.announcement import Announcement


async def test_it_can_be_awaited_before_and_after_and_more_than_once() -> None:
    ready: Announcement[str] = Announcement()
    waiting = asyncio.gather(ready, ready)
    await asyncio.sleep(0)
    assert not ready.done()
    ready.make("here")
    ready.make("elsewhere")
    ready.fail(RuntimeError("too late"))
    assert list(await waiting) == ["here", "here"]
    assert await ready == "here"


async def test_a_failure_is_raised_for_whoever_waits() -> None:
    ready: Announcement[str] = Announcement()
    ready.fail(ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        await ready


async def test_one_who_stops_waiting_takes_it_from_nobody() -> None:
    ready: Announcement[str] = Announcement()

    async def wait() -> str:
        return await ready

    impatient, patient = asyncio.create_task(wait()), asyncio.create_task(wait())
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.sleep(0)
    ready.make("here")
    assert await patient == "here"


def test_it_needs_no_event_loop_to_be_made() -> None:
    assert not Announcement[str]().done()
