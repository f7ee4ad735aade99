"""Something that is known later, for any number of tasks to await."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")


class Announcement(Generic[Value]):
    """`await` it, before or after it is made and as often as you like.  Can be made without an event loop."""

    def __init__(self) -> None:
        self._made = asyncio.Event()
        self._value: Value | None = None
        self._error: Exception | None = None

    def done(self) -> bool:
        return self._made.is_set()

    def make(self, value: Value) -> None:
        """The first counts."""
        if not self.done():
            self._value = value
            self._made.set()

    def fail(self, error: Exception) -> None:
        """Whoever awaits it gets this raised."""
        if not self.done():
            self._error = error
            self._made.set()

    def __await__(self) -> Generator[Any, None, Value]:
        return self._wait().__await__()

    async def _wait(self) -> Value:
        await self._made.wait()
        if self._error is not None:
            raise self._error
        assert self._value is not None
        return self._value
