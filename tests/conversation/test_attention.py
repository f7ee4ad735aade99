from __future__ import annotations

from getpatter.conversation.attention import Attention
from getpatter.errors import PatterError
from getpatter.stt.base import Transcript

HELLO = Transcript("Hello?", final=True)


class Mind:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def voice_began(self, now: float) -> None:
        self.told.append(("began", now))

    def voice_ended(self, now: float, silence_s: float) -> None:
        self.told.append(("ended", now, silence_s))

    def understood(self, transcript: Transcript, now: float) -> None:
        self.told.append((transcript.text, now))

    def judged(self, complete: bool | None, now: float) -> None:
        self.told.append(("judged", complete))

    def deaf(self, error: PatterError) -> None:
        self.told.append(("deaf", error.message))

    def engine_speaks(self) -> None:
        self.told.append(("engine speaks",))

    def engine_stopped(self) -> None:
        self.told.append(("engine stopped",))

    def engine_hung_up(self, reason: str) -> None:
        self.told.append(("engine hung up",))


def test_what_is_heard_is_passed_on() -> None:
    mind = Mind()
    attention = Attention(mind, None)
    attention.voice_began(1.0)
    attention.voice_ended(2.0, 0.5)
    attention.understood(HELLO, 2.1)
    attention.judged(True, 2.2)
    attention.deaf(PatterError("Lost."))
    assert mind.told == [("began", 1.0), ("ended", 2.0, 0.5), ("Hello?", 2.1), ("judged", True), ("deaf", "Lost.")]


def test_what_is_heard_while_it_is_turned_away_is_told_afterwards_with_its_own_times() -> None:
    mind = Mind()
    attention = Attention(mind, None)
    attention.turn_away()
    attention.voice_began(1.0)
    attention.voice_ended(2.0, 0.5)
    attention.understood(HELLO, 2.1)
    assert mind.told == []
    attention.turn_back()
    attention.voice_began(3.0)
    assert mind.told == [("began", 1.0), ("ended", 2.0, 0.5), ("Hello?", 2.1), ("began", 3.0)]
