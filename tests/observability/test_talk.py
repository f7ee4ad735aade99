from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.events import (
    BargeIn,
    CallEnded,
    DismissedAs,
    EndOfTurn,
    Event,
    FalseInterruption,
    Role,
    SpeechEnded,
    SpeechStarted,
)
from getpatter.observability.talk import EOUMetrics, InterruptionMetrics, Talk, TalkTime


def began(at: float, role: Role) -> Event:
    return SpeechStarted(call_id="c1", at=at, role=role)


def over(at: float, role: Role, silence_ms: float = 0.0) -> Event:
    return SpeechEnded(call_id="c1", at=at, role=role, silence_ms=silence_ms)


def ended(at: float) -> Event:
    return CallEnded(call_id="c1", at=at, outcome="answered", ended_by="caller", reason="", duration_s=1.0)


def after(*events: Event) -> Talk:
    talk = Talk()
    for event in events:
        talk.apply(event)
    return talk


def test_each_side_has_its_time_and_its_share() -> None:
    time = after(began(0.0, "agent"), over(3.0, "agent"), began(4.0, "caller"), over(5.0, "caller")).time
    assert time == TalkTime(caller_s=1.0, agent_s=3.0)
    assert (time.share("agent"), time.share("caller")) == (0.75, 0.25)


def test_before_anybody_spoke_there_are_no_shares() -> None:
    assert Talk().time.share("agent") is None


def test_the_silence_that_shows_an_end_is_no_speech() -> None:
    assert after(began(1.0, "caller"), over(2.5, "caller", silence_ms=500.0)).time.caller_s == 1.0


def test_a_speech_that_the_end_of_the_call_cuts_off_counts_up_to_there() -> None:
    assert after(began(1.0, "caller"), ended(3.0)).time.caller_s == 2.0


def test_an_end_without_a_beginning_counts_for_nothing() -> None:
    assert after(over(1.0, "caller")).time == TalkTime()


def test_an_overlap_that_the_agent_outlasts_and_one_that_it_does_not() -> None:
    outlasted = after(
        began(0.0, "agent"), began(1.0, "caller"), over(2.5, "caller", silence_ms=500.0), over(4.0, "agent")
    )
    assert outlasted.interruptions.total_duration == 1.0
    cut = after(began(0.0, "agent"), began(1.0, "caller"), over(1.3, "agent"), over(4.0, "caller"))
    assert cut.interruptions.total_duration == pytest.approx(0.3)


def test_interruptions_and_backchannels_are_counted_apart() -> None:
    kinds: list[DismissedAs] = ["backchannel", "noise", "backchannel"]
    dismissed = [FalseInterruption(call_id="c1", at=1.0, kind=kind) for kind in kinds]
    talk = after(*dismissed, BargeIn(call_id="c1", at=3.0, clear_ms=40.0), BargeIn(call_id="c1", at=9.0, clear_ms=60.0))
    assert talk.interruptions == InterruptionMetrics(0.0, 0.06, num_interruptions=2, num_backchannels=2)


def test_how_each_end_of_a_turn_was_found_is_told_in_milliseconds() -> None:
    turn = EndOfTurn(call_id="c1", at=2.0, end_of_utterance_delay_ms=90.0, transcription_delay_ms=240.0)
    assert after(turn).turns == [EOUMetrics(90.0, 240.0, None)]


@given(st.lists(st.tuples(st.floats(0.01, 5), st.sampled_from(["agent", "caller"])), max_size=30))
def test_the_overlap_is_what_both_speeches_share(moves: list[tuple[float, Role]]) -> None:
    """Each move lets time pass and has one side begin, or end what it says."""
    talk, now, speaking, shared = Talk(), 0.0, set[Role](), 0.0
    for passed, role in moves:
        now += passed
        shared += passed if len(speaking) == 2 else 0.0
        talk.apply(over(now, role) if role in speaking else began(now, role))
        speaking ^= {role}
    talk.apply(ended(now))
    assert talk.interruptions.total_duration == pytest.approx(shared, abs=1e-6)
