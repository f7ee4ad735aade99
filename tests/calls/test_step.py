"""A step of a call's end keeps nothing else from being done."""

from __future__ import annotations

import asyncio

import pytest

from getpatter.calls.step import STEP_S, guarded
from getpatter.errors import CarrierError
from getpatter.testing.clock import ManualClock

PATIENCE_S = 60.0


async def test_a_step_that_hangs_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    began, clock = asyncio.Event(), ManualClock()

    async def hang() -> None:
        began.set()
        await asyncio.Event().wait()

    step = asyncio.create_task(guarded("c1", hang(), clock))
    async with asyncio.timeout(PATIENCE_S):
        await began.wait()
        clock.advance(STEP_S)
        await step
    assert "call c1: a step of it took longer than 10 s" in caplog.text


@pytest.mark.parametrize(
    ("fault", "says"),
    [(CarrierError("It is busy."), "did not do it: It is busy."), (KeyError("x"), "a step of it failed")],
)
async def test_a_step_that_fails_is_logged(fault: Exception, says: str, caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise fault

    await guarded("c1", fail(), ManualClock())
    assert says in caplog.text
