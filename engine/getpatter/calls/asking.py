"""Asking the carrier what has become of a call."""

from __future__ import annotations

import logging
from typing import Final

from getpatter.carriers.base import Carrier, CarrierCall
from getpatter.clock import Clock, deadline
from getpatter.errors import CarrierError

log = logging.getLogger(__name__)

ASK_S: Final = 10.0
"""Longest that a carrier may take to answer, with its own repetitions."""


async def ask(carrier: Carrier, carrier_call_id: str, clock: Clock, *, within_s: float = ASK_S) -> CarrierCall | None:
    """The call as the carrier has it now; None when it does not know, refuses, or says nothing `within_s`."""
    try:
        async with deadline(clock, clock.now() + within_s):
            return await carrier.fetch_call(carrier_call_id)
    except TimeoutError:
        log.warning("%s did not say within %g s what has become of a call", carrier.name, within_s)
    except CarrierError as error:
        log.warning("%s cannot say what has become of a call: %s", carrier.name, error.message)
    return None
