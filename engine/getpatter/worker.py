"""Speech software in a process of its own.

Two reasons keep an engine out of ours: it holds the interpreter lock while it works, which would stall every call, or
its licence asks for distance.  A `Worker` runs a module as a child process and talks to it over pipes; the module
calls `worker_loop.serve`.  The child ends when its stdin closes, so none outlives this process, however that ends.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Generic, TypeVar

import msgspec

from getpatter.errors import ProviderError
from getpatter.worker_loop import LENGTH, Frame, pack, unpack

log = logging.getLogger(__name__)

Reply = TypeVar("Reply")

STOP_TIMEOUT_S = 2.0
"""How long a child may take to end when it is told to, before it is killed."""
MAX_UNREAD_BYTES = 8_000_000
"""What may wait in the pipe to a child; one that lets more pile up is hung, and is killed."""
LOG_LINE_BYTES = 4096

_encoder = msgspec.msgpack.Encoder()


class Channel(Generic[Reply]):
    """One conversation with a child, among others on the same pipes."""

    def __init__(self, number: int, child: _Child[Reply], replies: msgspec.msgpack.Decoder[Reply]) -> None:
        self._number = number
        self._child = child
        self._decoder = replies
        self._inbox: asyncio.Queue[Frame | ProviderError] = asyncio.Queue()
        self._closed = False

    def send(self, message: msgspec.Struct) -> None:
        """Queue a message; does nothing when the channel is closed or the child is lost."""
        if not self._closed:
            self._child.send(Frame(self._number, "message", _encoder.encode(message)))

    async def replies(self) -> AsyncIterator[Reply]:
        """What the child answers, until it has finished or the channel is closed.

        Raises `ProviderError` when the child fails the channel or is lost.
        """
        while True:
            item = await self._inbox.get()
            if isinstance(item, Frame) and item.kind == "message":
                yield self._decoder.decode(item.body)
                continue
            self._inbox.put_nowait(item)  # the end stays the end, for whoever asks again
            if isinstance(item, ProviderError):
                raise item
            return

    def close(self) -> None:
        """Tell the child to stop its work for this channel, and end `replies`.  May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._child.send(Frame(self._number, "end"))
        self._child.forget(self._number)
        self.put(Frame(self._number, "end"))

    def put(self, item: Frame | ProviderError) -> None:
        """An item for `replies`; called by the child's reader."""
        self._inbox.put_nowait(item)


class _Child(Generic[Reply]):
    """One run of the process."""

    def __init__(self, name: str, process: Process, replies: msgspec.msgpack.Decoder[Reply]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._name = name
        self._replies = replies
        self._process = process
        self._stdin, self._stdout, self._stderr = process.stdin, process.stdout, process.stderr
        self._numbers = itertools.count(1)
        self._channels: dict[int, Channel[Reply]] = {}
        self._life = asyncio.create_task(self._live(), name=f"{name} worker")
        self.lost = False

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def channel_count(self) -> int:
        return len(self._channels)

    def open(self) -> Channel[Reply]:
        number = next(self._numbers)
        self._channels[number] = Channel(number, self, self._replies)
        return self._channels[number]

    def forget(self, number: int) -> None:
        self._channels.pop(number, None)

    def send(self, frame: Frame) -> None:
        if self.lost:
            return
        self._stdin.write(pack(frame))
        if self._stdin.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            log.error("the %s worker does not read; it is killed", self._name)
            self.lost = True
            self._kill()

    async def close(self) -> None:
        self.lost = True
        self._stdin.close()
        if self._process.returncode is None:
            self._process.terminate()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await asyncio.shield(self._life)
        except TimeoutError:
            self._kill()
            await self._life

    def _kill(self) -> None:
        with suppress(ProcessLookupError):  # it may just have ended by itself
            self._process.kill()

    async def _live(self) -> None:
        """Read until the child is gone, then tell everybody who waits."""
        stderr = asyncio.create_task(self._log_stderr())
        try:
            await self._read()
        except msgspec.DecodeError:
            log.exception("the %s worker sent what is no frame; it is killed", self._name)
            self._kill()
        finally:
            self.lost = True
            self._stdin.close()
            await stderr
            code = await self._process.wait()
            self._fail_all(ProviderError(f"The {self._name} worker process ended with code {code}.",
                                         provider=self._name, retryable=True))  # fmt: skip

    async def _read(self) -> None:
        while True:
            try:
                head = await self._stdout.readexactly(LENGTH.size)
                frame = unpack(await self._stdout.readexactly(LENGTH.unpack(head)[0]))
            except asyncio.IncompleteReadError:
                return
            self._deliver(frame)

    def _deliver(self, frame: Frame) -> None:
        if frame.kind == "message":
            if channel := self._channels.get(frame.channel):
                channel.put(frame)
            return
        if channel := self._channels.pop(frame.channel, None):
            error = ProviderError(f"{self._name}: {frame.body.decode()}", provider=self._name)
            channel.put(frame if frame.kind == "end" else error)

    async def _log_stderr(self) -> None:
        while piece := await self._stderr.read(LOG_LINE_BYTES):
            for line in piece.decode(errors="replace").splitlines():
                log.info("%s: %s", self._name, line)

    def _fail_all(self, error: ProviderError) -> None:
        for channel in tuple(self._channels.values()):
            channel.put(error)
        self._channels.clear()


class Worker(Generic[Reply]):
    """Runs `python -m <module>` when it is first needed, and again when it has died."""

    def __init__(self, module: str, *, name: str, replies: msgspec.msgpack.Decoder[Reply]) -> None:
        self._module = module
        self._name = name
        self._replies = replies
        self._child: _Child[Reply] | None = None
        self._starting = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """The child's process id while one runs."""
        return self._child.pid if self._child and not self._child.lost else None

    @property
    def channel_count(self) -> int:
        """How many channels are open."""
        return self._child.channel_count if self._child else 0

    async def open(self) -> Channel[Reply]:
        """A channel to the child, which is started where none runs; raises `ProviderError` when it cannot be."""
        async with self._starting:
            if self._child is None or self._child.lost:
                if self._child:
                    await self._child.close()
                self._child = _Child(self._name, await self._spawn(), self._replies)
            return self._child.open()

    async def close(self) -> None:
        """End the child and wait for its end; whoever waits on a channel gets `ProviderError`.  May be called twice."""
        async with self._starting:
            child, self._child = self._child, None
            if child:
                await child.close()

    async def _spawn(self) -> Process:
        try:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", self._module, stdin=PIPE, stdout=PIPE, stderr=PIPE
            )
        except OSError as fault:
            raise ProviderError(
                f"The {self._name} worker process cannot be started: {fault}.", provider=self._name, retryable=True
            ) from fault


def spare_threads() -> int:
    """What a worker may calculate with: half of the processors, since calls need the rest."""
    return max(1, (os.cpu_count() or 2) // 2)
