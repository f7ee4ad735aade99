"""A voice that fails, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from getpatter.audio.format import LINE, AudioFormat
from getpatter.conversation.reply import VOICE_STALL_S
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.failover import Switch
from getpatter.metering import Product, Used
from getpatter.testing.clock import ManualClock
from getpatter.testing.failing import HANGS, REFUSES, FailingTTS, Fault
from getpatter.testing.providers import SECONDS_A_WORD, CountingTTS
from getpatter.tts.base import SpeechChunk, Voice, WordTime
from getpatter.tts.fallback import SILENCE_S, FallbackTTS

SENTENCE = "Your number is one two three."


class TimedVoice:
    """A chunk of `SECONDS_A_WORD` for each word, with its time."""

    async def synthesize(self, text: str) -> AsyncGenerator[SpeechChunk]:
        for index, word in enumerate(text.split()):
            yield SpeechChunk(bytes(int(SECONDS_A_WORD * LINE.rate)), (WordTime(word, index * SECONDS_A_WORD),))

    async def close(self) -> None:
        pass


class TimedTTS:
    name = "timed"
    format = LINE

    async def open(self, language: str = "en-US") -> TimedVoice:
        return TimedVoice()

    async def close(self) -> None:
        pass


class WideTTS(CountingTTS):
    """One that speaks 16 kHz."""

    format = AudioFormat("pcm16", 16000)


def voices(*first: Fault | None, timed: bool = False) -> tuple[FailingTTS, FailingTTS]:
    """One with faults and one without."""
    return FailingTTS(TimedTTS() if timed else CountingTTS(), *first, name="first"), FailingTTS(
        TimedTTS() if timed else CountingTTS(), name="second"
    )


async def said(voice: Voice, text: str) -> list[SpeechChunk]:
    return [chunk async for chunk in voice.synthesize(text)]


def seconds(chunks: list[SpeechChunk]) -> float:
    return sum(len(chunk.audio) for chunk in chunks) / LINE.bytes_per_second


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_healthy_voice_is_passed_through_and_no_other_opened() -> None:
    first, second = voices()
    voice = await FallbackTTS(first, second, clock=ManualClock()).open()
    assert seconds(await said(voice, SENTENCE)) == pytest.approx(6 * SECONDS_A_WORD)
    assert second.opened == []
    await voice.close()
    assert first.opened[0].closed


async def test_all_voices_are_paid_also_one_that_was_lost() -> None:
    first, second = voices(REFUSES)
    voice = await FallbackTTS(first, second, clock=ManualClock()).open()
    assert not voice.used
    await said(voice, SENTENCE)
    for provider, name in ((first, "one"), (second, "two")):
        provider.opened[0].used = (Used(Product("acme", name), characters=9),)  # type: ignore[attr-defined]  # metered now
    assert [(used.product.model, used.characters) for used in voice.used] == [("one", 9), ("two", 9)]
    await voice.close()


async def test_a_sentence_that_fails_before_its_audio_is_said_by_the_next_voice() -> None:
    switches: list[Switch] = []
    first, second = voices(REFUSES)
    voice = await FallbackTTS(first, second, clock=ManualClock()).reporting_to(switches.append).open()
    assert seconds(await said(voice, SENTENCE)) == pytest.approx(6 * SECONDS_A_WORD)
    assert second.spoken == [SENTENCE]
    assert [str(switch) for switch in switches] == ["The server is overloaded; second takes over."]
    await voice.close()
    assert all(opened.closed for opened in first.opened + second.opened)


async def test_a_sentence_that_breaks_goes_on_at_the_word_that_was_cut() -> None:
    first, second = voices(Fault(after=4), timed=True)
    voice = await FallbackTTS(first, second, clock=ManualClock()).open()
    chunks = await said(voice, SENTENCE)
    assert second.spoken == ["one two three."]
    assert [word.word for chunk in chunks for word in chunk.words] == [
        "Your", "number", "is", "one", "one", "two", "three."
    ]  # fmt: skip
    starts = [word.start_s for chunk in chunks for word in chunk.words]
    assert starts == pytest.approx([index * SECONDS_A_WORD for index in range(7)])
    await voice.close()


async def test_without_word_times_it_goes_on_at_an_estimate_that_would_rather_repeat_than_lose() -> None:
    first, second = voices(Fault(after=10))  # 1.0 s
    voice = await FallbackTTS(first, second, clock=ManualClock()).open()
    await said(voice, SENTENCE)
    assert second.spoken == ["is one two three."]
    await voice.close()


async def test_a_voice_that_breaks_behind_the_last_word_is_not_helped() -> None:
    first, second = voices(Fault(after=1000))
    voice = await FallbackTTS(first, second, clock=ManualClock()).open()
    assert seconds(await said(voice, "One two three four.")) == pytest.approx(4 * SECONDS_A_WORD)
    assert second.opened == [], "1.6 s are more than these 19 characters take"
    await voice.close()


@pytest.mark.parametrize("after", [0, 3])
async def test_a_voice_that_stalls_has_failed(after: int) -> None:
    clock = ManualClock()
    first, second = voices(Fault(after=after, hangs=True))
    voice = await FallbackTTS(first, second, first_audio_s=2.0, clock=clock).open()
    speaking = asyncio.create_task(said(voice, SENTENCE))
    await turns()
    clock.advance(1.9)
    await turns()
    assert second.opened == []
    clock.advance(0.1)
    async with asyncio.timeout(30):
        assert await speaking
    assert len(second.spoken) == 1
    await voice.close()
    assert clock.next_timer is None


async def test_a_reader_who_takes_their_time_is_no_stall() -> None:
    clock = ManualClock()
    first, second = voices()
    voice = await FallbackTTS(first, second, clock=clock).open()
    async with aclosing(voice.synthesize(SENTENCE)) as chunks:
        async for _ in chunks:
            clock.advance(60.0)
    assert second.opened == []
    assert clock.next_timer is None
    await voice.close()


async def test_the_last_voice_has_more_time() -> None:
    clock = ManualClock()
    only = FailingTTS(CountingTTS(), HANGS, name="only")
    voice = await FallbackTTS(only, clock=clock).open()
    speaking = asyncio.create_task(said(voice, SENTENCE))
    await turns()
    clock.advance(8.9)
    await turns()
    assert not speaking.done()
    clock.advance(0.1)
    async with asyncio.timeout(30):
        with pytest.raises(ProviderError, match="only gave no audio for 9 s"):
            await speaking
    await voice.close()


@pytest.mark.parametrize("count", [1, 2, 3, 5])
async def test_all_voices_together_fail_before_their_listener_gives_them_up(count: int) -> None:
    clock = ManualClock()
    mute = [FailingTTS(CountingTTS(), HANGS, name=f"voice {number}") for number in range(count)]
    voice = await FallbackTTS(*mute, clock=clock).open()
    speaking = asyncio.create_task(said(voice, SENTENCE))
    began = clock.now()
    for _ in range(count):
        await turns()
        assert clock.next_timer is not None
        clock.advance(clock.next_timer - clock.now())
    async with asyncio.timeout(30):
        with pytest.raises(ProviderError, match=f"voice {count - 1} gave no audio"):
            await speaking
    assert clock.now() - began == pytest.approx(SILENCE_S)
    assert SILENCE_S < VOICE_STALL_S
    await voice.close()


async def test_one_that_failed_is_passed_over_and_then_probed_on_a_new_connection() -> None:
    clock = ManualClock()
    first, second = voices(REFUSES)
    voice = await FallbackTTS(first, second, clock=clock).open()
    for _ in range(2):
        await said(voice, SENTENCE)
    clock.advance(30.0)
    await said(voice, SENTENCE)
    await turns()
    assert (len(first.spoken), len(second.spoken)) == (2, 2)
    assert [opened.closed for opened in first.opened] == [True, False]
    await voice.close()


async def test_all_failed_is_an_error_that_names_them() -> None:
    first = FailingTTS(CountingTTS(), REFUSES, name="first")
    second = FailingTTS(CountingTTS(), Fault(message="No credit left.", retryable=False), name="second")
    voice = await FallbackTTS(first, second, clock=ManualClock()).open()
    with pytest.raises(ProviderError) as raised:
        await said(voice, SENTENCE)
    assert raised.value.message == "Nothing could speak: The server is overloaded; No credit left."
    await voice.close()


async def test_a_fallback_that_speaks_another_format_is_converted() -> None:
    first, second = FailingTTS(CountingTTS(), REFUSES), FailingTTS(WideTTS())
    tts = FallbackTTS(first, second, clock=ManualClock())
    voice = await tts.open()
    chunks = await said(voice, SENTENCE)
    spoken = sum(len(chunk.audio) for chunk in chunks)
    # `WideTTS` gives as many bytes as the other; a quarter of them is left on the line.
    assert spoken == pytest.approx(6 * SECONDS_A_WORD * LINE.rate / 4, abs=0.01 * LINE.rate)
    assert tts.format == LINE
    await voice.close()


@pytest.mark.parametrize("fault", [REFUSES, HANGS])
async def test_a_call_begins_with_a_fallback_when_it_must(fault: Fault) -> None:
    clock = ManualClock()
    first, second = voices()
    first.openings.add(fault)
    opening = asyncio.create_task(FallbackTTS(first, second, clock=clock).open())
    await turns()
    clock.advance(2.5)
    async with asyncio.timeout(30):
        voice = await opening
    await said(voice, SENTENCE)
    assert second.spoken == [SENTENCE]
    await voice.close()


async def test_a_call_without_any_voice_says_so() -> None:
    first = FailingTTS(CountingTTS(), name="first")
    first.openings.add(REFUSES)
    with pytest.raises(ProviderError, match="Nothing could speak: The server is overloaded"):
        await FallbackTTS(first, clock=ManualClock()).open()


async def test_a_closed_voice_says_nothing_more_and_opens_nothing() -> None:
    first, second = voices()
    voice = await FallbackTTS(first, second, clock=ManualClock()).open()
    await voice.close()
    await voice.close()
    with pytest.raises(ProviderError, match="closed"):
        await said(voice, SENTENCE)
    assert len(first.opened) == 1


async def test_providers_are_closed_and_named_together() -> None:
    first, second = voices()
    tts = FallbackTTS(first, second, clock=ManualClock())
    assert tts.name == "first, else second"
    await tts.close()
    assert first.closed
    assert second.closed


def test_what_cannot_work_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        FallbackTTS(CountingTTS(), first_audio_s=0)
