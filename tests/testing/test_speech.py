from __future__ import annotations

import wave
from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np
import pytest

from getpatter.audio import g711
from getpatter.audio.format import FRAME_BYTES, AudioFormat
from getpatter.errors import ConfigurationError
from getpatter.testing.parties import Beep, Directory, Party, Play, Say
from getpatter.testing.script import PlayRecording, SoundBeep, Speak
from getpatter.testing.speech import line_noise, prepare
from getpatter.tts.base import SpeechChunk


class ToneVoice:
    """A voice that says every word as a tone of 0.1 s."""

    async def synthesize(self, text: str) -> AsyncGenerator[SpeechChunk]:
        tone = 8000 * np.sin(2 * np.pi * 440 * np.arange(1600) / 16000)
        for _ in text.split():
            yield SpeechChunk(tone.astype("<i2").tobytes())

    async def close(self) -> None:
        pass


class ToneSpeech:
    name = "tones"
    format = AudioFormat("pcm16", 16000)

    def __init__(self) -> None:
        self.opened = 0

    async def open(self, language: str = "en-US") -> ToneVoice:
        self.opened += 1
        return ToneVoice()

    async def close(self) -> None:
        pass


def dbfs(ulaw: bytes) -> float:
    samples = np.frombuffer(g711.decode(ulaw), "<i2").astype(float)
    return float(20 * np.log10(np.sqrt((samples**2).mean()) / 32768))


def party(*steps: Say | Play | Beep) -> Party:
    return Party(number="+12025550150", name="Dentist", steps=steps)


async def test_built_in_parties_need_no_voice() -> None:
    for built_in in Directory.load():
        utterances = await prepare(built_in)
        assert set(utterances.sentences) == set(built_in.sentences)


async def test_other_sentences_are_synthesised_before_the_call() -> None:
    tones = ToneSpeech()
    utterances = await prepare(party(Say(text="one two three"), Say(text="Hello?")), tones)
    assert len(utterances.audio(Speak("one two three"))) == pytest.approx(0.3 * 8000, abs=32)
    assert tones.opened == 1


async def test_a_sentence_without_clip_or_voice_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"Dentist \(\+12025550150\).*'one two three'"):
        await prepare(party(Say(text="one two three")))


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
async def test_recordings_are_brought_to_the_line(tmp_path: Path, rate: int) -> None:
    path = tmp_path / "hello.wav"
    with wave.open(str(path), "wb") as wav:
        wav.setparams((1, 2, rate, 0, "NONE", ""))
        wav.writeframes((8000 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)).astype("<i2").tobytes())
    audio = (await prepare(party(Play(path=path)))).audio(PlayRecording(path))
    assert len(audio) == pytest.approx(8000, abs=32)
    assert dbfs(audio) == pytest.approx(-15.3, abs=0.5)


async def test_a_recording_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    path = tmp_path / "hello.wav"
    with pytest.raises(ConfigurationError, match=r"hello\.wav"):
        await prepare(party(Play(path=path)))
    path.write_bytes(b"RIFF but not really")
    with pytest.raises(ConfigurationError, match=r"hello\.wav"):
        await prepare(party(Play(path=path)))
    with wave.open(str(path), "wb") as wav:
        wav.setparams((2, 2, 8000, 0, "NONE", ""))
    with pytest.raises(ConfigurationError, match="2 channels"):
        await prepare(party(Play(path=path)))


def test_an_idle_line_is_not_digitally_silent() -> None:
    frames = line_noise()
    assert {len(frame) for frame in frames} == {FRAME_BYTES}
    assert dbfs(b"".join(frames)) == pytest.approx(-66, abs=1.5)


async def test_pauses_within_a_sentence_have_the_lines_noise() -> None:
    utterances = await prepare(Directory.load().find("+12025550103"))
    clip = utterances.audio(Speak(next(iter(utterances.sentences))))
    frames = [clip[start : start + FRAME_BYTES] for start in range(0, len(clip) - FRAME_BYTES, FRAME_BYTES)]
    assert min(map(dbfs, frames)) > -70


async def test_the_beep_is_a_tone_of_the_length_asked_for() -> None:
    beep = (await prepare(party(Beep(duration_s=0.4)))).audio(SoundBeep(0.4))
    assert len(beep) == 3200
    spectrum = np.abs(np.fft.rfft(np.frombuffer(g711.decode(beep), "<i2").astype(float)))
    assert np.argmax(spectrum) * 8000 / 3200 == pytest.approx(1000, abs=5)
