"""Carriers that fail, refuse or do not know us; and an engine that is killed in the middle of a call."""

from __future__ import annotations

import asyncio
import pickle
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from getpatter.calls.views import ServeInbound
from getpatter.errors import CarrierError
from getpatter.events import Transferred

if TYPE_CHECKING:
    from getpatter.testing.parties import Directory
    from tests.e2e.carriers.conftest import Numbers as MoreNumbers
    from tests.e2e.carriers.conftest import OpenEngine, OpenSite, Trunk
    from tests.e2e.conftest import Numbers

PATIENCE_S = 60.0
PROGRAM = Path(__file__).with_name("engine_process.py")
OURS = "+12025550199"

fails_once = pytest.mark.parametrize("status", [500, 429])


@fails_once
async def test_a_dial_that_fails_is_never_a_second_call(
    open_site: OpenSite, numbers: Numbers, trunk: Trunk, status: int
) -> None:
    async with open_site() as site:
        site.cloud.fail_next(status, method="POST")
        call = await site.ended(await site.place(numbers.brief))
        lines = list(site.cloud.lines.calls)
    if trunk.repeats_commands:
        assert call.how == ("answered", "caller", "")
        assert len(lines) == 1
    else:
        assert call.how == ("failed", "engine", "carrier")
        assert trunk.name in call.view.error.lower()
        assert lines == []


@fails_once
async def test_a_hang_up_that_fails_is_repeated(open_site: OpenSite, numbers: Numbers, status: int) -> None:
    async with open_site() as site:
        call_id = await site.place(numbers.patient)
        await site.line_open(call_id)
        site.cloud.fail_next(status)
        await site.board.hang_up(call_id)
        call = await site.ended(call_id)
    assert call.how == ("answered", "assistant", "")


@fails_once
async def test_a_transfer_that_fails_is_done_or_leaves_the_call_as_it_is(
    open_site: OpenSite, numbers: Numbers, more: MoreNumbers, trunk: Trunk, status: int
) -> None:
    async with open_site(machine_detection=False) as site:
        call_id = await site.place(numbers.talker)
        await site.line_open(call_id)
        site.cloud.fail_next(status)
        if trunk.repeats_commands:
            await site.board.transfer(call_id, more.colleague)
        else:
            with pytest.raises(CarrierError):
                await site.board.transfer(call_id, more.colleague)
            await site.board.hang_up(call_id)
        call = await site.ended(call_id)
    assert call.view.outcome == "answered"
    assert len(call.of(Transferred)) == trunk.repeats_commands


async def test_credentials_that_the_carrier_does_not_take(open_site: OpenSite, numbers: Numbers, trunk: Trunk) -> None:
    async with open_site(credentials=False) as site:
        with pytest.raises(CarrierError) as refused:
            await site.board.serve_inbound(ServeInbound())
        call = await site.ended(await site.place(numbers.brief))
    assert trunk.name.upper() in (refused.value.next_step or "")  # names the variables to look at
    assert call.how == ("failed", "engine", "carrier")
    assert call.view.error == refused.value.message


async def test_a_number_that_is_not_the_accounts(open_site: OpenSite, numbers: Numbers) -> None:
    async with open_site(own=False) as site:
        with pytest.raises(CarrierError) as refused:
            await site.board.serve_inbound(ServeInbound())
        call = await site.ended(await site.place(numbers.brief))
    assert refused.value.next_step
    assert call.how == ("failed", "engine", "carrier")
    assert "number" in call.view.error


async def test_a_number_is_left_alone_where_we_are_not_to_manage_it(open_site: OpenSite) -> None:
    async with open_site(manage_webhook=False) as site:
        assert (await site.board.serve_inbound(ServeInbound())).enabled
        assert site.cloud.requests == []


async def test_a_killed_engine_leaves_no_call_at_the_carrier(
    open_engine: OpenEngine, directory: Directory, home: Path, trunk: Trunk, numbers: Numbers
) -> None:
    async with trunk.cloud(directory) as cloud:
        cloud.own(OURS)
        given = pickle.dumps((home, trunk.account(cloud, True), OURS, numbers.patient))
        process = await asyncio.create_subprocess_exec(sys.executable, str(PROGRAM), stdin=PIPE, stdout=PIPE)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(given)
        process.stdin.write_eof()
        async with asyncio.timeout(PATIENCE_S):
            call_id = (await process.stdout.readline()).decode().strip()
        process.kill()
        await process.communicate()
        assert call_id
        async with open_engine(cloud) as site:
            assert site.engine.interrupted == [call_id]
            line = await site.line(numbers.patient)
            async with asyncio.timeout(PATIENCE_S):
                await line.ended.wait()
            view = await site.board.get(call_id)
    assert (view.outcome, view.ended_by) == ("interrupted", "engine")
