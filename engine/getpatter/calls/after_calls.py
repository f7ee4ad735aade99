"""All that is done about calls once they are over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from getpatter.calls.carrier_recordings import CarrierRecordings
from getpatter.calls.interrupted import settle_interrupted
from getpatter.calls.ledger import Ledger
from getpatter.calls.settling import Settler
from getpatter.carriers.base import Carrier, RecordingReady
from getpatter.clock import Clock
from getpatter.pricing.figures import BUILT_IN
from getpatter.pricing.table import PriceTable

log = logging.getLogger(__name__)


class AfterCalls:
    """Prices, the carrier's recordings, and calls that an earlier engine left open.

    Simulated calls cost nothing, are recorded by us alone and end with the engine: for their carrier nothing is done.
    """

    def __init__(
        self, carrier: Carrier, ledger: Ledger, clock: Clock, recordings: Path, prices: PriceTable = BUILT_IN
    ) -> None:
        """`recordings` is the folder for the carrier's."""
        self._carrier = carrier
        self._ledger = ledger
        self._clock = clock
        self._settler = Settler(carrier, ledger, clock, prices)
        self._recordings = CarrierRecordings(carrier, ledger, clock, recordings)
        self._interrupted: asyncio.Task[None] | None = None

    def start(self, interrupted: Sequence[str] = ()) -> None:
        """Begin, in the background; `interrupted` are the ids of calls that were found open."""
        if self._carrier.capabilities.simulated:
            return
        self._recordings.start()
        self._settler.start()
        if interrupted:
            self._interrupted = asyncio.create_task(self._hang_up(interrupted), name="hanging up what was left open")

    def recording_ready(self, ready: RecordingReady) -> None:
        """The carrier has recorded a call."""
        self._recordings.recording_ready(ready)

    async def stop(self) -> None:
        """The next engine does what is left, but for recordings that are not fetched yet."""
        if self._interrupted is not None:
            self._interrupted.cancel()
            await asyncio.gather(self._interrupted, return_exceptions=True)
        await self._recordings.stop()
        await self._settler.stop()

    async def _hang_up(self, interrupted: Sequence[str]) -> None:
        try:
            await settle_interrupted(interrupted, self._carrier, self._ledger.calls, self._clock)
        except Exception:  # our own fault must be told, since nobody awaits this task
            log.exception("calls that were left open could not be settled")
