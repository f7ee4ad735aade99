"""What is said to Ultravox, and what its messages come to, without a socket."""

from __future__ import annotations

import json
from typing import Any

import pytest

from getpatter.connections.faults import Faults
from getpatter.engines import ultravox_wire as wire
from getpatter.engines.base import (
    AudioDelta,
    EngineConfig,
    HungUp,
    InputTranscript,
    Interrupted,
    ResponseBegun,
    ResponseDone,
    TurnTaken,
)
from getpatter.engines.dialect import Ends, Happening, Ready
from getpatter.engines.ultravox import ULTRAVOX
from getpatter.engines.ultravox_dialect import UltravoxDialect
from getpatter.llm.base import Message, TextDelta, ToolCall, ToolSpec
from getpatter.metering import Product

NAME = {"type": "string"}
LOOK_UP = ToolSpec("look_up", "Finds somebody.", {"properties": {"name": NAME, "town": NAME}, "required": ["name"]})


class Talk:
    """A dialect, what it said to the vendor, and what it told us."""

    def __init__(self, *, greets: bool = False, asks: str = "") -> None:
        self.said: list[Any] = []
        self.told: list[Happening] = []
        ends = Ends(lambda message: self.said.append(_read(message)), self.told.append)
        faults, product = Faults("ultravox", ULTRAVOX), Product("ultravox", "fixie-ai/ultravox")
        self.dialect = UltravoxDialect(ends, (LOOK_UP,), greets=greets, asks=asks, product=product, faults=faults)
        self.dialect.begin()
        self.comes("call_started", callId="1")

    def comes(self, kind: str, **fields: Any) -> None:
        self.dialect.receive(json.dumps({"type": kind, **fields}))

    def turns_to(self, *states: str) -> None:
        for state in states:
            self.comes("state", state=state)

    def hears(self, text: str, *, final: bool = True) -> None:
        self.comes("transcript", role="user", medium="voice", text=text, final=final, ordinal=1)


def _read(message: str | bytes) -> Any:
    return message if isinstance(message, bytes) else json.loads(message)


# -- the call


def test_a_call_has_its_prompt_tools_and_audio() -> None:
    settings = wire.CallSettings(model="fixie-ai/ultravox", voice="Mark", temperature=0.2, extra={"vadSettings": {}})
    body = wire.call(settings, EngineConfig("You book tables.", (LOOK_UP,), "de-DE"), (), "Guten Tag.")
    tool = body["selectedTools"][0]["temporaryTool"]
    assert (body["systemPrompt"], body["languageHint"], body["voice"]) == ("You book tables.", "de-DE", "Mark")
    assert body["firstSpeakerSettings"] == {"agent": {"text": "Guten Tag."}}
    assert body["medium"]["serverWebSocket"] == {
        "inputSampleRate": 8000,
        "outputSampleRate": 8000,
        "clientBufferSizeMs": 30_000,
    }
    assert (tool["modelToolName"], tool["client"]) == ("look_up", {})
    assert [(parameter["name"], parameter["required"]) for parameter in tool["dynamicParameters"]] == [
        ("name", True),
        ("town", False),
    ]
    assert body["vadSettings"] == {}


def test_a_call_knows_what_was_said_before() -> None:
    said = (
        Message("user", "Is Ada there?"),
        Message("assistant", "I shall look.", (ToolCall("1", "look_up", "{}"),)),
        Message("tool", "found", tool_call_id="1"),
    )
    body = wire.call(wire.CallSettings(model="m"), EngineConfig("p"), said, "")
    assert [(message["role"], message["text"]) for message in body["initialMessages"]] == [
        ("MESSAGE_ROLE_USER", "Is Ada there?"),
        ("MESSAGE_ROLE_AGENT", "I shall look."),
        ("MESSAGE_ROLE_TOOL_CALL", "{}"),
        ("MESSAGE_ROLE_TOOL_RESULT", "found"),
    ]
    assert body["initialMessages"][3]["toolName"] == "look_up"
    assert body["firstSpeakerSettings"] == {"user": {}}


# -- turns


def test_a_turn_is_taken_when_the_server_begins_to_think() -> None:
    talk = Talk()
    talk.hears("a ta", final=False)
    talk.hears("a table")
    talk.turns_to("thinking", "speaking")
    talk.dialect.receive(b"\x00\x00")
    talk.turns_to("listening")
    assert isinstance(talk.told[0], Ready)
    assert talk.told[1:] == [
        InputTranscript("a ta", final=False),
        TurnTaken("a table"),
        AudioDelta("response_1", b"\x00\x00"),
        ResponseDone(),
    ]


def test_words_may_come_behind_the_turn() -> None:
    talk = Talk()
    talk.turns_to("thinking")
    talk.hears("a table")
    assert talk.told[1:] == [TurnTaken(), InputTranscript("a table", final=True)]


def test_the_agents_words_are_told_once_whether_whole_or_in_pieces() -> None:
    talk = Talk()
    talk.turns_to("thinking", "speaking")
    talk.comes("transcript", role="agent", delta="Let ", final=False)
    talk.comes("transcript", role="agent", delta="me see.", final=False)
    talk.comes("transcript", role="agent", text="Let me see. Yes.", final=True)
    assert "".join(told.text for told in talk.told if isinstance(told, TextDelta)) == "Let me see. Yes."


def test_an_interruption_clears_what_is_buffered() -> None:
    talk = Talk()
    talk.turns_to("thinking", "speaking")
    talk.dialect.receive(b"\x00\x00")
    talk.comes("playback_clear_buffer")
    assert talk.told[-2:] == [ResponseDone("cancelled"), Interrupted()]


def test_what_follows_a_tool_is_no_turn() -> None:
    talk = Talk()
    talk.turns_to("thinking")
    talk.comes("client_tool_invocation", toolName="look_up", invocationId="1", parameters={"name": "Ada"})
    talk.dialect.tool_result("1", "found")
    talk.turns_to("thinking", "speaking")
    talk.dialect.receive(b"\x00\x00")
    assert talk.told[1:] == [
        TurnTaken(),
        ToolCall("1", "look_up", '{"name": "Ada"}'),
        ResponseDone(),
        ResponseBegun(),
        AudioDelta("response_2", b"\x00\x00"),
    ]
    assert talk.said[-1]["result"] == "found"


def test_a_tool_of_a_response_that_was_cancelled_is_not_run() -> None:
    talk = Talk()
    talk.turns_to("thinking")
    talk.dialect.cancel()
    talk.comes("client_tool_invocation", toolName="look_up", invocationId="1", parameters={})
    assert talk.said[-1]["errorType"] == "implementation-error"
    assert not any(isinstance(told, ToolCall) for told in talk.told)


# -- what goes


def test_words_of_ours_are_forced() -> None:
    talk = Talk()
    talk.dialect.say("Are you still there?")
    assert talk.said == [{"type": "forced_agent_message", "content": "Are you still there?", "urgency": "immediate"}]
    talk.turns_to("speaking")
    talk.dialect.receive(b"\x00\x00")
    assert talk.told[1:] == [AudioDelta("response_1", b"\x00\x00")]


def test_the_first_words_are_a_response_that_was_asked_for() -> None:
    talk = Talk(greets=True)
    talk.turns_to("speaking")
    talk.dialect.receive(b"\x00\x00")
    assert talk.told[1:] == [AudioDelta("response_1", b"\x00\x00")]


def test_notes_wait_where_an_answer_comes_and_are_answered_where_none_does() -> None:
    talk = Talk()
    for _ in range(2):
        talk.dialect.tell("[pressed 1]")
        talk.dialect.respond()
    assert [message["urgency"] for message in talk.said] == ["soon", "later"]


def test_a_turn_that_was_not_answered_is_asked_about_again() -> None:
    talk = Talk(asks="Is Ada there?")
    talk.dialect.respond()
    assert talk.said[0]["text"] == "Is Ada there?"


def test_what_means_nothing_to_it_is_not_said() -> None:
    talk = Talk()
    talk.dialect.respond()
    talk.dialect.commit()
    talk.dialect.truncate("response_1", 100)
    talk.dialect.keep_alive()
    talk.dialect.end()
    assert talk.said == []


def test_audio_passes_as_it_is() -> None:
    talk = Talk()
    talk.dialect.send(b"\x01\x02")
    assert talk.said == [b"\x01\x02"]


# -- failures


def test_a_call_that_is_closed_in_good_order_was_ended_by_the_service() -> None:
    talk = Talk()
    talk.dialect.closed(1000, "maximum duration")
    assert talk.told[-1] == HungUp("ultravox has ended the call: maximum duration")


def test_a_call_that_the_server_ended_is_not_begun_again() -> None:
    error = Talk().dialect.closed(1000, "")
    assert error is not None
    assert not error.retryable
    assert Talk().dialect.closed(1011, "") is None


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(ValueError, match="none"):
        Talk().dialect.receive("{")


def test_the_time_of_the_call_is_paid_for() -> None:
    [used] = Talk().dialect.used(12.5)
    assert (used.product.vendor, used.seconds) == ("ultravox", 12.5)
