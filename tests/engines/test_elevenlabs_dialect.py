"""What is said to ElevenLabs' agents, and what their messages come to, without a socket."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from getpatter.connections.elevenlabs import ElevenLabsFaults
from getpatter.connections.vendors import ELEVENLABS
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
from getpatter.engines.elevenlabs import OVERRIDES
from getpatter.engines.elevenlabs_dialect import AgentSettings, ElevenLabsDialect
from getpatter.errors import ProviderError
from getpatter.llm.base import Message, TextDelta, ToolCall, ToolSpec
from getpatter.metering import Product

LOOK_UP = ToolSpec("look_up", "Finds somebody.", {})
CONFIG = EngineConfig("You book tables.", (LOOK_UP,), language="de-DE")
SECOND = b"\x55" * 8000


class Talk:
    """A dialect, what it said to the vendor, and what it told us."""

    def __init__(self, config: EngineConfig = CONFIG, *, first_words: str = "", **settings: Any) -> None:
        self.said: list[dict[str, Any]] = []
        self.told: list[Happening] = []
        self.dialect = ElevenLabsDialect(
            Ends(lambda message: self.said.append(json.loads(message)), self.told.append),
            AgentSettings(**{"overrides": frozenset(OVERRIDES)} | settings),
            config,
            product=Product("elevenlabs", "convai"),
            faults=ElevenLabsFaults("agent_1", ELEVENLABS),
        )
        self.dialect.first_words = first_words
        self.dialect.begin()

    def comes(self, kind: str, body: str = "", **fields: Any) -> None:
        self.dialect.receive(json.dumps({"type": kind, body: fields} if body else {"type": kind}))

    def starts(self, takes: str = "ulaw_8000", gives: str = "ulaw_8000") -> Talk:
        formats = {"user_input_audio_format": takes, "agent_output_audio_format": gives, "conversation_id": "conv_1"}
        self.comes("conversation_initiation_metadata", "conversation_initiation_metadata_event", **formats)
        return self

    def sounds(self, audio: bytes, number: int = 1, **more: Any) -> None:
        self.comes("audio", "audio_event", audio_base_64=base64.b64encode(audio).decode(), event_id=number, **more)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.said if message.get("type") == kind]

    @property
    def failure(self) -> ProviderError:
        return next(told for told in self.told if isinstance(told, ProviderError))


# -- the beginning


def test_the_call_has_its_own_prompt_language_and_first_words() -> None:
    talk = Talk(first_words="Guten Tag.", voice="voice_1", variables={"who": "Ada"})
    [message] = talk.said
    assert message["conversation_config_override"] == {
        "agent": {"prompt": {"prompt": "You book tables."}, "first_message": "Guten Tag.", "language": "de"},
        "tts": {"voice_id": "voice_1"},
    }
    assert message["dynamic_variables"] == {"who": "Ada"}


def test_without_overrides_the_agent_stays_as_it_is_configured() -> None:
    assert Talk(overrides=frozenset()).said[0]["conversation_config_override"] == {}


def test_first_words_that_may_not_be_overridden_are_asked_for() -> None:
    talk = Talk(first_words="Good morning.", overrides=frozenset({"prompt"})).starts()
    assert "Good morning." in talk.of("user_message")[0]["text"]
    talk.comes("agent_response", "agent_response_event", agent_response="Good morning.", event_id=1)
    assert TextDelta("Good morning.") in talk.told
    assert ResponseBegun() not in talk.told


def test_first_words_are_a_response_that_was_asked_for() -> None:
    talk = Talk(first_words="Good morning.").starts()
    talk.sounds(SECOND)
    assert isinstance(talk.told[0], Ready)
    assert talk.told[1:] == [AudioDelta("response_1", SECOND)]


def test_audio_is_converted_to_what_the_agent_takes_and_gives() -> None:
    talk = Talk().starts("pcm_16000", "pcm_16000")
    talk.dialect.send(SECOND)
    sent = base64.b64decode(talk.said[-1]["user_audio_chunk"])
    assert len(sent) == pytest.approx(32_000, abs=200)
    talk.sounds(bytes(32_000))
    audio = b"".join(told.audio for told in talk.told if isinstance(told, AudioDelta))
    assert len(audio) == pytest.approx(8000, abs=50)


def test_audio_that_cannot_be_converted_is_refused_with_advice() -> None:
    talk = Talk().starts(gives="opus_48000")
    assert not talk.failure.retryable
    assert "µ-law" in str(talk.failure.next_step)


def test_what_was_said_before_is_told_and_what_was_not_answered_asked() -> None:
    history = (Message("user", "A table?"), Message("assistant", "For whom?"), Message("user", "For Ada."))
    talk = Talk(EngineConfig("You book tables.", history=history)).starts()
    [told] = talk.of("contextual_update")
    assert told["text"].endswith("Caller: A table?\nYou: For whom?")
    talk.dialect.respond()
    assert [message["text"] for message in talk.of("user_message")] == ["For Ada."]


# -- turns


def test_words_come_with_the_turn() -> None:
    talk = Talk().starts()
    talk.comes("tentative_user_transcript", "tentative_user_transcription_event", user_transcript="a ta", event_id=1)
    talk.comes("user_transcript", "user_transcription_event", user_transcript=" a table ", event_id=2)
    assert talk.told[1:] == [InputTranscript("a ta", final=False), TurnTaken("a table")]


def test_a_response_is_over_when_the_line_has_heard_nothing_of_it_for_a_while() -> None:
    talk = Talk().starts()
    talk.comes("user_transcript", "user_transcription_event", user_transcript="hello", event_id=1)
    talk.dialect.send(SECOND * 3)
    assert ResponseDone() not in talk.told, "nothing came yet"
    talk.sounds(SECOND)
    talk.dialect.send(SECOND * 2)
    talk.sounds(SECOND, 2)
    talk.dialect.send(SECOND * 2)
    assert ResponseDone() not in talk.told
    talk.dialect.send(SECOND)
    assert talk.told[-1] == ResponseDone()


def test_it_is_over_sooner_behind_sound_that_is_marked_as_the_last() -> None:
    talk = Talk().starts()
    talk.sounds(SECOND, is_final=True)
    assert ResponseDone() not in talk.told, "a tool may still be called"
    talk.dialect.send(SECOND)
    assert talk.told[-1] == ResponseDone()


def test_sound_that_an_interruption_ended_is_not_heard() -> None:
    talk = Talk().starts()
    talk.sounds(SECOND, 3)
    talk.comes("interruption", "interruption_event", event_id=5)
    before = len(talk.told)
    talk.sounds(SECOND, 4)
    talk.sounds(SECOND, 5)
    assert talk.told[before - 2 :] == [ResponseDone("cancelled"), Interrupted()]
    talk.sounds(SECOND, 6)
    assert talk.told[before:] == [ResponseBegun(), AudioDelta("response_2", SECOND)]


def test_texts_of_one_response_are_kept_apart() -> None:
    talk = Talk().starts()
    for text in ("Let me see.", "She is here."):
        talk.comes("agent_response", "agent_response_event", agent_response=text, event_id=1)
    assert "".join(told.text for told in talk.told if isinstance(told, TextDelta)) == "Let me see. She is here."


def test_a_correction_of_ours_is_not_theirs_to_make() -> None:
    talk = Talk().starts()
    before = list(talk.told)
    talk.comes("agent_response_correction", "agent_response_correction_event", corrected_agent_response="Let")
    assert talk.told == before


# -- what goes


def test_pings_are_answered() -> None:
    talk = Talk().starts()
    talk.comes("ping", "ping_event", event_id=7, ping_ms=None)
    assert talk.said[-1] == {"type": "pong", "event_id": 7}


def test_notes_do_not_interrupt_what_the_agent_says() -> None:
    talk = Talk().starts()
    talk.comes("user_transcript", "user_transcription_event", user_transcript="hello", event_id=1)
    talk.dialect.tell("[a menu]")
    talk.dialect.respond()
    assert [message["text"] for message in talk.of("contextual_update")] == ["[a menu]"]
    assert talk.of("user_message") == []


def test_where_nothing_was_told_nothing_is_asked() -> None:
    talk = Talk().starts()
    before = len(talk.said)
    talk.dialect.respond()
    talk.dialect.commit()
    talk.dialect.truncate("response_1", 100)
    talk.dialect.keep_alive()
    talk.dialect.end()
    assert len(talk.said) == before


def test_a_tool_is_called_and_answered_where_an_answer_is_wanted() -> None:
    talk = Talk().starts()
    for number, expects in enumerate((True, False)):
        call = {"tool_name": "look_up", "tool_call_id": f"call_{number}", "parameters": {"name": "Ädä"}}
        talk.comes("client_tool_call", "client_tool_call", **call, expects_response=expects)
        talk.dialect.tool_result(f"call_{number}", "found")
    assert ToolCall("call_0", "look_up", '{"name": "Ädä"}') in talk.told
    [result] = talk.of("client_tool_result")
    assert result == {"type": "client_tool_result", "tool_call_id": "call_0", "result": "found", "is_error": False}


def test_a_tool_of_a_response_that_was_cancelled_is_not_run() -> None:
    talk = Talk().starts()
    talk.sounds(SECOND)
    talk.dialect.cancel()
    talk.comes("client_tool_call", "client_tool_call", tool_name="look_up", tool_call_id="call_1", parameters={})
    assert not any(isinstance(told, ToolCall) for told in talk.told)
    assert talk.of("client_tool_result")[0]["is_error"]


# -- failures


@pytest.mark.parametrize(("code", "retryable"), [(1000, False), (1002, True), (1008, False), (1011, True)])
def test_an_error_says_whether_to_try_again(code: int, retryable: bool) -> None:
    talk = Talk().starts()
    talk.comes("error", "error_event", code=code, message="It failed.", error_type="llm_error")
    assert (talk.failure.retryable, "It failed." in talk.failure.message) == (retryable, True)


def test_what_the_agent_does_not_allow_is_told_where_to_change_it() -> None:
    error = Talk().dialect.closed(1008, "Override for field 'prompt' is not allowed by config.")
    assert error is not None
    assert "security settings" in str(error.next_step)


def test_only_a_conversation_that_was_begun_can_end_in_good_order() -> None:
    refused, talk = Talk(), Talk().starts()
    refused.dialect.closed(1000, "")
    talk.dialect.closed(1000, "")
    assert HungUp() not in refused.told
    assert talk.told[-1] == HungUp()


def test_what_else_than_the_agent_has_ended_the_conversation_is_told() -> None:
    talk = Talk().starts()
    error = talk.dialect.closed(1000, "Maximum conversation duration exceeded")
    assert error is not None
    assert talk.told[-1] == HungUp(error.message)
    assert "Maximum conversation duration exceeded" in error.message


@pytest.mark.parametrize(("kept_from_it", "ended_by_agent"), [({}, True), ({"is_blocked": True}, False)])
def test_the_agents_own_tool_tells_that_it_was_the_agent(kept_from_it: dict[str, bool], ended_by_agent: bool) -> None:
    talk = Talk().starts()
    used = {"tool_name": "end_call", "tool_type": "system", "is_called": True, "is_error": False}
    talk.comes("agent_tool_response", "agent_tool_response", **used, **kept_from_it)
    talk.dialect.closed(1000, "The call was ended")
    ended = talk.told[-1]
    assert isinstance(ended, HungUp)
    assert (ended.reason == "") is ended_by_agent


def test_a_conversation_that_the_agent_ended_is_not_begun_again() -> None:
    error = Talk().dialect.closed(1000, "")
    assert error is not None
    assert not error.retryable


@pytest.mark.parametrize("message", ["{", "[]", '{"type": 1}', b"\xff\xfe"])
def test_what_cannot_be_read_is_refused(message: str | bytes) -> None:
    with pytest.raises(ValueError, match="none"):
        Talk().dialect.receive(message)


def test_sound_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="base64"):
        Talk().starts().comes("audio", "audio_event", audio_base_64="!", event_id=1)


def test_what_is_not_known_is_passed_over() -> None:
    talk = Talk().starts()
    before = list(talk.told)
    for kind in ("vad_score", "agent_tool_response", "internal_turn_probability", "something_new"):
        talk.comes(kind)
    assert talk.told == before


def test_the_time_of_the_conversation_is_paid_for() -> None:
    [used] = Talk().dialect.used(12.5)
    assert (str(used.product), used.seconds) == ("elevenlabs/convai", 12.5)
