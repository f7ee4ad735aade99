"""What local speech costs, and what the local recogniser understands of the local voices.

    .venv/bin/python bench/local_speech.py

The sentences are those of the built-in simulated parties, as telephone audio (8 kHz µ-law): the flite clips of the
package, and the same sentences spoken by eSpeak NG.  Each is recognised alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import machine

from getpatter.audio.format import LINE
from getpatter.errors import ConfigurationError
from getpatter.stt.base import Recognition, SpeechHints
from getpatter.stt.pocketsphinx import PocketSphinxSTT
from getpatter.testing.clips import load_clip
from getpatter.testing.parties import built_in
from getpatter.testing.words import word_error_rate
from getpatter.tts.base import TextToSpeech
from getpatter.tts.espeak import EspeakTTS
from getpatter.tts.flite import FliteTTS

Row = tuple[str, float, str]

CLIP_VOICES = ("rms", "awb", "slt")
ESPEAK_VOICES = ("en-us", "en-us+klatt4")
LEAD_IN = bytes([0xFF]) * int(0.3 * LINE.bytes_per_second)
"""Silence around a sentence, as the engine gives it."""


@dataclass(frozen=True, slots=True)
class Understood:
    """Over some sentences of one voice."""

    sentences: int
    exact: int
    word_error_rate: float
    cpu_per_second: float
    """CPU seconds of the worker for one second of audio."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """Sentences by a voice, as line audio."""

    voice: str
    audio: Mapping[str, bytes]
    ms_per_second: float | None = None
    """Milliseconds that the voice took for one second of speech, where it spoke just now."""
    recognised: bool = True
    """False of a voice that is heard in its clips."""


def rows(*, rough: bool = True, sentences: int | None = None) -> list[Row]:
    """(what, value, unit); `rough` recognition takes most of the time, and `sentences` may be fewer than all.

    Raises `ConfigurationError` where the recogniser is missing.
    """
    return asyncio.run(_rows(_sentences()[:sentences], rough=rough))


async def _rows(sentences: tuple[str, ...], *, rough: bool) -> list[Row]:
    spoken = [speech async for speech in _spoken(sentences)]
    found = [
        (f"{speech.voice}, speaking", speech.ms_per_second, "ms/s")
        for speech in spoken
        if speech.ms_per_second is not None
    ]
    async for speech, mode, result in _understandings(spoken, sentences, rough=rough):
        found.append((f"{speech.voice}, {mode}: words wrong", 100 * result.word_error_rate, "%"))
        found.append((f"{speech.voice}, {mode}: CPU", 1000 * result.cpu_per_second, "ms/s"))
    return found


async def main() -> None:
    sentences = _sentences()
    spoken = [speech async for speech in _spoken(sentences)]
    for speech in spoken:
        if speech.ms_per_second is not None:
            print(f"{speech.voice:<22} speaks in {speech.ms_per_second:.0f} ms for a second of speech")
    print(f"{'voice':<22} {'recogniser':<10} {'exact':>8} {'words wrong':>12} {'CPU s/s':>8}")
    async for speech, mode, result in _understandings(spoken, sentences):
        print(
            f"{speech.voice:<22} {mode:<10} {result.exact:>4}/{result.sentences:<3} {result.word_error_rate:>11.0%} "
            f"{result.cpu_per_second:>8.2f}"
        )


def _sentences() -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for party in built_in() for text in party.sentences))


async def _spoken(sentences: tuple[str, ...]) -> AsyncIterator[Spoken]:
    for voice in CLIP_VOICES:
        clips = {text: clip for text in sentences if (clip := load_clip(voice, text)) is not None}
        if clips:
            yield Spoken(f"flite {voice} (clips)", clips)
    for tts in _voices():
        audio, took_s = await _synthesised(tts, sentences)
        speech_s = sum(map(len, audio.values())) / LINE.bytes_per_second
        yield Spoken(tts.name, audio, 1000 * took_s / speech_s, recognised=isinstance(tts, EspeakTTS))


async def _understandings(
    spoken: Sequence[Spoken], sentences: tuple[str, ...], *, rough: bool = True
) -> AsyncIterator[tuple[Spoken, str, Understood]]:
    """Each with the name of the recogniser's mode."""
    modes = {"phrases": sentences, "rough": ()} if rough else {"phrases": sentences}
    for speech in (speech for speech in spoken if speech.recognised):
        for mode, phrases in modes.items():
            yield speech, mode, await _understood(speech.audio, phrases)


def _voices() -> Iterator[TextToSpeech]:
    """Those that this machine has."""
    makers: list[Callable[[], TextToSpeech]] = [FliteTTS, *(partial(EspeakTTS, name) for name in ESPEAK_VOICES)]
    for make in makers:
        try:
            yield make()
        except ConfigurationError as missing:
            print(missing.message)


async def _synthesised(tts: TextToSpeech, sentences: tuple[str, ...]) -> tuple[dict[str, bytes], float]:
    """The sentences, and the seconds until all were there."""
    voice = await tts.open()
    try:
        began = time.perf_counter()
        audio = {text: b"".join([chunk.audio async for chunk in voice.synthesize(text)]) for text in sentences}
        return audio, time.perf_counter() - began
    finally:
        await voice.close()
        await tts.close()


async def _understood(spoken: Mapping[str, bytes], phrases: tuple[str, ...]) -> Understood:
    stt = PocketSphinxSTT(workers=1)
    recognition = await stt.open(SpeechHints(phrases=phrases))
    (worker,) = stt.worker_pids
    began = machine.process_cpu_s(worker)
    heard = {text: await _recognised(recognition, LEAD_IN + audio + LEAD_IN) for text, audio in spoken.items()}
    cpu = machine.process_cpu_s(worker) - began
    await recognition.close()
    await stt.close()
    wrong = [word_error_rate(text, heard[text]) for text in spoken]
    words = [len(text.split()) for text in spoken]
    return Understood(
        sentences=len(spoken),
        exact=sum(rate == 0 for rate in wrong),
        word_error_rate=sum(rate * count for rate, count in zip(wrong, words, strict=True)) / sum(words),
        cpu_per_second=cpu / (sum(map(len, spoken.values())) / LINE.bytes_per_second),
    )


async def _recognised(recognition: Recognition, audio: bytes) -> str:
    recognition.send(audio)
    recognition.finalize()
    async for transcript in recognition.transcripts():
        if transcript.final:
            return transcript.text
    raise RuntimeError("the recogniser ended")


if __name__ == "__main__":
    asyncio.run(main())
