"""Reading the media sockets of all calls by the beat, instead of one wake-up a message.

A carrier sends fifty messages a second for each call, each at its own moment; to be woken for every one costs several
times what it takes to read and handle it.
"""

from __future__ import annotations

import logging
import os
import selectors
import sys
from asyncio import Transport
from collections.abc import Callable
from typing import Final

from getpatter.beat import Beat, Stage

log = logging.getLogger(__name__)

READ_BYTES: Final = 16_384
"""Taken from one socket in one beat: forty times what a carrier sends in it.  More comes with the next."""

OnData = Callable[[bytes], None]


class Sweep:
    """Reads in the place of transports that were handed over with `take`; they go on to write and to close."""

    def __init__(self, beat: Beat) -> None:
        self._beat = beat
        self._selector = selectors.DefaultSelector()
        self._readers: dict[Transport, _Reader] = {}

    def take(self, transport: Transport, on_data: OnData) -> bool:
        """Read this transport's socket from now on; False when it must go on to read by itself.

        What comes goes to `on_data`.  The transport is closed once the peer has closed, and aborted when the
        connection breaks.  `release` is due before the socket is closed, at the latest in `connection_lost`.
        """
        descriptor = _descriptor(transport)
        if descriptor is None:
            return False
        transport.pause_reading()
        if not self._readers:
            self._beat.join(Stage.HEAR, self._read)
        reader = self._readers[transport] = _Reader(descriptor, transport, on_data)
        self._selector.register(descriptor, selectors.EVENT_READ, reader)
        return True

    def release(self, transport: Transport) -> None:
        """Read it no more; one that was not taken is let be."""
        reader = self._readers.pop(transport, None)
        if reader is None:
            return
        self._selector.unregister(reader.descriptor)
        if not self._readers:
            self._beat.leave(Stage.HEAR, self._read)

    def close(self) -> None:
        for transport in tuple(self._readers):
            self.release(transport)
        self._selector.close()

    def _read(self, now: float) -> None:
        for key, _ in self._selector.select(0):
            reader: _Reader = key.data
            # Looked at for each, because what one socket brings may end another's call.
            if reader.transport in self._readers and not reader.read():
                self.release(reader.transport)


class _Reader:
    __slots__ = ("descriptor", "on_data", "transport")

    def __init__(self, descriptor: int, transport: Transport, on_data: OnData) -> None:
        self.descriptor = descriptor
        self.transport = transport
        self.on_data = on_data

    def read(self) -> bool:
        """False when nothing will come any more."""
        try:
            data = os.read(self.descriptor, READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            self.transport.abort()
            return False
        if not data:
            self.transport.close()
            return False
        try:
            self.on_data(data)
        except Exception:  # as with a transport that reads by itself: one call's fault costs that call alone
            log.exception("a media socket could not be served")
            self.transport.abort()
            return False
        return True


def _descriptor(transport: Transport) -> int | None:
    """Of the socket whose bytes are the transport's, if they can be read beside it."""
    if sys.platform == "win32":
        return None  # a read is always under way there
    socket = transport.get_extra_info("socket")
    if socket is None or transport.get_extra_info("ssl_object") is not None:
        return None
    descriptor: int = socket.fileno()
    return descriptor if descriptor >= 0 else None
