"""How calls share one Whisper model: whole utterances wait in one queue, and those alike are decoded together.

Runs in the worker process; knows no library and does no I/O.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec
import numpy as np

from getpatter.errors import PatterError
from getpatter.stt.faster_whisper_wire import Begin, Model, Request
from getpatter.stt.pieces import RATE, PieceCutter, Samples, from_pcm16
from getpatter.stt.worker_wire import MAX_BACKLOG_S, Audio, Failed, Finalize, Heard, Ready
from getpatter.worker_loop import Outlet

PIECE_AFTER_S, PIECE_AT_MOST_S = 24.0, 29.0
"""A model hears 30 s at a time, whatever of them is sound."""
SLICE = RATE // 10
BATCH = 8
"""Pieces that are decoded together: enough to share the cost of reading the weights, and a late caller waits for no
more than these."""

_requests: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)


@dataclass(frozen=True, slots=True)
class Decoded:
    """What was said in a piece; empty for nothing."""

    text: str = ""
    confidence: float | None = None


class Decoder(Protocol):
    """A model that is loaded."""

    def check(self, language: str) -> None:
        """Raises `ConfigurationError` for a language (BCP 47) that it does not know."""

    def decode(self, sounds: Sequence[Samples], manner: Begin) -> list[Decoded]:
        """What was said in each; each no longer than 30 s."""


@dataclass(slots=True, eq=False)
class Piece:
    """Sound that waits to be decoded, and whom to tell."""

    samples: Samples
    manner: Begin
    """Pieces with the same may be decoded together."""
    tell: Callable[[Decoded], None]
    last: bool
    """It ends an utterance."""
    dropped: bool = False


class Queue:
    """Pieces of all calls in the order in which they came."""

    def __init__(self) -> None:
        self._waiting: list[Piece] = []

    def put(self, piece: Piece) -> None:
        self._waiting.append(piece)

    def take(self) -> list[Piece]:
        """The oldest, and of those behind it the first that may be decoded with it."""
        waiting = [piece for piece in self._waiting if not piece.dropped]
        taken = [piece for piece in waiting if piece.manner == waiting[0].manner][:BATCH]
        self._waiting = [piece for piece in waiting if piece not in taken]
        return taken


class Desk:
    """The model, and the queue before it."""

    def __init__(self, load: Callable[[Model], Decoder]) -> None:
        """`load` raises `ConfigurationError` where the model is not on this machine, and its library's own errors."""
        self._load = load
        self._decoder: Decoder | None = None
        self.queue = Queue()

    def prepare(self, manner: Begin) -> None:
        """Load the model, once, and look whether it knows the language."""
        if self._decoder is None:
            self._decoder = self._load(manner.model)
        self._decoder.check(manner.language)

    def work(self) -> None:
        """Decode the oldest piece, and those that go with it."""
        pieces = self.queue.take()
        if not pieces or self._decoder is None:
            return
        decoded = self._decoder.decode([piece.samples for piece in pieces], pieces[0].manner)
        for piece, text in zip(pieces, decoded, strict=True):
            piece.tell(text)


class Recognising:
    """One call's speech on its channel."""

    def __init__(self, desk: Desk, outlet: Outlet) -> None:
        self._desk = desk
        self._outlet = outlet
        self._asked: Begin | None = None
        self._manner: Begin | None = None
        self._cutter = PieceCutter(PIECE_AFTER_S, PIECE_AT_MOST_S)
        self._sound: list[Samples] = []
        self._pending: deque[Piece] = deque()
        self._heard: list[Decoded] = []

    def receive(self, body: bytes) -> None:
        match _requests.decode(body):
            case Begin() as begin:
                self._asked = self._manner = begin
            case Audio(audio=audio):
                self._take(from_pcm16(audio))
            case Finalize():
                self._cut(last=True)

    def step(self) -> bool:
        if self._asked is not None:
            self._outlet.send(self._prepared(self._asked))
            self._asked = None
        elif self._pending:
            self._desk.work()
        return bool(self._pending)

    def close(self) -> None:
        for piece in self._pending:
            piece.dropped = True

    def _prepared(self, manner: Begin) -> Ready | Failed:
        try:
            self._desk.prepare(manner)
        except PatterError as error:
            return Failed(error.message, error.next_step or "")
        except (RuntimeError, ValueError, OSError) as fault:  # CTranslate2's of a broken file or an unknown device
            return Failed(f"The model {manner.model.model} cannot be loaded: {fault}")
        return Ready()

    def _take(self, samples: Samples) -> None:
        for at in range(0, len(samples), SLICE):
            part = samples[at : at + SLICE]
            self._sound.append(part)
            if self._cutter.take(part):
                self._cut(last=False)

    def _cut(self, *, last: bool) -> None:
        assert self._manner is not None
        samples = np.concatenate(self._sound) if self._sound else np.zeros(0, np.float32)
        self._sound.clear()
        self._cutter.restart()
        piece = Piece(samples, self._manner, self._decoded, last)
        self._pending.append(piece)
        self._desk.queue.put(piece)
        self._forget_oldest()

    def _forget_oldest(self) -> None:
        """Nobody waits for what lies so far behind.  Its place in the order stays."""
        held = sum(len(piece.samples) for piece in self._pending)
        for piece in self._pending:
            if held <= MAX_BACKLOG_S * RATE:
                return
            held -= len(piece.samples)
            piece.samples = piece.samples[:0]

    def _decoded(self, decoded: Decoded) -> None:
        piece = self._pending.popleft()
        if decoded.text:
            self._heard.append(decoded)
        if piece.last:
            text = " ".join(part.text for part in self._heard)
            sure = [part.confidence for part in self._heard if part.confidence is not None]
            self._outlet.send(Heard(text, final=True, confidence=min(sure, default=None)))
            self._heard.clear()
