from __future__ import annotations

import json
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from getpatter.audio import g711
from getpatter.audio.log_mel import HOP, MELS, RATE, Floats, log_mel
from getpatter.audio.resample import Resampler
from getpatter.audio.smart_turn import FRAMES, SPAN_S, SmartTurn, features

RECORDED_SPEECH = Path(__file__).parents[3] / "shared" / "data" / "speech"
PAUSE = bytes(2 * RATE // 5)
"""What a VAD has heard of silence when it asks: 0.2 s."""
COMPLETE = 0.5


@dataclass(frozen=True)
class Sentence:
    """A read sentence, pcm16 at 16 kHz, and where each of its words ends."""

    name: str
    pcm16: bytes
    word_ends_s: tuple[float, ...]

    def up_to(self, words: int) -> bytes:
        return self.pcm16[: 2 * round(self.word_ends_s[words - 1] * RATE)] + PAUSE

    @property
    def half(self) -> bytes:
        return self.up_to((len(self.word_ends_s) + 1) // 2)

    @property
    def whole(self) -> bytes:
        return self.up_to(len(self.word_ends_s))


@pytest.fixture(scope="module")
def sentences() -> list[Sentence]:
    found = []
    for path in sorted(RECORDED_SPEECH.glob("*.wav")):
        with wave.open(str(path)) as file:
            assert file.getframerate() == RATE
            pcm16 = file.readframes(file.getnframes())
        words = [word for word in json.loads(path.with_suffix(".json").read_text())["w"] if word["t"] != "<sil>"]
        found.append(Sentence(path.stem, pcm16, tuple(word["b"] + word["d"] for word in words)))
    if not found:
        pytest.skip(f"no recorded speech in {RECORDED_SPEECH}")
    return found


@pytest.fixture(scope="module")
def smart_turn() -> SmartTurn:
    return SmartTurn()


def telephone(pcm16: bytes) -> bytes:
    """As the line carries it: 8 kHz µ-law."""
    resampler = Resampler(RATE, 8000)
    return g711.encode(resampler.feed(pcm16) + resampler.flush())


def wideband(pcm16: bytes) -> Floats:
    """What the model would be given of the recording itself."""
    samples = np.frombuffer(pcm16, "<i2").astype(np.float32) / 32768
    span = np.zeros(FRAMES * HOP, np.float32)
    latest = samples[-len(span) :]
    span[-len(latest) :] = latest
    return log_mel(span)


def tone(hz: float, seconds: float) -> bytes:
    return telephone((8000 * np.sin(2 * np.pi * hz * np.arange(seconds * RATE) / RATE)).astype("<i2").tobytes())


def loudest(spectrum: Floats) -> int:
    return int(spectrum[:, -50].argmax())


def test_the_telephone_does_not_change_the_decision(smart_turn: SmartTurn, sentences: list[Sentence]) -> None:
    for sentence in sentences:
        for audio in (sentence.half, sentence.whole):
            on_the_line = smart_turn.probability(telephone(audio)) >= COMPLETE
            as_recorded = smart_turn.infer(wideband(audio)) >= COMPLETE
            assert on_the_line == as_recorded, f"{sentence.name}, {len(audio) / 2 / RATE:.1f} s"


def test_half_a_sentence_is_not_complete(smart_turn: SmartTurn, sentences: list[Sentence]) -> None:
    assert [s.name for s in sentences if smart_turn.probability(telephone(s.half)) >= COMPLETE] == []


def test_most_whole_sentences_are_complete(smart_turn: SmartTurn, sentences: list[Sentence]) -> None:
    complete = [s.name for s in sentences if smart_turn.probability(telephone(s.whole)) >= COMPLETE]
    assert len(complete) > len(sentences) / 2


@pytest.mark.parametrize("hz", [300, 1000, 3000])
def test_line_audio_reaches_the_model_at_its_own_pitch_and_speed(hz: float) -> None:
    """Samples at 8 kHz taken for 16 kHz would be an octave high and half as long."""
    spectrum = features(tone(hz, 2.0))
    reference = wideband((8000 * np.sin(2 * np.pi * hz * np.arange(2 * RATE) / RATE)).astype("<i2").tobytes())
    assert loudest(spectrum) == loudest(reference)
    sounding = spectrum.max(axis=0) > 0.5
    assert int(sounding.argmax()) == pytest.approx(FRAMES - 200, abs=3)


@pytest.mark.parametrize("seconds", [0.0, 0.02, 1.0, 8.0, 11.0])
def test_any_length_fills_the_span(seconds: float) -> None:
    assert features(tone(500, seconds)).shape == (MELS, FRAMES)


def test_only_the_latest_eight_seconds_count() -> None:
    latest = tone(500, SPAN_S)
    assert np.array_equal(features(tone(900, 3.0) + latest), features(latest))


def test_silence_is_judged_too(smart_turn: SmartTurn) -> None:
    assert 0 <= smart_turn.probability(b"") <= 1
