"""Voice activity detection for all calls of a process on one model.

One run over the windows of many calls costs a sixth of what single runs cost, so audio is collected from the calls
and judged in batches.  `VoiceActivity` is that collection without threads or clock.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import NamedTuple, Protocol

import numpy as np
from threadpoolctl import threadpool_limits

from getpatter.audio.format import LINE, SILENCE
from getpatter.audio.g711 import MULAW_TO_FLOAT, rms
from getpatter.audio.model_file import ModelFile
from getpatter.audio.onnx_constants import float_constants
from getpatter.audio.silero import STATE, Floats, SileroNetwork

log = logging.getLogger(__name__)

WINDOW = 256
"""Samples judged at once; the model takes no other size at 8 kHz."""
WINDOW_S = WINDOW / LINE.rate
CONTEXT = 32
"""Samples before the window that the model hears again."""
MAX_BATCH = 64
"""Streams in a batch.  The cost per window falls up to 64; beyond, a run only takes longer (1.0 ms at 64)."""
MAX_WINDOWS = 8
"""Windows of one stream in a batch, so that one that brings much audio at once does not hold up the others."""

SILENCE_RMS = 33
"""Root mean square under which a window is silence without the model being asked: -60 dBFS, some 6 dB over the noise
of an idle line and 25 dB under quiet telephone speech.  A caller who listens costs next to nothing."""
SETTLED_WINDOWS = 8
"""Silent windows that the model still hears after louder ones, so that its memory is one of silence when it rests."""
LEAD_WINDOWS = 4
"""Silent windows that the model is given when it wakes, before the loud one: soft beginnings of words lie in them."""

MODEL = ModelFile(
    "silero_vad.onnx",
    "voice activity",
    sha256="1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3",
)
_READY = CONTEXT + WINDOW
"""Bytes that a stream needs for its next window."""
_CLOSED = -1
"""Slot of a stream that has none any more."""
_SILENT_CONTEXT = bytes([SILENCE]) * CONTEXT


class Inference(NamedTuple):
    """`probabilities` is [windows]; `state` [2, streams, STATE] goes in with the next window of each stream."""

    probabilities: Floats
    state: Floats


class SpeechModel(Protocol):
    """Judges windows."""

    def infer(self, samples: Floats, state: Floats, steps: Sequence[int]) -> Inference:
        """`samples` is [windows, CONTEXT + WINDOW] in [-1, 1): the first windows of all streams, then the second ones
        of the first `steps[1]` streams, and so on.  `state` is [2, streams, STATE], zeros at first."""


class VoiceActivityModel:
    """Silero VAD 6.2.3 at its native 8 kHz: a `SpeechModel` that holds no stream's state."""

    def __init__(self) -> None:
        """Takes some 20 ms; raises `ConfigurationError` when the model file is missing or damaged."""
        self._network = SileroNetwork(float_constants(MODEL.read()))
        # Matrices as small as these are slower with the threads that a BLAS starts, which spin beside the event loop
        # for its cores.  This holds for the process; nothing else in it multiplies matrices that are worth a thread.
        threadpool_limits(1, user_api="blas")

    def infer(self, samples: Floats, state: Floats, steps: Sequence[int]) -> Inference:
        return Inference(*self._network(samples, state, steps))


class VoiceStream:
    """One call's side of the detection.  Made by `VoiceActivity.open`."""

    __slots__ = ("_activity", "_audio", "_epoch", "_lead", "_on_probability", "_queued", "_silent", "_slot")

    def __init__(self, activity: VoiceActivity, slot: int, on_probability: Callable[[float], object]) -> None:
        self._activity = activity
        self._slot = slot
        self._on_probability = on_probability
        self._audio = bytearray(_SILENT_CONTEXT)
        """The context of the next window and what came after it, as µ-law."""
        self._queued = False
        """Waits to be collected, or is in a batch that was."""
        self._silent = SETTLED_WINDOWS
        """Silent windows in a row up to now; a fresh model knows only silence."""
        self._lead = bytearray()
        """The latest silent windows that the model was not asked about."""
        self._epoch = 0
        """Counts resets and the close; a batch from an earlier epoch has no claim on this stream."""

    def feed(self, ulaw: bytes) -> None:
        """Take 8 kHz µ-law of any length; ignored once closed.  Every 256 samples give one probability."""
        self._audio += ulaw
        if len(self._audio) >= _READY and not self._queued:
            self._activity._enqueue(self)

    def reset(self) -> None:
        """Forget all audio so far, also what has no probability yet."""
        if self._slot != _CLOSED:
            self._epoch += 1
            self._audio[:] = _SILENT_CONTEXT
            self._silent = SETTLED_WINDOWS
            self._lead.clear()
            self._activity._forget(self._slot)

    def close(self) -> None:
        """No probability comes after this.  May be called twice."""
        if self._slot != _CLOSED:
            self._epoch += 1
            self._activity._release(self._slot)
            self._slot = _CLOSED
            self._audio.clear()
            self._queued = False


class Claim(NamedTuple):
    """Windows of one stream that are out to be judged, one after the other."""

    stream: VoiceStream
    audio: bytes
    """µ-law: CONTEXT bytes and `windows` times WINDOW."""
    windows: int
    told: int
    """Windows at the head whose probability was told before, as silence."""
    epoch: int
    """The stream's when they were taken."""


class Batch(NamedTuple):
    """Windows of some streams.  Must be given to `deliver` or `discard`."""

    claims: list[Claim]
    """Those with the most windows first."""
    state: Floats
    """The model's memory of each stream before its first window."""


class Judged(NamedTuple):
    """What the model made of a batch: `probabilities` of each claim's windows, `state` of each stream after them."""

    probabilities: list[list[float]]
    state: Floats


class VoiceActivity:
    """Collects windows from open streams, and gives back what the model makes of them."""

    def __init__(self, model: SpeechModel, *, silence_rms: int = SILENCE_RMS) -> None:
        """`silence_rms` 0 has the model judge everything."""
        self._model = model
        self._silence_rms = silence_rms
        self._state = np.zeros((2, 16, STATE), np.float32)
        self._free = list(range(self._state.shape[1]))
        self._ready: deque[VoiceStream] = deque()

    @property
    def open_streams(self) -> int:
        return self._state.shape[1] - len(self._free)

    def open(self, on_probability: Callable[[float], object]) -> VoiceStream:
        """A stream whose windows' speech probabilities (0 to 1) go to `on_probability`, in order, out of `deliver`."""
        if not self._free:
            size = self._state.shape[1]
            self._state = np.concatenate((self._state, np.zeros_like(self._state)), axis=1)
            self._free.extend(range(size, 2 * size))
        return VoiceStream(self, self._free.pop(), on_probability)

    def collect(self) -> Batch | None:
        """The windows that are ready, of those streams first that waited longest; None when there are none.

        A stream that is out in a batch gives its next windows only after that came back.  Streams whose windows are
        silent are told so from here.
        """
        claims: list[Claim] = []
        for _ in range(len(self._ready)):
            if len(claims) == MAX_BATCH:
                break
            stream = self._ready.popleft()
            stream._queued = False
            if (claim := self._claim(stream)) is not None:
                claims.append(claim)
            elif len(stream._audio) >= _READY:
                self._enqueue(stream)
        if not claims:
            return None
        claims.sort(key=lambda claim: claim.windows, reverse=True)
        return Batch(claims, self._state.take([claim.stream._slot for claim in claims], axis=1))

    def run(self, batch: Batch) -> Judged:
        claims = batch.claims
        steps = [sum(claim.windows > step for claim in claims) for step in range(claims[0].windows)]
        audio = b"".join(
            claim.audio[step * WINDOW : step * WINDOW + _READY]
            for step, streams in enumerate(steps)
            for claim in claims[:streams]
        )
        samples = MULAW_TO_FLOAT.take(np.frombuffer(audio, np.uint8).reshape(-1, _READY))
        inference = self._model.infer(samples, batch.state, steps)
        told = iter(inference.probabilities.tolist())
        probabilities: list[list[float]] = [[] for _ in claims]
        for streams in steps:
            for own, probability in zip(probabilities, islice(told, streams), strict=False):
                own.append(probability)
        return Judged(probabilities, inference.state)

    def deliver(self, batch: Batch, judged: Judged) -> None:
        """Keep the new states and tell the probabilities, except to streams reset or closed in the meantime."""
        rows = [row for row, claim in enumerate(batch.claims) if claim.stream._epoch == claim.epoch]
        self._state[:, [batch.claims[row].stream._slot for row in rows]] = judged.state[:, rows]
        self._take_back(batch)
        for row in rows:
            claim = batch.claims[row]
            for probability in judged.probabilities[row][claim.told :]:
                if claim.stream._epoch == claim.epoch:  # else a callback of this very loop has reset or closed it
                    _tell(claim.stream, probability)

    def discard(self, batch: Batch) -> None:
        """Give a batch back without an answer: its windows are lost, its streams go on with their next ones."""
        self._take_back(batch)

    def _claim(self, stream: VoiceStream) -> Claim | None:
        """Take the stream's windows that are to be judged; those that are silent are told so and taken as well.

        The model rests once it has heard enough silence, and is given the latest of it again when it wakes.
        """
        audio, windows, told = stream._audio, 0, 0
        while len(audio) >= windows * WINDOW + _READY and windows < MAX_WINDOWS:
            start = windows * WINDOW
            if rms(audio[start + CONTEXT : start + _READY]) >= self._silence_rms:
                stream._silent = 0
                if stream._lead:
                    told = len(stream._lead) // WINDOW
                    audio[:0] = stream._lead
                    stream._lead.clear()
                    windows = told
                windows += 1
            elif stream._silent < SETTLED_WINDOWS:
                stream._silent += 1
                windows += 1
            elif windows:
                break
            else:
                stream._lead += audio[:WINDOW]
                del audio[:WINDOW], stream._lead[: -LEAD_WINDOWS * WINDOW]
                _tell(stream, 0.0)
        if not windows:
            return None
        claim = Claim(stream, bytes(audio[: windows * WINDOW + CONTEXT]), windows, told, stream._epoch)
        del audio[: windows * WINDOW]
        stream._queued = True
        return claim

    def _take_back(self, batch: Batch) -> None:
        for claim in batch.claims:
            stream = claim.stream
            if stream._slot != _CLOSED:
                stream._queued = False
                if len(stream._audio) >= _READY:
                    self._enqueue(stream)

    def _enqueue(self, stream: VoiceStream) -> None:
        if stream._slot == _CLOSED:
            stream._audio.clear()
            return
        stream._queued = True
        self._ready.append(stream)

    def _forget(self, slot: int) -> None:
        self._state[:, slot] = 0

    def _release(self, slot: int) -> None:
        self._forget(slot)
        self._free.append(slot)


def _tell(stream: VoiceStream, probability: float) -> None:
    try:
        stream._on_probability(probability)
    except Exception:  # one call's fault must not make the others deaf
        log.exception("a listener to voice activity failed")
