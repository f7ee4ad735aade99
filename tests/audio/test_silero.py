"""The network as matrices gives what onnxruntime gives for the model file."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from getpatter.audio.onnx_constants import float_constants
from getpatter.audio.silero import SAMPLES, STATE, Floats, SileroNetwork
from getpatter.audio.vad import MODEL

EXACT = 1e-5


@pytest.fixture(scope="module")
def network() -> SileroNetwork:
    return SileroNetwork(float_constants(MODEL.read()))


@pytest.fixture(scope="module")
def reference() -> Any:  # of onnxruntime, which has no types
    return MODEL.open()


def by_reference(reference: Any, samples: Floats, state: Floats) -> tuple[Floats, Floats]:
    probabilities, after = reference.run(None, {"input": samples, "state": state, "sr": np.array(8000, np.int64)})
    return probabilities[:, 0], after


def windows(count: int, *, loudness: float, seed: int = 0) -> Floats:
    """Noise under which a tone of another pitch lies in each window."""
    random = np.random.default_rng(seed)
    time = np.arange(SAMPLES) / 8000
    tones = np.sin(2 * np.pi * random.uniform(80, 3000, (count, 1)) * time)
    return (loudness * (tones + random.normal(0, 0.3, tones.shape))).astype(np.float32)


@pytest.mark.parametrize("streams", [1, 2, 3, 8, 64])
@pytest.mark.parametrize("loudness", [0.0, 0.001, 0.1, 0.9])
def test_each_window_is_judged_as_the_model_file_would(
    network: SileroNetwork, reference: Any, streams: int, loudness: float
) -> None:
    state = expected_state = np.zeros((2, streams, STATE), np.float32)
    for seed in range(10):
        samples = windows(streams, loudness=loudness, seed=seed)
        said, state = network(samples, state, [streams])
        expected, expected_state = by_reference(reference, samples, expected_state)
        assert said == pytest.approx(expected, abs=EXACT)
        assert state == pytest.approx(expected_state, abs=10 * EXACT)


def test_several_windows_of_a_stream_are_judged_one_after_the_other(network: SileroNetwork) -> None:
    steps = [4, 3, 3, 1]
    samples = windows(sum(steps), loudness=0.2)
    state = np.random.default_rng(5).normal(0, 0.2, (2, 4, STATE)).astype(np.float32)
    said, after = network(samples, state, steps)
    expected, begin = [], 0
    for streams in steps:
        part, state[:, :streams] = network(samples[begin : begin + streams], state[:, :streams], [streams])
        expected += part.tolist()
        begin += streams
    assert said.tolist() == pytest.approx(expected, abs=EXACT)
    assert after == pytest.approx(state, abs=EXACT)


def test_the_state_that_it_is_given_is_left_alone(network: SileroNetwork) -> None:
    state = np.full((2, 3, STATE), 0.1, np.float32)
    network(windows(3, loudness=0.2), state, [3])
    assert (state == np.float32(0.1)).all()


def test_the_weights_of_another_model_are_refused() -> None:
    with pytest.raises(KeyError):
        SileroNetwork({})
