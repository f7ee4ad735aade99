from __future__ import annotations

import json
import runpy
import shutil
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from getpatter.audio import g711
from getpatter.testing.clips import clip_name, load_clip
from getpatter.testing.parties import built_in

SENTENCES = [(party.voice, text) for party in built_in() for text in party.sentences]
CLIPS = resources.files("getpatter.testing").joinpath("clips")
RENDERER = Path(__file__).parents[2] / "scripts" / "render_clips.py"


def level_dbfs(ulaw: bytes) -> float:
    """RMS over the loud half of the 20 ms frames."""
    samples = np.frombuffer(g711.decode(ulaw), "<i2").astype(float)
    power = np.sort((samples[: len(samples) // 160 * 160].reshape(-1, 160) ** 2).mean(axis=1))
    return float(10 * np.log10(power[len(power) // 2 :].mean() / 32768**2))


@pytest.mark.parametrize(("voice", "text"), SENTENCES)
def test_every_sentence_of_the_built_in_parties_is_rendered(voice: str, text: str) -> None:
    clip = load_clip(voice, text)
    assert clip is not None, "run scripts/render_clips.py"
    assert 0.3 < len(clip) / 8000 < 8
    assert -24 < level_dbfs(clip) < -15


def test_the_index_lists_the_clips_that_are_there_and_no_others() -> None:
    index = json.loads(CLIPS.joinpath("index.json").read_text("utf-8"))
    assert {(entry["voice"], entry["text"]) for entry in index} == set(SENTENCES)
    assert {entry["file"] for entry in index} == {f.name for f in CLIPS.iterdir() if f.name.endswith(".ulaw")}


def test_all_clips_together_stay_below_a_megabyte() -> None:
    assert sum(len(load_clip(voice, text) or b"") for voice, text in SENTENCES) < 1_000_000


def test_another_wording_or_another_voice_is_another_clip() -> None:
    assert len({clip_name("rms", "one"), clip_name("rms", "One"), clip_name("slt", "one")}) == 3
    assert load_clip("rms", "nobody ever said this") is None


@pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")
@pytest.mark.skipif(not RENDERER.exists(), reason="the scripts are not part of an installed package")
def test_rendering_again_gives_the_same_speech() -> None:
    renderer = runpy.run_path(str(RENDERER))
    voice, text = next(sentence for sentence in SENTENCES if sentence[0] == "rms")
    rendered = renderer["telephone"](*renderer["synthesise"](voice, text))
    clip = load_clip(voice, text)
    assert clip is not None
    assert len(rendered) == pytest.approx(len(clip), rel=0.05)
    assert level_dbfs(rendered) == pytest.approx(level_dbfs(clip), abs=1)
