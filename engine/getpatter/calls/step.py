"""One step of a call's end, which must not keep the next from being done."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import Final

from getpatter.clock import Clock, deadline
from getpatter.errors import CarrierError

log = logging.getLogger(__name__)

STEP_S: Final = 10.0
"""Longest that each may take."""


async def guarded(call_id: str, step: Awaitable[None], clock: Clock) -> None:
    """Whatever becomes of it, it is logged and over within `STEP_S`."""
    try:
        async with deadline(clock, clock.now() + STEP_S):
            await step
    except TimeoutError:
        log.warning("call %s: a step of it took longer than %g s", call_id, STEP_S)
    except CarrierError as error:
        log.warning("call %s: the carrier did not do it: %s", call_id, error.message)
    except Exception:  # our own fault must not leave a line open
        log.exception("call %s: a step of it failed", call_id)
