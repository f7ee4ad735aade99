from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from getpatter.audio.format import LINE
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.tts import espeak as module
from getpatter.tts.base import SpeechChunk, Voice
from getpatter.tts.espeak import EspeakTTS

pytest.importorskip("espeakng_loader", reason="the local extra is not installed")

PATIENCE_S = 60.0


@pytest.fixture
async def tts() -> AsyncIterator[EspeakTTS]:
    tts = EspeakTTS()
    async with asyncio.timeout(PATIENCE_S):
        yield tts
        await tts.close()


async def spoken(voice: Voice, text: str) -> list[SpeechChunk]:
    return [chunk async for chunk in voice.synthesize(text)]


async def test_chunks_are_short_so_that_the_first_comes_early(tts: EspeakTTS) -> None:
    chunks = await spoken(await tts.open(), "Good evening, how can I help you today?")
    assert max(len(chunk.audio) for chunk in chunks) <= 0.12 * LINE.bytes_per_second


async def test_words_come_with_their_times(tts: EspeakTTS) -> None:
    chunks = await spoken(await tts.open(), "Good evening, how can I help you?")
    words = [word for chunk in chunks for word in chunk.words]
    assert [word.word for word in words] == ["Good", "evening", "how", "can", "I", "help", "you"]
    starts = [word.start_s for word in words]
    assert starts == sorted(starts)
    assert starts[-1] < sum(len(chunk.audio) for chunk in chunks) / LINE.bytes_per_second


async def test_a_lost_worker_is_an_error_once(tts: EspeakTTS) -> None:
    voice = await tts.open()
    speech = voice.synthesize("This sentence is never heard to its end. " * 100)
    await anext(speech)
    assert tts.worker_pid is not None
    os.kill(tts.worker_pid, signal.SIGKILL)
    with pytest.raises(ProviderError) as raised:
        _ = [chunk async for chunk in speech]
    assert raised.value.retryable
    assert await spoken(voice, "Hello.")


async def test_closing_leaves_no_process(tts: EspeakTTS) -> None:
    await tts.open()
    pid = tts.worker_pid
    assert pid is not None
    await tts.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_other_languages_have_their_voices() -> None:
    async with asyncio.timeout(PATIENCE_S):
        tts = EspeakTTS("de")
        assert await spoken(await tts.open("de-DE"), "Guten Abend.")
        await tts.close()


async def test_an_unknown_voice_is_an_error_of_the_provider() -> None:
    async with asyncio.timeout(PATIENCE_S):
        tts = EspeakTTS("en-nowhere")
        with pytest.raises(ProviderError, match="en-nowhere"):
            await spoken(await tts.open(), "Hello.")
        await tts.close()


@pytest.mark.parametrize("voice", ["", "../x", "en us", "en+a+b"])
def test_what_cannot_be_a_voice_is_refused(voice: str) -> None:
    with pytest.raises(ConfigurationError):
        EspeakTTS(voice)


def test_the_rate_has_limits() -> None:
    with pytest.raises(ConfigurationError, match="not 20"):
        EspeakTTS(rate_wpm=20)


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "espeak_installed", lambda: False)
    with pytest.raises(ConfigurationError) as raised:
        EspeakTTS()
    assert raised.value.next_step == "Run: pip install 'patter-mcp[local]'"
