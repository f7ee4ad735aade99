from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI

from getpatter.calls.switchboard import Switchboard
from getpatter.calls.views import CallQuery, PlaceCall, ServeInbound
from getpatter.control.api import control_router
from getpatter.control.beacon import EngineBeacon, EngineInfo, read_engine
from getpatter.errors import EngineUnavailable
from getpatter.settings import Settings
from getpatter.testing.http import served
from getpatter.testing.switchboard import MemorySwitchboard
from patter_mcp.link import EngineLink

TABLE = PlaceCall(to_number="+12025550100", goal="Book a table.")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


@asynccontextmanager
async def engine(home: Path, board: MemorySwitchboard) -> AsyncIterator[EngineInfo]:
    """An announced engine, as far as its clients can tell."""
    app = FastAPI()
    app.include_router(control_router(board, board.bus, "token"))
    with EngineBeacon(home).held() as beacon:
        async with served(app) as url:
            beacon.announce(private_url=url, carrier_url=url, token="token")
            announced = read_engine(home)
            assert announced is not None
            yield announced


async def no_start() -> EngineInfo:
    raise EngineUnavailable("No engine can be started here.")


def test_it_is_a_switchboard(settings: Settings) -> None:
    link: Switchboard = EngineLink(settings)
    assert link is not None


async def test_the_engine_is_looked_for_at_the_first_use(settings: Settings) -> None:
    starts: list[EngineInfo] = []
    board = MemorySwitchboard()
    async with engine(settings.home, board) as running:

        async def start() -> EngineInfo:
            starts.append(running)
            return running

        async with EngineLink(settings, start=start) as link:
            assert starts == []
            await asyncio.gather(*(link.place(TABLE) for _ in range(3)))
            assert starts == [running]
    assert len(await board.list(CallQuery())) == 3


async def test_everything_is_passed_on(settings: Settings, board: MemorySwitchboard) -> None:
    async with engine(settings.home, board) as running:

        async def start() -> EngineInfo:
            return running

        async with EngineLink(settings, start=start) as link:
            call_id = (await link.place(TABLE)).call_id
            assert await link.get(call_id) == await board.get(call_id)
            assert await link.list(CallQuery()) == await board.list(CallQuery())
            assert await link.transcript(call_id) == await board.transcript(call_id)
            assert await link.wait(call_id, timeout_s=0) == await board.get(call_id)
            assert (await link.serve_inbound(ServeInbound())).enabled
            assert (await link.hang_up(call_id)).ended


async def test_a_restarted_engine_is_found_again(settings: Settings) -> None:
    before, after = MemorySwitchboard(), MemorySwitchboard()
    found: list[EngineInfo | None] = []

    async def start() -> EngineInfo:
        found.append(read_engine(settings.home))
        return found[-1] or await no_start()

    async with EngineLink(settings, start=start) as link:
        async with engine(settings.home, before):
            await link.place(TABLE)
        with pytest.raises(EngineUnavailable, match="No engine can be started"):
            await link.place(TABLE)
        async with engine(settings.home, after):
            await link.place(TABLE)
    assert [len(await board.list(CallQuery())) for board in (before, after)] == [1, 1]
