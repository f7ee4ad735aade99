"""Render the sentences of the built-in simulated parties with flite (Debian package `flite`, version 2.2).

    .venv/bin/python scripts/render_clips.py

Writes engine/getpatter/testing/clips: one µ-law file a sentence and `index.json`, and deletes clips that no party
says any more.  flite gives the same audio on every run, so unchanged sentences give unchanged files.
"""

from __future__ import annotations

import io
import json
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from getpatter.audio import g711
from getpatter.audio.resample import Resampler
from getpatter.testing.clips import clip_name
from getpatter.testing.parties import built_in

CLIPS = Path(__file__).parent.parent / "engine" / "getpatter" / "testing" / "clips"
LEVEL_DBFS = -20.0
"""Mean level of the speech, a usual one on telephone lines."""
PEAK = 0.9 * 32124
"""µ-law has no sample above 32124."""
QUIET = 0.02
"""What is below this part of the peak, at either end, is trimmed, but for `MARGIN_S`."""
MARGIN_S = 0.02
PHONES = {"Mm-hm.": "pau m hh m m pau"}
"""Words that flite would spell out, in its own phone set."""


def synthesise(voice: str, text: str) -> tuple[int, bytes]:
    """Sample rate and pcm16."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as out:
        what = ["-p", PHONES[text]] if text in PHONES else ["-t", text]
        subprocess.run(["flite", "-voice", voice, *what, "-o", out.name], check=True)
        with wave.open(io.BytesIO(Path(out.name).read_bytes())) as wav:
            return wav.getframerate(), wav.readframes(wav.getnframes())


def telephone(rate: int, pcm16: bytes) -> bytes:
    """µ-law at 8 kHz, trimmed and levelled."""
    resampler = Resampler(rate, 8000)
    sound = np.frombuffer(resampler.feed(pcm16) + resampler.flush(), "<i2").astype(np.float64)
    loud = np.flatnonzero(np.abs(sound) > QUIET * np.abs(sound).max())
    margin = int(MARGIN_S * 8000)
    sound = sound[max(0, loud[0] - margin) : loud[-1] + margin]
    gain = min(32768 * 10 ** (LEVEL_DBFS / 20) / speech_rms(sound), PEAK / np.abs(sound).max())
    return g711.encode((sound * gain).astype("<i2").tobytes())


def speech_rms(sound: NDArray[np.float64]) -> float:
    """RMS over the 20 ms frames within 30 dB of the loudest: pauses do not count."""
    frames = sound[: len(sound) // 160 * 160].reshape(-1, 160)
    power = (frames**2).mean(axis=1)
    return float(np.sqrt(power[power > power.max() / 1000].mean()))


def main() -> None:
    index = []
    for party in built_in():
        for text in party.sentences:
            audio = telephone(*synthesise(party.voice, text))
            name = clip_name(party.voice, text)
            (CLIPS / name).write_bytes(audio)
            index.append({"file": name, "voice": party.voice, "text": text, "seconds": round(len(audio) / 8000, 2)})
    for old in CLIPS.glob("*.ulaw"):
        if not any(entry["file"] == old.name for entry in index):
            old.unlink()
    (CLIPS / "index.json").write_text(json.dumps(index, indent=1) + "\n", "utf-8")
    size = sum(clip.stat().st_size for clip in CLIPS.glob("*.ulaw"))
    print(f"{len(index)} clips, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
