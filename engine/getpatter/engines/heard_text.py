"""Which words of an answer were heard, for engines that tell no times of words.  Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from getpatter.audio.format import AudioFormat

KEPT: Final = 8
"""Answers that may still be asked about."""


@dataclass(slots=True)
class _Answer:
    words: list[str] = field(default_factory=list)
    length: int = 0
    """Bytes of sound."""


class HeardText:
    """One session's answers, in `format`: `write` their text and `add` their sound, then ask what was heard `until`."""

    def __init__(self, format: AudioFormat) -> None:
        self._format = format
        self._answers: dict[str, _Answer] = {}

    def write(self, item_id: str, text: str) -> None:
        self._answer(item_id).words.append(text)

    def add(self, item_id: str, length: int) -> None:
        """`length` is in bytes."""
        self._answer(item_id).length += length

    def until(self, item_id: str, heard_ms: int) -> str | None:
        """The words of an answer's first milliseconds, by their share; None when all was heard or it is not known."""
        answer = self._answers.get(item_id)
        if answer is None:
            return None
        whole_ms = answer.length * 1000 / self._format.bytes_per_second
        if heard_ms >= whole_ms:
            return None
        words = "".join(answer.words).split()
        return " ".join(words[: int(len(words) * heard_ms / whole_ms)])

    def _answer(self, item_id: str) -> _Answer:
        answer = self._answers.get(item_id)
        if answer is None:
            answer = self._answers[item_id] = _Answer()
            if len(self._answers) > KEPT:
                del self._answers[next(iter(self._answers))]
        return answer
