"""A call's sessions with its speech-to-speech engine, one after the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from getpatter.clock import Clock
from getpatter.engines.base import EngineConfig, EngineSession, RealtimeEngine, Resumption
from getpatter.metering import Used, totals, used_by

STEADY_S: Final = 2.0
"""A session that stood for so long was one, even though nothing came of it: vendors end those that wait for a call to
be answered."""


class EngineSessions:
    """`open` one, `let_go` of it, and open the next: it goes on where the last one stood, if the vendor knows how."""

    def __init__(self, engine: RealtimeEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._current: EngineSession | None = None
        self._handle = ""
        self._used: tuple[Used, ...] = ()
        self._opened_at = 0.0

    async def open(self, config: EngineConfig) -> EngineSession:
        """Raises `ProviderError`."""
        handle, self._handle = self._handle, ""
        self._current = await self._engine.open(replace(config, resumes=handle))
        self._opened_at = self._clock.now()
        return self._current

    def can_resume(self, resumption: Resumption) -> None:
        """The session says how another one can go on with it."""
        self._handle = resumption.handle

    @property
    def was_steady(self) -> bool:
        """The session stood long enough for another one to be worth while."""
        return self._clock.now() - self._opened_at >= STEADY_S

    async def let_go(self) -> None:
        """Of the session; what it used is remembered."""
        session, self._current = self._current, None
        if session is not None:
            try:
                await session.close()
            finally:  # whoever waits may give up
                self._used = totals((*self._used, *used_by(session)))

    @property
    def used(self) -> tuple[Used, ...]:
        """What all of them used."""
        return self._used if self._current is None else totals((*self._used, *used_by(self._current)))
