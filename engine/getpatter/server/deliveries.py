"""Telling a message from its repetition."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from getpatter.carriers.base import WebhookResponse
from getpatter.clock import Clock
from getpatter.server.recently import Recently

REMEMBERED_S: Final = 3600.0
"""Carriers give up repeating a webhook within minutes."""
REMEMBERED: Final = 10_000


class Deliveries:
    """Has each message of a carrier handled once; who brings it again gets the response of the first time."""

    def __init__(self, clock: Clock) -> None:
        self._seen: Recently[str, asyncio.Future[WebhookResponse]] = Recently(
            clock, seconds=REMEMBERED_S, most=REMEMBERED
        )

    async def once(self, delivery_id: str, handle: Callable[[], Awaitable[WebhookResponse]]) -> WebhookResponse:
        """The response to a delivery.  One without an id is always handled, and so is one whose handling failed."""
        if not delivery_id:
            return await handle()
        while (known := self._seen.get(delivery_id)) is not None:
            await asyncio.wait([known])
            if not known.cancelled():
                return known.result()
        first: asyncio.Future[WebhookResponse] = asyncio.get_running_loop().create_future()
        self._seen.put(delivery_id, first)
        try:
            response = await handle()
        except BaseException:
            self._seen.forget(delivery_id)
            first.cancel()
            raise
        first.set_result(response)
        return response
