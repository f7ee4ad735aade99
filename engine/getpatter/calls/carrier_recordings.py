"""The carrier's recordings of calls, fetched while they can be."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, suppress
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from getpatter.audio.wav_length import duration_s
from getpatter.calls.ledger import Ledger
from getpatter.carriers.base import Carrier, RecordingReady
from getpatter.clock import Clock, deadline, sleep, stall_guard
from getpatter.errors import CarrierError, StoreError
from getpatter.events import CarrierRecorded
from getpatter.store.tables import CallRow

log = logging.getLogger(__name__)

PAUSES_S: Final = (5.0, 15.0, 30.0, 60.0, 120.0, 240.0)
"""Between attempts.  All together they take less than the ten minutes for which some carriers' URLs are good."""
AT_ONCE: Final = 2
"""Recordings fetched at the same time."""
WAITING: Final = 1000
"""Recordings that may wait for their turn; of more, no notice is taken."""
MAX_BYTES: Final = 1 << 29
"""512 MiB: four hours, the longest that carriers record, take 440 MiB in two channels of 16 bits at 8 kHz."""
STALL_S: Final = 30.0
ATTEMPT_S: Final = 900.0
LONGEST_CALL_S: Final = 15_000.0
"""How long the end of a call is waited for whose recording is there before."""

_T = TypeVar("_T")
_LOOK_S = 5.0
_STORE_LOOKS = 60
_BLOCK_BYTES = 1 << 18


class CarrierRecordings:
    """Keeps them in `folder`, readable by its owner alone, as `<day>-<call>-carrier.wav`, and amends their calls."""

    def __init__(self, carrier: Carrier, ledger: Ledger, clock: Clock, folder: Path) -> None:
        self._carrier = carrier
        self._ledger = ledger
        self._clock = clock
        self._folder = folder
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        """By the recording's id: carriers tell of one more than once."""

    def start(self) -> None:
        """Remove what an engine that was killed had begun to fetch."""
        for part in self._folder.glob("*.part"):
            part.unlink(missing_ok=True)

    def recording_ready(self, ready: RecordingReady) -> None:
        """Fetch it; returns at once."""
        if ready.recording_id in self._tasks:
            return
        if len(self._tasks) >= WAITING:
            log.error("a recording by %s is not fetched: %d wait already", self._carrier.name, WAITING)
            return
        task = asyncio.create_task(self._keep(ready), name="carrier recording")
        self._tasks[ready.recording_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(ready.recording_id))

    async def stop(self) -> None:
        """Give up what is not fetched yet."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self, ready: RecordingReady) -> None:
        try:
            call = await self._patiently(lambda: self._ledger.call_of(self._carrier.name, ready.carrier_call_id))
            if call is None:
                log.warning("%s has recorded a call that is not in the store", self._carrier.name)
            elif not await self._patiently(lambda: self._is_kept(call, ready)):
                await self._fetch_and_tell(call, ready)
        except StoreError as error:
            log.error("a recording by %s is not kept: %s", self._carrier.name, error.message)
        except Exception:  # a fault of ours with one recording must be told, since nobody awaits its task
            log.exception("a recording by %s is not kept", self._carrier.name)

    async def _is_kept(self, call: CallRow, ready: RecordingReady) -> bool:
        return any(kept.carrier_id == ready.recording_id for kept in await self._ledger.calls.recordings(call.id))

    async def _fetch_and_tell(self, call: CallRow, ready: RecordingReady) -> None:
        path = await self._fetched(call, ready)
        if path is None:
            return
        told = False
        try:
            told = await self._told(call.id, ready.recording_id, path)
        finally:
            if not told:  # nobody would ever find it, or delete it with its call
                path.unlink(missing_ok=True)

    # -- fetching

    async def _fetched(self, call: CallRow, ready: RecordingReady) -> Path | None:
        for pause_s in (*PAUSES_S, None):
            try:
                async with self._turns:
                    return await self._attempt(call, ready)
            except (CarrierError, TimeoutError, OSError, ValueError) as error:
                words = _words(error)
                if pause_s is None:
                    log.error("call %s: its recording by %s is not kept: %s", call.id, self._carrier.name, words)
                else:
                    log.warning("call %s: its recording by %s was not fetched: %s", call.id, self._carrier.name, words)
                    await sleep(self._clock, pause_s)
        return None

    async def _attempt(self, call: CallRow, ready: RecordingReady) -> Path:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self._folder / f"{call.id}-carrier-{secrets.token_hex(4)}.part"
        try:
            with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
                async with deadline(self._clock, self._clock.now() + ATTEMPT_S):
                    await self._write(file, self._carrier.fetch_recording(ready))
                duration_s(file)
            path = self._free_name(call)
            part.rename(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return path

    async def _write(self, file: BinaryIO, pieces: AsyncIterator[bytes]) -> None:
        block, size = bytearray(), 0
        async with AsyncExitStack() as stack:
            if isinstance(pieces, AsyncGenerator):  # an HTTP response hangs on it
                await stack.enter_async_context(aclosing(pieces))
            alive = await stack.enter_async_context(stall_guard(self._clock, STALL_S))
            async for piece in pieces:
                alive()
                block += piece
                size += len(piece)
                if size > MAX_BYTES:
                    raise CarrierError(f"The recording is longer than {MAX_BYTES} bytes.")
                if len(block) >= _BLOCK_BYTES:
                    await asyncio.to_thread(file.write, bytes(block))
                    block.clear()
        await asyncio.to_thread(file.write, bytes(block))

    def _free_name(self, call: CallRow) -> Path:
        day = time.strftime("%Y-%m-%d", time.gmtime(call.answered_at or call.created_at))
        path, number = self._folder / f"{day}-{call.id}-carrier.wav", 1
        while path.exists():  # the carrier may record one call more than once
            number += 1
            path = self._folder / f"{day}-{call.id}-carrier-{number}.wav"
        return path

    # -- telling

    async def _told(self, call_id: str, recording_id: str, path: Path) -> bool:
        """Whether it belongs to the record of the call now."""
        if not await self._over(call_id):
            return False
        with path.open("rb") as file:
            seconds, size = duration_s(file), file.seek(0, os.SEEK_END)
        recorded = CarrierRecorded(
            call_id=call_id,
            at=self._clock.wall(),
            recording_id=recording_id,
            path=str(path),
            duration_s=round(seconds, 3),
            bytes=size,
        )
        return await self._patiently(lambda: self._ledger.amend(recorded))

    async def _over(self, call_id: str) -> bool:
        """Return when the call is over, since only then it can be amended; False when it is gone or does not end."""
        with suppress(TimeoutError):
            async with deadline(self._clock, self._clock.now() + LONGEST_CALL_S):
                while (call := await self._patiently(lambda: self._ledger.call(call_id))) is not None:
                    if call.status == "ended":
                        return True
                    await sleep(self._clock, _LOOK_S)
        return False

    async def _patiently(self, ask: Callable[[], Awaitable[_T]]) -> _T:
        """What the store says, once it can be reached: the recording cannot be had a second time."""
        for _ in range(_STORE_LOOKS):
            try:
                return await ask()
            except StoreError as error:
                if not error.retryable:
                    raise
                log.warning("a recording by %s waits for the store: %s", self._carrier.name, error.message)
                await sleep(self._clock, _LOOK_S)
        return await ask()


def _words(error: Exception) -> str:
    """What went wrong, without a URL or a path."""
    match error:
        case CarrierError():
            return error.message
        case TimeoutError():
            return f"nothing came for {STALL_S:g} s, or not all within {ATTEMPT_S:g} s"
        case OSError():
            return error.strerror or type(error).__name__
        case _:
            return str(error)
