from __future__ import annotations

from collections.abc import Callable

import pytest

from getpatter.events import (
    BargeIn,
    CallAnswered,
    CallDialed,
    CallEnded,
    CallPlaced,
    CallRinging,
    DismissedAs,
    DraftEnded,
    Event,
    FalseInterruption,
    FirstMessagePrepared,
    FirstToken,
    Recorded,
    RecordingStarted,
    SpeechEnded,
    SpeechStarted,
    ToolCalled,
    TranscriptInterim,
    Turn,
    TurnLatency,
)
from getpatter.store import CallProjection, TurnRow
from getpatter.store.projection import kept, said

Placed = Callable[..., CallPlaced]


def turn(seq: int, index: int, *, role: str = "agent", response_ms: float | None = None) -> Turn:
    return Turn(
        call_id="c1",
        at=110.0,
        seq=seq,
        index=index,
        role="agent" if role == "agent" else "caller",
        text="Hello",
        started_at=109.0,
        ended_at=110.0,
        latency=TurnLatency(response_ms=response_ms),
    )


def ended(seq: int) -> CallEnded:
    return CallEnded(
        call_id="c1", at=130.0, seq=seq, outcome="answered", ended_by="caller", reason="hung up", duration_s=25.0
    )


@pytest.fixture
def call(placed: Placed) -> CallProjection:
    return CallProjection.begin(placed(seq=1))


def test_a_call_that_we_dial_is_queued_until_the_carrier_rings(call: CallProjection) -> None:
    assert call.row.status == "queued"
    call.apply(CallDialed(call_id="c1", at=101.0, seq=2, carrier_call_id="CA1"))
    assert (call.row.status, call.row.carrier_call_id) == ("queued", "CA1")
    call.apply(CallRinging(call_id="c1", at=102.0, seq=3))
    assert call.row.status == "ringing"


def test_an_incoming_call_rings_from_the_start(placed: Placed) -> None:
    assert CallProjection.begin(placed(direction="inbound", seq=1)).row.status == "ringing"


def test_ringing_that_comes_late_does_not_take_an_answer_back(call: CallProjection) -> None:
    call.apply(CallAnswered(call_id="c1", at=103.0, seq=2))
    call.apply(CallRinging(call_id="c1", at=102.0, seq=3))
    assert (call.row.status, call.row.answered_at, call.row.updated_at) == ("in_progress", 103.0, 103.0)


def test_the_end_is_the_end(call: CallProjection) -> None:
    assert call.apply(ended(2))
    assert not call.apply(CallAnswered(call_id="c1", at=131.0, seq=3))
    row = call.row
    assert (row.status, row.outcome, row.ended_by, row.reason) == ("ended", "answered", "caller", "hung up")
    assert (row.ended_at, row.duration_s, row.answered_at) == (130.0, 25.0, None)


def test_an_event_counts_once(call: CallProjection) -> None:
    assert call.apply(BargeIn(call_id="c1", at=105.0, seq=2))
    assert not call.apply(BargeIn(call_id="c1", at=105.0, seq=2))
    assert (call.row.interruptions, call.row.last_seq) == (1, 2)


def test_voices_that_were_no_interruption_are_counted_by_kind(call: CallProjection) -> None:
    kinds: list[DismissedAs] = ["noise", "backchannel", "backchannel"]
    for seq, kind in enumerate(kinds, start=2):
        call.apply(FalseInterruption(call_id="c1", at=105.0, seq=seq, kind=kind))
    assert (call.row.false_interruptions, call.row.interruptions) == ({"noise": 1, "backchannel": 2}, 0)


def test_tools_and_answers_begun_in_advance_are_counted(call: CallProjection) -> None:
    call.apply(ToolCalled(call_id="c1", at=105.0, seq=2, tool_call_id="t", name="book", arguments="{}"))
    for seq, used in enumerate((True, False, False), start=3):
        call.apply(DraftEnded(call_id="c1", at=105.0, seq=seq, used=used))
    assert (call.row.tool_calls, call.row.drafts_used, call.row.drafts_wasted) == (1, 1, 2)


@pytest.mark.parametrize(("used", "reused", "wasted_s"), [(False, False, 2.5), (True, False, 0.0), (False, True, 0.0)])
def test_a_first_message_is_wasted_when_it_was_paid_for_and_not_said(
    call: CallProjection, used: bool, reused: bool, wasted_s: float
) -> None:
    call.apply(FirstMessagePrepared(call_id="c1", at=105.0, seq=2, used=used, audio_s=2.5, reused=reused))
    assert call.row.first_message_wasted_s == wasted_s


@pytest.mark.parametrize(
    "event",
    [
        TranscriptInterim(call_id="c1", at=105.0, seq=2, text="I would"),
        SpeechStarted(call_id="c1", at=105.0, seq=2, role="caller"),
        SpeechEnded(call_id="c1", at=105.0, seq=2, role="caller"),
        FirstToken(call_id="c1", at=105.0, seq=2),
    ],
    ids=["interim", "speech_started", "speech_ended", "first_token"],
)
def test_what_only_shows_the_moment_is_not_kept(call: CallProjection, event: Event) -> None:
    assert not kept(event)
    assert not call.apply(event)
    assert call.row.last_seq == 1


def test_percentiles_are_over_the_agents_answers(call: CallProjection) -> None:
    call.apply(turn(2, 0))
    call.apply(turn(3, 1, role="caller", response_ms=9_999.0))
    call.apply(turn(4, 2, response_ms=400.0))
    call.apply(turn(5, 3, response_ms=600.0))
    row = call.row
    assert (row.turns, row.answers) == (4, 2)
    assert (row.response_ms_p50, row.response_ms_p95) == (500.0, 590.0)
    assert row.latency == {"response_ms": {"p50": 500.0, "p90": 580.0, "p95": 590.0, "p99": 598.0}}


def test_a_turn_told_again_replaces_the_first(call: CallProjection) -> None:
    call.apply(turn(2, 0, response_ms=400.0))
    call.apply(turn(3, 0, response_ms=500.0))
    assert (call.row.turns, call.row.response_ms_p50) == (1, 500.0)


def test_a_recording_is_known_from_its_start(call: CallProjection) -> None:
    call.apply(RecordingStarted(call_id="c1", at=101.0, seq=2, path="/r/c1.wav"))
    assert call.row.recording == "/r/c1.wav", "or a call that is cut off would lose it"


def test_the_latest_recording_is_the_calls(call: CallProjection) -> None:
    call.apply(Recorded(call_id="c1", at=129.0, seq=2, path="/r/c1.wav", duration_s=25.0, bytes=800_044))
    assert call.row.recording == "/r/c1.wav"


def test_no_key_is_no_key(placed: Placed) -> None:
    assert CallProjection.begin(placed(seq=1)).row.idempotency_key is None
    assert CallProjection.begin(placed(seq=1, key="k")).row.idempotency_key == "k"


def test_a_turn_is_read_from_its_row() -> None:
    row = TurnRow(
        call_id="c1", index=3, role="caller", text="Two", started_at=1.0, ended_at=2.0, latency={"stt_ms": 80.0}
    )
    found = said(row)
    assert (found.index, found.role, found.text, found.latency) == (3, "caller", "Two", TurnLatency(stt_ms=80.0))
