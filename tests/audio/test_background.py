from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from getpatter.audio import g711
from getpatter.audio.background import CROSSFADE_S, DUCK_HOLD_S, RAMP_S, ROOM_DBFS, BackgroundAudio, BackgroundTrack
from getpatter.audio.format import FRAME_BYTES, FRAME_S, LINE, SILENCE
from getpatter.errors import ConfigurationError

Samples = NDArray[np.float64]

QUIET = bytes([SILENCE]) * FRAME_BYTES
HOLD, RAMP = round(DUCK_HOLD_S / FRAME_S), round(RAMP_S / FRAME_S)


def speech(level: float) -> bytes:
    """A frame of the agent's."""
    return g711.encode((level * np.sin(np.arange(FRAME_BYTES) * np.pi / 8)).astype("<i2").tobytes())


def samples(ulaw: bytes) -> Samples:
    return np.frombuffer(g711.decode(ulaw), "<i2").astype(float)


def dbfs(sound: Samples) -> float:
    return float(20 * np.log10(np.sqrt((sound**2).mean()) / 32768))


def mixed(track: BackgroundTrack, frame: bytes, count: int) -> Samples:
    return samples(b"".join(track.mix(frame) for _ in range(count)))


def sine_wav(path: Path, rate: int, width: int = 2, channels: int = 1, hz: float = 1000, seconds: float = 2.0) -> Path:
    """A sine at half of full scale; of several channels only the first has it."""
    tone = 0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)
    sound = np.zeros((len(tone), channels))
    sound[:, 0] = tone * channels
    whole = np.rint(sound.reshape(-1).clip(-1, 1) * (2 ** (8 * width - 1) - 1)).astype("<i8")
    if width == 1:
        whole += 128
    with wave.open(str(path), "wb") as wav:
        wav.setnchannels(channels)
        wav.setsampwidth(width)
        wav.setframerate(rate)
        wav.writeframes(whole.view(np.uint8).reshape(-1, 8)[:, :width].tobytes())
    return path


# -- the clip


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000])
def test_clips_of_any_rate_sound_as_they_are(tmp_path: Path, rate: int) -> None:
    audio = BackgroundAudio(sine_wav(tmp_path / "clip.wav", rate), 0, duck_db=0)
    assert audio.duration_s == pytest.approx(2.0 - CROSSFADE_S, abs=1e-3)
    sound = mixed(audio.open(), QUIET, 90)[2000:10000]
    spectrum = np.abs(np.fft.rfft(sound))
    assert np.argmax(spectrum) == 1000
    assert dbfs(sound) == pytest.approx(-9.03, abs=0.2)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_clips_of_any_width_and_channels_sound_alike(tmp_path: Path, width: int, channels: int) -> None:
    track = BackgroundAudio(sine_wav(tmp_path / "clip.wav", 16000, width, channels), 0).open()
    plain = BackgroundAudio(sine_wav(tmp_path / "plain.wav", 16000), 0).open()
    difference = mixed(track, QUIET, 50) - mixed(plain, QUIET, 50)
    assert np.abs(difference).max() <= 1024  # a step of µ-law at this level


def test_what_a_telephone_cannot_carry_does_not_come_back_as_another_tone(tmp_path: Path) -> None:
    track = BackgroundAudio(sine_wav(tmp_path / "clip.wav", 48000, hz=6000), 0).open()
    assert dbfs(mixed(track, QUIET, 90) + 1e-6) < -70


def test_the_loop_comes_round_without_a_click(tmp_path: Path) -> None:
    track = BackgroundAudio(sine_wav(tmp_path / "clip.wav", 8000, hz=313), 0).open()
    sound = mixed(track, QUIET, 300)
    steepest = 2 * np.pi * 313 / 8000 * 16384 * np.sqrt(2)  # where the two ends are faded their sum may be louder
    assert np.abs(np.diff(sound)).max() < steepest + 1024


@pytest.mark.parametrize("seconds", [0.3, 121])
def test_clips_too_short_or_too_long_are_refused(tmp_path: Path, seconds: float) -> None:
    clip = sine_wav(tmp_path / "clip.wav", 8000, width=1, seconds=seconds)
    with pytest.raises(ConfigurationError, match="background"):
        BackgroundAudio(clip)


@pytest.mark.parametrize("content", [None, b"", b"not a wave file at all", b"RIFF\x04\x00\x00\x00WAVE"])
def test_what_is_no_clip_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "clip.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="cannot be used"):
        BackgroundAudio(path)


def test_a_rate_below_the_lines_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="4000 Hz"):
        BackgroundAudio(sine_wav(tmp_path / "clip.wav", 4000))


@pytest.mark.parametrize(("volume", "duck"), [(1, 6), (-20, -1)])
def test_a_background_is_never_made_louder(volume: float, duck: float) -> None:
    with pytest.raises(ConfigurationError, match="cannot have"):
        BackgroundAudio(volume_db=volume, duck_db=duck)


def test_the_room_needs_no_file() -> None:
    track = BackgroundAudio().open()
    sound = mixed(track, QUIET, 600)
    assert dbfs(sound) == pytest.approx(ROOM_DBFS - 26, abs=0.5)
    assert np.abs(sound).max() < 32768 * 10 ** ((ROOM_DBFS - 26 + 15) / 20)  # no thumps
    assert np.array_equal(sound[:8000], mixed(BackgroundAudio("room").open(), QUIET, 50))


# -- under the agent


def test_it_is_quieter_while_the_agent_speaks_and_for_its_pauses() -> None:
    settings = BackgroundAudio(duck_db=12)
    alone = mixed(settings.open(), QUIET, 200)
    track = settings.open()
    voice = samples(speech(300))
    under = mixed(track, speech(300), 100) - np.tile(voice, 100)
    assert dbfs(under[RAMP * FRAME_BYTES :]) == pytest.approx(dbfs(alone[RAMP * FRAME_BYTES : 16000]) - 12, abs=2)
    pause = mixed(track, QUIET, HOLD - 1)
    assert dbfs(pause) == pytest.approx(dbfs(alone[16000 : 16000 + len(pause)]) - 12, abs=1)
    mixed(track, QUIET, RAMP + 1)
    rest = mixed(track, QUIET, 40)
    at = (100 + HOLD + RAMP) * FRAME_BYTES
    assert np.array_equal(rest, alone[at : at + len(rest)])


def test_levels_change_without_a_step(tmp_path: Path) -> None:
    track = BackgroundAudio(sine_wav(tmp_path / "clip.wav", 8000, hz=100), -6, duck_db=12).open()
    whisper = bytes([SILENCE - 1]) * FRAME_BYTES  # the smallest sample that is not zero
    sound = np.concatenate([mixed(track, frame, 60) for frame in (QUIET, whisper, QUIET)])
    steepest = 2 * np.pi * 100 / 8000 * 8192 * np.sqrt(2)
    assert np.abs(np.diff(sound)).max() < steepest + 512
    assert np.abs(sound[:9600]).max() > 3 * np.abs(sound[14400:19200]).max()


def test_too_much_sound_saturates_and_does_not_wrap(tmp_path: Path) -> None:
    track = BackgroundAudio(sine_wav(tmp_path / "clip.wav", 8000, hz=500), 0, duck_db=0).open()
    sound = mixed(track, speech(32000), 50)
    voice = np.tile(samples(speech(32000)), 50)
    assert np.abs(sound).max() == 32124
    assert not (sound * voice < 0)[np.abs(voice) > 17000].any()


def test_frames_of_any_size_give_the_same_track() -> None:
    settings = BackgroundAudio()
    whole, pieces = settings.open(), settings.open()
    quiet = bytes([SILENCE]) * 16000
    cut = b"".join(pieces.mix(quiet[at : at + 999]) for at in range(0, len(quiet), 999))
    assert whole.mix(quiet) == cut
    assert whole.mix(b"") == b""


def test_a_frame_longer_than_the_loop_is_filled(tmp_path: Path) -> None:
    track = BackgroundAudio(sine_wav(tmp_path / "clip.wav", 8000, seconds=0.6), 0).open()
    assert len(track.mix(bytes([SILENCE]) * 3 * LINE.rate)) == 3 * LINE.rate


def test_calls_share_the_clip_and_not_the_position() -> None:
    settings = BackgroundAudio()
    first, second = settings.open(), settings.open()
    heard = first.mix(QUIET)
    first.mix(QUIET)
    assert second.mix(QUIET) == heard
