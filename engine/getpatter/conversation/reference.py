"""A line that lets the caller's filters know what the agent plays."""

from __future__ import annotations

from getpatter.audio.filters.chain import FilterChain
from getpatter.conversation.speaker import Line


class ReferenceLine:
    """A `Line`; what goes over it is the reference of an echo canceller."""

    def __init__(self, line: Line, chain: FilterChain) -> None:
        self._line = line
        self._chain = chain

    def play(self, audio: bytes, plays_at: float) -> None:
        self._line.play(audio, plays_at)
        self._chain.agent_audio(audio)

    def mark(self, name: str) -> None:
        self._line.mark(name)

    def clear(self) -> None:
        self._line.clear()
        self._chain.agent_cleared()
