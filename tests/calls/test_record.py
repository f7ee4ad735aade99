from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from getpatter import events
from getpatter.calls.record import CallRecord, call_view, transcript_page
from getpatter.calls.views import CallCost, Cost, LatencySummary, Percentiles
from getpatter.events import (
    BargeIn,
    CallAnswered,
    CallDialed,
    CallEnded,
    CallPlaced,
    CallPriced,
    CallRinging,
    CarrierRecorded,
    DismissedAs,
    DraftEnded,
    EndOfTurn,
    Event,
    FalseInterruption,
    FirstToken,
    ProviderUsed,
    Recorded,
    SpeechStarted,
    ToolCalled,
    TranscriptInterim,
    Transferred,
    Turn,
    TurnLatency,
    UsedFor,
)
from getpatter.metering import Product, Used
from getpatter.observability.bus import EventBus
from getpatter.observability.latency import PARTS
from getpatter.store import Store

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
times = st.floats(min_value=1e9, max_value=2e9)
millis = st.none() | st.floats(min_value=0, max_value=1e5)
roles = st.sampled_from(["agent", "caller"])
latencies = st.builds(TurnLatency, **dict.fromkeys(TurnLatency.__struct_fields__, millis))
placings = st.builds(
    CallPlaced,
    call_id=st.just(""),
    at=times,
    direction=st.sampled_from(["inbound", "outbound"]),
    from_number=texts,
    to_number=texts,
    carrier=texts,
    goal=texts,
    notes=st.lists(texts, max_size=3).map(tuple),
)
common = {"call_id": st.just(""), "at": times}
happenings = st.one_of(
    st.builds(CallDialed, carrier_call_id=texts, **common),
    st.builds(CallRinging, **common),
    st.builds(CallAnswered, **common),
    st.builds(BargeIn, **common),
    st.builds(FalseInterruption, kind=st.sampled_from(get_args(DismissedAs)), paused_ms=st.floats(0, 1e4), **common),
    st.builds(EndOfTurn, silence_ms=millis, transcription_delay_ms=millis, **common),
    st.builds(FirstToken, model=texts, **common),
    st.builds(DraftEnded, used=st.booleans(), **common),
    st.builds(ToolCalled, tool_call_id=texts, name=texts, arguments=texts, result=texts, **common),
    st.builds(
        ProviderUsed,
        kind=st.sampled_from(get_args(UsedFor)),
        used=st.builds(Used, st.builds(Product, texts, texts), st.floats(0, 1e4), estimated=st.booleans()),
        cost_micros=st.none() | st.integers(0, 10**9),
        saved_micros=st.integers(0, 10**6),
        **common,
    ),
    st.builds(SpeechStarted, role=roles, **common),
    st.builds(TranscriptInterim, text=texts, **common),
    st.builds(Recorded, path=texts, duration_s=st.floats(0, 1e4), bytes=st.integers(0, 10**9), **common),
    st.builds(
        Turn,
        index=st.integers(0, 20),
        role=roles,
        text=texts,
        started_at=times,
        ended_at=times,
        interrupted=st.booleans(),
        unheard=texts,
        latency=latencies,
        **common,
    ),
    st.builds(
        CallEnded,
        outcome=st.sampled_from(["answered", "voicemail", "no_answer", "busy", "failed", "canceled", "interrupted"]),
        ended_by=st.sampled_from(["caller", "agent", "assistant", "limit", "carrier", "engine"]),
        reason=texts,
        duration_s=st.floats(0, 1e5),
        **common,
    ),
)
stories = st.lists(happenings, max_size=30)
call_ids = map("c{}".format, itertools.count())

NOW = 2e9


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'calls.db'}")
    yield opened
    await opened.close()


def numbered(*story: Event, call_id: str = "c1") -> list[Event]:
    bus = EventBus()
    return [bus.publish(events_of(event, call_id)) for event in story]


def events_of(event: Event, call_id: str) -> Event:
    return events.decode(events.encode(event).replace(b'"call_id":""', f'"call_id":"{call_id}"'.encode()))


def placed(at: float = 100.0) -> CallPlaced:
    return CallPlaced(
        call_id="c1",
        at=at,
        direction="outbound",
        from_number="+12025550199",
        to_number="+12025550100",
        carrier="sim",
    )


def turn(index: int, **latency: float) -> Turn:
    return Turn(
        call_id="c1",
        at=110.0 + index,
        index=index,
        role="agent",
        text=f"turn {index}",
        started_at=109.0 + index,
        ended_at=110.0 + index,
        latency=TurnLatency(**latency),
    )


@given(placings, stories)
@settings(deadline=None)
def test_a_record_is_rebuilt_from_its_events_as_json(first: CallPlaced, story: list[Event]) -> None:
    live = numbered(first, *story)
    again = [events.decode(events.encode(event)) for event in live]
    one, other = CallRecord.from_events(live), CallRecord.from_events(again)
    assert one.view(NOW) == other.view(NOW)
    assert one.transcript(limit=7) == other.transcript(limit=7)


@given(placings, stories, st.integers(0, 30))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_store_shows_what_the_live_call_showed(
    store: Store, first: CallPlaced, story: list[Event], cut: int
) -> None:
    call_id = next(call_ids)
    bus = EventBus()
    journal = store.journal(bus)
    live = CallRecord.from_events([bus.publish(events_of(first, call_id))])
    for position, event in enumerate(story):
        if position == cut:
            await journal.flush()
        live.apply(bus.publish(events_of(event, call_id)))
    await journal.close()

    row = await store.calls.get(call_id)
    assert row is not None
    turns = await store.calls.turns(call_id)
    kept = [events.decode(stored.data) for stored in await store.calls.events(call_id=call_id)]
    for record in (CallRecord.from_rows(row, turns), CallRecord.from_events(kept)):
        assert record.view(NOW) == live.view(NOW)
        assert record.transcript() == live.transcript()
    assert call_view(row, NOW) == live.view(NOW)
    assert transcript_page(row, turns[:4], 3) == live.transcript(limit=3)


def test_a_record_begins_with_the_placing() -> None:
    with pytest.raises(ValueError, match="CallPlaced"):
        CallRecord.from_events(numbered(CallRinging(call_id="c1", at=1.0)))


def test_the_duration_of_a_living_call_runs_from_the_answer_to_now() -> None:
    record = CallRecord.from_events(numbered(placed(at=100.0)))
    assert record.view(105.0).duration_s == 0.0
    record.apply(CallAnswered(call_id="c1", at=103.0, seq=2))
    assert record.view(113.5).duration_s == 10.5


def test_the_duration_of_an_ended_call_is_what_its_end_says() -> None:
    end = CallEnded(call_id="c1", at=130.0, outcome="answered", ended_by="caller", reason="", duration_s=27.0)
    record = CallRecord.from_events(numbered(placed(), CallAnswered(call_id="c1", at=103.0), end))
    assert record.view(999.0).duration_s == 27.0


def test_a_transfer_tells_who_has_the_call_now() -> None:
    record = CallRecord.from_events(numbered(placed(), CallAnswered(call_id="c1", at=103.0)))
    assert record.view(110.0).transferred_to == ""
    record.apply(Transferred(call_id="c1", at=120.0, seq=3, number="+12025550150"))
    assert record.view(121.0).transferred_to == "+12025550150"


def test_what_becomes_known_after_the_end_is_shown() -> None:
    end = CallEnded(call_id="c1", at=130.0, outcome="answered", ended_by="caller", reason="", duration_s=27.0)
    record = CallRecord.from_events(numbered(placed(), end))
    assert (record.view(200.0).carrier_cost, record.view(200.0).carrier_recording) == (None, "")
    record.apply(CallPriced(call_id="c1", at=130.0, seq=3, amount_micros=28_000, currency="USD", source="estimate"))
    assert record.view(200.0).carrier_cost == Cost(amount=0.028, currency="USD", source="estimate")
    record.apply(CarrierRecorded(call_id="c1", at=150.0, seq=4, recording_id="RE1", path="/r", duration_s=1.0, bytes=9))
    record.apply(CallPriced(call_id="c1", at=190.0, seq=5, amount_micros=14_000, currency="USD", source="carrier"))
    shown = record.view(200.0)
    assert shown.carrier_cost == Cost(amount=0.014, currency="USD", source="carrier")
    assert (shown.carrier_recording, shown.last_seq, shown.ended) == ("/r", 5, True)


def used(seq: int, kind: UsedFor, micros: int | None, *, estimated: bool = False) -> ProviderUsed:
    bought = Used(Product("acme"), seconds=1.0, estimated=estimated)
    return ProviderUsed(
        call_id="c1", at=110.0, seq=seq, kind=kind, used=bought, cost_micros=micros, saved_micros=5 if micros else 0
    )


def test_what_a_call_cost_is_shown_by_part_and_what_is_not_known_by_name() -> None:
    record = CallRecord.from_events(numbered(placed()))
    assert record.view(200.0).cost == CallCost(total=0.0, telephony=0.0), "nobody is paid on the simulated network"
    for event in (
        used(2, "llm", 150, estimated=True),
        used(3, "llm", None),
        used(4, "stt", 4_800),
        used(5, "tts", None),
    ):
        record.apply(event)
    shown = record.view(200.0).cost
    assert (shown.llm, shown.stt, shown.tts, shown.engine) == (0.00015, 0.0048, None, None)
    assert (shown.total, shown.cached_savings) == (0.00495, 0.00001)
    assert (shown.unknown, shown.estimated) == (("llm", "tts"), ("llm",))
    assert str(shown) == "at least ~0.0050 USD"


def test_nothing_is_amended_while_the_call_lives() -> None:
    record = CallRecord.from_events(numbered(placed()))
    price = CallPriced(call_id="c1", at=130.0, seq=2, amount_micros=1, currency="USD", source="estimate")
    assert not record.apply(price)


def test_the_latency_summary_counts_answers_and_leaves_out_what_was_not_observed() -> None:
    record = CallRecord.from_events(
        numbered(placed(), turn(0), turn(1, response_ms=400.0, stt_ms=80.0), turn(2, response_ms=600.0))
    )
    latency = record.view(200.0).latency
    assert latency is not None
    assert (latency.turns, latency.tts_ms) == (2, None)
    assert latency.response_ms == Percentiles(p50=500.0, p90=580.0, p95=590.0, p99=598.0)
    assert latency.stt_ms == Percentiles(p50=80.0, p90=80.0, p95=80.0, p99=80.0)


def test_a_call_without_an_answer_of_the_agent_has_no_latency() -> None:
    assert CallRecord.from_events(numbered(placed(), turn(0))).view(200.0).latency is None


def test_the_summary_has_every_part_of_a_response_time() -> None:
    assert set(LatencySummary.model_fields) == {"turns", *PARTS}


def test_an_answer_names_the_stage_that_took_longest() -> None:
    answer = turn(0, silence_ms=200.0, endpoint_ms=100.0, llm_ttft_ms=900.0, tts_ms=150.0, response_ms=1400.0)
    said = CallRecord.from_events(numbered(placed(), answer)).transcript().turns[0]
    assert (said.slowest, said.slowest_ms, said.response_ms) == ("language_model", 900.0, 1400.0)
    assert said.latency["tts_ms"] == 150.0


def test_words_that_answer_nothing_have_no_slowest_stage() -> None:
    said = CallRecord.from_events(numbered(placed(), turn(0, tts_ms=150.0))).transcript().turns[0]
    assert (said.slowest, said.slowest_ms, said.response_ms) == (None, None, None)


def test_a_transcript_is_read_in_pages() -> None:
    record = CallRecord.from_events(numbered(placed(), *(turn(index) for index in range(5))))
    first = record.transcript(limit=2)
    assert ([turn.index for turn in first.turns], first.next_after) == ([0, 1], 1)
    last = record.transcript(after=1, limit=3)
    assert ([turn.index for turn in last.turns], last.next_after) == ([2, 3, 4], None)
    assert record.transcript(after=4).turns == ()


def test_turns_count_their_time_from_the_answer() -> None:
    record = CallRecord.from_events(numbered(placed(), CallAnswered(call_id="c1", at=103.0), turn(0)))
    assert (record.transcript().turns[0].at_s, record.transcript().turns[0].duration_s) == (6.0, 1.0)


def test_one_voice_over_the_other_counts_as_an_interruption() -> None:
    record = CallRecord.from_events(numbered(placed(), BargeIn(call_id="c1", at=111.0)))
    assert record.view(200.0).interruptions == 1
