"""Nothing of a conversation differs by carrier: what happens in it is what happens on the simulated network."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from getpatter.agent import Agent, TurnSettings
from getpatter.calls.views import CallQuery, ServeInbound
from getpatter.errors import CarrierError
from getpatter.events import CallDialed, CallEnded, CallRinging, Event
from getpatter.llm.base import ToolCall
from getpatter.testing.clip_voice import ClipTTS, sound_of, without_silence
from getpatter.testing.providers import AnsweringLLM, TellableSTT

if TYPE_CHECKING:
    from tests.e2e.carriers.conftest import Ended, Numbers, OpenSimSite, OpenSite, Site
    from tests.e2e.conftest import MakeAgent

QUESTION = "Sorry, who is this?"
NAME = "Hello, this is Sam."
WORDS = ["Hello?", "Hello? Yes."]

CARRIERS_OWN = {"carrier", "carrier_call_id", "raw"}
"""What each carrier calls what it means."""
DIFFERS_EACH_TIME = {"call_id", "at", "seq", "started_at", "ended_at", "latency", "path", "bytes"}


def talkative(agent: MakeAgent) -> Agent:
    """Answers twice and says goodbye."""
    return agent(
        llm=AnsweringLLM(QUESTION, [NAME, ToolCall("1", "end_call", "{}")]),
        stt=TellableSTT(WORDS),
        tts=ClipTTS(),
        turns=TurnSettings(vad_stop_s=0.2, patience=False, goodbye_timeout_s=60.0),
    )


def what_happened(events: Iterable[Event]) -> dict[str, list[dict[str, Any]]]:
    """Up to the end of the call: the events of each kind in their order, without ids, times and carriers' own words.

    What the carrier tells of a call runs beside what is said in it, so only within a kind there is an order.
    """
    kinds: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        if isinstance(event, CallDialed | CallRinging):
            continue  # some carriers name a call twice, and one that is taken at once may not be told to ring
        told: dict[str, Any] = msgspec.to_builtins(event)
        left_out = CARRIERS_OWN | DIFFERS_EACH_TIME | {name for name in told if name.endswith(("_ms", "_s"))}
        kinds[told["type"]].append({name: told[name] for name in told if name not in left_out})
        if isinstance(event, CallEnded):
            break
    return kinds


async def call_out(site: Site, number: str) -> Ended:
    return await site.ended(await site.place(number, first_message=""))


async def call_in(site: Site, number: str) -> Ended:
    await site.board.serve_inbound(ServeInbound(first_message=""))
    ringing = await site.ring(number)
    assert ringing.ended_by != "party"
    return await site.ended(await site.only_call())


async def test_a_call_out_is_the_same_with_every_carrier(
    open_site: OpenSite, open_sim_site: OpenSimSite, agent: MakeAgent, more: Numbers
) -> None:
    async with open_sim_site(talkative(agent)) as simulated, open_site(talkative(agent)) as site:
        expected, call = await asyncio.gather(call_out(simulated, more.talkative), call_out(site, more.talkative))
        line = await site.line(more.talkative)
        said = await site.transcript(call.view.call_id)
    assert call.how == ("answered", "agent", "")
    assert said == [("caller", WORDS[0]), ("agent", QUESTION), ("caller", WORDS[1]), ("agent", NAME)]
    assert what_happened(call.events) == what_happened(expected.events)
    assert line.far_end is not None
    assert without_silence(bytes(line.far_end.heard)) == sound_of(QUESTION, NAME)


async def test_a_call_in_is_the_same_with_every_carrier(
    open_site: OpenSite, open_sim_site: OpenSimSite, agent: MakeAgent, more: Numbers
) -> None:
    async with open_sim_site(talkative(agent)) as simulated, open_site(talkative(agent)) as site:
        with pytest.raises(CarrierError):
            await site.ring(more.talkative)  # until it is to be answered the number leads nowhere
        expected, call = await asyncio.gather(call_in(simulated, more.talkative), call_in(site, more.talkative))
        said = await site.transcript(call.view.call_id)
    assert call.how == ("answered", "agent", "")
    assert said == [("caller", WORDS[0]), ("agent", QUESTION), ("caller", WORDS[1]), ("agent", NAME)]
    assert what_happened(call.events) == what_happened(expected.events)


async def test_a_call_is_turned_away_while_nobody_is_to_answer(
    open_site: OpenSite, agent: MakeAgent, more: Numbers
) -> None:
    async with open_site() as site:
        await site.board.serve_inbound(ServeInbound())
        await site.board.serve_inbound(ServeInbound(enabled=False))
        ringing = await site.ring(more.talkative)
        assert (ringing.ended_by, ringing.reason) == (None, "busy")
        assert await site.board.list(CallQuery()) == []
