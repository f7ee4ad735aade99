"""Transfers under way, which may take longer than a host lets a tool take."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from getpatter.calls.switchboard import Switchboard
from getpatter.calls.views import CallView
from getpatter.events import TransferMode

MAX_UNCOLLECTED = 100
"""Transfers that have come to their end and that nobody has asked about since."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Who is to be put through to whom."""

    call_id: str
    number: str
    """In E.164 form."""
    mode: TransferMode = "cold"
    summary: str = ""


class Transfers:
    """A transfer goes on when the tool that asked for it has had to answer, or was given up by its host.  Whoever asks
    for the same again waits for that one."""

    def __init__(self, switchboard: Switchboard) -> None:
        self._switchboard = switchboard
        self._under_way: dict[Wish, asyncio.Task[CallView]] = {}

    async def carry_out(self, wish: Wish, meanwhile: Coroutine[Any, Any, CallView]) -> CallView:
        """The call once the transfer is done, or as `meanwhile` gives it: then the transfer goes on.

        Raises what kept it from being done.
        """
        transferring = self._begun(wish)
        following = asyncio.create_task(meanwhile)
        try:
            await asyncio.wait((transferring, following), return_when=asyncio.FIRST_COMPLETED)
            told = transferring if transferring.done() else following
            if told is transferring or following.exception() is not None or following.result().ended:
                # Whoever asks for the same from now on means another transfer.
                self._under_way.pop(wish, None)
            return told.result()
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    def _begun(self, wish: Wish) -> asyncio.Task[CallView]:
        """The transfer that was asked for, begun now or before."""
        if (known := self._under_way.get(wish)) is not None:
            return known
        self._drop_uncollected()
        task = asyncio.create_task(self._transferred(wish), name=f"transfer of {wish.call_id}")
        self._under_way[wish] = task
        # Looked at here, since a failure that nobody comes back for is no fault to be warned of.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task

    async def _transferred(self, wish: Wish) -> CallView:
        return await self._switchboard.transfer(wish.call_id, wish.number, mode=wish.mode, summary=wish.summary)

    def _drop_uncollected(self) -> None:
        over = [wish for wish, task in self._under_way.items() if task.done()]
        for wish in over[: max(0, len(over) - MAX_UNCOLLECTED)]:
            del self._under_way[wish]
