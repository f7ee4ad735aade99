"""What Whisper models cost on this machine, without a download.

    make models
    PYTHONPATH=.venv-models .venv/bin/python bench/whisper_speed.py

Time does not depend on what the weights say, so they are random, in the models' own dimensions and 8-bit numbers.  Each
utterance is given as many tokens as speech has.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs.whisper_spec import WhisperSpec
from faster_whisper import BatchedInferencePipeline, WhisperModel
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from getpatter.worker import spare_threads

SIZES = {"tiny": (384, 4, 6), "base": (512, 6, 8), "small": (768, 12, 12)}
"""Width, layers, heads (OpenAI's `whisper/model.py` and model card)."""
MELS, FRAMES, TOKENS, WORDS = 80, 1500, 448, 51864
RATE = 16000
TOKENS_PER_S = 4
UTTERANCE_S = 4
BATCHES = (1, 4)
RUNS = 2
SPECIAL = [
    "<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|translate|>", "<|transcribe|>", "<|startoflm|>",
    "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>", *(f"<|{n * 0.02:.2f}|>" for n in range(FRAMES + 1)),
]  # fmt: skip


class Weights:
    """Random ones."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._random = np.random.default_rng(0)

    def some(self, *shape: int) -> NDArray[np.float32]:
        return self._random.normal(0, 0.02, shape).astype(np.float32)

    def norm(self, norm: Any) -> None:
        norm.gamma, norm.beta = np.ones(self._width, np.float32), np.zeros(self._width, np.float32)

    def linear(self, linear: Any, outputs: int = 1, inputs: int = 1) -> None:
        """In multiples of the width."""
        linear.weight = self.some(outputs * self._width, inputs * self._width)
        linear.bias = self.some(outputs * self._width)

    def layer(self, layer: Any) -> None:
        self.norm(layer.self_attention.layer_norm)
        self.linear(layer.self_attention.linear[0], 3)
        self.linear(layer.self_attention.linear[1])
        self.norm(layer.ffn.layer_norm)
        self.linear(layer.ffn.linear_0, 4)
        self.linear(layer.ffn.linear_1, 1, 4)
        if hasattr(layer, "attention"):
            self.norm(layer.attention.layer_norm)
            self.linear(layer.attention.linear[0])
            self.linear(layer.attention.linear[1], 2)
            self.linear(layer.attention.linear[2])


def write(folder: Path, width: int, layers: int, heads: int) -> None:
    """A model in CTranslate2's form."""
    weights = Weights(width)
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    letters += [f"filler{number}" for number in range(WORDS - len(SPECIAL) - len(letters))]
    tokenizer: Any = Tokenizer(models.BPE(vocab={word: at for at, word in enumerate(letters)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(SPECIAL)
    spec = WhisperSpec(layers, heads, layers, heads)
    spec.encoder.conv1.weight, spec.encoder.conv1.bias = weights.some(width, MELS, 3), weights.some(width)
    spec.encoder.conv2.weight, spec.encoder.conv2.bias = weights.some(width, width, 3), weights.some(width)
    spec.encoder.position_encodings.encodings = weights.some(FRAMES, width)
    spec.decoder.position_encodings.encodings = weights.some(TOKENS, width)
    spec.decoder.embeddings.weight = weights.some(WORDS, width)
    spec.decoder.projection.weight = weights.some(WORDS, width)
    for side in (spec.encoder, spec.decoder):
        weights.norm(side.layer_norm)
        for layer in side.layer:
            weights.layer(layer)
    spec.config.suppress_ids, spec.config.suppress_ids_begin, spec.config.alignment_heads = [], [], [[0, 0]]
    spec.register_vocabulary([*letters, *SPECIAL])
    spec.validate()
    spec.optimize(quantization="int8")
    spec.save(str(folder))
    tokenizer.save(str(folder / "tokenizer.json"))


def took(pipeline: Any, together: int) -> float:
    """Seconds of CPU for an utterance among so many decoded at once, the least of some runs."""
    sound = np.random.default_rng(1).normal(0, 0.1, together * UTTERANCE_S * RATE).astype(np.float32)
    clips = [{"start": at * UTTERANCE_S, "end": (at + 1) * UTTERANCE_S} for at in range(together)]
    times = []
    for _ in range(RUNS):
        began = time.process_time()
        segments, _ = pipeline.transcribe(
            sound, language="en", clip_timestamps=clips, batch_size=together, beam_size=1, without_timestamps=True,
            max_new_tokens=TOKENS_PER_S * UTTERANCE_S,
        )  # fmt: skip
        assert len(list(segments)) == together
        times.append(time.process_time() - began)
    return min(times) / together


def main() -> None:
    threads = spare_threads()
    print(f"{UTTERANCE_S} s of speech an utterance, {threads} threads; seconds of CPU for each")
    print(f"{'model':<8} " + " ".join(f"{f'{count} together':>12}" for count in BATCHES))
    for name, size in SIZES.items():
        with tempfile.TemporaryDirectory(prefix="patter-whisper-") as folder:
            write(Path(folder), *size)
            model = WhisperModel(folder, device="cpu", compute_type="auto", cpu_threads=threads)
            pipeline = BatchedInferencePipeline(model)
            print(f"{name:<8} " + " ".join(f"{took(pipeline, count):>12.2f}" for count in BATCHES))


if __name__ == "__main__":
    main()
