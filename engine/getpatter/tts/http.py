"""A voice that is asked for each sentence by HTTP, whichever vendor's."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from getpatter.audio.format import AudioFormat
from getpatter.connections.faults import Faults
from getpatter.connections.http import HttpService, Waits
from getpatter.metering import Product, Used, used_by
from getpatter.tts.base import SpeechChunk, WordTime
from getpatter.tts.dialect import HttpDialect
from getpatter.tts.text_pieces import pieces_of

WAITS: Final = Waits(first_s=10.0, next_s=5.0)
"""Nobody stays on a silent line for longer."""


class HttpVoice:
    """One call's; a `Voice` and `Metered`.  `service` is shared by the calls of one provider, which closes it."""

    def __init__(
        self,
        dialect: HttpDialect,
        service: HttpService,
        *,
        format: AudioFormat,
        product: Product,
        faults: Faults,
        max_text: int | None = None,
    ) -> None:
        """`max_text` is how many characters the vendor takes at once: a longer sentence is several requests, one after
        the other."""
        self._dialect = dialect
        self._service = service
        self._faults = faults
        self._bytes_per_second = format.bytes_per_second
        self._max_text = max_text
        self._used = Used(product)

    @property
    def used(self) -> tuple[Used, ...]:
        return (self._used,)

    async def synthesize(self, text: str) -> AsyncGenerator[SpeechChunk]:
        """See `Voice.synthesize`.  Closing the iterator closes the connection, which stops the vendor's work."""
        spoken_s = 0.0
        for piece in [text] if self._max_text is None else pieces_of(text, self._max_text):
            begins_s = spoken_s
            async with aclosing(self._spoken(piece)) as chunks:
                async for chunk in chunks:
                    spoken_s += len(chunk.audio) / self._bytes_per_second
                    yield _later(chunk, begins_s) if begins_s else chunk

    async def _spoken(self, text: str) -> AsyncGenerator[SpeechChunk]:
        """By one request."""
        if not text.strip():
            return
        decoder = self._dialect.decoder()
        self._used = self._used.plus(Used(self._used.product, characters=len(text)))
        request = replace(self._dialect.request(text), repeatable=True)
        async with self._service.stream(request, WAITS, self._faults) as answer:
            try:
                async with aclosing(answer.pieces()) as pieces:
                    async for piece in pieces:
                        for chunk in decoder.feed(piece):
                            self._count(chunk)
                            yield chunk
                for chunk in decoder.close():
                    self._count(chunk)
                    yield chunk
            except ValueError as error:
                raise self._faults.nonsense(str(error)) from None
            finally:
                for told in used_by(decoder):
                    self._used = self._used.plus(told)

    async def close(self) -> None:
        """There is nothing that this call has for itself."""

    def _count(self, chunk: SpeechChunk) -> None:
        self._used = self._used.plus(Used(self._used.product, seconds=len(chunk.audio) / self._bytes_per_second))


def _later(chunk: SpeechChunk, by_s: float) -> SpeechChunk:
    return replace(chunk, words=tuple(WordTime(word.word, word.start_s + by_s) for word in chunk.words))
