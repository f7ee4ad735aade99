"""Opening a call's providers while it rings."""

from __future__ import annotations

import asyncio

import pytest

from getpatter.calls.preparing import PREPARE_S, prepared
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.testing.clock import ManualClock

PATIENCE_S = 60.0


class Opening:
    """Providers that open when they are told to."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.may_go_on = asyncio.Event()
        self.cancelled = False

    async def run(self) -> None:
        self.began.set()
        try:
            await self.may_go_on.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


async def test_what_opens_in_time_is_prepared() -> None:
    opening, over = Opening(), asyncio.get_running_loop().create_future()
    opening.may_go_on.set()
    assert await prepared(opening.run(), over, ManualClock()) is True


async def test_a_call_that_is_over_first_waits_for_nothing() -> None:
    opening, over = Opening(), asyncio.get_running_loop().create_future()
    preparing = asyncio.create_task(prepared(opening.run(), over, ManualClock()))
    async with asyncio.timeout(PATIENCE_S):
        await opening.began.wait()
        over.set_result(None)
        assert await preparing is False
    assert opening.cancelled


async def test_what_takes_too_long_is_a_fault_that_a_retry_may_help() -> None:
    opening, clock = Opening(), ManualClock()
    preparing = asyncio.create_task(prepared(opening.run(), asyncio.get_running_loop().create_future(), clock))
    async with asyncio.timeout(PATIENCE_S):
        await opening.began.wait()
        clock.advance(PREPARE_S)
        with pytest.raises(ProviderError, match="not ready within 20 s") as raised:
            await preparing
    assert raised.value.retryable
    assert opening.cancelled


async def test_faults_of_providers_pass() -> None:
    async def refuse() -> None:
        raise ConfigurationError("There is no key.")

    async def break_off() -> None:
        raise asyncio.CancelledError

    for opening, fault in ((refuse, "no key"), (break_off, "broke off")):
        with pytest.raises((ConfigurationError, ProviderError), match=fault):
            await prepared(opening(), asyncio.get_running_loop().create_future(), ManualClock())
