"""The process that PocketSphinx works in: `python -m getpatter.stt.pocketsphinx_worker`, started by
`stt.pocketsphinx`.

Recognitions share the process and take turns, a slice of audio each.
"""

from __future__ import annotations

from collections import OrderedDict

import msgspec

from getpatter.audio.format import LINE
from getpatter.stt.backlog import Backlog
from getpatter.stt.decoding import LanguageKnowledge, Utterance
from getpatter.stt.pocketsphinx_wire import Begin, Request
from getpatter.stt.worker_wire import Finalize, Heard, Ready
from getpatter.worker_loop import Outlet, serve

SLICE_S = 0.2
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


class Recognising:
    """One call's speech on its channel."""

    def __init__(self, library: Library, outlet: Outlet) -> None:
        self._library = library
        self._outlet = outlet
        self._backlog: Backlog[Begin | Finalize] = Backlog(LINE, SLICE_S)
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
