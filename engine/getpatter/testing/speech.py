"""What a party can utter, made ready before the call: clips, synthesised sentences, recordings, the beep."""

from __future__ import annotations

import wave
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from getpatter.audio import g711
from getpatter.audio.format import FRAME_BYTES, LINE, AudioFormat
from getpatter.audio.transcode import Transcoder
from getpatter.errors import ConfigurationError
from getpatter.testing.clips import load_clip
from getpatter.testing.parties import Party, Play, walk
from getpatter.testing.script import PlayRecording, Sound, SoundBeep, Speak
from getpatter.tts.base import TextToSpeech, Voice

NOISE_DBFS = -66.0
"""Level of the noise on an idle line.  Digital silence is something that no telephone line gives."""
BEEP_HZ = 1000.0
BEEP_DBFS = -16.0
NOISE_FRAMES = 50
CARRIER_VOICE = "slt"
ANNOUNCEMENT_HZ = 300.0
SECONDS_A_LETTER = 0.02
FULL_SCALE = 32768


@cache
def line_noise() -> tuple[bytes, ...]:
    """One second of noise as µ-law frames, the same in every run."""
    samples = np.random.default_rng(8000).normal(0, FULL_SCALE * 10 ** (NOISE_DBFS / 20), NOISE_FRAMES * FRAME_BYTES)
    noise = g711.encode(np.rint(samples).astype("<i2").tobytes())
    return tuple(noise[start : start + FRAME_BYTES] for start in range(0, len(noise), FRAME_BYTES))


@dataclass(frozen=True)
class Utterances:
    """All sounds of one party as µ-law."""

    sentences: Mapping[str, bytes]
    recordings: Mapping[Path, bytes]

    def audio(self, sound: Sound) -> bytes:
        match sound:
            case Speak(text):
                return self.sentences[text]
            case PlayRecording(path):
                return self.recordings[path]
            case SoundBeep(duration_s):
                return _beep(duration_s)


async def prepare(party: Party, tts: TextToSpeech | None = None) -> Utterances:
    """Everything the party may utter: built-in clips, and for other sentences the voice `tts`.

    Raises `ConfigurationError` for a sentence that has neither and for a WAV that cannot be used, `ProviderError`
    when the voice fails.
    """
    sentences = {text: clip for text in party.sentences if (clip := load_clip(party.voice, text)) is not None}
    missing = [text for text in party.sentences if text not in sentences]
    if missing and tts is None:
        raise ConfigurationError(
            f"{party.name} ({party.number}) has no recording of {missing[0]!r} in the voice {party.voice!r}.",
            next_step="Install a local voice (pip install 'patter-mcp[local]') or use `play` with a WAV file.",
        )
    if missing and tts is not None:
        voice = await tts.open()
        try:
            for text in missing:
                sentences[text] = await _synthesise(voice, tts.format, text)
        finally:
            await voice.close()
    recordings = {step.path: _read_wav(step.path) for step in walk(party.steps) if isinstance(step, Play)}
    return Utterances(
        {text: _on_the_line(audio) for text, audio in sentences.items()},
        {path: _on_the_line(audio) for path, audio in recordings.items()},
    )


async def announcement(text: str, tts: TextToSpeech | None = None) -> bytes:
    """What a carrier's own voice says, as µ-law: a built-in clip, or `tts`.

    Without either it is a low tone as long as the words: it can be waited for, and nobody takes it for speech.
    """
    if (clip := load_clip(CARRIER_VOICE, text)) is not None:
        return clip
    if tts is None:
        return _tone(ANNOUNCEMENT_HZ, len(text) * SECONDS_A_LETTER)
    voice = await tts.open()
    try:
        return await _synthesise(voice, tts.format, text)
    finally:
        await voice.close()


async def _synthesise(voice: Voice, source: AudioFormat, text: str) -> bytes:
    transcoder = Transcoder(source, LINE)
    audio = bytearray()
    async for chunk in voice.synthesize(text):
        audio += transcoder.feed(chunk.audio)
    return bytes(audio + transcoder.flush())


def _read_wav(path: Path) -> bytes:
    try:
        with wave.open(str(path)) as wav:
            shape = wav.getnchannels(), wav.getsampwidth() * 8, wav.getframerate()
            audio = wav.readframes(wav.getnframes())
    except (OSError, EOFError, wave.Error) as unreadable:
        raise ConfigurationError(f"The recording {path} cannot be read: {unreadable}.") from unreadable
    channels, bits, rate = shape
    if channels != 1 or bits != 16:
        raise ConfigurationError(
            f"The recording {path} has {channels} channels of {bits} bits.", next_step="Save it as mono with 16 bits."
        )
    transcoder = Transcoder(AudioFormat("pcm16", rate), LINE)
    return transcoder.feed(audio) + transcoder.flush()


def _on_the_line(clean: bytes) -> bytes:
    """µ-law with the line's noise under it, so that pauses within a sentence sound like those between sentences."""
    samples = np.frombuffer(g711.decode(clean), "<i2").astype(np.int32)
    noise = np.frombuffer(g711.decode(b"".join(line_noise())), "<i2")
    mixed = (samples + np.resize(noise, len(samples))).clip(-FULL_SCALE, FULL_SCALE - 1)
    return g711.encode(mixed.astype("<i2").tobytes())


def _beep(duration_s: float) -> bytes:
    return _tone(BEEP_HZ, duration_s)


def _tone(hz: float, duration_s: float) -> bytes:
    times = np.arange(int(duration_s * LINE.rate)) / LINE.rate
    tone = FULL_SCALE * 10 ** (BEEP_DBFS / 20) * np.sqrt(2) * np.sin(2 * np.pi * hz * times)
    return g711.encode(np.rint(tone).astype("<i2").tobytes())
