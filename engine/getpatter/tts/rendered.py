"""Sentences that are spoken before they are needed."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Hashable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from getpatter.errors import ProviderError
from getpatter.metering import Used, used_by
from getpatter.tts.base import SpeechChunk, Voice

MAX_ENTRIES = 200
MAX_BYTES = 16_000_000
"""Two thousand seconds of µ-law, or 330 of 16-bit sound at 24 kHz."""
TTL_S = 3600.0
"""Providers change their voices, and users what they say, without telling us."""

Chunks = tuple[SpeechChunk, ...]


class Rendering:
    """One sentence's speech, complete or on its way: `replay` gives what there is and waits for the rest."""

    def __init__(self, chunks: Iterable[SpeechChunk] = (), *, complete: bool = False) -> None:
        self.chunks = list(chunks)
        self.complete = complete
        self._over = complete
        self._news = asyncio.Event()

    @property
    def size_bytes(self) -> int:
        return sum(len(chunk.audio) for chunk in self.chunks)

    async def fill(self, speech: AsyncGenerator[SpeechChunk]) -> None:
        """Take all of it.  Raises `ProviderError`."""
        try:
            async with aclosing(speech) as chunks:
                async for chunk in chunks:
                    self.chunks.append(chunk)
                    self._news.set()
            self.complete = True
        finally:
            self.give_up()

    def give_up(self) -> None:
        """Nothing more will come."""
        self._over = True
        self._news.set()

    async def replay(self) -> AsyncGenerator[SpeechChunk]:
        """All of it.  Raises `ProviderError` when it broke off."""
        at = 0
        while True:
            for chunk in self.chunks[at:]:
                at += 1
                yield chunk
            if at < len(self.chunks):
                continue
            if self._over:
                break
            self._news.clear()
            await self._news.wait()
        if not self.complete:
            raise ProviderError("The voice broke off in a sentence that it spoke in advance.", retryable=True)


@dataclass(frozen=True, slots=True)
class _Kept:
    chunks: Chunks
    size_bytes: int
    until: float


class RenderedStore:
    """What was rendered, for all calls.  The oldest goes first when there are too many or too much.  Times are seconds
    on any one clock."""

    def __init__(self, *, max_entries: int = MAX_ENTRIES, max_bytes: int = MAX_BYTES, ttl_s: float = TTL_S) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._ttl_s = ttl_s
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable, now: float) -> Chunks | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        if now >= kept.until:
            self._drop(key)
            return None
        return kept.chunks

    def put(self, key: Hashable, chunks: Iterable[SpeechChunk], now: float) -> None:
        """Keep a sentence that is complete; one that is larger than all that may be kept is not."""
        whole = tuple(chunks)
        size = sum(len(chunk.audio) for chunk in whole)
        if key in self._kept:
            self._drop(key)
        if size > self._max_bytes:
            return
        self._kept[key] = _Kept(whole, size, now + self._ttl_s)
        self.size_bytes += size
        while len(self._kept) > self._max_entries or self.size_bytes > self._max_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Hashable) -> None:
        self.size_bytes -= self._kept.pop(key).size_bytes


class ReadyVoice:
    """A `Voice` that has some sentences ready, each for one use."""

    def __init__(self, voice: Voice, ready: Mapping[str, Rendering]) -> None:
        self._voice = voice
        self._ready = dict(ready)

    @property
    def used(self) -> tuple[Used, ...]:
        """What the voice has used, also for what it spoke in advance."""
        return used_by(self._voice)

    async def synthesize(self, text: str) -> AsyncGenerator[SpeechChunk]:
        rendering = self._ready.pop(text, None)
        begun = False
        if rendering is not None:
            try:
                async with aclosing(rendering.replay()) as chunks:
                    async for chunk in chunks:
                        begun = True
                        yield chunk
            except ProviderError:
                if begun:
                    raise
            else:
                return
        async with aclosing(self._voice.synthesize(text)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def close(self) -> None:
        await self._voice.close()
