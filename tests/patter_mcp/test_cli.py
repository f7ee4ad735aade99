from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from fastapi import FastAPI
from mcp import Client, StdioServerParameters

from getpatter.calls.views import CallQuery
from getpatter.control.api import control_router
from getpatter.control.beacon import EngineBeacon
from getpatter.testing.http import served
from getpatter.testing.switchboard import MemorySwitchboard
from getpatter.version import __version__
from patter_mcp.server import TOOLS

Connect = Callable[..., Client]

PATTER_MCP = [sys.executable, "-c", "from patter_mcp.cli import main; main()"]


def is_empty(folder: Path) -> bool:
    return not list(folder.iterdir())


def command(home: Path) -> StdioServerParameters:
    return StdioServerParameters(
        command=PATTER_MCP[0], args=PATTER_MCP[1:], env={"PATTER_HOME": str(home)}, cwd=str(home)
    )


@pytest.fixture
async def home(tmp_path: Path, board: MemorySwitchboard) -> AsyncIterator[Path]:
    """A home whose engine is this process."""
    app = FastAPI()
    app.include_router(control_router(board, board.bus, "token"))
    app.add_api_route("/health", lambda: "ok")
    with EngineBeacon(tmp_path).held() as beacon:
        async with served(app) as url:
            beacon.announce(private_url=url, carrier_url=url, token="token")
            yield tmp_path


async def test_calls_are_shared_by_processes(connect: Connect, era: str, home: Path, board: MemorySwitchboard) -> None:
    async with connect(command(home)) as client:
        assert client.protocol_version == era
        placed = await client.call_tool("place_call", {"to_number": "+12025550100", "goal": "Book a table."})
        assert placed.structured_content is not None
        call_id = placed.structured_content["call_id"]
    assert not (await board.get(call_id)).ended
    async with connect(command(home)) as client:
        hung_up = await client.call_tool("hang_up", {"call_id": call_id})
    assert hung_up.structured_content is not None
    assert hung_up.structured_content["ended"] is True
    assert (await board.get(call_id)).ended


async def test_the_tools_are_listed_without_an_engine(connect: Connect, tmp_path: Path) -> None:
    async with connect(command(tmp_path)) as client:
        assert len((await client.list_tools()).tools) == len(TOOLS)
    assert is_empty(tmp_path)


async def started(home: Path) -> Process:
    """A `patter-mcp` that has answered its first request."""
    process = await asyncio.create_subprocess_exec(
        *PATTER_MCP, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, cwd=home, env={**os.environ, "PATTER_HOME": str(home)}
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(
        b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25",'
        b'"capabilities":{},"clientInfo":{"name":"test","version":"1"}}}\n'
    )
    async with asyncio.timeout(60):
        assert b'"id":1' in await process.stdout.readline()
    return process


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
async def test_a_signal_ends_it_while_input_is_open(tmp_path: Path, number: signal.Signals, status: int) -> None:
    process = await started(tmp_path)
    process.send_signal(number)
    async with asyncio.timeout(60):
        assert await process.wait() == status


async def test_the_end_of_input_ends_it(tmp_path: Path) -> None:
    process = await started(tmp_path)
    assert process.stdin is not None
    process.stdin.close()
    async with asyncio.timeout(60):
        assert await process.wait() == 0


async def test_a_killed_front_end_leaves_the_calls(home: Path, board: MemorySwitchboard) -> None:
    call_id = board.incoming("+447700900123").call_id
    process = await started(home)
    process.kill()
    async with asyncio.timeout(60):
        await process.communicate()
    (call,) = await board.list(CallQuery())
    assert (call.call_id, call.ended) == (call_id, False)


async def run(*arguments: str, **environment: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        *PATTER_MCP, *arguments, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env={**os.environ, **environment}
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def test_it_tells_its_version() -> None:
    assert await run("--version") == (0, f"patter-mcp {__version__}\n", "")


async def test_settings_that_cannot_work_are_named(tmp_path: Path) -> None:
    status, out, err = await run(PATTER_HOME=str(tmp_path), PATTER_PORT="many")
    assert (status, out) == (1, "")
    assert "port" in err
    assert "Traceback" not in err
