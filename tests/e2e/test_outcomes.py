"""However a call ends, switchboard, store and MCP tell the same of it, and nothing is left behind."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from getpatter.agent import TurnSettings
from getpatter.calls.hang_ups import ORPHAN_S
from getpatter.errors import ProviderError
from getpatter.events import Problem
from getpatter.llm.base import ToolCall
from getpatter.stt.pocketsphinx import PocketSphinxSTT
from getpatter.testing.clock import SkippingClock
from getpatter.testing.network import SimNetwork
from getpatter.testing.parties import Directory
from getpatter.testing.providers import SECONDS_A_WORD, SOUND, AnsweringLLM, CountingTTS, TellableSTT
from getpatter.testing.signing import sim_secret

if TYPE_CHECKING:
    from tests.e2e.conftest import MakeAgent, Numbers, OpenHouse

GONE = ProviderError("The provider is gone.", provider="test")


# -- nobody to talk to ------------------------------------------------------------------------------------------


async def test_a_busy_line(open_house: OpenHouse, numbers: Numbers) -> None:
    async with open_house() as house:
        call = await house.ended(await house.place(numbers.busy))
    assert call.how == ("busy", "carrier", "")
    assert call.view.reason.startswith("the line is busy")
    assert call.result["next_step"] == "The line was busy; place_call can try again later."


async def test_nobody_answers(open_house: OpenHouse, numbers: Numbers) -> None:
    async with open_house() as house:
        call = await house.ended(await house.place(numbers.nobody))
    assert call.how == ("no_answer", "carrier", "")
    assert call.result["next_step"] == "Nobody answered; place_call can try again later."


async def test_it_rings_longer_than_we_wait(open_house: OpenHouse, numbers: Numbers) -> None:
    async with open_house(ring_timeout_s=0.05) as house:
        call = await house.ended(await house.place(numbers.far_away))
    assert call.how == ("no_answer", "carrier", "")


async def test_a_number_that_nobody_has(open_house: OpenHouse, numbers: Numbers) -> None:
    clock = SkippingClock()
    async with open_house(clock=clock) as house:
        call = await house.ended(await house.place(numbers.unknown))
        # So long one listens for the call, should the carrier have placed it all the same.
        clock.skip(ORPHAN_S)
    assert call.how == ("failed", "engine", "carrier")
    assert numbers.unknown in call.result["error"]
    assert "place_call" in call.result["next_step"]


# -- machines ---------------------------------------------------------------------------------------------------


async def test_a_message_is_left_on_an_answering_machine(open_house: OpenHouse, numbers: Numbers) -> None:
    async with open_house() as house:
        call_id = await house.place(numbers.machine, voicemail_message="Call me back.")
        call = await house.ended(call_id)
        assert await house.transcript(call_id) == [("agent", "Call me back.")]
    assert call.how == ("voicemail", "agent", "")
    assert "message was left" in call.view.reason
    assert call.result["next_step"].startswith("get_transcript")


async def test_a_machine_for_which_there_is_no_message(open_house: OpenHouse, numbers: Numbers) -> None:
    async with open_house() as house:
        call = await house.ended(await house.place(numbers.machine))
    assert call.how == ("voicemail", "agent", "")
    assert "voicemail_message" in call.result["next_step"]


# -- somebody hangs up ------------------------------------------------------------------------------------------


async def test_the_other_side_hangs_up(open_house: OpenHouse, numbers: Numbers) -> None:
    async with open_house() as house:
        call = await house.ended(await house.place(numbers.brief, first_message="Good day."))
    assert call.how == ("answered", "caller", "")
    assert call.view.duration_s > 0


async def test_the_agent_hangs_up_once_its_goodbye_was_heard(
    open_house: OpenHouse, agent: MakeAgent, numbers: Numbers
) -> None:
    polite = agent(
        llm=AnsweringLLM(["Thank you, goodbye then.", ToolCall("1", "end_call", "{}")]), stt=TellableSTT(["Hello?"])
    )
    async with open_house(polite) as house:
        await house.assistant.use("serve_inbound", first_message="")
        # A network of our own, so that its far end can be asked what it heard.
        home = house.settings.home
        network = SimNetwork(Directory.load(home / "parties"), sim_secret(home))
        ringing = await network.ring(house.voice_url, numbers.patient, house.settings.phone_number)
        line = network.find(ringing.carrier_call_id)
        await network.close()
        [listed] = (await house.assistant.use("list_calls", direction="inbound"))["calls"]
        call = await house.ended(listed["call_id"])
        said = await house.transcript(listed["call_id"])
    assert call.how == ("answered", "agent", "")
    assert ringing.ended_by == "engine"
    assert said == [("caller", "Hello?"), ("agent", "Thank you, goodbye then.")]
    assert line is not None
    assert line.far_end is not None
    assert line.far_end.heard.count(SOUND) == 4 * SECONDS_A_WORD * 8000


async def test_the_assistant_hangs_up_while_it_rings(open_house: OpenHouse, numbers: Numbers) -> None:
    async with open_house() as house:
        call_id = await house.place(numbers.far_away)
        await house.until(call_id, lambda view: view.status == "ringing")
        told = await house.assistant.use("hang_up", call_id=call_id)
        call = await house.ended(call_id)
    assert told["ended"]
    assert call.how == ("canceled", "assistant", "")
    assert call.view.duration_s == 0


async def test_the_assistant_hangs_up_in_the_call(open_house: OpenHouse, numbers: Numbers) -> None:
    async with open_house() as house:
        call_id = await house.place(numbers.patient, first_message="Good day.")
        await house.talking(call_id)
        told = await house.assistant.use("hang_up", call_id=call_id, reason="changed my mind")
        again = await house.assistant.use("hang_up", call_id=call_id)
        call = await house.ended(call_id)
    assert told["ended"]
    assert again["reason"] == "changed my mind"
    assert call.how == ("answered", "assistant", "")


# -- limits -----------------------------------------------------------------------------------------------------


async def test_a_call_that_lasts_too_long(open_house: OpenHouse, numbers: Numbers) -> None:
    async with open_house() as house:
        call_id = await house.place(numbers.silent, max_duration_s=0.2)
        call = await house.ended(call_id)
        assert await house.transcript(call_id) == [("agent", "Time's up.")]
    assert call.how == ("answered", "limit", "")
    assert "0.2 s" in call.result["reason"]


async def test_a_call_in_which_nobody_speaks(open_house: OpenHouse, agent: MakeAgent, numbers: Numbers) -> None:
    async with open_house(agent(turns=TurnSettings(silence_timeout_s=0.1))) as house:
        call_id = await house.place(numbers.silent)
        call = await house.ended(call_id)
        assert await house.transcript(call_id) == [("agent", "Hello?"), ("agent", "Bye.")]
    assert call.how == ("answered", "limit", "")


# -- something fails --------------------------------------------------------------------------------------------


async def test_a_media_socket_that_is_dropped(open_house: OpenHouse) -> None:
    async with open_house() as house:
        await house.assistant.use("serve_inbound")
        async with house.handset() as handset, handset.open() as line:
            await line.agent_speaks()
            line.drop()
            call = await house.ended(handset.call_id)
    assert call.how == ("failed", "carrier", "media")
    assert "dropped" in call.result["error"]


async def test_a_recogniser_that_cannot_be_opened(open_house: OpenHouse, agent: MakeAgent, numbers: Numbers) -> None:
    async with open_house(agent(stt=TellableSTT(refuses=GONE))) as house:
        call = await house.ended(await house.place(numbers.far_away))
    assert call.how == ("failed", "engine", "provider")
    assert [event.message for event in call.events if isinstance(event, Problem)] == [GONE.message]
    assert call.result["error"] == GONE.message
    assert "place_call" in call.result["next_step"]


async def test_a_recogniser_that_is_lost_in_mid_call(open_house: OpenHouse, agent: MakeAgent, numbers: Numbers) -> None:
    stt = TellableSTT()
    async with open_house(agent(stt=stt)) as house:
        call_id = await house.place(numbers.silent, first_message="Good day.")
        await house.talking(call_id)
        stt.opened[0].fail(GONE)
        call = await house.ended(call_id)
        assert await house.transcript(call_id) == [("agent", "Good day."), ("agent", "Sorry, goodbye.")]
    assert call.how == ("failed", "engine", "provider")
    assert call.result["error"] == GONE.message
    assert stt.opened[0].closed


async def test_a_recogniser_whose_process_is_killed(open_house: OpenHouse, agent: MakeAgent, numbers: Numbers) -> None:
    """It is started again, and the call goes on."""
    pytest.importorskip("pocketsphinx", reason="the local extra is not installed")
    stt = PocketSphinxSTT(workers=1)
    async with open_house(agent(stt=stt)) as house:
        call_id = await house.place(numbers.talker, first_message="Good day.")
        said = (await house.talking(call_id)).turns
        [killed] = stt.worker_pids
        os.kill(killed, signal.SIGKILL)
        await house.until(call_id, lambda view: view.turns >= said + 4)
        assert stt.worker_pids != [killed]
        await house.board.hang_up(call_id)
        call = await house.ended(call_id)
        await stt.close()
    assert call.how[0] == "answered"
    problems = [event.message for event in call.events if isinstance(event, Problem)]
    assert any("pocketsphinx" in message and "connected anew" in message for message in problems)


async def test_a_voice_that_fails(open_house: OpenHouse, agent: MakeAgent, numbers: Numbers) -> None:
    tts = CountingTTS()
    tts.fails = GONE
    async with open_house(agent(tts=tts)) as house:
        call = await house.ended(await house.place(numbers.patient, first_message="Good day."))
    assert call.how == ("failed", "engine", "provider")
    assert call.result["error"] == GONE.message
    assert tts.opened[0].closed


async def test_a_language_model_that_fails(open_house: OpenHouse, agent: MakeAgent, numbers: Numbers) -> None:
    async with open_house(agent(llm=AnsweringLLM(GONE), stt=TellableSTT(["Hello?"]))) as house:
        call_id = await house.place(numbers.patient)
        call = await house.ended(call_id)
        assert await house.transcript(call_id) == [("caller", "Hello?"), ("agent", "Sorry, goodbye.")]
    assert call.how == ("failed", "engine", "provider")
