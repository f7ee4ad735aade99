"""What a program is told of a call, in what order, and what it may change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from getpatter.agent import Agent
from getpatter.calls.desk import Ringing
from getpatter.clock import Clock, SystemClock
from getpatter.errors import ConfigurationError
from getpatter.events import DtmfPressed, Event, MachineDetected, Outcome, Recorded, SpeechStarted, ToolCalled
from getpatter.llm.base import ForCall, Message, TextDelta
from getpatter.sdk.call_feed import ON_CALL_START_S, CallFeed
from getpatter.sdk.callbacks import CallbackOptions, Callbacks
from getpatter.sdk.no_telephone import NoTelephone
from getpatter.sdk.speech_events import SpeechEvents
from getpatter.testing.clock import ManualClock
from getpatter.testing.providers import AnsweringLLM
from getpatter.tools.context import ToolContext

if TYPE_CHECKING:
    from tests.sdk.conftest import Story, Told

MakeAgent = Callable[..., Agent]
MakeTold = Callable[[], "Told"]
PATIENCE_S = 60.0
RINGING = Ringing(call_id="call_1", carrier_call_id="CA1", from_number="+12025550107", to_number="+12025550199")


def feed_of(speech: SpeechEvents | None = None, clock: Clock | None = None, **callbacks: Any) -> CallFeed:
    return CallFeed(Callbacks(**callbacks), speech or SpeechEvents(), NoTelephone(), clock or SystemClock())


async def tell(feed: CallFeed, *events: Event) -> None:
    """Let all happen, and wait until the program was told."""
    for event in events:
        feed.apply(event)
    async with asyncio.timeout(PATIENCE_S):
        await feed.told()


# -- a call that we place


async def test_it_is_told_from_answer_to_end(story: Callable[..., Story], told: MakeTold) -> None:
    one, heard = story(), told()
    feed = feed_of(on_call_start=heard, on_transcript=heard, on_metrics=heard, on_call_end=heard)
    await tell(feed, one.placed(), one.answered(), one.caller("Hello?"), one.agent("Good day."), one.ended())
    start, caller, agent, metrics, end = heard.all
    assert start == {
        "call_id": "call_1",
        "caller": "+12025550199",
        "callee": "+12025550100",
        "direction": "outbound",
        "telephony_provider": "sim",
        "custom_params": {},
    }
    assert (caller["role"], caller["text"], caller["turnIndex"]) == ("user", "Hello?", 0)
    assert (agent["role"], agent["text"], len(agent["history"])) == ("assistant", "Good day.", 2)
    assert (metrics["turn"].user_text, metrics["turn"].agent_text) == ("Hello?", "Good day.")
    assert (end["outcome"], end["ended_at"], end["metrics"].duration_seconds) == ("answered", 110.0, 8.0)
    assert [line["text"] for line in end["transcript"]] == ["Hello?", "Good day."]
    assert "recording_path" not in end


async def test_a_call_that_nobody_answers_neither_starts_nor_ends(story: Callable[..., Story], told: MakeTold) -> None:
    heard = told()
    await tell(
        feed_of(on_call_start=heard, on_call_end=heard), story().placed(), story().ended(outcome="busy", duration_s=0.0)
    )
    assert heard.all == []


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ("answered", "completed"),
        ("voicemail", "completed"),
        ("no_answer", "no-answer"),
        ("busy", "busy"),
        ("failed", "failed"),
        ("canceled", "canceled"),
        ("interrupted", "failed"),
    ],
)
async def test_every_outcome_is_a_result(story: Callable[..., Story], outcome: Outcome, status: str) -> None:
    feed = feed_of()
    await tell(feed, story().placed(), story().ended(outcome=outcome, error="It broke."))
    result = await feed.result()
    assert (result.call_id, result.outcome, result.status, result.error) == ("call_1", outcome, status, "It broke.")


async def test_keys_and_tools_are_lines_too(story: Callable[..., Story], told: MakeTold) -> None:
    one, heard = story(), told()
    await tell(
        feed_of(on_transcript=heard),
        one.placed(),
        DtmfPressed(call_id="call_1", at=1.0, role="caller", digit="5"),
        ToolCalled(call_id="call_1", at=2.0, tool_call_id="1", name="book", arguments='{"seats": 2}', result="Done."),
        ToolCalled(call_id="call_1", at=3.0, tool_call_id="2", name="book", arguments="{", error="No."),
        one.ended(),
    )
    key, tool, failed = heard.all
    assert (key["role"], key["text"]) == ("user", "[DTMF: 5]")
    assert (tool["role"], tool["text"], tool["tool_name"], tool["tool_args"]) == ("tool", "Done.", "book", {"seats": 2})
    assert (failed["text"], failed["tool_args"]) == ("No.", "{")


async def test_a_verdict_is_told_when_it_is_new(story: Callable[..., Story], told: MakeTold) -> None:
    one, heard = story(), told()

    def verdict(word: Any, raw: str) -> Event:
        return MachineDetected(call_id="call_1", at=5.0, classification=word, raw=raw)

    await tell(
        feed_of(on_machine_detection=heard),
        one.placed(),
        verdict("human", "human"),
        verdict("machine", "heard: a beep"),
        verdict("machine", "machine_end_beep"),
        one.ended(),
    )
    assert [(found.classification, found.raw) for found in heard.all] == [
        ("human", "human"),
        ("machine", "heard: a beep"),
    ]
    assert (heard.all[0].carrier, heard.all[0].detected_at) == ("sim", 5.0)


async def test_the_end_names_our_recording(story: Callable[..., Story], told: MakeTold) -> None:
    one, heard = story(), told()
    recorded = Recorded(call_id="call_1", at=9.0, path="/tmp/a.wav", duration_s=8.0, bytes=44)
    await tell(feed_of(on_call_end=heard), one.placed(), one.answered(), recorded, one.ended())
    assert heard.all[0]["recording_path"] == "/tmp/a.wav"


async def test_moments_of_speech_go_to_their_callbacks_in_order_with_the_rest(
    story: Callable[..., Story], told: MakeTold
) -> None:
    one, heard, speech = story(), told(), SpeechEvents()
    speech.on_user_speech_started = heard
    feed = feed_of(speech, on_transcript=heard)
    started = SpeechStarted(call_id="call_1", at=103.0, role="caller")
    await tell(feed, one.placed(), one.answered(), started, one.caller("Hello?"), one.ended())
    assert heard.all[0] == {"call_id": "call_1", "timestamp_ms": 103000.0}
    assert heard.all[1]["text"] == "Hello?"


# -- a call that comes in


async def test_it_may_change_the_agent_of_a_call_that_rings(make_agent: MakeAgent) -> None:
    def greets(call: dict[str, Any]) -> dict[str, Any]:
        return {"first_message": f"Hello, {call['caller']}."}

    agent = await feed_of(on_call_start=greets).ring(RINGING, make_agent(), "sim")
    assert agent.first_message == "Hello, +12025550107."


@pytest.mark.parametrize(
    "answer", [None, "a word", {"volume": 11}, {"tools": [1]}, {"stt": None}, {"first_message": "Hi", "voice": "alloy"}]
)
async def test_what_it_cannot_have_is_not_done_and_the_call_goes_on(make_agent: MakeAgent, answer: Any) -> None:
    agent = make_agent()
    assert await feed_of(on_call_start=lambda call: answer).ring(RINGING, agent, "sim") is agent


async def test_one_that_fails_changes_nothing(make_agent: MakeAgent) -> None:
    async def fails(call: dict[str, Any]) -> None:
        raise RuntimeError

    agent = make_agent()
    assert await feed_of(on_call_start=fails).ring(RINGING, agent, "sim") is agent


async def test_one_that_takes_too_long_is_not_waited_for(make_agent: MakeAgent) -> None:
    clock, began = ManualClock(), asyncio.Event()

    async def hangs(call: dict[str, Any]) -> None:
        began.set()
        await asyncio.Event().wait()

    agent = make_agent()
    ringing = asyncio.create_task(feed_of(clock=clock, on_call_start=hangs).ring(RINGING, agent, "sim"))
    await began.wait()
    clock.advance(ON_CALL_START_S)
    async with asyncio.timeout(PATIENCE_S):
        assert await ringing is agent


async def test_it_is_told_once_that_the_call_starts_and_once_that_it_ends(
    story: Callable[..., Story], told: MakeTold, make_agent: MakeAgent
) -> None:
    one, heard = story(), told()
    feed = feed_of(on_call_start=heard, on_call_end=heard)
    await feed.ring(RINGING, make_agent(), "sim")
    await tell(feed, one.placed(direction="inbound"), one.answered(), one.ended())
    assert [("ended_at" in call, call["direction"]) for call in heard.all] == [(False, "inbound"), (True, "inbound")]


async def test_one_that_was_turned_away_after_all_ends_too(told: MakeTold, make_agent: MakeAgent) -> None:
    heard = told()
    feed = feed_of(on_call_end=heard)
    await feed.ring(RINGING, make_agent(), "sim")
    feed.turned_away()
    await feed.told()
    assert [(end["call_id"], end["outcome"]) for end in heard.all] == [("call_1", "failed")]


# -- on_message


async def test_the_programs_own_function_answers_and_can_act_on_the_call(
    story: Callable[..., Story], make_agent: MakeAgent
) -> None:
    async def answer(message: dict[str, Any], call: Any) -> str:
        return f"{call.call_id}: {message['text']} from {message['caller']}"

    feed = feed_of(on_message=answer)
    agent = feed.agent_for(make_agent())
    feed.apply(story().placed())
    assert isinstance(agent.llm, ForCall)
    mind = agent.llm.for_call(ToolContext("call_1", "+12025550199"))
    parts = [part async for part in mind.reply([Message("user", "Hello?")], [])]
    assert parts == [TextDelta("call_1: Hello? from +12025550199")]


async def test_a_server_may_answer_in_the_programs_place(make_agent: MakeAgent) -> None:
    agent = feed_of(on_message="https://brain.example.com/answer").agent_for(make_agent())
    assert agent.llm is not None
    assert agent.llm.name == "brain at brain.example.com"


def test_a_text_that_is_no_address_is_refused_with_what_works() -> None:
    with pytest.raises(ConfigurationError, match="no address") as refused:
        Callbacks(on_message="gpt-4o-mini")
    assert "function" in (refused.value.next_step or "")


def test_two_minds_are_refused(make_agent: MakeAgent) -> None:
    callbacks = Callbacks(on_message=lambda message: "Yes.")
    with pytest.raises(ConfigurationError, match="llm"):
        callbacks.check(make_agent(llm=AnsweringLLM("No.")))


def test_callbacks_of_one_call_take_the_place_of_the_others() -> None:
    general = Callbacks(on_call_start=print, on_call_end=print)
    options: CallbackOptions = {"on_call_end": repr, "on_metrics": None}
    assert general.changed(options) == Callbacks(on_call_start=print, on_call_end=repr)
    with pytest.raises(TypeError, match="on_fire"):
        general.changed({"on_fire": print})  # type: ignore[typeddict-unknown-key]  # as somebody may write it
