"""A program that runs beside us and whose output is read for as long as it lives."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from getpatter.errors import ConfigurationError
from getpatter.tunnels.output import Lines

log = logging.getLogger(__name__)

STOP_S = 2.0
"""How long it may take to end when it is told to, before it is killed."""
_PIECE = 65_536
_LEASH = Path(__file__).with_name("leash.py")


class Child:
    """One run of a program.  A pipe that nobody reads fills up, and then the program stands still: so what it writes
    is read to the end, whoever still wants it."""

    def __init__(self, process: Process, heard: Callable[[str], None]) -> None:
        assert process.stdout is not None
        self._process = process
        self._output = process.stdout
        self._heard = heard
        self._lines = Lines()
        self._reader = asyncio.create_task(self._read(), name=f"output of process {process.pid}")

    @classmethod
    async def spawn(cls, command: Sequence[str], heard: Callable[[str], None]) -> Child:
        """`heard` is told each line of both its outputs.  Raises `ConfigurationError` when it cannot be run."""
        leash = [sys.executable, "-I", "-S", str(_LEASH), str(os.getpid())]
        try:
            # A session of its own keeps it from the terminal's Ctrl-C: calls that are still on go through it.
            process = await asyncio.create_subprocess_exec(
                *leash, *command, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, start_new_session=True
            )
        except OSError as fault:
            raise ConfigurationError(f"{command[0]} cannot be started: {fault}.") from fault
        return cls(process, heard)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def last_words(self) -> str:
        return self._lines.last

    async def ended(self) -> int:
        """Its exit status, once it has one and all that it wrote was read."""
        code = await self._process.wait()
        # Somebody it started may hold the pipe open, which is no reason to wait for them.
        await asyncio.wait([self._reader], timeout=STOP_S)
        return code

    async def stop(self) -> None:
        """End it, and what it has started.  May be called twice."""
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S):
                await self._process.wait()
        except TimeoutError:
            pass
        finally:
            self._signal(signal.SIGKILL)
            self._reader.cancel()
        await self._process.wait()
        await asyncio.wait([self._reader])

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):  # all gone; macOS says the latter
            os.killpg(self.pid, number)

    async def _read(self) -> None:
        while piece := await self._output.read(_PIECE):
            for line in self._lines.feed(piece):
                log.debug("process %d: %s", self.pid, line)
                self._heard(line)
