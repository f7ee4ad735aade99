from __future__ import annotations

import json
from typing import Any

import pytest
from google.genai import types
from pydantic import SecretStr

from getpatter.connections.faults import Faults
from getpatter.connections.vendor import Vendor
from getpatter.engines import gemini_wire as wire
from getpatter.engines.base import AudioDelta, EngineConfig, InputTranscript, ResponseDone, Resumption
from getpatter.engines.dialect import READY, Ends, Happening
from getpatter.engines.gemini_caller import MAX_HELD
from getpatter.engines.gemini_dialect import ANSWER_AGAIN, GO_ON, UNHEARD, GeminiDialect
from getpatter.errors import ProviderError
from getpatter.llm.base import Message, TextDelta, ToolCall, ToolSpec
from getpatter.metering import Product

LOOK_UP = ToolSpec("look_up", "Finds somebody.", {"type": "object", "properties": {}})
CONFIG = EngineConfig("You book tables.", (LOOK_UP,))
HISTORY = (
    Message("user", "Is Ada there?"),
    Message("assistant", "I shall look.", tool_calls=(ToolCall("call_1", "look_up", '{"name": "Ada"}'),)),
    Message("tool", "found", tool_call_id="call_1"),
)
SETTINGS = wire.SessionSettings(model="gemini-3.8-live", voice="Kore", temperature=0.5, max_output_tokens=500)
SOUND = b"\x00" * 3200


class Line:
    """A session without a socket: what it said, and what it told."""

    def __init__(self, config: EngineConfig = CONFIG, *, resumes: str = "") -> None:
        self._said: list[str | bytes] = []
        self._told: list[Happening] = []
        ends = Ends(self._said.append, self._told.append)
        faults = Faults("Gemini", Vendor("Google", "GEMINI_API_KEY"), [SecretStr("sk-1")])
        product = Product("google", "gemini-3.8-live")
        self.dialect = GeminiDialect(ends, SETTINGS, config, resumes=resumes, product=product, faults=faults)
        self.dialect.begin()
        self.hear(setupComplete={})

    def hear(self, **message: Any) -> None:
        self.dialect.receive(json.dumps(message))

    def content(self, **fields: Any) -> None:
        self.hear(serverContent=fields)

    def said(self) -> list[dict[str, Any]]:
        """The messages since it was asked last."""
        messages, self._said[:] = [json.loads(message) for message in self._said], []
        return messages

    def kinds(self) -> list[str]:
        """Their kinds; those of realtime input by what they hold."""
        found = []
        for message in self.said():
            [(kind, body)] = message.items()
            found.append(next(iter(body)) if kind == "realtimeInput" else kind)
        return found

    def told(self) -> list[Happening]:
        told, self._told[:] = list(self._told), []
        return told


@pytest.fixture
def line() -> Line:
    line = Line()
    line.said()
    line.told()
    return line


def speaks(line: Line) -> None:
    line.dialect.send(SOUND)
    line.dialect.commit()


# -- the session


def test_the_first_message_is_the_whole_configuration() -> None:
    [message] = Line(EngineConfig("You book tables.", (LOOK_UP,))).said()
    setup = message["setup"]
    assert types.LiveClientSetup.model_validate(setup | {"realtimeInputConfig": None}, extra="ignore")
    assert setup["model"] == "models/gemini-3.8-live"
    assert setup["systemInstruction"] == {"parts": [{"text": "You book tables."}]}
    assert setup["tools"][0]["functionDeclarations"][0]["name"] == "look_up"
    assert setup["realtimeInputConfig"]["automaticActivityDetection"] == {"disabled": True}
    assert setup["generationConfig"] == {
        "responseModalities": ["AUDIO"],
        "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}},
        "temperature": 0.5,
        "maxOutputTokens": 500,
    }


@pytest.mark.parametrize(
    "message",
    [
        wire.ACTIVITY_START,
        wire.ACTIVITY_END,
        json.loads(wire.append(SOUND)),
        wire.told("[pressed 1]"),
        wire.turn("Hello."),
        wire.say("Good morning."),
        wire.history(HISTORY),
        wire.tool_results([("call_1", "look_up", "found")]),
        wire.reconfigure("You cook.", (LOOK_UP,)),
        wire.reconfigure("You cook.", ()),
    ],
    ids=lambda message: next(iter(next(iter(message.values())))),
)
def test_messages_are_such_as_the_official_types_allow(message: dict[str, Any]) -> None:
    assert types.LiveClientMessage.model_validate(message).model_dump(exclude_none=True)


def test_what_was_said_before_is_told_first() -> None:
    line = Line(EngineConfig("You book tables.", history=HISTORY))
    setup, history = line.said()
    assert setup["setup"]["historyConfig"] == {"initialHistoryInClientContent": True}
    turns = history["clientContent"]["turns"]
    assert [turn["role"] for turn in turns] == ["user", "model", "user"]
    assert turns[1]["parts"][1] == {"functionCall": {"id": "call_1", "name": "look_up", "args": {"name": "Ada"}}}
    assert turns[2]["parts"] == [
        {"functionResponse": {"id": "call_1", "name": "look_up", "response": {"output": "found"}}}
    ]
    assert line.told() == [READY]


def test_a_session_that_is_taken_up_knows_it_already() -> None:
    [setup] = Line(EngineConfig("You book tables.", history=HISTORY), resumes="handle-1").said()
    assert setup["setup"]["sessionResumption"] == {"handle": "handle-1"}
    assert "historyConfig" not in setup["setup"]


# -- the caller


def spoken(line: Line, text: str = "Well") -> None:
    """The model says something."""
    line.content(outputTranscription={"text": text})


def test_an_activity_ends_with_its_commit(line: Line) -> None:
    line.dialect.send(SOUND)
    line.dialect.send(SOUND)
    assert line.kinds() == ["activityStart", "audio", "audio"]
    line.dialect.commit()
    assert line.kinds() == ["activityEnd"]
    line.dialect.respond()
    assert line.kinds() == [], "the API answers by itself"


def test_the_answer_is_kept_until_it_is_asked_for(line: Line) -> None:
    speaks(line)
    spoken(line)
    assert line.told() == []
    line.dialect.respond()
    spoken(line, "then")
    assert line.told() == [TextDelta("Well"), TextDelta("then")]


def test_an_answer_that_was_complete_before_it_was_asked_for_ends_at_once(line: Line) -> None:
    speaks(line)
    spoken(line)
    line.content(generationComplete=True)
    line.told()
    line.dialect.respond()
    assert line.told() == [TextDelta("Well"), ResponseDone()]


def test_an_answer_that_was_not_asked_for_is_void_when_the_caller_goes_on(line: Line) -> None:
    speaks(line)
    spoken(line, "What table?")
    line.said()
    speaks(line)
    assert line.kinds() == ["activityStart", "audio", "text", "activityEnd"]
    line.content(interrupted=True)
    line.content(turnComplete=True)
    spoken(line)
    line.content(generationComplete=True)
    line.told()
    line.dialect.respond()
    assert line.told() == [TextDelta("Well"), ResponseDone()]


def test_the_model_is_told_which_answer_was_not_heard(line: Line) -> None:
    speaks(line)
    spoken(line)
    line.said()
    speaks(line)
    assert wire.told(UNHEARD) in line.said()
    speaks(line)
    assert wire.told(UNHEARD) not in line.said(), "nothing came of it"


def test_what_is_said_over_an_answer_is_kept_back_until_that_is_complete(line: Line) -> None:
    speaks(line)
    line.dialect.respond()
    line.said()
    speaks(line)
    assert line.kinds() == []
    line.content(generationComplete=True)
    assert line.kinds() == ["activityStart", "audio", "activityEnd"]


def test_a_cancelled_answer_is_broken_off_by_what_is_said_over_it(line: Line) -> None:
    speaks(line)
    line.dialect.respond()
    line.said()
    line.dialect.send(SOUND)
    line.dialect.cancel()
    line.dialect.send(SOUND)
    assert line.kinds() == ["activityStart", "audio", "audio"]
    spoken(line)
    line.content(interrupted=True)
    told = line.told()
    assert told[-1] == ResponseDone("cancelled")
    assert not any(isinstance(event, TextDelta) for event in told)


def test_a_cancelled_answer_ends_before_the_next_begins(line: Line) -> None:
    speaks(line)
    line.dialect.respond()
    line.dialect.cancel()
    speaks(line)
    line.told()
    line.dialect.respond()
    line.content(interrupted=True)
    line.content(turnComplete=True)
    spoken(line)
    line.content(generationComplete=True)
    assert [event for event in line.told() if not isinstance(event, InputTranscript)] == [
        TextDelta("Well"),
        ResponseDone(),
    ]


def test_a_monologue_over_an_answer_is_kept_by_its_end(line: Line) -> None:
    line.dialect.respond()
    line.said()
    for _ in range(MAX_HELD // len(SOUND) + 10):
        line.dialect.send(SOUND)
    line.content(generationComplete=True)
    audio = line.said()[1]["realtimeInput"]["audio"]["data"]
    assert len(audio) == pytest.approx(MAX_HELD * 4 / 3, abs=4)


def test_a_commit_is_understood_once_its_answer_is_complete(line: Line) -> None:
    speaks(line)
    line.content(inputTranscription={"text": "a table"})
    line.content(inputTranscription={"text": " for two"})
    line.content(generationComplete=True)
    assert line.told() == [
        InputTranscript("a table", final=False),
        InputTranscript("a table for two", final=False),
        InputTranscript("a table for two", final=True),
    ]


def test_a_commit_of_nothing_is_answered_at_once(line: Line) -> None:
    line.dialect.commit()
    assert line.told() == [InputTranscript("", final=True)]


def test_a_commit_of_nothing_is_answered_in_its_turn(line: Line) -> None:
    speaks(line)
    line.dialect.commit()
    line.content(inputTranscription={"text": "a table"})
    line.content(generationComplete=True)
    finals = [event for event in line.told() if isinstance(event, InputTranscript) and event.final]
    assert finals == [InputTranscript("a table", final=True), InputTranscript("", final=True)]


def test_a_commit_while_the_answer_is_made_belongs_to_the_next_turn(line: Line) -> None:
    speaks(line)
    line.dialect.respond()
    line.content(inputTranscription={"text": "a table"})
    speaks(line)
    line.content(generationComplete=True)
    finals = [event for event in line.told() if isinstance(event, InputTranscript) and event.final]
    assert finals == [InputTranscript("a table", final=True)]


def test_what_seems_to_be_said_is_told_before_it_is_certain(line: Line) -> None:
    speaks(line)
    line.content(interimInputTranscription={"text": "a tape"})
    assert line.told() == [InputTranscript("a tape", final=False)]


# -- what is told in words


def test_keys_and_words_are_answered_together(line: Line) -> None:
    speaks(line)
    line.said()
    line.dialect.tell("[pressed 1]")
    line.dialect.respond()
    assert line.said() == [wire.turn(f"[pressed 1]\n{ANSWER_AGAIN}")]


def test_keys_alone_are_a_turn(line: Line) -> None:
    line.dialect.tell("[pressed 1]")
    line.dialect.respond()
    assert line.said() == [wire.turn("[pressed 1]")]


def test_an_answer_to_nothing_can_be_asked_for(line: Line) -> None:
    line.dialect.respond()
    assert line.said() == [wire.turn(GO_ON)]


@pytest.mark.parametrize(("heard_ms", "words"), [(1000, "heard only this: one two]"), (0, "heard nothing]")])
def test_what_was_heard_of_an_answer_is_told_with_the_next_turn(line: Line, heard_ms: int, words: str) -> None:
    line.dialect.respond()
    spoken(line, "one two three four")
    data = {"mimeType": "audio/pcm;rate=24000", "data": "AAAA" * 32000}
    line.content(modelTurn={"parts": [{"inlineData": data}]})
    line.content(generationComplete=True)
    [text, sound, _] = line.told()
    assert isinstance(sound, AudioDelta)
    assert text == TextDelta("one two three four")
    line.dialect.truncate(sound.item_id, heard_ms)
    line.said()
    speaks(line)
    assert line.said()[2]["realtimeInput"]["text"].endswith(words)


# -- tools


def called(line: Line) -> None:
    speaks(line)
    line.dialect.respond()
    line.hear(toolCall={"functionCalls": [{"id": "call_1", "name": "look_up", "args": {"name": "Ada"}}]})
    line.said()


def test_a_response_ends_with_its_calls_and_their_results_are_told_when_the_next_is_asked_for(line: Line) -> None:
    called(line)
    told = line.told()
    assert ToolCall("call_1", "look_up", '{"name":"Ada"}') in told
    assert told[-1] == ResponseDone()
    line.dialect.tool_result("call_1", "found")
    assert line.kinds() == []
    line.dialect.respond()
    assert line.said() == [wire.tool_results([("call_1", "look_up", "found")])]


def test_the_result_of_a_call_that_the_model_gave_up_is_told_in_words(line: Line) -> None:
    called(line)
    line.hear(toolCallCancellation={"ids": ["call_1"]})
    line.dialect.tool_result("call_1", "found")
    speaks(line)
    assert line.kinds() == ["activityStart", "audio", "text", "activityEnd"]


# -- the end of a session


def test_a_session_that_will_end_is_handed_over_while_nothing_is_under_way(line: Line) -> None:
    line.hear(sessionResumptionUpdate={"newHandle": "handle-1", "resumable": True})
    line.dialect.respond()
    line.hear(goAway={"timeLeft": "60s"})
    assert line.told() == [Resumption("handle-1")]
    line.content(generationComplete=True)
    assert line.told() == [ResponseDone(), Resumption("handle-1", due=True)]


def test_a_state_that_cannot_be_taken_up_gives_no_handle(line: Line) -> None:
    line.hear(sessionResumptionUpdate={"resumable": False})
    assert line.told() == []


@pytest.mark.parametrize(
    ("code", "reason", "words", "retryable"),
    [
        (1007, "API key not valid. Please pass a valid API key.", "refused the key", False),
        (1011, "You exceeded your current quota", "is asked too often", True),
    ],
)
def test_close_codes_are_told_in_words(line: Line, code: int, reason: str, words: str, retryable: bool) -> None:
    error = line.dialect.closed(code, reason)
    assert error is not None
    assert words in error.message
    assert error.retryable is retryable
    assert line.dialect.closed(1011, "Internal error") is None


def test_an_error_in_a_message_ends_the_session(line: Line) -> None:
    line.hear(error={"code": 429, "message": "Slow down."})
    [error] = line.told()
    assert isinstance(error, ProviderError)
    assert error.retryable


def test_unknown_messages_and_fields_are_passed_over(line: Line) -> None:
    line.hear(voiceActivity={"kind": "x"})
    line.content(groundingMetadata={})
    assert line.told() == []


@pytest.mark.parametrize("nonsense", ["", "[]", '{"serverContent": 5}'])
def test_what_cannot_be_read_is_refused(line: Line, nonsense: str) -> None:
    with pytest.raises(ValueError, match="none"):
        line.dialect.receive(nonsense)


def test_tokens_are_counted_by_their_kind(line: Line) -> None:
    for _ in range(2):
        line.hear(
            usageMetadata={
                "promptTokenCount": 120,
                "responseTokenCount": 70,
                "thoughtsTokenCount": 10,
                "promptTokensDetails": [
                    {"modality": "AUDIO", "tokenCount": 80},
                    {"modality": "TEXT", "tokenCount": 40},
                ],
                "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": 60}],
            }
        )
    [used] = line.dialect.used(60.0)
    assert (used.input_tokens, used.output_tokens) == (240, 160)
    assert (used.input_audio_tokens, used.output_audio_tokens) == (160, 120)


# -- what is odd


def test_results_that_the_api_wants_no_more_do_not_keep_the_next_answer_back(line: Line) -> None:
    speaks(line)
    line.dialect.respond()
    calls = [{"id": f"call_{number}", "name": "look_up", "args": {}} for number in (1, 2)]
    line.hear(toolCall={"functionCalls": calls})
    line.dialect.tool_result("call_1", "found")  # the other one is slow, and the caller does not wait
    line.dialect.send(SOUND)
    line.hear(toolCallCancellation={"ids": ["call_1", "call_2"]})
    line.content(turnComplete=True)
    line.dialect.commit()
    said = line.said()
    assert {"realtimeInput": {"text": "[A tool that you called before gave: found]"}} in said
    line.told()
    spoken(line, "Yes.")
    line.dialect.respond()
    assert line.said() == []
    assert TextDelta("Yes.") in line.told()


def test_a_cancelled_answer_ends_with_a_call(line: Line) -> None:
    speaks(line)
    line.dialect.respond()
    line.dialect.cancel()
    line.told()
    for _ in range(2):
        line.hear(toolCall={"functionCalls": [{"id": "call_1", "name": "look_up", "args": {}}]})
    assert line.told().count(ResponseDone("cancelled")) == 1


def test_a_field_that_is_null_is_one_that_is_not_there(line: Line) -> None:
    line.content(inputTranscription={"text": None}, turnComplete=None, turnCompleteReason=None)
    line.hear(usageMetadata={"promptTokenCount": None, "promptTokensDetails": None})
    assert not any(isinstance(told, ProviderError) for told in line.told())


def test_half_an_emoji_is_sent_as_a_mark(line: Line) -> None:
    line.dialect.say("Good \ud83d morning.")
    assert "Good ? morning." in json.dumps(line.said())
