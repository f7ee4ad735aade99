"""Opening a call's providers while it rings."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from getpatter.clock import Clock, deadline
from getpatter.errors import ProviderError

PREPARE_S: Final = 20.0
"""Longest that recogniser and voice may take to open."""


async def prepared(opening: Coroutine[Any, Any, None], over: asyncio.Future[Any], clock: Clock) -> bool:
    """Whether all are open; False where the call was over before.  Raises what `opening` does, and `ProviderError`."""
    preparing = asyncio.create_task(opening)
    try:
        async with deadline(clock, clock.now() + PREPARE_S):
            await asyncio.wait((preparing, over), return_when=asyncio.FIRST_COMPLETED)
    except TimeoutError:
        raise ProviderError(f"Speech was not ready within {PREPARE_S:g} s.", retryable=True) from None
    finally:
        if not preparing.done():
            preparing.cancel()
            await asyncio.wait((preparing,))
    if preparing.cancelled():
        if over.done():
            return False
        raise ProviderError("A speech provider broke off while it was opened.", retryable=True)
    preparing.result()
    return True
