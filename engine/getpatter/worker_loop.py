"""The far side of `worker.Worker`: the loop of a child process, and the frames that both sides speak.

A frame on a pipe is four bytes of length, big endian, and that many bytes of a msgpack `Frame`.  The loop runs in the
main thread; a second thread reads, so that the end of the engine and the end of a channel are noticed at once, even
while native code works.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import struct
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import BinaryIO, Literal, Protocol

import msgspec

log = logging.getLogger(__name__)

LENGTH = struct.Struct(">I")


class Frame(msgspec.Struct, array_like=True):
    """`end` from the engine closes a channel, from the child it says that all is sent.  `error` is a text."""

    channel: int
    kind: Literal["message", "end", "error"]
    body: bytes = b""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Frame)


def pack(frame: Frame) -> bytes:
    """`frame` with its length in front."""
    body = _encoder.encode(frame)
    return LENGTH.pack(len(body)) + body


def unpack(body: bytes) -> Frame:
    """The frame after its length; raises `msgspec.DecodeError`."""
    return _decoder.decode(body)


class Outlet:
    """One channel's way back to the engine."""

    def __init__(self, channel: int, write: Callable[[Frame], None]) -> None:
        self._channel = channel
        self._write = write
        self.closed = False
        """The engine wants nothing more: long work should stop."""

    def send(self, message: msgspec.Struct) -> None:
        if not self.closed:
            self._write(Frame(self._channel, "message", _encoder.encode(message)))

    def finish(self) -> None:
        """All is sent."""
        if not self.closed:
            self._write(Frame(self._channel, "end"))

    def fail(self, text: str) -> None:
        """The engine raises `ProviderError` with this text to whoever waits on the channel."""
        if not self.closed:
            self._write(Frame(self._channel, "error", text.encode()))


class Task(Protocol):
    """What serves one channel.  An exception from any method fails this channel and no other."""

    def receive(self, body: bytes) -> None:
        """Take one message, msgpack; do no work yet."""

    def step(self) -> bool:
        """Do a small piece of work, so that other channels get their turn; False when none is left."""

    def close(self) -> None:
        """The channel is over."""


class _Inlet:
    """Frames from the engine, read by a thread."""

    def __init__(self, pipe: BinaryIO, outlets: dict[int, Outlet]) -> None:
        self._pipe = pipe
        self._outlets = outlets
        self._frames: queue.SimpleQueue[Frame] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def take(self, *, block: bool) -> list[Frame]:
        """All frames that are there; with `block` at least one."""
        frames = [self._frames.get()] if block else []
        while not self._frames.empty():
            frames.append(self._frames.get())
        return frames

    def _read(self) -> None:
        while len(head := self._pipe.read(LENGTH.size)) == LENGTH.size:
            frame = unpack(self._pipe.read(LENGTH.unpack(head)[0]))
            if frame.kind == "end" and (outlet := self._outlets.get(frame.channel)):
                outlet.closed = True
            self._frames.put(frame)
        # The engine is gone or wants us gone.  Nothing here outlives it, and native code in the main thread
        # cannot be interrupted otherwise.
        os._exit(0)


class _Loop:
    def __init__(self, inlet: BinaryIO, outlet: BinaryIO, begin: Callable[[Outlet], Task]) -> None:
        self._pipe = outlet
        self._begin = begin
        self._outlets: dict[int, Outlet] = {}
        self._tasks: dict[int, Task] = {}
        self._busy: set[int] = set()
        self._inlet = _Inlet(inlet, self._outlets)

    def run(self) -> None:
        while True:
            for frame in self._inlet.take(block=not self._busy):
                self._guarded(frame.channel, partial(self._take, frame))
            for channel in tuple(self._busy):
                self._guarded(channel, partial(self._step, channel))

    def _guarded(self, channel: int, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as fault:  # the edge of a task
            log.exception("channel %d failed", channel)
            if outlet := self._outlets.get(channel):
                outlet.fail(f"{fault}" or type(fault).__name__)
            self._forget(channel)

    def _take(self, frame: Frame) -> None:
        if frame.kind == "end":
            task = self._tasks.get(frame.channel)
            self._forget(frame.channel)
            if task:
                task.close()
            return
        if frame.channel not in self._outlets:
            self._outlets[frame.channel] = Outlet(frame.channel, self._write)
            self._tasks[frame.channel] = self._begin(self._outlets[frame.channel])
        if task := self._tasks.get(frame.channel):
            task.receive(frame.body)
            self._busy.add(frame.channel)

    def _step(self, channel: int) -> None:
        if not self._tasks[channel].step():
            self._busy.discard(channel)

    def _forget(self, channel: int) -> None:
        for table in (self._tasks, self._outlets):
            table.pop(channel, None)
        self._busy.discard(channel)

    def _write(self, frame: Frame) -> None:
        self._pipe.write(pack(frame))
        self._pipe.flush()


def serve(begin: Callable[[Outlet], Task]) -> None:
    """Serve channels on stdin and stdout until stdin closes; `begin` makes the task of a new channel."""
    # Ctrl-C in a terminal goes to the whole process group, but it is the engine that decides when calls end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Native libraries print to stdout, which must not end up between frames.
    frames_out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s", level=logging.INFO)
    _Loop(sys.stdin.buffer, frames_out, begin).run()
