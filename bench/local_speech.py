"""What local speech costs, and what the local recogniser understands of the local voices.

    .venv/bin/python bench/local_speech.py

The sentences are those of the built-in simulated parties, as telephone audio (8 kHz µ-law): the flite clips of the
package, and the same sentences spoken by eSpeak NG.  Each is recognised alone.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

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


async def main() -> None:
    sentences = tuple(dict.fromkeys(text for party in built_in() for text in party.sentences))
    spoken = await _all_spoken(sentences)
    print(f"{'voice':<22} {'recogniser':<10} {'exact':>8} {'words wrong':>12} {'CPU s/s':>8}")
    for voice, audio in spoken.items():
        for mode, phrases in (("phrases", sentences), ("rough", ())):
            result = await _understood(audio, phrases)
            print(
                f"{voice:<22} {mode:<10} {result.exact:>4}/{result.sentences:<3} {result.word_error_rate:>11.0%} "
                f"{result.cpu_per_second:>8.2f}"
            )


async def _all_spoken(sentences: tuple[str, ...]) -> dict[str, dict[str, bytes]]:
    spoken: dict[str, dict[str, bytes]] = {}
    for voice in CLIP_VOICES:
        clips = {text: load_clip(voice, text) for text in sentences}
        spoken[f"flite {voice} (clips)"] = {text: clip for text, clip in clips.items() if clip is not None}
    for tts in _voices():
        audio, took_s = await _synthesised(tts, sentences)
        speech_s = sum(map(len, audio.values())) / LINE.bytes_per_second
        print(f"{tts.name:<22} speaks in {took_s / speech_s * 1000:.0f} ms for a second of speech")
        if isinstance(tts, EspeakTTS):
            spoken[tts.name] = audio
    return spoken


def _voices() -> Iterator[TextToSpeech]:
    """Those that this machine has."""
    for make in (FliteTTS, *(partial(EspeakTTS, name) for name in ESPEAK_VOICES)):
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
    began = _cpu_s(worker)
    heard = {text: await _recognised(recognition, LEAD_IN + audio + LEAD_IN) for text, audio in spoken.items()}
    cpu = _cpu_s(worker) - began
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


def _cpu_s(pid: int) -> float:
    """CPU time of a process so far, user and kernel (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    asyncio.run(main())
