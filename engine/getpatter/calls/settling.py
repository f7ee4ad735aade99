"""What the carrier charges for calls that are over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Final

from getpatter.calls.asking import ask
from getpatter.calls.ledger import Ledger
from getpatter.calls.status import TERMINAL
from getpatter.carriers.base import Carrier, Price
from getpatter.clock import Clock, TimerHandle
from getpatter.errors import StoreError
from getpatter.events import CallEnded, CallPriced, Event
from getpatter.pricing.figures import BUILT_IN
from getpatter.pricing.table import PriceTable
from getpatter.pricing.telephony import estimate
from getpatter.store.tables import CallRow

log = logging.getLogger(__name__)

ASK_AT_S: Final = (15.0, 60.0, 300.0, 900.0, 3600.0, 10_800.0, 28_800.0, 86_400.0)
"""Ages of a call, from its end, at which its price is asked for.  Most carriers know it within minutes; one that does
not after a day is not asked again."""
AT_ONCE: Final = 4
"""Calls asked about at the same time."""

_MOST: Final = Decimal(1_000_000)
"""A price beyond this is a mistake of somebody's."""


class Settler:
    """Estimates the price of each call as it ends, and asks the carrier for its own until it is known.

    What is left to ask is in the store, so an engine goes on where an earlier one stopped.
    """

    def __init__(self, carrier: Carrier, ledger: Ledger, clock: Clock, prices: PriceTable = BUILT_IN) -> None:
        self._carrier = carrier
        self._ledger = ledger
        self._clock = clock
        self._prices = prices
        self._due: asyncio.Queue[tuple[str, float]] = asyncio.Queue()
        """Calls to look at now, and when they ended."""
        self._timers: dict[str, TimerHandle] = {}
        self._known: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._unsubscribe: Callable[[], None] | None = None

    def start(self) -> None:
        """Hear of every call that ends, and take up those of earlier engines."""
        self._unsubscribe = self._ledger.bus.subscribe(self._hear)
        self._tasks = [asyncio.create_task(self._take_up(), name="settling: earlier calls")]
        self._tasks += [asyncio.create_task(self._work(), name=f"settling: {n}") for n in range(AT_ONCE)]

    async def stop(self) -> None:
        """Leave the rest to the next engine."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        for timer in self._timers.values():
            timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _hear(self, event: Event) -> None:
        if isinstance(event, CallEnded):
            self._watch(event.call_id, event.at)

    async def _take_up(self) -> None:
        try:
            left = await self._ledger.calls.unsettled(self._carrier.name)
        except StoreError as error:
            log.warning("the prices of earlier calls are not asked for: %s", error.message)
            return
        for call_id, ended_at in left:
            self._watch(call_id, ended_at)

    def _watch(self, call_id: str, ended_at: float) -> None:
        if call_id not in self._known:
            self._known.add(call_id)
            self._due.put_nowait((call_id, ended_at))

    async def _work(self) -> None:
        while True:
            call_id, ended_at = await self._due.get()
            done = False
            try:
                done = await self._look(call_id, ended_at)
            except StoreError as error:
                log.warning("call %s: its price waits for the store: %s", call_id, error.message)
            except Exception:  # a fault of ours with one call must not leave all others without a price
                log.exception("call %s: its price could not be settled", call_id)
            if done or not self._plan(call_id, ended_at):
                self._known.discard(call_id)

    def _plan(self, call_id: str, ended_at: float) -> bool:
        """Look at the call again when it is due; False when it is too old for that."""
        age = self._age(ended_at)
        again = next((at for at in ASK_AT_S if at > age), None)
        if again is None:
            return False
        self._timers[call_id] = self._clock.call_at(
            self._clock.now() + again - age, partial(self._come, call_id, ended_at)
        )
        return True

    def _come(self, call_id: str, ended_at: float) -> None:
        del self._timers[call_id]
        self._due.put_nowait((call_id, ended_at))

    def _age(self, ended_at: float) -> float:
        return max(0.0, self._clock.wall() - ended_at)

    async def _look(self, call_id: str, ended_at: float) -> bool:
        """Do what is due for a call; True when nothing is left to do."""
        row = await self._ledger.call(call_id)
        if row is None or row.carrier != self._carrier.name or not row.carrier_call_id or row.carrier_settled:
            return True
        if row.carrier_cost_micros is None:
            await self._estimate(row)
        age = self._age(ended_at)
        if age < ASK_AT_S[0]:
            return False
        if await self._ask(row.id, row.carrier_call_id):
            return True
        if age < ASK_AT_S[-1]:
            return False
        await self._ledger.calls.settle(call_id)
        return True

    async def _estimate(self, row: CallRow) -> None:
        micros = estimate(row.carrier, row.direction, row.to_number, row.duration_s, self._prices)
        if micros is not None:
            await self._ledger.amend(
                CallPriced(
                    call_id=row.id, at=self._clock.wall(), amount_micros=micros, currency="USD", source="estimate"
                )
            )

    async def _ask(self, call_id: str, carrier_call_id: str) -> bool:
        """Whether the price is known now.  That of a call that goes on, because it was transferred, is not yet."""
        call = await ask(self._carrier, carrier_call_id, self._clock)
        if call is None or call.price is None or call.status not in TERMINAL:
            return False
        micros = _micros(call.price)
        if micros is None:
            log.warning("call %s: %s names a price that cannot be: %s", call_id, self._carrier.name, call.price)
            return False
        await self._ledger.amend(
            CallPriced(
                call_id=call_id,
                at=self._clock.wall(),
                amount_micros=micros,
                currency=call.price.currency,
                source="carrier",
            )
        )
        return True


def _micros(price: Price) -> int | None:
    if not price.amount.is_finite() or not 0 <= price.amount <= _MOST:
        return None
    return int((price.amount * 1_000_000).to_integral_value())
