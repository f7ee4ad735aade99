"""The process that PocketSphinx works in: `python -m getpatter.stt.pocketsphinx_worker`, started by
`stt.pocketsphinx`.

Recognitions share the process and take turns, a slice of audio each.
"""

from __future__ import annotations

import logging
from collections import OrderedDict, deque

import msgspec

from getpatter.audio.format import LINE
from getpatter.stt.decoding import LanguageKnowledge, Utterance
from getpatter.stt.pocketsphinx_wire import MAX_BACKLOG_BYTES, Audio, Begin, Finalize, Heard, Ready, Request
from getpatter.worker_loop import Outlet, serve

log = logging.getLogger(__name__)

SLICE_BYTES = int(0.2 * LINE.bytes_per_second)
"""What one recognition decodes in its turn."""
INTERIM_BYTES = int(0.6 * LINE.bytes_per_second)
"""Decoded speech between two interim transcripts."""
KEPT_PHRASE_SETS = 8

_requests: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)


class Library:
    """The knowledge of the last few sets of phrases."""

    def __init__(self) -> None:
        self._sets: OrderedDict[tuple[str, ...], LanguageKnowledge] = OrderedDict()

    def knowledge(self, phrases: tuple[str, ...]) -> LanguageKnowledge:
        """With a decoder ready, since making one takes long enough to be heard."""
        if phrases not in self._sets:
            knowledge = LanguageKnowledge(phrases)
            knowledge.give_back(knowledge.borrow())
            self._sets[phrases] = knowledge
        self._sets.move_to_end(phrases)
        if len(self._sets) > KEPT_PHRASE_SETS:
            self._sets.popitem(last=False)
        return self._sets[phrases]


class Backlog:
    """Requests that wait for their turn, audio in slices."""

    def __init__(self) -> None:
        self._waiting: deque[bytes | Begin | Finalize] = deque()
        self._bytes = 0

    def put(self, request: Request) -> None:
        if not isinstance(request, Audio):
            self._waiting.append(request)
            return
        for at in range(0, len(request.audio), SLICE_BYTES):
            self._waiting.append(request.audio[at : at + SLICE_BYTES])
        self._bytes += len(request.audio)
        if self._bytes > MAX_BACKLOG_BYTES:
            self._drop_oldest()

    def next(self) -> bytes | Begin | Finalize | None:
        if not self._waiting:
            return None
        item = self._waiting.popleft()
        if isinstance(item, bytes):
            self._bytes -= len(item)
        return item

    def _drop_oldest(self) -> None:
        excess = self._bytes - MAX_BACKLOG_BYTES
        log.warning("recognition is behind; %.1f s of audio are dropped", excess / LINE.bytes_per_second)
        kept: deque[bytes | Begin | Finalize] = deque()
        for item in self._waiting:
            if isinstance(item, bytes) and excess > 0:
                excess -= len(item)
                self._bytes -= len(item)
            else:
                kept.append(item)
        self._waiting = kept


class Recognising:
    """One call's speech on its channel."""

    def __init__(self, library: Library, outlet: Outlet) -> None:
        self._library = library
        self._outlet = outlet
        self._backlog = Backlog()
        self._utterance: Utterance | None = None
        self._since_interim = 0
        self._interim = ""

    def receive(self, body: bytes) -> None:
        self._backlog.put(_requests.decode(body))

    def step(self) -> bool:
        item = self._backlog.next()
        match item:
            case None:
                return False
            case Begin(phrases=phrases):
                self._utterance = Utterance(self._library.knowledge(phrases))
                self._outlet.send(Ready())
            case Finalize():
                self._finish()
            case bytes():
                self._decode(item)
        return True

    def close(self) -> None:
        if self._utterance:
            self._utterance.abandon()

    def _decode(self, audio: bytes) -> None:
        assert self._utterance is not None
        self._utterance.feed(audio)
        self._since_interim += len(audio)
        if self._since_interim >= INTERIM_BYTES:
            self._since_interim = 0
            self._send_interim(self._utterance.so_far())

    def _send_interim(self, text: str) -> None:
        if text and text != self._interim:
            self._interim = text
            self._outlet.send(Heard(text, final=False))

    def _finish(self) -> None:
        assert self._utterance is not None
        self._outlet.send(Heard(self._utterance.finish(), final=True))
        self._since_interim = 0
        self._interim = ""


def main() -> None:
    library = Library()
    serve(lambda outlet: Recognising(library, outlet))


if __name__ == "__main__":
    main()
