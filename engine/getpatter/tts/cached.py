"""A voice that remembers what it said: telephones repeat themselves."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing

from getpatter.audio.format import LINE
from getpatter.errors import ProviderError
from getpatter.tts.base import SpeechChunk

CHUNK_S = 0.1
MAX_SENTENCE_CHARACTERS = 5000
"""About six minutes of speech; more in one sentence is a mistake of whoever wrote it."""
CACHE_BYTES = 8_000_000
"""A thousand seconds of µ-law."""

Render = Callable[[str], AsyncGenerator[SpeechChunk]]


def chunks(audio: bytes) -> Iterator[SpeechChunk]:
    """Line audio in pieces of `CHUNK_S`."""
    size = int(CHUNK_S * LINE.bytes_per_second)
    for at in range(0, len(audio), size):
        yield SpeechChunk(audio[at : at + size])


class SpeechCache:
    """Sentences and their speech; the least recently used go first once there is more than `max_bytes` of audio."""

    def __init__(self, max_bytes: int = CACHE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._speech: OrderedDict[str, tuple[SpeechChunk, ...]] = OrderedDict()
        self.size_bytes = 0

    def get(self, sentence: str) -> tuple[SpeechChunk, ...] | None:
        speech = self._speech.get(sentence)
        if speech is not None:
            self._speech.move_to_end(sentence)
        return speech

    def put(self, sentence: str, speech: tuple[SpeechChunk, ...]) -> None:
        """Keep a sentence that is complete; one that fills more than a quarter of the cache is not worth it."""
        if sentence in self._speech or _size(speech) > self._max_bytes // 4:
            return
        self._speech[sentence] = speech
        self.size_bytes += _size(speech)
        while self.size_bytes > self._max_bytes:
            _, dropped = self._speech.popitem(last=False)
            self.size_bytes -= _size(dropped)


def _size(speech: tuple[SpeechChunk, ...]) -> int:
    return sum(len(chunk.audio) for chunk in speech)


class CachedVoice:
    """A `Voice` that renders a sentence at most once for all calls of its provider."""

    def __init__(self, provider: str, render: Render, cache: SpeechCache) -> None:
        self._provider = provider
        self._render = render
        self._cache = cache
        self._closed = False

    async def synthesize(self, text: str) -> AsyncGenerator[SpeechChunk]:
        """Speech for one sentence; nothing for a text without letters or digits."""
        sentence = self._checked(text)
        if not any(character.isalnum() for character in sentence):
            return
        if (known := self._cache.get(sentence)) is not None:
            for chunk in known:
                if self._closed:
                    return
                yield chunk
            return
        spoken: list[SpeechChunk] = []
        async with aclosing(self._render(sentence)) as rendering:
            async for chunk in rendering:
                if self._closed:
                    return
                spoken.append(chunk)
                yield chunk
        self._cache.put(sentence, tuple(spoken))

    async def close(self) -> None:
        self._closed = True

    def _checked(self, text: str) -> str:
        if self._closed:
            raise ProviderError("This voice is closed.", provider=self._provider)
        if len(text) > MAX_SENTENCE_CHARACTERS:
            raise ProviderError(
                f"A sentence of {len(text)} characters is too long to speak; the limit is {MAX_SENTENCE_CHARACTERS}.",
                provider=self._provider,
            )
        # Control characters mean something to some engines and nothing to a listener.
        return " ".join("".join(c if c.isprintable() else " " for c in text).split())
