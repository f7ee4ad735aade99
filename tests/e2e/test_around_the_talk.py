"""Transfers, keys, menus, machines and a room: what a call has beside the talk, over real sockets."""

from __future__ import annotations

import wave
from collections.abc import AsyncGenerator, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from getpatter.audio.background import BackgroundAudio
from getpatter.audio.format import FRAME_BYTES
from getpatter.events import DtmfPressed, MachineDetected, ToolCalled, Transferred
from getpatter.llm.base import Message, ReplyPart, ToolCall, ToolSpec
from getpatter.stt.pocketsphinx import PocketSphinxSTT
from getpatter.testing.providers import AnsweringLLM, TellableSTT

if TYPE_CHECKING:
    from tests.e2e.conftest import Ended, MakeAgent, Numbers, OpenHouse

LIBRARY = "+12025550104"
VOICEMAIL = "+12025550103"
KEYPAD = "+12025550160"
END_CALL = ToolCall("9", "end_call", "{}")


@pytest.fixture
def library(home: Path) -> str:
    """The built-in menu, which hangs up only when its last words may have been understood."""
    menu = resources.files("getpatter.testing").joinpath("parties/menu.yaml").read_text("utf-8")
    patient = menu.replace("            - hang_up", "            - pause: 2\n            - hang_up")
    assert patient != menu
    (home / "parties" / "menu.yaml").write_text(patient)
    return LIBRARY


@pytest.fixture
def keypad(home: Path) -> str:
    """Somebody who says hello and presses keys."""
    steps = "[{say: 'Hello?'}, {pause: 2}, {press: '1234#'}, {pause: 1000}]"
    party = f'number: "{KEYPAD}"\nname: Keypad\nrings: 1\nring_s: 0.01\nsteps: {steps}\n'
    (home / "parties" / "keypad.yaml").write_text(party)
    return KEYPAD


def transfer_to(number: str) -> ToolCall:
    return ToolCall("1", "transfer_call", f'{{"number": "{number}"}}')


def tools(call: Ended) -> list[ToolCalled]:
    return [event for event in call.events if isinstance(event, ToolCalled)]


# -- transfers


async def test_a_call_is_transferred_once_the_announcement_was_heard(
    open_house: OpenHouse, agent: MakeAgent, numbers: Numbers
) -> None:
    connects = agent(
        llm=AnsweringLLM(["One moment, please.", transfer_to(numbers.brief)]),
        stt=TellableSTT(["Hello?"]),
        transfer_to=(numbers.brief,),
    )
    async with open_house(connects) as house:
        call_id = await house.place(numbers.patient)
        call = await house.ended(call_id)
        said = await house.transcript(call_id)
    assert call.how == ("answered", "agent", "")
    assert call.view.reason == f"transferred to {numbers.brief}"
    assert said == [("caller", "Hello?"), ("agent", "One moment, please.")]
    assert [event.number for event in call.events if isinstance(event, Transferred)] == [numbers.brief]
    assert [event.error for event in tools(call)] == [""]


async def test_whoever_cannot_be_transferred_is_still_talked_to(
    open_house: OpenHouse, agent: MakeAgent, numbers: Numbers
) -> None:
    tries = agent(
        llm=AnsweringLLM([transfer_to(numbers.unknown)], ["Sorry, nobody is there.", END_CALL]),
        stt=TellableSTT(["Hello?"]),
        transfer_to=("+1202*",),
    )
    async with open_house(tries) as house:
        call_id = await house.place(numbers.patient)
        call = await house.ended(call_id)
        said = await house.transcript(call_id)
    assert call.how == ("answered", "agent", "")
    assert said[-1] == ("agent", "Sorry, nobody is there.")
    assert numbers.unknown in tools(call)[0].error
    assert not any(isinstance(event, Transferred) for event in call.events)


# -- keys


async def test_keys_that_were_asked_for_are_collected(open_house: OpenHouse, agent: MakeAgent, keypad: str) -> None:
    asks = agent(
        llm=AnsweringLLM(["Your number?", ToolCall("1", "collect_digits", "{}")], ["Thank you.", END_CALL]),
        stt=TellableSTT(["Hello?"]),
    )
    async with open_house(asks) as house:
        call = await house.ended(await house.place(keypad))
    assert '"1234"' in tools(call)[0].result
    keys = [event for event in call.events if isinstance(event, DtmfPressed)]
    assert [(key.role, key.digit) for key in keys] == [("caller", digit) for digit in "1234#"]


class Navigator:
    """A language model that knows which key it wants, and says nothing."""

    name = "navigator"
    scripted = True

    async def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncGenerator[ReplyPart]:
        if messages[-1].role == "user" and "1 = opening hours" in messages[-1].content:
            yield ToolCall("1", "send_dtmf", '{"digits": "1"}')

    async def warm(self) -> None:
        pass

    async def close(self) -> None:
        pass


async def test_a_menu_is_answered_with_the_key_that_serves(
    open_house: OpenHouse, agent: MakeAgent, library: str
) -> None:
    pytest.importorskip("pocketsphinx", reason="the local extra is not installed")
    stt = PocketSphinxSTT(workers=1)
    async with open_house(agent(llm=Navigator(), stt=stt)) as house:
        call_id = await house.place(library)
        call = await house.ended(call_id)
        said = await house.transcript(call_id)
        await stt.close()
    assert [(key.role, key.digit) for key in call.events if isinstance(key, DtmfPressed)] == [("agent", "1")]
    assert call.view.ended_by == "caller"
    assert "open from nine" in " ".join(text for _, text in said)


# -- machines


async def test_a_machine_is_heard_by_its_beep_where_the_carrier_does_not_tell_it(
    open_house: OpenHouse, agent: MakeAgent
) -> None:
    async with open_house(agent(stt=TellableSTT()), machine_detection=False) as house:
        call_id = await house.place(VOICEMAIL, voicemail_message="Call me back.")
        call = await house.ended(call_id)
        said = await house.transcript(call_id)
    assert call.how == ("voicemail", "agent", "")
    assert said[-1] == ("agent", "Call me back.")
    [found] = [event for event in call.events if isinstance(event, MachineDetected)]
    assert (found.classification, found.raw) == ("machine", "heard: a beep")


async def test_a_person_is_greeted_and_not_taken_for_a_machine(
    open_house: OpenHouse, agent: MakeAgent, numbers: Numbers
) -> None:
    greets = agent(llm=AnsweringLLM(["Good day.", END_CALL]), stt=TellableSTT(["Hello?"]))
    async with open_house(greets, machine_detection=False) as house:
        call = await house.ended(await house.place(numbers.patient))
    assert call.how == ("answered", "agent", "")
    assert not any(isinstance(event, MachineDetected) for event in call.events)


# -- the room


async def test_the_recording_holds_the_room_that_was_heard(
    open_house: OpenHouse, agent: MakeAgent, numbers: Numbers
) -> None:
    async with open_house(agent(background=BackgroundAudio(volume_db=-10))) as house:
        call = await house.ended(await house.place(numbers.brief))
    with wave.open(call.view.recording) as wav:
        both = np.frombuffer(wav.readframes(wav.getnframes()), "<i2").reshape(-1, 2)
    frames = both[: len(both) // FRAME_BYTES * FRAME_BYTES, 1].reshape(-1, FRAME_BYTES)
    # A frame may come late on a slow machine, as on any line: that none is left out is held where time stands still.
    assert np.median([frame.any() for frame in frames[5:-5]]) == 1, "the room is heard while nobody speaks"
