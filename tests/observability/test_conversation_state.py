from __future__ import annotations

import pytest

from getpatter.events import (
    CallAnswered,
    CallEnded,
    CallPlaced,
    EndOfTurn,
    Event,
    FalseInterruption,
    FirstToken,
    Role,
    SpeechEnded,
    SpeechStarted,
    TranscriptInterim,
    Turn,
)
from getpatter.observability.conversation_state import AgentState, ConversationState, UserState
from getpatter.observability.speech_events import (
    AgentSpeechEnded,
    AgentSpeechStarted,
    AudioOut,
    LlmToken,
    SpeechEvent,
    UserSpeechEnded,
    UserSpeechEos,
    UserSpeechStarted,
)

PLACED = CallPlaced(
    call_id="c1",
    at=0.0,
    direction="inbound",
    from_number="+12025550100",
    to_number="+12025550199",
    carrier="sim",
    language_model="a model",
    text_to_speech="a voice",
)


def answered(at: float = 1.0) -> Event:
    return CallAnswered(call_id="c1", at=at)


def began(at: float, role: Role) -> Event:
    return SpeechStarted(call_id="c1", at=at, role=role)


def over(at: float, role: Role, *, silence_ms: float = 0.0, interrupted: bool = False) -> Event:
    return SpeechEnded(call_id="c1", at=at, role=role, silence_ms=silence_ms, interrupted=interrupted)


def said(at: float, index: int, role: Role, text: str) -> Event:
    return Turn(call_id="c1", at=at, index=index, role=role, text=text, started_at=at, ended_at=at)


def asked(at: float) -> Event:
    return EndOfTurn(call_id="c1", at=at, trigger="turn_detector")


def token(at: float) -> Event:
    return FirstToken(call_id="c1", at=at, model="m-1")


@pytest.fixture
def state() -> ConversationState:
    return ConversationState()


def take(state: ConversationState, *events: Event) -> list[SpeechEvent]:
    return [moment for event in events for moment in state.apply(event)]


QUESTION = (
    (began(2.0, "caller"), "speaking", "listening"),
    (over(3.5, "caller", silence_ms=500.0), "thinking", "listening"),
    (said(3.7, 0, "caller", "A table for two"), "thinking", "listening"),
    (asked(3.7), "listening", "thinking"),
    (token(3.9), "listening", "thinking"),
    (began(4.1, "agent"), "listening", "speaking"),
    (over(5.1, "agent"), "listening", "listening"),
)


def test_the_states_follow_a_question_and_its_answer(state: ConversationState) -> None:
    take(state, PLACED)
    assert (state.user_state(0.5), state.agent_state(0.5)) == ("away", "initializing")
    take(state, answered())
    assert (state.user_state(1.5), state.agent_state(1.5)) == ("listening", "listening")
    told: list[tuple[UserState, AgentState]] = []
    for event, _, _ in QUESTION:
        take(state, event)
        told.append((state.user_state(event.at), state.agent_state(event.at)))
    assert told == [(user, agent) for _, user, agent in QUESTION]


def test_the_moments_of_a_question_and_its_answer(state: ConversationState) -> None:
    moments = take(state, PLACED, answered(), *(event for event, _, _ in QUESTION))
    at = {"call_id": "c1"}
    assert moments == [
        UserSpeechStarted(**at, timestamp_ms=2000.0),
        UserSpeechEnded(**at, timestamp_ms=3000.0, speech_duration_ms=1000.0),
        UserSpeechEos(
            **at,
            timestamp_ms=3700.0,
            trigger="turn_detector",
            trailing_silence_ms=700.0,
            transcript_so_far="A table for two",
        ),
        LlmToken(**at, timestamp_ms=3900.0, turn_idx=1, llm_provider="a model", model="m-1"),
        AudioOut(**at, timestamp_ms=4100.0, turn_idx=1, tts_provider="a voice"),
        AgentSpeechStarted(**at, timestamp_ms=4100.0, turn_idx=1, tts_provider="a voice"),
        AgentSpeechEnded(**at, timestamp_ms=5100.0, speech_duration_ms=1000.0, interrupted=False),
    ]


def test_an_interrupted_answer_says_so(state: ConversationState) -> None:
    moments = take(state, answered(), began(4.0, "agent"), over(4.6, "agent", interrupted=True))
    assert moments[-1] == AgentSpeechEnded(
        call_id="c1", timestamp_ms=4600.0, speech_duration_ms=600.0, interrupted=True
    )


def test_a_turn_in_several_parts_is_told_whole(state: ConversationState) -> None:
    moments = take(
        state, answered(), said(2.0, 0, "caller", "A table"), said(3.0, 1, "caller", "for two"), asked(3.0), asked(9.0)
    )
    assert [eos.transcript_so_far for eos in moments if isinstance(eos, UserSpeechEos)] == ["A table for two", ""]


def test_words_that_are_not_final_yet_stand_in_for_the_transcript(state: ConversationState) -> None:
    interim = TranscriptInterim(call_id="c1", at=2.0, text="a table")
    moments = take(state, answered(), interim, asked(3.0))
    assert isinstance(moments[-1], UserSpeechEos)
    assert (moments[-1].transcript_so_far, moments[-1].trailing_silence_ms) == ("a table", None)


def test_a_voice_that_meant_nothing_leaves_nothing(state: ConversationState) -> None:
    take(state, answered(), began(2.0, "agent"), began(3.0, "caller"), over(3.5, "caller"))
    take(state, FalseInterruption(call_id="c1", at=3.6, kind="backchannel", text="mm-hm"))
    assert (state.user_state(3.6), state.agent_state(3.6)) == ("listening", "speaking")


def test_who_says_nothing_for_long_is_away_until_they_speak(state: ConversationState) -> None:
    take(state, answered(at=1.0))
    assert state.away_at == 16.0
    assert (state.user_state(15.9), state.agent_state(15.9)) == ("listening", "listening")
    assert (state.user_state(16.0), state.agent_state(16.0)) == ("away", "idle")
    take(state, began(20.0, "caller"))
    assert state.user_state(20.0) == "speaking"
    assert state.away_at is None


def test_nobody_is_away_while_the_agent_talks_or_thinks(state: ConversationState) -> None:
    take(state, answered(), began(2.0, "agent"))
    assert state.user_state(100.0) == "listening"
    take(state, over(100.0, "agent"), asked(101.0))
    assert (state.user_state(200.0), state.agent_state(200.0)) == ("listening", "thinking")


def test_the_agent_listens_again_when_the_caller_goes_on_before_the_answer(state: ConversationState) -> None:
    take(state, answered(), asked(2.0), began(2.1, "caller"))
    assert state.agent_state(2.1) == "listening"
    take(state, over(3.0, "caller"), said(3.0, 1, "caller", "at seven"))
    assert state.agent_state(3.0) == "listening"


def test_after_the_end_nobody_is_there(state: ConversationState) -> None:
    end = CallEnded(call_id="c1", at=5.0, outcome="answered", ended_by="caller", reason="", duration_s=4.0)
    take(state, answered(), began(2.0, "caller"), end)
    assert (state.user_state(5.0), state.agent_state(5.0), state.away_at) == ("away", "idle", None)
