"""What is said to OpenAI's realtime API, and what its events come to, without a socket."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import SecretStr

from getpatter.connections.faults import Faults
from getpatter.connections.vendor import Vendor
from getpatter.engines import openai_wire as wire
from getpatter.engines.base import EngineConfig, InputTranscript, ResponseDone
from getpatter.engines.dialect import READY, Ends, Happening
from getpatter.engines.openai_dialect import OpenAIDialect
from getpatter.llm.base import TextDelta, ToolCall
from getpatter.metering import Product
from getpatter.testing.clock import ManualClock


class Line:
    """A session without a socket: what it said, and what it told."""

    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []
        self.told: list[Happening] = []
        self.dialect = OpenAIDialect(
            Ends(lambda message: self.said.append(json.loads(message)), self.told.append),
            wire.SessionSettings(voice="marin"),
            EngineConfig("You book tables."),
            product=Product("openai", "gpt-realtime"),
            faults=Faults("OpenAI", Vendor("OpenAI", "OPENAI_API_KEY"), [SecretStr("sk-1")]),
            hearing=Faults("m", Vendor("Groq", "GROQ_API_KEY"), [SecretStr("sk-1")], "llama-3.1-8b-instant"),
            clock=ManualClock(),
        )
        self.dialect.begin()
        self.hear("session.created", session={})
        self.hear("session.updated", session={})
        assert self.told == [READY]
        self.told.clear()

    def hear(self, kind: str, **fields: Any) -> None:
        self.dialect.receive(json.dumps({"type": kind, **fields}))

    def ends(self, response: str, status: str = "completed") -> None:
        usage = {"input_tokens": 10, "output_tokens": 5}
        self.hear("response.done", response={"id": response, "status": status, "usage": usage})


@pytest.fixture
def line() -> Line:
    return Line()


def test_the_end_of_a_response_that_was_given_up_is_not_that_of_the_next(line: Line) -> None:
    line.dialect.respond()
    line.hear("response.created", response={"id": "resp_1"})
    line.dialect.cancel()
    line.dialect.respond()  # nobody waits longer for the end of a cancelled one
    line.ends("resp_1", "cancelled")
    line.hear("response.created", response={"id": "resp_2"})
    line.hear("response.output_audio_transcript.delta", response_id="resp_2", item_id="item_2", delta="Yes.")
    assert line.told == [TextDelta("Yes.")]
    line.ends("resp_2")
    assert isinstance(line.told[-1], ResponseDone)
    [used] = line.dialect.used(10.0)
    assert used.input_tokens == 20


def test_a_response_ends_once(line: Line) -> None:
    line.dialect.respond()
    line.hear("response.created", response={"id": "resp_1"})
    line.ends("resp_1")
    line.dialect.respond()
    line.ends("resp_1")
    assert len(line.told) == 1


def test_a_field_that_is_null_is_one_that_is_not_there(line: Line) -> None:
    line.hear("error", error={"message": None, "type": "invalid_request_error", "event_id": None})
    line.hear("input_audio_buffer.committed", item_id=None, previous_item_id=None)
    line.dialect.respond()
    line.hear("response.created", response={"id": "resp_1", "usage": None})
    line.hear("response.function_call_arguments.done", response_id="resp_1", call_id="call_1", name="f", arguments=None)
    assert line.told == [ToolCall("call_1", "f", "")]


def test_half_an_emoji_in_the_result_of_a_tool_is_sent_as_a_mark(line: Line) -> None:
    line.dialect.tool_result("call_1", "found \ud83d")
    assert line.said[-1]["item"]["output"] == "found ?"


def test_a_transcription_that_fails_is_told_in_the_log_and_the_turn_has_no_words(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    """A recogniser that its vendor retired would else leave every transcript empty, and nobody would know why."""
    caplog.clear()
    for item, code in (("item_1", "audio_unintelligible"), ("item_2", "model_not_found")):
        line.dialect.send(bytes(8000))
        line.dialect.commit()
        line.hear("input_audio_buffer.committed", item_id=item)
        error = {"code": code, "message": "Not for sk-1."}
        line.hear("conversation.item.input_audio_transcription.failed", item_id=item, error=error)
    assert line.told == [InputTranscript("", final=True)] * 2
    words = "m failed: Not for ***. llama-3.1-8b-instant was retired on 2026-08-16: use openai/gpt-oss-120b."
    assert [record.getMessage() for record in caplog.records] == [words]
