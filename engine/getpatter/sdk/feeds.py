"""The feeds of all calls of one engine."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from getpatter.agent import Agent
from getpatter.calls.desk import Desk, OutboundCall, Ringing
from getpatter.calls.views import CallView
from getpatter.clock import Clock
from getpatter.events import CallEnded, CallPlaced, CallPriced, Event
from getpatter.observability.bus import EventBus
from getpatter.pricing.figures import BUILT_IN
from getpatter.pricing.table import PriceTable
from getpatter.sdk.call_control import Calls
from getpatter.sdk.call_feed import CallFeed
from getpatter.sdk.callback import CALLBACK_S
from getpatter.sdk.callbacks import Callbacks
from getpatter.sdk.speech_events import SpeechEvents

ADMITTED_S = 10.0
"""By then a call that rang has begun, or never will: it is longer than anybody may think about it."""
UNPRICED = 1000
"""Calls that are over and whose price is awaited, at most."""


class Switchboard(Calls, Protocol):
    """What places calls and has them answered."""

    async def dial(self, wanted: OutboundCall) -> CallView: ...

    def answer_with(self, desk: Desk | None) -> None: ...


class Feeds:
    """Places calls, and has those that come in answered, with the callbacks of each."""

    def __init__(self, bus: EventBus, clock: Clock, speech: SpeechEvents, prices: PriceTable = BUILT_IN) -> None:
        self._clock = clock
        self._prices = prices
        self._speech = speech
        self._default: Callable[[], CallFeed] | None = None
        """For calls that nobody here has placed."""
        self._expected: dict[str, CallFeed] = {}
        """Calls about to be placed, by their keys."""
        self._live: dict[str, CallFeed] = {}
        self._unpriced: dict[str, CallFeed] = {}
        """Calls that are over, and of whose price somebody is to be told."""
        self._telling: set[asyncio.Task[None]] = set()
        self._unsubscribe: Callable[[], None] = bus.subscribe(self._take)

    @property
    def latest(self) -> CallFeed | None:
        """The call that has begun last, of those that go on."""
        return next(reversed(self._live.values()), None)

    def live(self, call_id: str) -> CallFeed | None:
        return self._live.get(call_id)

    async def place(self, board: Switchboard, wanted: OutboundCall, callbacks: Callbacks) -> CallFeed:
        """Dial; the key of `wanted` is ours to choose.  Raises errors of `getpatter.errors`."""
        feed = self._feed(callbacks, board)
        key = f"sdk-{secrets.token_hex(8)}"
        self._expected[key] = feed
        try:
            await board.dial(replace(wanted, key=key, agent=feed.agent_for(wanted.agent)))
        finally:
            self._expected.pop(key, None)
        return feed

    def answer(self, board: Switchboard, agent: Agent, callbacks: Callbacks, carrier: str) -> None:
        """Have this agent take the calls that come in from now on, by the carrier of this name."""
        self._default = partial(self._feed, callbacks, board)

        async def agent_for(ringing: Ringing) -> Agent:
            feed = self._live[ringing.call_id] = self._feed(callbacks, board)
            self._clock.call_at(self._clock.now() + ADMITTED_S, partial(self._unless_begun, ringing.call_id, feed))
            return await feed.ring(ringing, feed.agent_for(agent), carrier)

        board.answer_with(Desk(agent_for=agent_for))

    def _unless_begun(self, call_id: str, feed: CallFeed) -> None:
        """A call that rang and was then turned away after all has no events; its callbacks were told that it began."""
        if not feed.begun:
            self._live.pop(call_id, None)
            feed.turned_away()
            self._finish(feed)

    async def close(self) -> None:
        """Wait until the callbacks of calls that have ended were called, and hear nothing more."""
        self._unsubscribe()
        if self._telling:
            await asyncio.wait(self._telling, timeout=CALLBACK_S)
        for task in self._telling:
            task.cancel()

    def _feed(self, callbacks: Callbacks, board: Switchboard) -> CallFeed:
        return CallFeed(callbacks, self._speech, board, self._clock, self._prices)

    def _take(self, event: Event) -> None:
        if isinstance(event, CallPriced):
            self._take_price(event)
            return
        feed = self._live.get(event.call_id)
        if feed is None and isinstance(event, CallPlaced):
            feed = self._expected.get(event.key) or (self._default and self._default())
            if feed is not None:
                self._live[event.call_id] = feed
        if feed is None:
            return
        feed.apply(event)
        if isinstance(event, CallEnded):
            del self._live[event.call_id]
            self._finish(feed)

    def _finish(self, feed: CallFeed) -> None:
        call_id = feed.control.call_id
        self._tell(feed.told(), f"callbacks of {call_id}")
        if feed.awaits_price:
            self._unpriced[call_id] = feed
            if len(self._unpriced) > UNPRICED:
                del self._unpriced[next(iter(self._unpriced))]

    def _take_price(self, price: CallPriced) -> None:
        if price.source == "carrier" and (feed := self._unpriced.pop(price.call_id, None)) is not None:
            self._tell(feed.priced(price), f"price of {price.call_id}")

    def _tell(self, telling: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(telling, name=name)
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)
