"""What a detector of complete turns is to the conversation."""

from __future__ import annotations

from typing import Protocol


class TurnDetector(Protocol):
    """Asked when the caller pauses: is that a finished thought?  Shared by calls."""

    @property
    def name(self) -> str:
        """Shown to people, e.g. `smart-turn`."""

    @property
    def threshold(self) -> float:
        """The probability from which on a turn counts as complete."""

    async def prepare(self) -> None:
        """Load what a judgement needs, ahead of the first; may be called for every call.  Raises `ProviderError`."""

    async def judge(self, audio: bytes, *, call_id: str = "") -> float | None:
        """The probability, 0 to 1, that the turn which `audio` ends with is complete.

        `audio` is the caller's latest line audio (µ-law, 8 kHz), up to 8 s and with the pause at its end.  None is no
        opinion: the detector is too busy to answer in time, or the same `call_id` has asked again since.  A caller who
        gets none does what it would do without a detector.  Raises `ProviderError`.
        """

    async def close(self) -> None:
        """Let go of what calls shared; who still waits gets None.  May be called twice."""
