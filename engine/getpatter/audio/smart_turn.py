"""Whether a caller's turn sounds complete, by the smart-turn model.

The model was trained on speech at 16 kHz.  Samples at 8 kHz that are passed off as such give an answer all the same,
and a wrong one (its accuracy falls from 98 % to 60 %, always towards "complete"), so what goes in here is audio as the
line carries it, and the rate is changed on the way.
"""

from __future__ import annotations

import numpy as np

from getpatter.audio.format import LINE
from getpatter.audio.g711 import decode
from getpatter.audio.log_mel import HOP, RATE, Floats, log_mel
from getpatter.audio.model_file import ModelFile
from getpatter.audio.resample import Resampler

SPAN_S = 8.0
"""What the model hears; a shorter turn has silence before it."""
FRAMES = round(SPAN_S * RATE) // HOP

MODEL = ModelFile(
    "smart_turn_v3.onnx",
    "end of turn",
    sha256="2bb026316b14a660486a75b1733cd3fbab8c2fd0314dc9af7be49f8cca967e4f",
)


class SmartTurn:
    """smart-turn v3.2, quantised to 8 bits.  Holds no call's state; takes one core for 30 to 80 ms a judgement."""

    def __init__(self) -> None:
        """Takes about 0.1 s and 70 MB; raises `ConfigurationError` when the model file is missing or damaged."""
        self._session = MODEL.open()

    def probability(self, ulaw: bytes) -> float:
        """How likely the turn that ends with this line audio is complete, 0 to 1.  Only its last `SPAN_S` count.

        The model expects the audio to end a little after the last word, about 0.2 s.
        """
        return self.infer(features(ulaw))

    def infer(self, spectrum: Floats) -> float:
        """`spectrum` is `log_mel` of `SPAN_S`, [MELS, FRAMES]."""
        (probabilities,) = self._session.run(None, {"input_features": spectrum[None]})
        return float(probabilities[0, 0])


def features(ulaw: bytes) -> Floats:
    """Line audio of any length to what the model takes, float32 [MELS, FRAMES]."""
    resampler = Resampler(LINE.rate, RATE)
    pcm16 = decode(ulaw[-round(SPAN_S * LINE.rate) :])
    wide = np.frombuffer(resampler.feed(pcm16) + resampler.flush(), "<i2")
    span = np.zeros(FRAMES * HOP, np.float32)
    latest = wide[-len(span) :]
    span[len(span) - len(latest) :] = latest / np.float32(32768)
    return log_mel(span)
