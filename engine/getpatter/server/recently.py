"""A memory of what was seen lately."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from getpatter.clock import Clock

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Recently(Generic[Key, Value]):
    """Keeps at most `most` values, each for `seconds` from when it was put; the oldest goes first."""

    def __init__(self, clock: Clock, *, seconds: float, most: int) -> None:
        self._clock = clock
        self._seconds = seconds
        self._most = most
        self._kept: OrderedDict[Key, tuple[float, Value]] = OrderedDict()

    def __len__(self) -> int:
        self._forget_old()
        return len(self._kept)

    def get(self, key: Key) -> Value | None:
        """What was put for `key`, unless that was too long ago."""
        self._forget_old()
        kept = self._kept.get(key)
        return None if kept is None else kept[1]

    def put(self, key: Key, value: Value) -> None:
        """Keep `value` from now on, in the place of an earlier one."""
        self._forget_old()
        self._kept.pop(key, None)
        if len(self._kept) >= self._most:
            self._kept.popitem(last=False)
        self._kept[key] = (self._clock.now(), value)

    def forget(self, key: Key) -> None:
        self._kept.pop(key, None)

    def _forget_old(self) -> None:
        since = self._clock.now() - self._seconds
        while self._kept and next(iter(self._kept.values()))[0] <= since:
            self._kept.popitem(last=False)
