"""A recognition that sends each utterance whole, by HTTP, whichever vendor's.

For models that hear nothing before they have heard all: what was said since the last request for a final transcript is
one request.  It is cut at the pauses that the engine hears and not by the clock, since a word that is cut in two is two
wrong words.  Only an utterance that becomes too long is cut earlier, in a pause; its first pieces are understood while
the speaker goes on.
"""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Final, Protocol

from getpatter.audio import g711
from getpatter.audio.format import AudioFormat
from getpatter.connections.faults import Faults
from getpatter.connections.http import HttpRequest, HttpService, Waits
from getpatter.metering import Product, Used
from getpatter.stt.base import HeardWord, Transcript
from getpatter.stt.pieces import SILENCE_RMS, PieceCutter, from_pcm16, loudness

PIECE_AFTER_S: Final = 25.0
PIECE_AT_MOST_S: Final = 30.0
"""What Whisper hears at a time.  As pcm16 it is 1.4 MB at 24 kHz; 25 MB are the least that a vendor takes."""
SLICE_S: Final = 0.1
"""Pauses are looked for in slices of this length."""
SHORTEST_S: Final = 0.1
"""OpenAI refuses less."""
WAITS: Final = Waits(first_s=8.0, next_s=4.0)
"""Nobody waits longer for an answer to what they said."""
MAX_ANSWER: Final = 1024 * 1024
"""Bytes; times of all words included, a piece's answer has some thousand."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """What a vendor makes of one piece.  Times of words are seconds since the piece's begin.  `used` is what the vendor
    says that it counted, without seconds: those are counted here."""

    text: str
    confidence: float | None = None
    words: tuple[HeardWord, ...] = ()
    language: str = ""
    used: Used | None = None


class UtteranceDialect(Protocol):
    """One vendor's way to ask for a transcript.  No I/O."""

    def request(self, wav: bytes) -> HttpRequest:
        """`wav` is a file of mono pcm16."""

    def read(self, body: bytes, seconds: float) -> Hearing:
        """The answer about a piece of so many seconds.  Raises `ValueError` for what cannot be read."""


@dataclass(slots=True, eq=False)
class _Piece:
    starts_s: float
    last: bool
    """It ends an utterance, and answers a request for a final transcript."""
    asking: asyncio.Task[Hearing] | None
    """None where there is nothing to ask about."""


class UtteranceRecognition:
    """One call's; a `Recognition` and `Metered`.  `service` is shared by the calls of one provider, which closes it.

    Pieces are asked about at once, and answered in their order.  Silence, and what is shorter than `SHORTEST_S`, is not
    asked about: models make up words for it.
    """

    def __init__(
        self,
        dialect: UtteranceDialect,
        service: HttpService,
        *,
        format: AudioFormat,
        product: Product,
        faults: Faults,
    ) -> None:
        self._dialect = dialect
        self._service = service
        self._faults = faults
        self._format = format
        self._sample_bytes = format.bytes_per_second // format.rate
        self._slice_bytes = int(SLICE_S * format.rate) * self._sample_bytes
        self._unsorted = bytearray()
        """Not a whole slice yet, in the provider's format."""
        self._sound = bytearray()
        """Of the piece that is being said, as pcm16."""
        self._cutter = PieceCutter(PIECE_AFTER_S, PIECE_AT_MOST_S, format.rate)
        self._cut_s = 0.0
        """The length of all pieces so far."""
        self._pieces: asyncio.Queue[_Piece | None] = asyncio.Queue()
        self._asking: set[asyncio.Task[Hearing]] = set()
        """Those whose result nobody has seen."""
        self._heard: list[Hearing] = []
        """Of the utterance whose last piece has not come."""
        self._used = Used(product)
        self._closed = False

    @property
    def name(self) -> str:
        return self._faults.name

    @property
    def used(self) -> tuple[Used, ...]:
        return (self._used,)

    def send(self, audio: bytes) -> None:
        if self._closed:
            return
        self._unsorted += audio
        size = self._slice_bytes
        whole = len(self._unsorted) // size * size
        for at in range(0, whole, size):
            self._take(bytes(self._unsorted[at : at + size]))
        del self._unsorted[:whole]

    def finalize(self) -> None:
        if self._closed:
            return
        whole = len(self._unsorted) // self._sample_bytes * self._sample_bytes
        self._sound += self._as_pcm16(bytes(self._unsorted[:whole]))
        del self._unsorted[:whole]
        self._cut(last=True)

    async def transcripts(self) -> AsyncIterator[Transcript]:
        while (piece := await self._pieces.get()) is not None:
            if piece.asking is not None:
                # A reader that gives up leaves the request to `close`.
                await asyncio.wait({piece.asking})
                if self._closed:
                    return
                self._asking.discard(piece.asking)
                self._heard.append(_moved(piece.asking.result(), piece.starts_s))
            if piece.last:
                heard, self._heard = self._heard, []
                yield _joined(heard, final=True)
            elif any(hearing.text for hearing in self._heard):
                yield _joined(self._heard, final=False)

    async def close(self) -> None:
        """Requests under way are broken off."""
        self._closed = True
        for task in self._asking:
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)
        self._pieces.put_nowait(None)

    # -- from sound to pieces

    def _take(self, audio: bytes) -> None:
        pcm16 = self._as_pcm16(audio)
        self._sound += pcm16
        if self._cutter.take(from_pcm16(pcm16)):
            self._cut(last=False)

    def _as_pcm16(self, audio: bytes) -> bytes:
        return g711.decode(audio) if self._format.encoding == "mulaw" else audio

    def _cut(self, *, last: bool) -> None:
        pcm16 = bytes(self._sound)
        self._sound.clear()
        self._cutter.restart()
        seconds = len(pcm16) / 2 / self._format.rate
        asking = None
        if seconds >= SHORTEST_S and loudness(from_pcm16(pcm16)) >= SILENCE_RMS:
            asking = asyncio.create_task(self._ask(pcm16, seconds), name=f"{self.name} is asked")
            self._asking.add(asking)
        self._pieces.put_nowait(_Piece(self._cut_s, last, asking))
        self._cut_s += seconds

    # -- from pieces to words

    async def _ask(self, pcm16: bytes, seconds: float) -> Hearing:
        request = replace(self._dialect.request(wav_of(pcm16, self._format.rate)), repeatable=True)
        async with self._service.stream(request, WAITS, self._faults) as answer:
            try:
                hearing = self._dialect.read(await answer.body(MAX_ANSWER), seconds)
            except ValueError as error:
                raise self._faults.nonsense(str(error)) from None
        self._used = self._used.plus(Used(self._used.product, seconds=seconds))
        if hearing.used is not None:
            self._used = self._used.plus(hearing.used)
        return hearing


def wav_of(pcm16: bytes, rate: int) -> bytes:
    """A mono file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(pcm16)
    return file.getvalue()


def _moved(hearing: Hearing, by_s: float) -> Hearing:
    words = tuple(HeardWord(word.text, word.start_s + by_s, word.end_s + by_s) for word in hearing.words)
    return replace(hearing, words=words)


def _joined(heard: list[Hearing], *, final: bool) -> Transcript:
    """The transcript of an utterance's pieces; as sure as the least sure of them."""
    said = [hearing for hearing in heard if hearing.text]
    return Transcript(
        " ".join(hearing.text for hearing in said),
        final=final,
        confidence=min((hearing.confidence for hearing in said if hearing.confidence is not None), default=None),
        from_finalize=final,
        words=tuple(word for hearing in said for word in hearing.words),
        language=next((hearing.language for hearing in said if hearing.language), ""),
    )
