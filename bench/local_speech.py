"""What the local recogniser understands of the local voices: `python bench/local_speech.py` prints a table.

The sentences are those of the built-in simulated parties, as telephone audio (8 kHz µ-law): the flite clips of the
package, and the same sentences spoken by eSpeak NG.  Each is recognised alone, fed faster than it is spoken.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from getpatter.audio.format import LINE
from getpatter.errors import ConfigurationError
from getpatter.stt.base import Recognition, SpeechHints
from getpatter.stt.pocketsphinx import PocketSphinxSTT
from getpatter.testing.clips import load_clip
from getpatter.testing.parties import built_in
from getpatter.testing.words import word_error_rate
from getpatter.tts.base import TextToSpeech
from getpatter.tts.espeak import EspeakTTS

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
    finalization_ms: float
    """Median."""


async def main() -> None:
    sentences = tuple(dict.fromkeys(text for party in built_in() for text in party.sentences))
    print(f"{'voice':<22} {'recogniser':<10} {'exact':>8} {'words wrong':>12} {'CPU s/s':>8} {'final ms':>9}")
    for voice, spoken in (await _all_spoken(sentences)).items():
        for mode, phrases in (("phrases", sentences), ("rough", ())):
            result = await _understood(spoken, phrases)
            print(
                f"{voice:<22} {mode:<10} {result.exact:>4}/{result.sentences:<3} {result.word_error_rate:>11.0%} "
                f"{result.cpu_per_second:>8.3f} {result.finalization_ms:>9.0f}"
            )


async def _all_spoken(sentences: tuple[str, ...]) -> dict[str, dict[str, bytes]]:
    spoken: dict[str, dict[str, bytes]] = {}
    for voice in CLIP_VOICES:
        clips = {text: load_clip(voice, text) for text in sentences}
        spoken[f"flite {voice} (clips)"] = {text: clip for text, clip in clips.items() if clip is not None}
    for name in ESPEAK_VOICES:
        try:
            tts = EspeakTTS(name)
        except ConfigurationError as missing:
            print(missing.message)
            break
        spoken[tts.name] = await _synthesised(tts, sentences)
    return spoken


async def _synthesised(tts: TextToSpeech, sentences: tuple[str, ...]) -> dict[str, bytes]:
    voice = await tts.open()
    try:
        return {text: b"".join([chunk.audio async for chunk in voice.synthesize(text)]) for text in sentences}
    finally:
        await voice.close()
        await tts.close()


async def _understood(spoken: Mapping[str, bytes], phrases: tuple[str, ...]) -> Understood:
    stt = PocketSphinxSTT(workers=1)
    recognition = await stt.open(SpeechHints(phrases=phrases))
    (worker,) = stt.worker_pids
    began = _cpu_s(worker)
    heard: dict[str, str] = {}
    waits: list[float] = []
    for text, audio in spoken.items():
        heard[text], waited = await _recognised(recognition, LEAD_IN + audio + LEAD_IN)
        waits.append(waited)
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
        finalization_ms=median(waits) * 1000,
    )


async def _recognised(recognition: Recognition, audio: bytes) -> tuple[str, float]:
    """The final transcript, and how long after the end of the audio it came once all audio was decoded."""
    step = int(0.1 * LINE.bytes_per_second)
    for at in range(0, len(audio), step):
        recognition.send(audio[at : at + step])
        await asyncio.sleep(0.05)
    began = time.perf_counter()
    recognition.finalize()
    async for transcript in recognition.transcripts():
        if transcript.final:
            return transcript.text, time.perf_counter() - began
    raise RuntimeError("the recogniser ended")


def _cpu_s(pid: int) -> float:
    """CPU time of a process so far, user and kernel (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    asyncio.run(main())
