from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from getpatter.control.beacon import EngineBeacon, engine_lock_held, read_engine
from getpatter.control.launch import LOG_LIMIT, find_engine, find_or_start, serve_command
from getpatter.errors import EngineUnavailable
from getpatter.settings import Settings

STAND_IN = [sys.executable, str(Path(__file__).with_name("stand_in_engine.py"))]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    for name in ("PATTER_PORT", "PATTER_CARRIER_PORT", "PATTER_PUBLIC_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    yield Settings(home=tmp_path)
    if engine := read_engine(tmp_path):
        os.kill(engine.pid, signal.SIGTERM)


async def gone(home: Path) -> None:
    """Waits for the engine's lock to be free."""
    async with asyncio.timeout(30):
        while engine_lock_held(home):  # noqa: ASYNC110 -- a lock has no event to wait for
            await asyncio.sleep(0)


async def test_an_engine_is_started_once_and_found_from_then_on(settings: Settings) -> None:
    told: list[str] = []
    assert find_engine(settings) is None
    started = await find_or_start(settings, command=STAND_IN, on_progress=told.append)
    assert find_engine(settings) == started
    assert await find_or_start(settings, command=["/never/run"], on_progress=told.append) == started
    assert told == ["Starting the engine.", f"The engine is ready at {started.private_url}."]


async def test_many_front_ends_at_once_end_up_with_one_engine(settings: Settings) -> None:
    engines = await asyncio.gather(*(find_or_start(settings, command=STAND_IN) for _ in range(4)))
    assert len({engine.pid for engine in engines}) == 1
    assert (settings.home / "engine.log").read_text().count("engine of") == 1


async def test_the_engine_lives_in_a_session_of_its_own_and_logs_to_the_home(settings: Settings) -> None:
    engine = await find_or_start(settings, command=STAND_IN)
    log = settings.home / "engine.log"
    assert log.read_text().startswith(f"engine of {settings.home}, session {engine.pid}\n")
    assert log.stat().st_mode & 0o077 == 0


async def test_a_killed_engine_is_replaced(settings: Settings) -> None:
    first = await find_or_start(settings, command=STAND_IN)
    os.kill(first.pid, signal.SIGKILL)
    await gone(settings.home)
    assert find_engine(settings) is None
    assert (await find_or_start(settings, command=STAND_IN)).pid != first.pid


async def test_an_orderly_stop_leaves_no_file(settings: Settings) -> None:
    engine = await find_or_start(settings, command=STAND_IN)
    os.kill(engine.pid, signal.SIGTERM)
    await gone(settings.home)
    assert not (settings.home / "engine.json").exists()


async def test_an_engine_that_dies_is_quoted(settings: Settings) -> None:
    (settings.home / "engine.log").write_text("an older complaint\n")
    with pytest.raises(EngineUnavailable, match="exit status 1") as died:
        await find_or_start(settings, command=[*STAND_IN, "--broken"])
    assert died.value.message.endswith("the port is taken")
    assert "older complaint" not in died.value.message


async def test_a_command_that_cannot_run_is_named(settings: Settings) -> None:
    with pytest.raises(EngineUnavailable, match="no-such-engine"):
        await find_or_start(settings, command=["/no-such-engine"])


async def test_an_engine_that_is_never_ready_is_given_up(settings: Settings) -> None:
    with EngineBeacon(settings.home).held(), pytest.raises(EngineUnavailable, match="not ready within 0 s"):
        await find_or_start(settings, wait_s=0, command=["/never/run"])


async def test_an_engine_that_is_starting_is_waited_for(settings: Settings) -> None:
    with EngineBeacon(settings.home).held():
        waiting = asyncio.create_task(find_or_start(settings, command=STAND_IN))
        await asyncio.sleep(0)
    assert (await waiting).pid != os.getpid()


async def test_a_log_that_has_grown_large_is_set_aside(settings: Settings) -> None:
    with (settings.home / "engine.log").open("wb") as log:
        log.truncate(LOG_LIMIT + 1)
    await find_or_start(settings, command=STAND_IN)
    assert (settings.home / "engine.log.1").stat().st_size == LOG_LIMIT + 1
    assert (settings.home / "engine.log").read_text().startswith("engine of")


@pytest.mark.parametrize(
    ("chosen", "arguments"),
    [
        ({}, ["--port", "0", "--carrier-port", "0"]),
        ({"port": 9000}, ["--carrier-port", "0"]),
        ({"carrier_port": 9001}, ["--port", "0"]),
        ({"public_url": "https://phone.example.org"}, ["--port", "0"]),
    ],
)
def test_ports_are_free_ones_unless_chosen(settings: Settings, chosen: dict[str, object], arguments: list[str]) -> None:
    command = serve_command(Settings.model_validate({"home": settings.home, **chosen}))
    assert command[1:] == ["-P", "-m", "getpatter.cli.main", "serve", *arguments]
