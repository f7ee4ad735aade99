"""What a call's row says of its cost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from getpatter import events
from getpatter.events import CallEnded, CallPlaced, CallPriced, Event, Outcome, ProviderUsed, UsedFor
from getpatter.metering import Product, Used
from getpatter.observability.bus import EventBus
from getpatter.pricing.bill import Bill
from getpatter.store import CallProjection, Store
from getpatter.store.costs import KINDS, bill_of, telephony_of, total_of
from getpatter.testing.clock import ManualClock

Placed = Callable[..., CallPlaced]


def used(seq: int, kind: UsedFor, micros: int | None, *, saved: int = 0, estimated: bool = False) -> ProviderUsed:
    bought = Used(Product("acme", "m"), seconds=1.0, estimated=estimated)
    return ProviderUsed(call_id="c1", at=105.0, seq=seq, kind=kind, used=bought, cost_micros=micros, saved_micros=saved)


def ended(seq: int, outcome: Outcome = "answered") -> CallEnded:
    return CallEnded(call_id="c1", at=130.0, seq=seq, outcome=outcome, ended_by="caller", reason="x", duration_s=25.0)


def priced(seq: int, micros: int, currency: str = "USD") -> CallPriced:
    return CallPriced(
        call_id="c1",
        at=140.0,
        seq=seq,
        amount_micros=micros,
        currency=currency,
        source="estimate" if seq < 90 else "carrier",
    )


def after(placed: CallPlaced, *happened: Event) -> CallProjection:
    call = CallProjection.begin(placed)
    for event in happened:
        assert call.apply(event)
    return call


def test_each_kind_is_summed_apart_and_all_of_them_together(placed: Placed) -> None:
    row = after(
        placed(seq=1, carrier="twilio"),
        used(2, "llm", 10, saved=3),
        used(3, "llm", 20, saved=4),
        used(4, "stt", 100),
        used(5, "tts", 0),
        ended(6),
        priced(7, 14_000),
    ).row
    assert (row.llm_cost_micros, row.stt_cost_micros, row.tts_cost_micros, row.engine_cost_micros) == (30, 100, 0, None)
    assert (row.cost_micros, row.llm_saved_micros, row.costs_unknown) == (14_130, 7, [])


def test_a_part_that_is_not_known_leaves_the_sum_of_the_others_and_is_named(placed: Placed) -> None:
    row = after(placed(seq=1), used(2, "llm", 10), used(3, "llm", None), used(4, "tts", None), ended(5)).row
    assert (row.llm_cost_micros, row.tts_cost_micros, row.costs_unknown) == (10, None, ["llm", "tts"])
    assert bill_of(row, "llm") == Bill(10, unknown=True)
    assert bill_of(row, "tts") == Bill(None, unknown=True)
    assert total_of(row).unknown


def test_what_the_provider_did_not_count_is_marked(placed: Placed) -> None:
    row = after(placed(seq=1), used(2, "llm", 10, estimated=True), used(3, "llm", 10), used(4, "stt", 5)).row
    assert row.costs_estimated == ["llm"]


def test_only_dollars_are_summed(placed: Placed) -> None:
    call = after(placed(seq=1, carrier="twilio"), used(2, "llm", 10), ended(3), priced(4, 9_000, "EUR"))
    assert (call.row.cost_micros, telephony_of(call.row)) == (10, Bill(unknown=True))
    call.apply(priced(95, 8_000))
    assert (call.row.cost_micros, telephony_of(call.row)) == (8_010, Bill(8_000))


def test_the_telephone_is_unknown_once_the_call_is_over_and_free_where_it_is_simulated(placed: Placed) -> None:
    assert telephony_of(after(placed(seq=1, carrier="twilio")).row) == Bill()
    assert telephony_of(after(placed(seq=1, carrier="twilio"), ended(2)).row) == Bill(unknown=True)
    assert telephony_of(after(placed(seq=1, carrier="sim"), ended(2)).row) == Bill(0)
    assert after(placed(seq=1, carrier="sim"), ended(2)).row.cost_micros == 0


@pytest.mark.parametrize(
    ("names", "unknown"),
    [
        ({"language_model": "m", "text_to_speech": "v"}, ["stt", "llm", "tts"]),
        ({"language_model": "e", "speech_to_text": "e", "text_to_speech": "e"}, ["engine"]),
    ],
)
def test_of_a_call_that_broke_off_only_what_was_told_is_known(
    placed: Placed, names: dict[str, str], unknown: list[str]
) -> None:
    row = after(placed(seq=1, **names), used(2, "llm", 10), ended(3, "interrupted")).row
    assert sorted(row.costs_unknown) == sorted(unknown)
    assert row.llm_cost_micros == 10


uses = st.lists(
    st.tuples(st.sampled_from(KINDS), st.none() | st.integers(0, 10**7), st.integers(0, 100), st.booleans()), max_size=6
)


@given(uses, st.integers(0, 6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_record_that_is_continued_from_its_row_amounts_to_the_same(
    placed: Placed, told: list[tuple[UsedFor, int | None, int, bool]], at: int
) -> None:
    happened = [used(seq, *one[:2], saved=one[2], estimated=one[3]) for seq, one in enumerate(told, start=2)]
    whole = after(placed(seq=1), *happened, ended(99))
    first = after(placed(seq=1), *happened[:at])
    continued = CallProjection(first.row)
    rest: list[Event] = [*happened[at:], ended(99)]
    for event in rest:
        continued.apply(events.decode(events.encode(event)))
    assert continued.row.model_dump() == whole.row.model_dump()


async def test_costs_are_in_the_store_with_what_they_were_for(
    store: Store, bus: EventBus, clock: ManualClock, placed: Placed
) -> None:
    journal = store.journal(bus, clock=clock)
    bus.publish(placed(carrier="twilio"))
    for event in (used(0, "llm", 10, saved=2), used(0, "llm", None), used(0, "engine", 70, estimated=True), ended(0)):
        bus.publish(event)
    await journal.close()
    await store.calls.amend(priced(0, 14_000))
    row = await store.calls.get("c1")
    assert row is not None
    assert (row.cost_micros, row.llm_cost_micros, row.engine_cost_micros, row.stt_cost_micros) == (14_080, 10, 70, None)
    assert (row.llm_saved_micros, row.costs_unknown, row.costs_estimated) == (2, ["llm"], ["engine"])
    kept = [events.decode(kept.data) for kept in await store.calls.events(call_id="c1") if kept.type == "used"]
    assert [(event.used, event.cost_micros) for event in kept if isinstance(event, ProviderUsed)] == [
        (used(0, "llm", 10).used, 10),
        (used(0, "llm", None).used, None),
        (used(0, "engine", 70, estimated=True).used, 70),
    ]
