from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.stt.trigram import END, START, trigram_arpa

Grams = dict[tuple[str, ...], tuple[float, float]]

SENTENCES = [("a", "table", "for", "two"), ("a", "table", "for", "four"), ("for", "how", "many"), ("goodbye",)]


def parsed(arpa: str) -> Grams:
    """Probability and back-off weight of every n-gram, not as logarithms."""
    grams: Grams = {}
    order = 0
    for line in arpa.splitlines():
        if heading := re.fullmatch(r"\\(\d)-grams:", line):
            order = int(heading[1])
        elif order and line and not line.startswith("\\"):
            fields = line.split()
            words, rest = tuple(fields[1 : order + 1]), fields[order + 1 :]
            grams[words] = (10 ** float(fields[0]), 10 ** float(rest[0]) if rest else 1.0)
    return grams


def probability(grams: Grams, context: tuple[str, ...], word: str) -> float:
    if (*context, word) in grams:
        return grams[(*context, word)][0]
    return grams.get(context, (0.0, 1.0))[1] * probability(grams, context[1:], word)


def test_the_counts_in_the_head_are_those_of_the_sections() -> None:
    arpa = trigram_arpa(SENTENCES)
    grams = parsed(arpa)
    for order in (1, 2, 3):
        assert f"ngram {order}={sum(len(gram) == order for gram in grams)}\n" in arpa


words = st.sampled_from(["a", "table", "for", "two", "four", "yes"])


@given(st.lists(st.lists(words, min_size=1, max_size=6), min_size=1, max_size=6))
def test_after_every_context_the_probabilities_sum_to_one(sentences: list[list[str]]) -> None:
    grams = parsed(trigram_arpa(sentences))
    vocabulary = {gram[0] for gram in grams if len(gram) == 1} - {START}
    contexts = {gram for gram in grams if len(gram) < 3 and gram[-1] != END} | {()}
    for context in contexts:
        total = sum(probability(grams, context, word) for word in vocabulary)
        assert total == pytest.approx(1.0, abs=0.001)


def test_a_sentence_as_given_is_likelier_than_its_words_in_another_order() -> None:
    grams = parsed(trigram_arpa(SENTENCES))

    def likelihood(*sentence: str) -> float:
        padded = (START, *sentence, END)
        return math.prod(probability(grams, padded[max(0, at - 2) : at], padded[at]) for at in range(1, len(padded)))

    assert likelihood("a", "table", "for", "two") > 100 * likelihood("two", "for", "a", "table") > 0


def test_no_words_make_no_model() -> None:
    with pytest.raises(ValueError, match="at least one word"):
        trigram_arpa([(), ()])
