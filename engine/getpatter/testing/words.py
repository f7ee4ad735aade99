"""How close a transcript is to what was said."""

from __future__ import annotations

from getpatter.stt.wording import spoken_words


def word_error_rate(reference: str, hypothesis: str) -> float:
    """Substitutions, deletions and insertions per word of `reference`; case, punctuation and `7:30` against
    `seven thirty` make no difference.  An empty reference gives the number of words heard.
    """
    said, heard = spoken_words(reference), spoken_words(hypothesis)
    row = list(range(len(heard) + 1))
    for count, word in enumerate(said, 1):
        diagonal, row[0] = row[0], count
        for at, other in enumerate(heard, 1):
            diagonal, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, diagonal + (word != other))
    return row[-1] / max(len(said), 1)
