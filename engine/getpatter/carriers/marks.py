"""Which marks on a stream still count, where a carrier returns them both when played and when dropped."""

from __future__ import annotations

from collections import Counter


class PendingMarks:
    """The marks of one stream.

    A mark comes back when the audio before it was played, and at once when a clear drops that audio; the two look
    alike.  So marks that are pending at a clear never count.  Among them may be one that was played and whose return
    was under way already: to take words for unheard that were heard by a network's delay is the smaller error.
    """

    def __init__(self) -> None:
        self._pending: Counter[str] = Counter()
        self._cleared: Counter[str] = Counter()

    def sent(self, name: str) -> None:
        self._pending[name] += 1

    def cleared(self) -> None:
        """Whatever is pending was dropped."""
        self._cleared += self._pending
        self._pending.clear()

    def settled(self) -> None:
        """None of those that were dropped comes back any more."""
        self._cleared.clear()

    def returned(self, name: str) -> bool:
        """Whether this return says that audio was played.

        Of two marks with one name the earlier comes first, so a cleared one before a pending one.
        """
        return not _take(self._cleared, name) and _take(self._pending, name)


def _take(marks: Counter[str], name: str) -> bool:
    left = marks[name] - 1
    if left < 0:
        return False
    if left:
        marks[name] = left
    else:
        del marks[name]
    return True
