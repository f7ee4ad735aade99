"""Finding the engine of a `PATTER_HOME`, and starting it when there is none."""

from __future__ import annotations

import asyncio
import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from getpatter.clock import Clock, SystemClock
from getpatter.control.beacon import EngineInfo, engine_lock_held, lock, read_engine
from getpatter.errors import EngineUnavailable
from getpatter.home import make_home
from getpatter.settings import Settings

POLL_S = 0.05
LOG_LINES = 15
LOG_LIMIT = 5_000_000
"""Bytes after which engine.log is set aside at the next start."""

Progress = Callable[[str], None]


def find_engine(settings: Settings) -> EngineInfo | None:
    """The running engine of this home; None when there is none or it is still starting."""
    return read_engine(settings.home)


async def find_or_start(
    settings: Settings,
    *,
    wait_s: float = 60.0,
    command: Sequence[str] | None = None,
    on_progress: Progress | None = None,
    clock: Clock | None = None,
) -> EngineInfo:
    """The engine of this home once its `/health` answers, started if need be.

    The engine outlives whoever starts it and writes to `engine.log` in the home.  However many ask at once, one is
    started.  `command` replaces the usual one.  Raises `EngineUnavailable`, with the end of the log, when the engine
    dies while starting or is not ready after `wait_s`.
    """
    tell = on_progress or _silent
    home, wait = settings.home, _Wait(settings.home, clock or SystemClock(), wait_s)
    if engine := await _ready(home):
        return engine
    make_home(home)
    async with _only_starter(home, wait):
        # Held without being ready: an engine that was started by hand just now, or one that is stopping.
        while engine_lock_held(home):
            if engine := await _ready(home):
                return engine
            await wait.pause()
        tell("Starting the engine.")
        launched = _launch(command or serve_command(settings), home)
        while not (engine := await _ready(home)):
            # Ours may have given way to one that was started by hand at the same moment.
            if launched.process.poll() is not None and not engine_lock_held(home):
                raise _died(launched)
            await wait.pause(launched)
        tell(f"The engine is ready at {engine.private_url}.")
        return engine


def serve_command(settings: Settings) -> list[str]:
    """How an engine is started unasked: on free ports unless they were chosen, so that it never collides.

    A carrier port that the public URL leads to is kept in any case.
    """
    # -P: the working directory is somebody's project, whose files must not be taken for our modules.
    command = [sys.executable, "-P", "-m", "getpatter.cli.main", "serve"]
    chosen = settings.model_fields_set
    if "port" not in chosen:
        command += ["--port", "0"]
    if "carrier_port" not in chosen and not settings.public_url:
        command += ["--carrier-port", "0"]
    return command


@dataclass(frozen=True, slots=True)
class _Launched:
    """A process we started, and where its part of the log begins."""

    process: subprocess.Popen[bytes]
    log: Path
    log_start: int

    @property
    def last_words(self) -> str:
        with self.log.open("rb") as file:
            file.seek(self.log_start)
            lines = file.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-LOG_LINES:])


class _Wait:
    """One deadline for everything that a start waits for."""

    def __init__(self, home: Path, clock: Clock, wait_s: float) -> None:
        self._home = home
        self._clock = clock
        self._wait_s = wait_s
        self._deadline = clock.now() + wait_s

    async def pause(self, launched: _Launched | None = None) -> None:
        """A moment; raises `EngineUnavailable` when there is none left."""
        if self._clock.now() >= self._deadline:
            raise EngineUnavailable(
                f"The engine was not ready within {self._wait_s:g} s.{_quoted(launched)}",
                next_step=f"Look into {self._home / 'engine.log'} or run `getpatter serve` to see why.",
            )
        await asyncio.sleep(POLL_S)


@asynccontextmanager
async def _only_starter(home: Path, wait: _Wait) -> AsyncIterator[None]:
    """Keeps other front ends from starting an engine meanwhile; they wait here and then find ours."""
    descriptor = os.open(home / "start.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while not lock(descriptor, fcntl.LOCK_EX):
            await wait.pause()
        yield
    finally:
        os.close(descriptor)


def _launch(command: Sequence[str], home: Path) -> _Launched:
    log = home / "engine.log"
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(home / "engine.log.1")
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as file:
        start = file.tell()
        try:
            # It works in its home: a project's .env must not say where calls are stored or whom the agent asks.  A
            # session of its own keeps it from the signals of the terminal and of the host that ends us.
            process = subprocess.Popen(
                command,
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env={**os.environ, "PATTER_HOME": str(home)},
                start_new_session=True,
            )
        except OSError as cannot:
            raise EngineUnavailable(f"The engine cannot be started: {cannot}.") from cannot
    # Reaps it should it end before us.
    threading.Thread(target=process.wait, name="engine-reaper", daemon=True).start()
    return _Launched(process, log, start)


async def _ready(home: Path) -> EngineInfo | None:
    """The announced engine, if its `/health` answers."""
    engine = read_engine(home)
    if engine is None:
        return None
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=2.0) as http:
            return engine if (await http.get(f"{engine.private_url}/health")).is_success else None
    except httpx.TransportError:
        return None


def _died(launched: _Launched) -> EngineUnavailable:
    return EngineUnavailable(
        f"The engine ended while starting, with exit status {launched.process.returncode}.{_quoted(launched)}",
        next_step="Correct what its log complains about, or run `getpatter serve` to see more.",
    )


def _quoted(launched: _Launched | None) -> str:
    words = launched.last_words if launched else ""
    return f" Its last words:\n{words}" if words else ""


def _silent(message: str) -> None:
    pass
