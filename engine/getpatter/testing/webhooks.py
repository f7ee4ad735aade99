"""A simulated carrier's HTTP requests to an engine."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx

from getpatter.errors import CarrierError

log = logging.getLogger(__name__)

TIMEOUT_S = 15.0
"""What Twilio grants a webhook."""
KEPT_CALLBACKS = 1000


def _unsigned() -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Callback:
    """One request.  `label` is the carrier's own word for what it tells, e.g. `ringing` or `call.hangup`."""

    label: str
    url: str
    body: bytes
    content_type: str
    method: str = "POST"
    attempts: int = 1
    """How often it is sent at most, if it is not taken."""
    sign: Callable[[], Mapping[str, str]] = field(default=_unsigned, repr=False)
    """Makes the headers that prove who sent it, when it is sent: some carriers sign the time."""


class CallbackFaults:
    """What goes wrong with callbacks on their way, by their labels."""

    def __init__(self) -> None:
        self.silent = False
        """Set it, and nothing is told any more."""
        self._dropped: set[str] = set()
        self._copies: dict[str, int] = {}
        self._held: dict[str, asyncio.Event] = {}
        self._awaited: dict[str, asyncio.Event] = {}

    def drop(self, label: str) -> None:
        """Never deliver those."""
        self._dropped.add(label)

    def duplicate(self, label: str, times: int = 2) -> None:
        """Deliver each so many times."""
        self._copies[label] = times

    def delay(self, label: str) -> asyncio.Event:
        """Deliver those, and only those, not before the event is set; what comes after them overtakes them."""
        return self._held.setdefault(label, asyncio.Event())

    def swap(self, label: str, later: str) -> None:
        """Deliver those with `label` only once one with `later` was delivered."""
        self._awaited[later] = self.delay(label)

    def copies(self, callback: Callback) -> int:
        if self.silent or callback.label in self._dropped:
            return 0
        return self._copies.get(callback.label, 1)

    def held_by(self, callback: Callback) -> asyncio.Event | None:
        """What it has to wait for, if for anything."""
        event = self._held.get(callback.label)
        return None if event is None or event.is_set() else event

    def on_delivered(self, callback: Callback) -> None:
        if callback.label in self._awaited:
            self._awaited[callback.label].set()


class Webhooks:
    """Posts callbacks.  One for all calls; `close` it."""

    def __init__(self) -> None:
        self.faults = CallbackFaults()
        self.delivered: deque[tuple[Callback, int]] = deque(maxlen=KEPT_CALLBACKS)
        """The latest that were sent, and with which HTTP status each was answered."""
        self._client: httpx.AsyncClient | None = None
        self._late: set[asyncio.Task[None]] = set()

    async def post(self, callback: Callback) -> httpx.Response:
        """The engine's response, whatever its status; raises `CarrierError` when there is none."""
        if self._client is None:
            # Made late: it loads the machine's certificates, which takes longer than all of a call's own work.
            self._client = httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False)
        headers = {"content-type": callback.content_type, **callback.sign()}
        try:
            response = await self._client.request(
                callback.method, callback.url, content=callback.body or None, headers=headers
            )
        except (httpx.HTTPError, httpx.InvalidURL) as failed:
            words = str(failed) or type(failed).__name__
            raise CarrierError(
                f"The engine's webhook {callback.url} could not be reached: {words}.",
                carrier_code="webhook_unreachable",
            ) from failed
        self.delivered.append((callback, response.status_code))
        return response

    async def deliver(self, callback: Callback) -> None:
        """Post it as `faults` has it.  What fails for good is logged; what is to wait is delivered later, by itself."""
        if (released := self.faults.held_by(callback)) is not None:
            task = asyncio.create_task(self._deliver_late(callback, released), name=f"late report {callback.label}")
            self._late.add(task)
            task.add_done_callback(self._late.discard)
        else:
            await self._deliver_now(callback)

    async def close(self) -> None:
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    async def _deliver_late(self, callback: Callback, released: asyncio.Event) -> None:
        await released.wait()
        await self._deliver_now(callback)

    async def _deliver_now(self, callback: Callback) -> None:
        for _ in range(self.faults.copies(callback)):
            for _ in range(callback.attempts):
                if await self._is_taken(callback):
                    self.faults.on_delivered(callback)
                    break

    async def _is_taken(self, callback: Callback) -> bool:
        try:
            response = await self.post(callback)
        except CarrierError as failed:
            log.warning("status callback lost: %s", failed)
            return False
        if response.is_error:
            log.warning("the engine answered the callback %s with HTTP %d", callback.url, response.status_code)
        return not response.is_error


class Reports:
    """One call's status callbacks: delivered in order, without the call waiting for them.  Ends with `finish`."""

    def __init__(self, webhooks: Webhooks) -> None:
        self._webhooks = webhooks
        self._queue: asyncio.Queue[Callback | None] = asyncio.Queue()

    def send(self, callback: Callback) -> None:
        self._queue.put_nowait(callback)

    def finish(self) -> None:
        """Nothing more is to be sent."""
        self._queue.put_nowait(None)

    async def deliver(self) -> None:
        """Deliver what is queued until `finish`."""
        while (callback := await self._queue.get()) is not None:
            await self._webhooks.deliver(callback)
