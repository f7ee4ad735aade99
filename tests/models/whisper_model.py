"""A Whisper model of a megabyte that says one thing, whatever it hears: `python whisper_model.py FOLDER TEXT NO_SPEECH
CERTAINTY`.

It is a real one to CTranslate2 and to faster-whisper.  Attention and feed-forward are zero, so a token passes through
unchanged, and the embedding and the projection hold which token follows it.  `NO_SPEECH` is the logit that nobody
spoke, `CERTAINTY` that of each next token.  The letters of `TEXT` must differ.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs.whisper_spec import WhisperSpec
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

MELS, WIDTH, FRAMES, TOKENS = 80, 32, 1500, 448
START, END, NO_TIMES, NO_SPEECH = "<|startoftranscript|>", "<|endoftext|>", "<|notimestamps|>", "<|nospeech|>"
SPECIAL = [
    END, START, "<|en|>", "<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", NO_SPEECH, NO_TIMES,
]  # fmt: skip
# Else the library takes the space for what begins a dash and never writes it.
MERGES = [("Ġ", "-"), ("Ġ", "'"), ("Ġ", "â")]


def zeros(*shape: int) -> NDArray[np.float32]:
    return np.zeros(shape, np.float32)


def plain(norm: Any) -> None:
    norm.gamma, norm.beta = np.ones(WIDTH, np.float32), zeros(WIDTH)


def nothing(linear: Any, width: int = WIDTH) -> None:
    linear.weight, linear.bias = zeros(width, WIDTH), zeros(width)


def silence(layer: Any) -> None:
    """A layer that adds nothing."""
    plain(layer.self_attention.layer_norm)
    nothing(layer.self_attention.linear[0], 3 * WIDTH)
    nothing(layer.self_attention.linear[1])
    plain(layer.ffn.layer_norm)
    nothing(layer.ffn.linear_0)
    nothing(layer.ffn.linear_1)
    if hasattr(layer, "attention"):
        plain(layer.attention.layer_norm)
        nothing(layer.attention.linear[0])
        nothing(layer.attention.linear[1], 2 * WIDTH)
        nothing(layer.attention.linear[2])


def tokenizer(vocabulary: list[str]) -> Any:
    """Letters for tokens."""
    made: Any = Tokenizer(models.BPE(vocab={word: at for at, word in enumerate(vocabulary)}, merges=MERGES))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    return made


def main(folder: Path, text: str, no_speech: float, certainty: float) -> None:
    letters = [*sorted(pre_tokenizers.ByteLevel.alphabet()), *("".join(pair) for pair in MERGES)]
    tokens = tokenizer(letters)
    special = [*SPECIAL, *(f"<|{n * 0.02:.2f}|>" for n in range(FRAMES + 1))]
    tokens.add_special_tokens(special)
    said = tokens.encode(text).ids
    assert len(set(said)) == len(said) < WIDTH - 1
    id_of = {word: at for at, word in enumerate([*letters, *special])}
    embedding, projection = zeros(len(id_of), WIDTH), zeros(len(id_of), WIDTH)
    for at, (token, following) in enumerate(zip([id_of[NO_TIMES], *said], [*said, id_of[END]], strict=True)):
        embedding[token, at], projection[following, at] = 1, certainty
    embedding[id_of[START], -1], projection[id_of[NO_SPEECH], -1] = 1, no_speech

    spec = WhisperSpec(1, 1, 1, 1)
    encoder, decoder = spec.encoder, spec.decoder
    encoder.conv1.weight, encoder.conv1.bias = zeros(WIDTH, MELS, 3), zeros(WIDTH)
    encoder.conv2.weight, encoder.conv2.bias = zeros(WIDTH, WIDTH, 3), zeros(WIDTH)
    encoder.position_encodings.encodings = zeros(FRAMES, WIDTH)
    decoder.position_encodings.encodings = zeros(TOKENS, WIDTH)
    decoder.embeddings.weight, decoder.projection.weight = embedding, projection
    for side in (encoder, decoder):
        plain(side.layer_norm)
        silence(side.layer[0])
    config = spec.config
    config.suppress_ids, config.suppress_ids_begin, config.alignment_heads = [], [], [[0, 0]]
    config.lang_ids = [id_of["<|en|>"]]
    spec.register_vocabulary(list(id_of))
    spec.validate()
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    tokens.save(str(folder / "tokenizer.json"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), float(sys.argv[4]))
