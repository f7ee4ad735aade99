from __future__ import annotations

import asyncio

from getpatter.conversation.leading_ear import WORDS_S, LeadingEar
from getpatter.engines.base import InputTranscript
from getpatter.stt.base import Transcript
from getpatter.testing.clock import ManualClock

NOTHING = Transcript("", final=True, from_finalize=True)


class Told:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.all: list[Transcript | str] = []

    def engine_speaks(self) -> None:
        self.all.append("speaks")

    def engine_stopped(self) -> None:
        self.all.append("stopped")

    def engine_hung_up(self, reason: str) -> None:
        self.all.append(f"hung up: {reason}")


async def heard(ear: LeadingEar, told: Told) -> list[Transcript | str]:
    await ear.close()
    async for transcript in ear.transcripts():
        told.all.append(transcript)
    return told.all


def ear_of(told: Told, clock: ManualClock) -> LeadingEar:
    return LeadingEar("ear", send=lambda audio: None, clock=clock, news=told)


async def test_words_and_news_keep_their_order() -> None:
    told = Told()
    ear = ear_of(told, ManualClock())
    ear.understood(InputTranscript("a", final=False))
    ear.turn_taken("a table")
    ear.stopped()
    ear.understood(InputTranscript("late", final=True))
    ear.speaks()
    assert await heard(ear, told) == [
        Transcript("a", final=False),
        Transcript("a table", final=True, end_of_turn=True),
        "stopped",
        Transcript("late", final=True),
        "speaks",
    ]


async def test_each_request_is_answered_though_the_engine_understood_nothing() -> None:
    told, clock = Told(), ManualClock()
    ear = ear_of(told, clock)
    ear.finalize()
    clock.advance(WORDS_S / 2)
    ear.finalize()
    clock.advance(WORDS_S / 2)
    assert await heard(ear, told) == [NOTHING, NOTHING]


async def test_a_turn_that_is_taken_answers_all_requests() -> None:
    told, clock = Told(), ManualClock()
    ear = ear_of(told, clock)
    ear.finalize()
    ear.turn_taken("")
    clock.advance(2 * WORDS_S)
    assert await heard(ear, told) == [Transcript("", final=True, end_of_turn=True)]


async def test_nothing_is_left_behind_when_it_closes() -> None:
    told, clock = Told(), ManualClock()
    ear = ear_of(told, clock)
    ear.finalize()
    await ear.close()
    await asyncio.sleep(0)
    assert clock.next_timer is None
