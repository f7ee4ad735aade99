"""The network of Silero VAD 6.2.3 at 8 kHz, as matrices.

Over a window as short as 32 ms each of its convolutions sees four frames or fewer, so it is one matrix product like
any other layer.  Written so it takes half the time of the same network in onnxruntime, which runs it as convolutions
(`bench/audio_path.py`): 15 against 33 µs a window in batches of 64 on an AMD EPYC core.

    288 samples → spectrum of 4 frames → 4 convolutions with ReLU → LSTM cell → one probability
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SAMPLES = 288
"""Of a window with its context."""
STATE = 128
"""Floats in each of the two layers of the memory, the LSTM's output and its cell."""

_FRAME, _HOP, _FRAMES = 128, 64, 4
_BINS = _FRAME // 2 + 1
_STRIDES = (1, 2, 2, 1)
"""Of the convolutions, in frames; each has a kernel of 3 and a zero frame at either side."""
_KERNEL = 3

_PREFIX = "If_0_else_branch__Inline_0__"
"""Of the names in the model's branch for 8 kHz."""


def _frame_samples() -> NDArray[np.intp]:
    """Which samples each frame has: [FRAMES * FRAME].  The last frame goes beyond the window, whose end is reflected
    about its last sample."""
    at = np.add.outer(np.arange(_FRAMES) * _HOP, np.arange(_FRAME)).ravel()
    return np.where(at < SAMPLES, at, 2 * (SAMPLES - 1) - at)


class SileroNetwork:
    """Judges any number of windows at once; keeps nothing of them."""

    def __init__(self, constants: Mapping[str, Floats]) -> None:
        """`constants` are the model file's, by name.  Raises `KeyError` when they are another model's."""
        self._frames = _frame_samples()
        self._spectrum = np.ascontiguousarray(constants[_PREFIX + "stft.forward_basis_buffer"][:, 0].T)
        self._layers = _encoder(constants)
        self._input, self._recurrent, self._bias = _lstm(constants)
        self._out = constants[_PREFIX + "decoder.decoder.2.weight"].reshape(STATE)
        self._out_bias = constants[_PREFIX + "decoder.decoder.2.bias"][0]

    def __call__(self, samples: Floats, state: Floats, steps: Sequence[int]) -> tuple[Floats, Floats]:
        """Judge one or several windows of each of some streams.

        `samples` is [windows, SAMPLES] in [-1, 1): the first windows of all streams, then the second ones of the
        first `steps[1]` streams, and so on, so that `steps` never rises.  `state` is [2, streams, STATE].  Gives the
        probabilities [windows] in the same order, and the streams' state after their last windows.
        """
        inputs = self._encode(samples) @ self._input
        inputs += self._bias
        after = state.copy()
        outputs = np.empty((len(samples), STATE), np.float32)
        begin = 0
        for streams in steps:
            end = begin + streams
            self._step(inputs[begin:end], after[:, :streams])
            np.maximum(after[0, :streams], 0, out=outputs[begin:end])
            begin = end
        said = outputs @ self._out
        said += self._out_bias
        probabilities: Floats = 1 / (1 + np.exp(-said))
        return probabilities, after

    def _encode(self, samples: Floats) -> Floats:
        """What the memory hears of each window: [windows, STATE].  The larger part of the work, and one for all
        windows, whereas the memory takes one window of a stream after the other."""
        layer = self._magnitudes(samples)
        for weights, bias in self._layers:
            layer = layer @ weights
            layer += bias
            np.maximum(layer, 0, out=layer)
        return layer

    def _step(self, gates: Floats, state: Floats) -> None:
        """The LSTM cell: takes `state` [2, streams, STATE] a window further."""
        hidden, cell = state
        gates += hidden @ self._recurrent
        np.tanh(gates, out=gates)
        candidate = gates[:, 2 * STATE : 3 * STATE].copy()
        gates *= 0.5
        gates += 0.5
        cell *= gates[:, STATE : 2 * STATE]
        candidate *= gates[:, :STATE]
        cell += candidate
        np.tanh(cell, out=hidden)
        hidden *= gates[:, 3 * STATE :]

    def _magnitudes(self, samples: Floats) -> Floats:
        """The spectrum of each frame: [windows, frames of bins]."""
        windows = len(samples)
        parts = samples.take(self._frames, axis=1).reshape(windows * _FRAMES, _FRAME) @ self._spectrum
        parts *= parts
        power = parts[:, :_BINS] + parts[:, _BINS:]
        return np.sqrt(power, out=power).reshape(windows, _FRAMES * _BINS)


def _encoder(constants: Mapping[str, Floats]) -> list[tuple[Floats, Floats]]:
    layers = []
    frames = _FRAMES
    for number, stride in enumerate(_STRIDES):
        name = f"{_PREFIX}encoder.{number}.reparam_conv."
        weights = _as_matrix(constants[name + "weight"], frames, stride)
        bias = constants[name + "bias"]
        frames = weights.shape[1] // len(bias)
        layers.append((weights, np.tile(bias, frames)))
    return layers


def _as_matrix(kernel: Floats, frames: int, stride: int) -> Floats:
    """A convolution over `frames` as [frames of channels in, frames of channels out]; `kernel` is [out, in, time]."""
    outputs, inputs, _ = kernel.shape
    frames_out = (frames - 1) // stride + 1
    matrix = np.zeros((frames, inputs, frames_out, outputs), np.float32)
    for to in range(frames_out):
        for tap in range(_KERNEL):
            if 0 <= (source := to * stride + tap - 1) < frames:
                matrix[source, :, to] = kernel[:, :, tap].T
    return matrix.reshape(frames * inputs, frames_out * outputs)


def _lstm(constants: Mapping[str, Floats]) -> tuple[Floats, Floats, Floats]:
    """Weights of the cell's input and of its own output, both [STATE, gates], and the bias of the gates.

    The gates are in, forget, candidate, out.  All but the candidate go through a sigmoid, which is a hyperbolic
    tangent of half the argument: halved here, one pass of tanh serves all four.
    """
    halved = np.full(4 * STATE, 0.5, np.float32)
    halved[2 * STATE : 3 * STATE] = 1
    name = _PREFIX + "decoder.rnn."
    ours, back = (np.ascontiguousarray(constants[name + f"weight_{of}"].T * halved) for of in ("ih", "hh"))
    return ours, back, (constants[name + "bias_ih"] + constants[name + "bias_hh"]) * halved
