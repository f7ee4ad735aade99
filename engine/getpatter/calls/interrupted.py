"""Calls that an engine left open when it was killed: nobody of ours talks in them any more."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from getpatter.calls.asking import ask
from getpatter.calls.status import TERMINAL
from getpatter.carriers.base import Carrier
from getpatter.clock import Clock, deadline
from getpatter.errors import CarrierError, StoreError
from getpatter.store.calls import CallStore

log = logging.getLogger(__name__)

IN_ALL_S: Final = 10.0
"""Longest that all of them together may take."""
ASK_S: Final = 3.0
"""Longest that the carrier may take to say how one of them stands, to leave time for hanging up."""
AT_ONCE: Final = 8


async def settle_interrupted(call_ids: Sequence[str], carrier: Carrier, calls: CallStore, clock: Clock) -> list[str]:
    """Hang up those that the carrier does not say are over, and give their ids.

    One that was transferred is let be: two people talk in it.  What cannot be done within `IN_ALL_S` is left, and the
    carrier's own limit of the call's length ends it.
    """
    hung_up: list[str] = []
    turns = asyncio.Semaphore(AT_ONCE)

    async def settle(call_id: str) -> None:
        async with turns:
            if await _hung_up(call_id, carrier, calls, clock):
                hung_up.append(call_id)

    try:
        async with deadline(clock, clock.now() + IN_ALL_S), asyncio.TaskGroup() as group:
            for call_id in call_ids:
                group.create_task(settle(call_id))
    except TimeoutError:
        log.warning("of %d calls that were left open not all could be hung up in %g s", len(call_ids), IN_ALL_S)
    return hung_up


async def _hung_up(call_id: str, carrier: Carrier, calls: CallStore, clock: Clock) -> bool:
    try:
        row = await calls.get(call_id)
        if row is None or row.carrier != carrier.name or not row.carrier_call_id or await calls.transferred(call_id):
            return False
        found = await ask(carrier, row.carrier_call_id, clock, within_s=ASK_S)
        if found is not None and found.status in TERMINAL:
            return False
        # One of which the carrier says nothing may live, and to hang up a call that is over is no error.
        await carrier.hang_up(row.carrier_call_id)
    except (CarrierError, StoreError) as error:
        log.warning("call %s was left open and could not be hung up: %s", call_id, error.message)
        return False
    log.warning("call %s was left open by an earlier engine and has been hung up", call_id)
    return True
