"""Writing what happens to the store, in batches and off the audio path."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from itertools import islice

from getpatter import events
from getpatter.clock import Clock, TimerHandle
from getpatter.errors import StoreError
from getpatter.events import Amendment, CallAnswered, CallEnded, CallPlaced, Event
from getpatter.observability.bus import EventBus
from getpatter.store import batch
from getpatter.store.batch import Entry
from getpatter.store.database import Database
from getpatter.store.projection import CallProjection, kept

log = logging.getLogger(__name__)

FLUSH_S = 0.25
"""Time from an event to the transaction that holds it; an engine that is killed loses no more than this and the time
that the transaction takes."""
LONGEST_RETRY_S = 10.0
MAX_PENDING = 50_000
"""Events held while the database is away: about 45 MB, at 0.9 kB for a turn of fifteen words."""

# Events a transaction: building their rows holds the event loop, which has audio to send (`bench/store_writes.py`).
_BATCH = 25
# Part of the room that only beginnings, answers and ends of calls may use.
_RESERVE = 0.1


class Journal:
    """Hears every event of a bus and writes those that are kept (`projection.kept`), together with the rows that
    follow from them.  Must be made on a running event loop.

    While the database is locked or away events wait in memory and writing is tried again, ever more seldom, up to
    every `LONGEST_RETRY_S`.  At most `max_pending` events wait: of those that come when nine tenths of the room are
    taken only the beginnings, answers and ends of calls are let in, and none when it is full.  `dropped` counts the
    others.
    """

    def __init__(
        self,
        database: Database,
        bus: EventBus,
        clock: Clock,
        *,
        flush_s: float = FLUSH_S,
        max_pending: int = MAX_PENDING,
    ) -> None:
        self.dropped = 0
        self._database = database
        self._clock = clock
        self._flush_s = flush_s
        self._max_pending = max_pending
        self._pending: deque[tuple[Event, str]] = deque()
        self._batch: list[Entry] = []
        self._calls: dict[str, CallProjection] = {}
        self._writing = asyncio.Lock()
        self._due = asyncio.Event()
        self._timer: TimerHandle | None = None
        self._failures = 0
        self._unsubscribe = bus.subscribe(self.write)
        self._task = asyncio.create_task(self._run(), name="journal")

    def write(self, event: Event) -> None:
        """Take one event; returns at once."""
        if not kept(event) or isinstance(event, Amendment):  # which the store has recorded before anybody hears of it
            return
        if not self._has_room(event):
            if not self.dropped:
                log.error("the call store is away and %d events wait: further ones are lost", len(self._pending))
            self.dropped += 1
            return
        self._pending.append((event, events.encode(event).decode()))
        if isinstance(event, CallEnded) and not self._failures:
            self._due.set()
        else:
            self._arm(self._flush_s)

    async def flush(self) -> None:
        """Return when every event taken so far is in the store; raises `StoreError` when it cannot be reached."""
        async with self._writing:
            while self._batch or self._pending:
                if not self._batch:
                    self._batch = self._take()
                await self._store(self._batch)
                self._forget_ended()
                self._batch = []

    async def close(self) -> None:
        """Hear no more, and write what is left if the database can be reached."""
        self._unsubscribe()
        async with self._writing:  # a transaction under way is let finish: cancelled, nobody knows whether it counts
            self._task.cancel()
        await asyncio.wait([self._task])
        self._disarm()
        try:
            await self.flush()
        except StoreError as error:
            log.error("%d events are lost: %s", len(self._batch) + len(self._pending), error)

    def _has_room(self, event: Event) -> bool:
        waiting = len(self._pending)
        if waiting < self._max_pending * (1 - _RESERVE):
            return True
        return waiting < self._max_pending and isinstance(event, CallPlaced | CallAnswered | CallEnded)

    def _arm(self, delay: float) -> None:
        if self._timer is None:
            self._timer = self._clock.call_at(self._clock.now() + delay, self._due.set)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _run(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            self._disarm()
            try:
                await self.flush()
            except StoreError as error:
                self._back_off(error)
            except Exception:  # a fault of ours must not end the record of every later call
                log.exception("%d events are lost", len(self._batch))
                self._batch = []
                self._arm(self._flush_s)
            else:
                if self._failures:
                    log.info("the call store is back")
                self._failures = 0

    def _back_off(self, error: StoreError) -> None:
        if not self._failures:
            log.warning("events wait in memory: %s", error)
        self._failures += 1
        self._disarm()
        self._arm(min(self._flush_s * 2**self._failures, LONGEST_RETRY_S))

    def _take(self) -> list[Entry]:
        """The next events, taken into their calls."""
        entries = []
        for event, data in islice(self._pending, _BATCH):
            if isinstance(event, CallPlaced) and event.call_id not in self._calls:
                call = self._calls[event.call_id] = CallProjection.begin(event)
            elif event.call_id not in self._calls:
                log.warning("an event of call %s is not stored: the call's beginning was not", event.call_id)
                continue
            else:
                call = self._calls[event.call_id]
                if not call.apply(event):
                    continue
            entries.append(Entry(call, event, data))
        for _ in range(min(_BATCH, len(self._pending))):
            self._pending.popleft()
        return entries

    def _forget_ended(self) -> None:
        for entry in self._batch:
            if isinstance(entry.event, CallEnded):
                self._calls.pop(entry.event.call_id, None)

    async def _store(self, entries: list[Entry]) -> None:
        try:
            await self._write(entries)
        except StoreError as error:
            if error.retryable:
                raise
            await self._store_apart(entries)

    async def _store_apart(self, entries: list[Entry]) -> None:
        """Call by call, so that one that the database refuses does not take the others with it."""
        for own in batch.by_call(entries):
            try:
                await self._write(own)
            except StoreError as error:
                if error.retryable:
                    raise
                log.error("%d events of call %s are lost: %s", len(own), own[0].event.call_id, error)

    async def _write(self, entries: list[Entry]) -> None:
        if entries:
            async with self._database.write() as connection:
                await batch.write(connection, entries)
