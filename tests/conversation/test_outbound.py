"""Answering machines in a whole conversation, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import numpy as np
import pytest

from getpatter.agent import Agent
from getpatter.audio import g711
from getpatter.audio.format import FRAME_BYTES, SILENCE
from getpatter.events import MachineDetected
from getpatter.testing.providers import SECONDS_A_WORD, AnsweringLLM, CountingTTS, TellableSTT
from getpatter.testing.stage import Stage

MESSAGE = "This is Ada, please call back."
BEEP = g711.encode((8000 * np.sin(2 * np.pi * 1000 * np.arange(3200) / 8000)).astype("<i2").tobytes())


class Ringing(Stage):
    """A call that we placed."""

    async def hears(self, audio: bytes) -> None:
        for at in range(0, len(audio), FRAME_BYTES):
            self.talk.hear(audio[at : at + FRAME_BYTES])
            await self.passes(0.02)

    async def beeps(self) -> None:
        await self.hears(BEEP + bytes([SILENCE]) * 1600)

    def machines(self) -> list[str]:
        return [event.raw for event in self.events if isinstance(event, MachineDetected)]


@pytest.fixture
def stt() -> TellableSTT:
    return TellableSTT()


@pytest.fixture
async def call_for(stt: TellableSTT) -> AsyncIterator[Callable[..., Ringing]]:
    stages: list[Ringing] = []

    def make(**changes: object) -> Ringing:
        agent = Agent(
            system_prompt="", llm=AnsweringLLM("Good day."), stt=stt, tts=CountingTTS(), voicemail_message=MESSAGE
        )
        stages.append(Ringing(replace(agent, **changes), outbound=True))  # type: ignore[arg-type]  # fields by name
        return stages[-1]

    yield make
    for stage in stages:
        await stage.talk.close()
        stage.pacer.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}, "a task was left behind"


CallFor = Callable[..., Ringing]


async def test_a_message_is_left_after_the_beep_of_a_machine_that_announces_one(
    call_for: CallFor, stt: TellableSTT
) -> None:
    call = call_for()
    await call.start()
    stt.tell("Maria is not in. Please leave a message after the tone.")
    await call.says()
    await call.passes(1)
    assert not call.played, "a machine's greeting is not answered"
    await call.beeps()
    await call.passes(4)
    assert call.turns() == [("agent", MESSAGE)]
    assert call.machines() == ["heard: it announces a tone"]
    await call.passes(1)
    assert call.ended is not None


async def test_a_first_message_that_has_begun_stops_for_a_machine(call_for: CallFor, stt: TellableSTT) -> None:
    call = call_for(first_message="Good day, this is Ada, and I would like to ask you something.")
    await call.start()
    await call.passes(0.1)
    assert call.played, "nobody waits to learn whether it is a machine"
    await call.begins_to_speak()
    stt.opened[0].interim("please leave a message after the tone")
    await call.passes(0.1)
    sent = len(call.played)
    await call.passes(1)
    assert len(call.played) == sent


async def test_a_machine_for_which_there_is_no_message_is_hung_up_on(call_for: CallFor, stt: TellableSTT) -> None:
    call = call_for(voicemail_message="")
    await call.start()
    stt.tell("Please leave a message after the tone.")
    await call.says()
    assert call.ended is not None


async def test_a_person_is_answered_as_soon_as_without_detection(call_for: CallFor, stt: TellableSTT) -> None:
    answered = []
    for detects in (True, False):
        call = call_for(detects_machines=detects)
        await call.start()
        stt.tell("Hello?")
        await call.says()
        answered.append((call.clock.now(), len(call.played) > 0))
        await call.passes(2 * SECONDS_A_WORD + 1)
        assert call.turns() == [("caller", "Hello?"), ("agent", "Good day.")]
    assert answered[0] == answered[1]
    assert answered[0][1]


async def test_what_the_carrier_says_of_a_machine_is_not_told_twice(call_for: CallFor) -> None:
    call = call_for()
    await call.start()
    call.talk.machine_detected(greeting_ended=False)
    await call.hears(BEEP)
    await call.passes(4)
    assert call.machines() == []


async def test_an_agent_that_does_not_detect_machines_talks_to_them(call_for: CallFor, stt: TellableSTT) -> None:
    call = call_for(detects_machines=False)
    await call.start()
    stt.tell("Please leave a message after the tone.")
    await call.says()
    await call.passes(2)
    assert call.turns()[-1] == ("agent", "Good day.")
