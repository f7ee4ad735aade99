"""Who or what takes our calls, by the word of each carrier."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from getpatter.agent import Agent, TurnSettings
from getpatter.audio import g711
from getpatter.errors import ProviderError
from getpatter.events import MachineDetected, Turn
from getpatter.llm.base import ToolCall
from getpatter.testing.clip_voice import ClipTTS, sound_of, without_silence
from getpatter.testing.providers import AnsweringLLM, CountingTTS, TellableSTT

if TYPE_CHECKING:
    from getpatter.testing.happenings import Verdict
    from tests.e2e.carriers.conftest import OpenSite, Trunk
    from tests.e2e.conftest import MakeAgent, Numbers

MESSAGE = "Sorry, who is this?"
LOUD = 1000
"""Of 32,768: above the noise of the line, below voices and beeps."""


def speaking(agent: MakeAgent) -> Agent:
    """With a real voice, for machines and people who listen."""
    return agent(tts=ClipTTS(), turns=TurnSettings(vad_stop_s=0.2, goodbye_timeout_s=60.0))


def loud(ulaw: bytearray) -> list[int]:
    """The samples at which there is a sound."""
    samples = np.frombuffer(g711.decode(bytes(ulaw)), "<i2").astype(np.int32)
    found: list[int] = np.flatnonzero(np.abs(samples) > LOUD).tolist()
    return found


async def test_a_person_is_greeted_before_the_carrier_has_judged(
    open_site: OpenSite, agent: MakeAgent, numbers: Numbers, trunk: Trunk
) -> None:
    async with open_site(speaking(agent)) as site:
        held = [site.cloud.callbacks.delay(label) for label in trunk.verdict]
        call_id = await site.place(numbers.patient, first_message=MESSAGE)
        await site.happened(call_id, Turn, lambda turn: turn.role == "agent")
        for verdict in held:
            verdict.set()
        await site.happened(call_id, MachineDetected)
        await site.board.hang_up(call_id)
        call = await site.ended(call_id)
        line = await site.line(numbers.patient)
    [judged] = call.of(MachineDetected)
    [greeted] = [turn for turn in call.of(Turn) if turn.role == "agent"]
    assert judged.classification == "human"
    assert greeted.seq < judged.seq
    assert line.far_end is not None
    assert loud(line.far_end.heard)


async def test_a_message_is_left_in_our_own_voice_once_the_greeting_is_over(
    open_site: OpenSite, agent: MakeAgent, numbers: Numbers
) -> None:
    async with open_site(speaking(agent)) as site:
        call = await site.ended(await site.place(numbers.machine, voicemail_message=MESSAGE))
        line = await site.line(numbers.machine)
    assert call.how == ("voicemail", "agent", "")
    assert {event.classification for event in call.of(MachineDetected)} == {"machine"}
    assert [(turn.role, turn.text) for turn in call.of(Turn)] == [("agent", MESSAGE)]
    assert line.announcements == []
    assert line.far_end is not None
    assert without_silence(bytes(line.far_end.heard)) == sound_of(MESSAGE)
    assert min(loud(line.far_end.heard)) > max(loud(line.far_end.said)), "nothing before the beep is recorded"


async def test_the_carriers_voice_leaves_the_message_where_ours_fails(
    open_site: OpenSite, agent: MakeAgent, numbers: Numbers
) -> None:
    voice = CountingTTS()
    voice.fails = ProviderError("The provider is gone.", provider="test")
    async with open_site(agent(tts=voice)) as site:
        call = await site.ended(await site.place(numbers.machine, voicemail_message="Call me back."))
        line = await site.line(numbers.machine)
    assert line.announcements == ["Call me back."]
    assert call.view.error_code == "provider"


@pytest.mark.parametrize(
    ("verdict", "outcome", "spoken"),
    [("human", "answered", True), ("unknown", "answered", True), ("fax", "voicemail", False)],
)
async def test_what_follows_from_a_verdict(
    open_site: OpenSite,
    agent: MakeAgent,
    numbers: Numbers,
    trunk: Trunk,
    verdict: Verdict,
    outcome: str,
    spoken: bool,
) -> None:
    if trunk.tells_only_machines and verdict != "human":
        pytest.skip(f"{trunk.name} does not tell it")
    polite = agent(llm=AnsweringLLM(["Good day.", ToolCall("1", "end_call", "{}")]), stt=TellableSTT(["Hello?"]))
    async with open_site(polite) as site:
        site.cloud.verdicts[numbers.patient] = verdict
        call = await site.ended(await site.place(numbers.patient, voicemail_message="Call me back."))
    assert call.view.outcome == outcome
    assert any(turn.role == "agent" for turn in call.of(Turn)) == spoken
    assert [event.classification for event in call.of(MachineDetected)] == [verdict]


async def test_a_machine_for_which_there_is_no_message_is_hung_up_on(
    open_site: OpenSite, agent: MakeAgent, numbers: Numbers
) -> None:
    async with open_site() as site:
        call = await site.ended(await site.place(numbers.machine))
    assert call.how == ("voicemail", "agent", "")
    assert not call.of(Turn)


async def test_no_verdict_at_all_leaves_the_call_to_what_is_heard(
    open_site: OpenSite, agent: MakeAgent, numbers: Numbers, trunk: Trunk
) -> None:
    polite = agent(llm=AnsweringLLM(["Good day.", ToolCall("1", "end_call", "{}")]), stt=TellableSTT(["Hello?"]))
    async with open_site(polite) as site:
        for label in trunk.verdict:
            site.cloud.callbacks.drop(label)
        call = await site.ended(await site.place(numbers.patient))
    assert call.how == ("answered", "agent", "")
    assert not call.of(MachineDetected)
