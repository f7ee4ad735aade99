"""How many calls may live at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from getpatter.errors import AtCapacity, EngineUnavailable


class Admission:
    """Counts slots: one is reserved before anything is opened for a call, so two calls never share the last one."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken = 0
        self._closed = False

    @property
    def taken(self) -> int:
        return self._taken

    @contextmanager
    def reserved(self) -> Iterator[None]:
        """Reserve a slot, and give it back if what is done with it fails; raises as `acquire` does."""
        self.acquire()
        try:
            yield
        except BaseException:
            self.release()
            raise

    def acquire(self) -> None:
        """Reserve a slot; raises `AtCapacity` or, while the engine stops, `EngineUnavailable`."""
        if self._closed:
            raise EngineUnavailable(
                "The engine is stopping and takes no new calls.", next_step="Try again when it runs again."
            )
        if self._taken >= self._limit:
            raise AtCapacity(
                f"All {self._limit} lines are busy.",
                next_step="Wait for a call to end (wait_for_call), or end one, or raise PATTER_MAX_CALLS.",
            )
        self._taken += 1

    def release(self) -> None:
        self._taken -= 1

    def close(self) -> None:
        """Refuse all from now on."""
        self._closed = True
