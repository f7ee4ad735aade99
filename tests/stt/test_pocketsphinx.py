"""Real speech from a real voice, over µ-law, into the real recogniser."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from getpatter.audio.format import FRAME_BYTES, LINE, SILENCE
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.stt import pocketsphinx as module
from getpatter.stt.base import Recognition, SpeechHints
from getpatter.stt.pocketsphinx import PocketSphinxSTT
from getpatter.testing.words import word_error_rate

pytest.importorskip("pocketsphinx", reason="the local extra is not installed")

Speaker = Callable[[str], Awaitable[bytes]]

PATIENCE_S = 120.0
PHRASES = (
    "Good evening, Luigi's Kitchen, how can I help you?",
    "For how many people?",
    "Let me check. Yes, we have a table for four at 7:30 p.m.",
    "Could I have a name for the booking?",
    "Thank you, see you on Friday. Goodbye!",
)
HINTS = SpeechHints(phrases=PHRASES)
SECOND_OF_SILENCE = bytes([SILENCE]) * LINE.rate


class Listener:
    """One recognition, and its transcripts in order."""

    def __init__(self, recognition: Recognition) -> None:
        self.recognition = recognition
        self.transcripts = recognition.transcripts()
        self.interims: list[str] = []

    def hear(self, audio: bytes) -> None:
        for at in range(0, len(audio), FRAME_BYTES):
            self.recognition.send(audio[at : at + FRAME_BYTES])

    async def final(self) -> str:
        async for transcript in self.transcripts:
            if transcript.final:
                return transcript.text
            self.interims.append(transcript.text)
        raise AssertionError("the transcripts ended")

    async def understood(self, audio: bytes) -> str:
        self.hear(audio)
        self.recognition.finalize()
        return await self.final()


@pytest.fixture
async def stt() -> AsyncIterator[PocketSphinxSTT]:
    stt = PocketSphinxSTT(workers=1)
    async with asyncio.timeout(PATIENCE_S):
        yield stt
        await stt.close()


async def test_expected_phrases_come_back_as_they_are_written(stt: PocketSphinxSTT, speak: Speaker) -> None:
    listener = Listener(await stt.open(HINTS))
    heard = [await listener.understood(await speak(phrase)) for phrase in PHRASES]
    rates = [word_error_rate(said, text) for said, text in zip(PHRASES, heard, strict=True)]
    assert sum(rates) / len(rates) <= 0.05
    assert PHRASES[1] in heard
    assert listener.interims


async def test_two_phrases_in_one_turn_are_both_understood(stt: PocketSphinxSTT, speak: Speaker) -> None:
    listener = Listener(await stt.open(HINTS))
    audio = await speak(PHRASES[3]) + await speak(PHRASES[1])
    assert word_error_rate(f"{PHRASES[3]} {PHRASES[1]}", await listener.understood(audio)) <= 0.1


async def test_silence_around_speech_changes_nothing(stt: PocketSphinxSTT, speak: Speaker) -> None:
    listener = Listener(await stt.open(HINTS))
    listener.hear(SECOND_OF_SILENCE * 20)
    text = await listener.understood(await speak(PHRASES[1]) + SECOND_OF_SILENCE)
    assert word_error_rate(PHRASES[1], text) == 0.0


async def test_without_phrases_the_general_model_understands_the_gist(stt: PocketSphinxSTT, speak: Speaker) -> None:
    listener = Listener(await stt.open(SpeechHints()))
    assert word_error_rate("I'm sorry, we are fully booked.", await listener.understood(
        await speak("I'm sorry, we are fully booked."))) <= 0.7  # fmt: skip


async def test_the_name_tells_what_transcripts_are_worth(stt: PocketSphinxSTT) -> None:
    assert (await stt.open(HINTS)).name == "pocketsphinx (phrases)"
    assert (await stt.open(SpeechHints())).name == "pocketsphinx (rough)"


async def test_every_finalize_gives_one_final_even_for_nothing(stt: PocketSphinxSTT) -> None:
    listener = Listener(await stt.open(HINTS))
    assert await listener.understood(b"") == ""
    assert await listener.understood(SECOND_OF_SILENCE) == ""
    listener.recognition.finalize()
    listener.recognition.finalize()
    assert [await listener.final(), await listener.final()] == ["", ""]


async def test_calls_share_a_worker_and_keep_apart(stt: PocketSphinxSTT, speak: Speaker) -> None:
    listeners = [Listener(await stt.open(HINTS)) for _ in range(3)]
    spoken = [await speak(phrase) for phrase in PHRASES[1:4]]
    texts = await asyncio.gather(*(one.understood(audio) for one, audio in zip(listeners, spoken, strict=True)))
    for said, text in zip(PHRASES[1:4], texts, strict=True):
        assert word_error_rate(said, text) <= 0.1
    assert len(stt.worker_pids) == 1


async def test_half_an_hour_at_once_is_answered_from_its_end(stt: PocketSphinxSTT, speak: Speaker) -> None:
    listener = Listener(await stt.open(HINTS))
    listener.recognition.send(SECOND_OF_SILENCE * 1800)
    listener.recognition.send(await speak(PHRASES[1]))
    listener.recognition.finalize()
    assert word_error_rate(PHRASES[1], await listener.final()) <= 0.25


async def test_phrases_in_any_script_do_no_harm(stt: PocketSphinxSTT, speak: Speaker) -> None:
    listener = Listener(await stt.open(SpeechHints(phrases=("¿Qué? 日本 😀", "\x00", PHRASES[1]))))
    assert await listener.understood(await speak(PHRASES[1])) == PHRASES[1]


async def test_close_ends_the_transcripts_even_while_decoding(stt: PocketSphinxSTT, speak: Speaker) -> None:
    busy, other = Listener(await stt.open(HINTS)), Listener(await stt.open(HINTS))
    busy.hear(await speak(PHRASES[2]) * 5)
    busy.recognition.finalize()
    await busy.recognition.close()
    await busy.recognition.close()
    busy.hear(SECOND_OF_SILENCE)
    busy.recognition.finalize()
    assert [t async for t in busy.transcripts if t.final] == []
    assert await other.understood(await speak(PHRASES[1])) == PHRASES[1]


async def test_a_lost_worker_is_an_error_for_its_calls_and_none_for_the_next(
    stt: PocketSphinxSTT, speak: Speaker
) -> None:
    lost = Listener(await stt.open(HINTS))
    os.kill(stt.worker_pids[0], signal.SIGKILL)
    with pytest.raises(ProviderError) as raised:
        await lost.final()
    assert raised.value.retryable
    lost.hear(SECOND_OF_SILENCE)
    lost.recognition.finalize()
    await lost.recognition.close()
    assert await Listener(await stt.open(HINTS)).understood(await speak(PHRASES[1])) == PHRASES[1]


async def test_closing_leaves_no_process(stt: PocketSphinxSTT) -> None:
    await stt.open(HINTS)
    (pid,) = stt.worker_pids
    await stt.close()
    await stt.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_calls_spread_over_the_workers() -> None:
    async with asyncio.timeout(PATIENCE_S):
        stt = PocketSphinxSTT(workers=2)
        for _ in range(4):
            await stt.open(HINTS)
        assert len(set(stt.worker_pids)) == 2
        await stt.close()


async def test_it_says_that_it_knows_english_only(stt: PocketSphinxSTT) -> None:
    with pytest.raises(ProviderError, match="English only, not of de-DE"):
        await stt.open(SpeechHints(language="de-DE"))


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "pocketsphinx_installed", lambda: False)
    with pytest.raises(ConfigurationError) as raised:
        PocketSphinxSTT()
    assert raised.value.next_step == "Run: pip install 'patter-mcp[local]'"
