"""engine_server.py in a process of its own on one core, and what it uses there."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import NamedTuple, Self

import httpx
import machine
import msgspec

from getpatter.testing.load import Spread

SCRIPT = Path(__file__).with_name("engine_server.py")
STOP_S = 15.0


@dataclass(frozen=True, slots=True)
class Engine:
    address: str
    """host:port"""
    pid: int
    core: int

    @property
    def media_url(self) -> str:
        return f"ws://{self.address}/media"


@contextmanager
def engine_on(core: int, vad_stop_s: float) -> Iterator[Engine]:
    """Start one and keep ourselves to the other cores.  Raises `RuntimeError` when it fails, `OSError` without
    that core."""
    cores = machine.cores()
    machine.pin(core)
    try:
        # It inherits the core before it has threads; pinned later, those that it has by then would stay where they are.
        process = subprocess.Popen([sys.executable, SCRIPT, "--vad-stop", str(vad_stop_s)], stdout=subprocess.PIPE)
        machine.pin(*([other for other in cores if other != core] or cores))
        with process:
            try:
                yield Engine(_address(process), process.pid, core)
                process.terminate()
                if status := process.wait(STOP_S):
                    raise RuntimeError(f"The engine ended with status {status}.")
            except Exception as error:
                if process.poll() is not None:
                    error.add_note(f"The engine has ended with status {process.returncode}.")
                raise
            finally:
                process.kill()
    finally:
        machine.pin(*cores)


def _address(process: subprocess.Popen[bytes]) -> str:
    """Where it takes calls, once it does."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"The engine ended with status {process.wait()} before it took calls.")
    url: str = json.loads(line)["url"]
    return httpx.URL(url).netloc.decode()


class _Used(NamedTuple):
    at: float
    cpu_s: float
    core_busy_s: float

    @classmethod
    def until_now(cls, engine: Engine) -> Self:
        return cls(monotonic(), machine.process_cpu_s(engine.pid), machine.core_busy_s(engine.core))


@dataclass(frozen=True, slots=True)
class Metered:
    """One stretch of an engine's time.  Latencies as in `probes`, in milliseconds; shares are of one core."""

    cpu_s: float
    core_share: float
    others_share: float
    """What all other processes took of the engine's core."""
    resident_bytes: float
    """At the end."""
    lag: Spread
    answer: Spread
    engine: Spread
    clear: Spread


class Meter:
    """Open it for the time to be measured; `metered` has the figures afterwards."""

    def __init__(self, engine: Engine) -> None:
        self.metered: Metered | None = None
        self._engine = engine
        # Nothing to verify on plain HTTP, and making a TLS context would hold up the callers for 20 ms.
        self._client = httpx.AsyncClient(base_url=f"http://{engine.address}", verify=False)

    async def __aenter__(self) -> Self:
        await self._lag()
        await self._latency()
        self._began = _Used.until_now(self._engine)
        return self

    async def __aexit__(self, *_: object) -> None:
        began, ended = self._began, _Used.until_now(self._engine)
        seconds, cpu_s = ended.at - began.at, ended.cpu_s - began.cpu_s
        self.metered = Metered(
            cpu_s=cpu_s,
            core_share=cpu_s / seconds,
            # The kernel counts a core's time in hundredths of a second, so that the rest may come out below zero.
            others_share=max(0.0, (ended.core_busy_s - began.core_busy_s - cpu_s) / seconds),
            resident_bytes=machine.resident_bytes(self._engine.pid),
            lag=await self._lag(),
            **await self._latency(),
        )
        await self._client.aclose()

    async def _lag(self) -> Spread:
        return msgspec.json.decode((await self._client.get("/lag")).content, type=Spread)

    async def _latency(self) -> dict[str, Spread]:
        return msgspec.json.decode((await self._client.get("/latency")).content, type=dict[str, Spread])
