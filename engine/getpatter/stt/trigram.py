"""A language model of a few sentences, in the ARPA text format that speech decoders read.

Trigrams with absolute discounting, interpolated (Ney, Essen and Kneser 1994): from every count `DISCOUNT` is taken, and
what that frees goes to the shorter context.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

START, END = "<s>", "</s>"
DISCOUNT = 0.1
"""Small, since the sentences are expected as they are; with it, other word orders stay possible."""
ORDER = 3
NEVER = -99.0
"""log10 of the probability of what is never predicted: a sentence's start."""

Gram = tuple[str, ...]


def trigram_arpa(sentences: Iterable[Sequence[str]]) -> str:
    """The ARPA text for sentences given as words; raises `ValueError` when they hold no word."""
    counts = _counts([tuple(sentence) for sentence in sentences if sentence])
    if not counts[0]:
        raise ValueError("a language model needs at least one word")
    probabilities = [_unigrams(counts[0])]
    backoffs: list[dict[Gram, float]] = []
    for grams in counts[1:]:
        backoffs.append(_freed(grams))
        probabilities.append(_interpolated(grams, backoffs[-1], probabilities[-1]))
    return _arpa(probabilities, [*backoffs, {}])


def _counts(sentences: list[Gram]) -> list[Counter[Gram]]:
    """For each order the count of its n-grams; the start of a sentence is context, never predicted."""
    counts: list[Counter[Gram]] = [Counter() for _ in range(ORDER)]
    for sentence in sentences:
        padded = (START, *sentence, END)
        counts[0].update((word,) for word in padded[1:])
        for order in range(2, ORDER + 1):
            counts[order - 1].update(padded[at : at + order] for at in range(len(padded) - order + 1))
    return counts


def _unigrams(counts: Counter[Gram]) -> dict[Gram, float]:
    total = counts.total()
    return {gram: count / total for gram, count in counts.items()}


def _totals(counts: Counter[Gram]) -> Counter[Gram]:
    """How often each context was followed by anything."""
    totals: Counter[Gram] = Counter()
    for gram, count in counts.items():
        totals[gram[:-1]] += count
    return totals


def _freed(counts: Counter[Gram]) -> dict[Gram, float]:
    """Per context, the share of probability that discounting took from its followers."""
    followers = Counter(gram[:-1] for gram in counts)
    return {context: DISCOUNT * followers[context] / total for context, total in _totals(counts).items()}


def _interpolated(counts: Counter[Gram], freed: dict[Gram, float], shorter: dict[Gram, float]) -> dict[Gram, float]:
    """What was freed is shared out as the shorter context says, to seen and unseen words alike, so that the
    probabilities after a context always sum to one."""
    totals = _totals(counts)
    return {
        gram: (count - DISCOUNT) / totals[gram[:-1]] + freed[gram[:-1]] * shorter[gram[1:]]
        for gram, count in counts.items()
    }


def _arpa(probabilities: list[dict[Gram, float]], backoffs: list[dict[Gram, float]]) -> str:
    probabilities[0] = {(START,): 0.0} | probabilities[0]
    lines = ["\\data\\", *(f"ngram {n}={len(grams)}" for n, grams in enumerate(probabilities, 1))]
    for order, grams in enumerate(probabilities, 1):
        lines += ["", f"\\{order}-grams:"]
        for gram in sorted(grams):
            line = f"{_log(grams[gram]):.4f} {' '.join(gram)}"
            lines.append(line if order == ORDER else f"{line} {_log(backoffs[order - 1].get(gram, 1.0)):.4f}")
    return "\n".join([*lines, "", "\\end\\", ""])


def _log(probability: float) -> float:
    return math.log10(probability) if probability > 0 else NEVER
