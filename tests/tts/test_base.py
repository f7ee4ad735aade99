"""What every local voice keeps of the contract."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from getpatter.audio.format import LINE
from getpatter.audio.g711 import MULAW_TO_PCM16
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.tts.base import TextToSpeech, Voice
from getpatter.tts.espeak import EspeakTTS
from getpatter.tts.flite import FliteTTS

PATIENCE_S = 120.0


@pytest.fixture(params=[EspeakTTS, FliteTTS], ids=["espeak", "flite"])
async def tts(request: pytest.FixtureRequest) -> AsyncIterator[TextToSpeech]:
    try:
        tts = request.param()
    except ConfigurationError as missing:
        pytest.skip(str(missing))
    async with asyncio.timeout(PATIENCE_S):
        yield tts
        await tts.close()


async def said(voice: Voice, text: str) -> bytes:
    return b"".join([chunk.audio async for chunk in voice.synthesize(text)])


async def test_a_sentence_becomes_speech_of_its_length(tts: TextToSpeech) -> None:
    audio = await said(await tts.open(), "Good evening, how can I help you?")
    assert tts.format == LINE
    assert 1.0 < len(audio) / LINE.bytes_per_second < 4.0
    assert max(abs(int(MULAW_TO_PCM16[byte])) for byte in audio) > 3000


async def test_one_word_is_spoken(tts: TextToSpeech) -> None:
    voice = await tts.open()
    alone, after = await said(voice, "See you on Friday."), await said(voice, "See you on Friday. Goodbye!")
    assert len(after) - len(alone) > 0.3 * LINE.bytes_per_second


async def test_calls_speak_at_the_same_time(tts: TextToSpeech) -> None:
    voices = [await tts.open() for _ in range(3)]
    sentences = ("One.", "One, two.", "One, two, three.")
    lengths = [len(audio) for audio in await asyncio.gather(*map(said, voices, sentences))]
    assert lengths == sorted(lengths)
    assert len(set(lengths)) == 3


async def test_closing_the_iterator_leaves_the_voice_usable(tts: TextToSpeech) -> None:
    voice = await tts.open()
    speech = voice.synthesize("This sentence is never heard to its end. " * 20)
    assert (await anext(speech)).audio is not None
    await speech.aclose()
    assert await said(voice, "Hello.")


async def test_a_cancelled_sentence_leaves_the_voice_usable(tts: TextToSpeech) -> None:
    voice = await tts.open()
    speaking = asyncio.create_task(said(voice, "This sentence is never heard to its end. " * 50))
    await asyncio.sleep(0)
    speaking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await speaking
    assert await said(voice, "Hello.")


@pytest.mark.parametrize(
    "text",
    [
        "Café naïve – “quoted” …",
        "-o /tmp/x; rm -rf $(HOME) `id` | cat",
        "<speak>hi</speak> & [[h@'loU]]",
        "日本 one 😀",
    ],
)
async def test_any_text_is_only_text(tts: TextToSpeech, text: str) -> None:
    assert await said(await tts.open(), text)


async def test_nothing_to_say_is_no_audio(tts: TextToSpeech) -> None:
    assert await said(await tts.open(), " ... ") == b""


async def test_a_huge_sentence_is_refused(tts: TextToSpeech) -> None:
    with pytest.raises(ProviderError, match="too long"):
        await said(await tts.open(), "word " * 100_000)


async def test_closed_twice_is_closed(tts: TextToSpeech) -> None:
    voice = await tts.open()
    await said(voice, "Hello.")
    for _ in range(2):
        await voice.close()
    for _ in range(2):
        await tts.close()


async def test_a_language_that_it_does_not_speak_is_an_error(tts: TextToSpeech) -> None:
    with pytest.raises(ProviderError, match="de-DE"):
        await tts.open("de-DE")
