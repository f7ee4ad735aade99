"""Timers by name: starting one replaces the one of the same name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

from getpatter.clock import Clock, TimerHandle

Name = TypeVar("Name", bound=str)


class Timers(Generic[Name]):
    def __init__(self, clock: Clock, due: Callable[[Name], None]) -> None:
        self._clock = clock
        self._due = due
        self._handles: dict[Name, TimerHandle] = {}

    def start(self, name: Name, at: float) -> None:
        self.stop(name)
        self._handles[name] = self._clock.call_at(at, partial(self._fire, name))

    def stop(self, name: Name) -> None:
        if (handle := self._handles.pop(name, None)) is not None:
            handle.cancel()

    def stop_all(self) -> None:
        for handle in self._handles.values():
            handle.cancel()
        self._handles.clear()

    def _fire(self, name: Name) -> None:
        self._handles.pop(name, None)
        self._due(name)
