"""How an engine is found: a lock that shows it lives, and a file that says where it is."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import msgspec

from getpatter.clock import Clock, SystemClock
from getpatter.errors import ConfigurationError
from getpatter.home import keep, make_home
from getpatter.version import __version__

_INFO = "engine.json"


class EngineInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A running engine.  Whoever holds the token may do everything the control API can."""

    pid: int
    private_url: str
    """Base URL of the private listener, e.g. http://127.0.0.1:8000"""
    carrier_url: str
    """Base URL of the carrier listener on this machine."""
    token: str
    version: str
    started_at: float
    """Unix seconds."""
    public_url: str = ""
    """Base URL by which carriers reach the carrier listener; empty where none is set."""

    def __repr__(self) -> str:
        return f"EngineInfo(pid={self.pid}, private_url={self.private_url!r}, version={self.version!r})"


class EngineBeacon:
    """Held by the engine of one `PATTER_HOME` for as long as it runs.

        with EngineBeacon(home).held() as beacon:
            ...  # open the listeners
            beacon.announce(private_url=..., carrier_url=..., token=...)

    The lock is the kernel's, so it goes with the process however that ends; the file may stay behind and then says
    nothing.
    """

    def __init__(self, home: Path, clock: Clock | None = None) -> None:
        self._home = home
        self._clock = clock or SystemClock()

    @contextlib.contextmanager
    def held(self) -> Iterator[Self]:
        """Be this home's only engine.  Raises `ConfigurationError` when another one is."""
        make_home(self._home)
        descriptor = os.open(_lock_path(self._home), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if not _lock_for_long(descriptor):
                raise self._taken()
            _info_path(self._home).unlink(missing_ok=True)
            try:
                yield self
            finally:
                # Removed while the lock is still ours: afterwards the file may be a successor's.
                _info_path(self._home).unlink(missing_ok=True)
        finally:
            os.close(descriptor)

    def announce(self, *, private_url: str, carrier_url: str, token: str, public_url: str = "") -> None:
        """Say where this process listens, again when that has changed.

        The file appears whole or not at all; only its owner can read it.
        """
        info = EngineInfo(
            pid=os.getpid(),
            private_url=private_url,
            carrier_url=carrier_url,
            token=token,
            version=__version__,
            started_at=self._clock.wall(),
            public_url=public_url,
        )
        keep(self._home, _INFO, msgspec.json.format(msgspec.json.encode(info), indent=2))

    def _taken(self) -> ConfigurationError:
        running = read_engine(self._home)
        where = f" (process {running.pid}, {running.private_url})" if running else ""
        return ConfigurationError(
            f"An engine is running already for {self._home}{where}.",
            next_step="Use that one, stop it first, or set PATTER_HOME to another folder.",
        )


def read_engine(home: Path) -> EngineInfo | None:
    """The engine of this home, or None when none runs or it has not announced itself yet."""
    try:
        info = msgspec.json.decode(_info_path(home).read_bytes(), type=EngineInfo)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    return info if _alive(info.pid) and engine_lock_held(home) else None


def engine_lock_held(home: Path) -> bool:
    """Whether an engine process has this home, announced or still starting."""
    try:
        descriptor = os.open(_lock_path(home), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _lock_for_long(descriptor: int) -> bool:
    """Lock for ourselves; False when an engine holds the lock.

    Somebody who merely looks holds a shared lock for a moment, which must not be taken for an engine.
    """
    while not lock(descriptor, fcntl.LOCK_EX):
        if not lock(descriptor, fcntl.LOCK_SH):
            return False
    return True


def lock(descriptor: int, kind: int) -> bool:
    """Take a `flock` of this kind if that is possible at once."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, 0)
        return True
    return False


def _lock_path(home: Path) -> Path:
    return home / "engine.lock"


def _info_path(home: Path) -> Path:
    return home / _INFO
