"""The process that faster-whisper works in: `python -m getpatter.stt.faster_whisper_worker`, started by
`stt.faster_whisper`.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

import numpy as np
from faster_whisper import BatchedInferencePipeline, WhisperModel

from getpatter.errors import ConfigurationError
from getpatter.stt.faster_whisper_desk import BATCH, Decoded, Desk, Recognising
from getpatter.stt.faster_whisper_files import PREFIX, find
from getpatter.stt.faster_whisper_wire import Begin, Model
from getpatter.stt.pieces import RATE, SILENCE_RMS, Samples, loudness
from getpatter.stt.plausible import Understood, plausible
from getpatter.worker_loop import serve

SHORTEST = RATE // 10
"""Nothing is said in less."""
FRAME = RATE // 100
"""Samples in one of the frames by which segments tell where they begin."""
TOKENS_PER_S = 10.0
MIN_TOKENS = 16
MAX_TOKENS = 200
"""A model writes 448 tokens, of which hints take up to half."""
HINT_CHARACTERS = 800
"""About the 223 tokens of which the library takes the first."""
SAME_LANGUAGE = {"nb": "no", "iw": "he", "fil": "tl", "cmn": "zh"}
"""BCP 47 to Whisper's own."""


class Whisper:
    """The model.  See `faster_whisper_desk.Decoder`."""

    def __init__(self, model: Model) -> None:
        """Raises `ConfigurationError` where it is not on this machine, and the library's own errors."""
        self._name = PREFIX + model.model
        self._model: Any = WhisperModel(
            find(model.model),
            device=model.device,
            compute_type=model.compute_type,
            cpu_threads=model.threads,
            local_files_only=True,
        )
        self._pipeline: Any = BatchedInferencePipeline(self._model)

    def check(self, language: str) -> None:
        if _code(language) not in self._model.supported_languages:
            raise ConfigurationError(
                f"The model {self._name} does not know {language}.",
                next_step=None if self._model.model.is_multilingual else "Use a model that is not for English only.",
            )

    def decode(self, sounds: Sequence[Samples], manner: Begin) -> list[Decoded]:
        texts = [Decoded()] * len(sounds)
        worth = [at for at, s in enumerate(sounds) if len(s) >= SHORTEST and loudness(s) > SILENCE_RMS]
        if worth:
            heard = self._decode([sounds[at] for at in worth], manner)
            for at, decoded in zip(worth, heard, strict=True):
                texts[at] = decoded
        return texts

    def _decode(self, sounds: Sequence[Samples], manner: Begin) -> list[Decoded]:
        padded = [np.pad(samples, (0, -len(samples) % FRAME)) for samples in sounds]
        ends = np.cumsum([len(samples) for samples in padded]).tolist()
        begins = [0, *ends[:-1]]
        segments, _ = self._pipeline.transcribe(
            np.concatenate(padded),
            language=_code(manner.language),
            clip_timestamps=[{"start": b / RATE, "end": e / RATE} for b, e in zip(begins, ends, strict=True)],
            batch_size=BATCH,
            beam_size=manner.beam_size,
            hotwords=hotwords(manner.phrases),
            without_timestamps=True,
            max_new_tokens=min(MAX_TOKENS, MIN_TOKENS + int(TOKENS_PER_S * max(map(len, padded)) / RATE)),
        )
        found = [Decoded()] * len(sounds)
        for segment in segments:
            # The library cuts where a clip begins down to a frame, at times to the one before.
            at = bisect_right(begins, (segment.seek + 1) * FRAME) - 1
            found[at] = _judged(segment, len(sounds[at]) / RATE)
        return found


def hotwords(phrases: Sequence[str]) -> str | None:
    """Phrases as a model takes them: as what was said before."""
    return ", ".join(phrases)[:HINT_CHARACTERS] or None


def _code(language: str) -> str:
    primary = language.lower().split("-")[0]
    return SAME_LANGUAGE.get(primary, primary)


def _judged(segment: Any, seconds: float) -> Decoded:
    text = segment.text.strip()
    if not plausible(Understood(text, seconds, segment.no_speech_prob, segment.avg_logprob, segment.compression_ratio)):
        return Decoded()
    return Decoded(text, math.exp(min(segment.avg_logprob, 0.0)))


def main() -> None:
    desk = Desk(Whisper)
    serve(lambda outlet: Recognising(desk, outlet))


if __name__ == "__main__":
    main()
