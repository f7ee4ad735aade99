"""What was committed to OpenAI and what was understood of it, without a socket."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import SecretStr

from getpatter.connections.faults import Faults
from getpatter.connections.vendor import Vendor
from getpatter.engines import openai_wire as wire
from getpatter.engines.base import InputTranscript
from getpatter.engines.dialect import Ends, Happening
from getpatter.engines.openai_caller import Caller
from getpatter.stt.openai_wire import TRANSCRIPT_S
from getpatter.testing.clock import ManualClock


class Line:
    """A caller whose utterances are numbered: each `says` one, and `understood` is what the API makes of it."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.told: list[Happening] = []
        hearing = Faults("a transcriber", Vendor("OpenAI", "OPENAI_API_KEY"), [SecretStr("sk-1")])
        self.caller = Caller(Ends(lambda _: None, self.told.append), hearing, self.clock)
        self._said = 0

    def says(self) -> None:
        self._said += 1
        self.caller.committed()
        self.hear("input_audio_buffer.committed", item_id=f"item_{self._said}")

    def guessed(self, number: int, delta: str) -> None:
        self.hear("conversation.item.input_audio_transcription.delta", item_id=f"item_{number}", delta=delta)

    def understood(self, number: int, transcript: str) -> None:
        kind = "conversation.item.input_audio_transcription.completed"
        self.hear(kind, item_id=f"item_{number}", transcript=transcript)

    def hear(self, kind: str, **fields: Any) -> None:
        self.caller.receive(wire.parse(json.dumps({"type": kind, **fields})))

    @property
    def finals(self) -> list[str]:
        return [told.text for told in self.told if isinstance(told, InputTranscript) and told.final]


@pytest.fixture
def line() -> Line:
    return Line()


def test_transcripts_are_told_in_the_order_in_which_things_were_said(line: Line) -> None:
    line.says()
    line.says()
    line.understood(2, "at eight")
    assert line.finals == []
    line.understood(1, "a table")
    assert line.finals == ["a table", "at eight"]


def test_a_transcript_that_never_comes_is_empty_once_it_has_kept_others_waiting(line: Line) -> None:
    line.says()
    line.clock.advance(1.0)
    line.says()
    line.understood(2, "at eight")
    line.clock.advance(TRANSCRIPT_S - 1.5)
    line.hear("session.updated", session={})
    assert line.finals == []
    line.clock.advance(0.5)
    line.hear("session.updated", session={})
    assert line.finals == ["", "at eight"]


def test_each_transcript_that_never_comes_is_empty(line: Line) -> None:
    for _ in range(5):
        line.says()
    line.understood(2, "two")
    line.understood(5, "five")
    line.clock.advance(TRANSCRIPT_S)
    line.hear("session.updated", session={})
    assert line.finals == ["", "two", "", "", "five"]


def test_a_slow_transcript_is_waited_for_as_long_as_nothing_else_was_understood(line: Line) -> None:
    line.says()
    line.clock.advance(60.0)
    line.hear("session.updated", session={})
    line.says()
    assert line.finals == []
    line.understood(1, "a table")
    assert line.finals == ["a table"]


def test_a_cough_is_not_kept_waiting_either(line: Line) -> None:
    line.says()
    line.clock.advance(TRANSCRIPT_S)
    line.caller.committed_nothing()
    assert line.finals == ["", ""]


def test_words_that_come_after_their_turn_are_not_taken_for_those_of_another(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    line.says()
    line.clock.advance(TRANSCRIPT_S)
    line.says()
    line.understood(2, "at eight")
    line.says()
    line.understood(1, "a table")
    line.understood(3, "for two")
    assert line.finals == ["", "at eight", "for two"]
    assert "too late" in caplog.text
    assert "a table" not in caplog.text


def test_a_guess_at_words_that_never_came_is_no_part_of_the_next(line: Line) -> None:
    line.says()
    line.guessed(1, "a")
    line.clock.advance(TRANSCRIPT_S)
    line.caller.committed_nothing()
    line.says()
    line.guessed(2, "at")
    assert line.told[-1] == InputTranscript("at", final=False)
