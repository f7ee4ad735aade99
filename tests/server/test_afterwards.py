from __future__ import annotations

import asyncio
import logging

import pytest

from getpatter.errors import CarrierError
from getpatter.server.afterwards import Afterwards


async def test_a_command_is_carried_out_beside_the_request() -> None:
    afterwards, done = Afterwards(), asyncio.Event()
    may_go_on = asyncio.Event()

    async def command() -> None:
        await may_go_on.wait()
        done.set()

    afterwards.carry_out(command)
    assert not done.is_set()
    may_go_on.set()
    await afterwards.close()
    assert done.is_set()


@pytest.mark.parametrize(
    ("fault", "level"), [(CarrierError("The call is over."), logging.WARNING), (RuntimeError("ours"), logging.ERROR)]
)
async def test_a_command_that_fails_is_logged(fault: Exception, level: int, caplog: pytest.LogCaptureFixture) -> None:
    afterwards = Afterwards()

    async def command() -> None:
        raise fault

    afterwards.carry_out(command)
    await afterwards.close()
    assert [record.levelno for record in caplog.records] == [level]


async def test_a_command_that_hangs_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpatter.server.afterwards.CLOSE_S", 0.0)
    afterwards, broken_off = Afterwards(), asyncio.Event()

    async def command() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            broken_off.set()

    afterwards.carry_out(command)
    await asyncio.sleep(0)
    await afterwards.close()
    assert broken_off.is_set()
    await afterwards.close()
