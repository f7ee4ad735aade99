"""Having the carrier record one call, beside our own recording."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from getpatter.calls.carrier_leg import CarrierLeg
from getpatter.errors import CarrierError, PatterError


class CarrierRecording:
    """The call goes on whatever the carrier says to it."""

    def __init__(self, leg: CarrierLeg, *, wanted: bool, problem: Callable[[PatterError], None]) -> None:
        self._leg = leg
        self._wanted = wanted
        self._problem = problem
        self._asking: asyncio.Task[None] | None = None

    def begin(self) -> None:
        if self._wanted:
            self._asking = asyncio.create_task(self._ask())

    async def close(self) -> None:
        """The call is over: it need not begin any more."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait((self._asking,))

    async def _ask(self) -> None:
        try:
            await self._leg.record()
        except CarrierError as error:
            self._problem(error)
