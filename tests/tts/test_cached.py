from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from getpatter.errors import ProviderError
from getpatter.tts.base import SpeechChunk
from getpatter.tts.cached import MAX_SENTENCE_CHARACTERS, CachedVoice, SpeechCache, chunks


class Renderer:
    """Speaks a sentence as its bytes, a chunk a word, and keeps account."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self.stopped = 0

    async def render(self, sentence: str) -> AsyncGenerator[SpeechChunk]:
        self.sentences.append(sentence)
        try:
            for word in sentence.split():
                yield SpeechChunk(word.encode())
        finally:
            self.stopped += 1


async def said(voice: CachedVoice, text: str) -> bytes:
    return b"".join([chunk.audio async for chunk in voice.synthesize(text)])


def test_chunks_are_a_tenth_of_a_second() -> None:
    assert [len(chunk.audio) for chunk in chunks(bytes(2000))] == [800, 800, 400]


async def test_a_sentence_is_rendered_once_for_all_calls() -> None:
    renderer, cache = Renderer(), SpeechCache()
    first, second = (CachedVoice("test", renderer.render, cache) for _ in range(2))
    assert await said(first, "Good evening.") == await said(second, " Good\n evening. ") == b"Goodevening."
    assert renderer.sentences == ["Good evening."]


async def test_closing_the_iterator_stops_the_work_and_keeps_nothing() -> None:
    renderer, cache = Renderer(), SpeechCache()
    voice = CachedVoice("test", renderer.render, cache)
    speech = voice.synthesize("one two three")
    await anext(speech)
    await speech.aclose()
    assert renderer.stopped == 1
    assert cache.get("one two three") is None


@pytest.mark.parametrize("text", ["", "  \n", "...", "😀", "\x00\x07"])
async def test_a_text_without_letters_is_silent(text: str) -> None:
    renderer = Renderer()
    assert await said(CachedVoice("test", renderer.render, SpeechCache()), text) == b""
    assert renderer.sentences == []


async def test_a_sentence_without_end_is_refused() -> None:
    voice = CachedVoice("test", Renderer().render, SpeechCache())
    with pytest.raises(ProviderError, match="5001 characters"):
        await said(voice, "a" * (MAX_SENTENCE_CHARACTERS + 1))


async def test_a_closed_voice_stops_and_says_nothing_more() -> None:
    voice = CachedVoice("test", Renderer().render, SpeechCache())
    speech = voice.synthesize("one two three")
    await anext(speech)
    await voice.close()
    await voice.close()
    assert [chunk async for chunk in speech] == []
    with pytest.raises(ProviderError, match="closed"):
        await said(voice, "four")


def test_the_cache_forgets_what_was_not_used_for_longest() -> None:
    cache = SpeechCache(max_bytes=40)
    for name in "abcd":
        cache.put(name, (SpeechChunk(bytes(10)),))
    assert cache.get("a")
    cache.put("e", (SpeechChunk(bytes(10)),))
    assert [name for name in "abcde" if cache.get(name)] == ["a", "c", "d", "e"]
    assert cache.size_bytes == 40


def test_the_cache_takes_nothing_that_would_empty_it() -> None:
    cache = SpeechCache(max_bytes=40)
    cache.put("a", (SpeechChunk(bytes(11)),))
    assert cache.get("a") is None
    assert cache.size_bytes == 0
