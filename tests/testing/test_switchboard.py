from __future__ import annotations

import asyncio

import pytest

from getpatter.calls.switchboard import Switchboard
from getpatter.calls.views import CallQuery, PlaceCall
from getpatter.errors import AtCapacity, CallNotFound
from getpatter.events import CallEnded, Event, Turn
from getpatter.testing.clock import ManualClock
from getpatter.testing.switchboard import MemorySwitchboard

TABLE = PlaceCall(to_number="+12025550100", goal="Book a table.")


def test_it_is_a_switchboard() -> None:
    board: Switchboard = MemorySwitchboard()
    assert board is not None


async def test_a_placed_call_stays_queued_until_the_far_end_does_something() -> None:
    board = MemorySwitchboard()
    placed = await board.place(TABLE)
    assert (placed.status, placed.last_seq) == ("queued", 1)
    assert board.ring(placed.call_id).status == "ringing"
    assert board.answer(placed.call_id).status == "in_progress"
    assert board.end(placed.call_id).outcome == "answered"


async def test_a_repeated_key_gives_the_first_call() -> None:
    board = MemorySwitchboard()
    keyed = TABLE.model_copy(update={"key": "lunch"})
    first = await board.place(keyed)
    assert (await board.place(keyed)).call_id == first.call_id
    assert (await board.place(TABLE)).call_id != first.call_id


async def test_waiting_returns_at_the_next_event() -> None:
    board = MemorySwitchboard()
    placed = await board.place(TABLE)
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        waiting = group.create_task(board.wait(placed.call_id, timeout_s=60, after_seq=placed.last_seq))
        await asyncio.sleep(0)
        board.ring(placed.call_id)
    assert waiting.result().status == "ringing"


async def test_waiting_returns_the_current_state_when_time_is_up() -> None:
    board = MemorySwitchboard()
    placed = await board.place(TABLE)
    assert (await board.wait(placed.call_id, timeout_s=0)).status == "queued"


async def test_waiting_for_the_end_sleeps_through_other_events() -> None:
    board = MemorySwitchboard()
    placed = await board.place(TABLE)
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        waiting = group.create_task(board.wait(placed.call_id, timeout_s=60))
        for step in (board.ring, board.answer, board.end):
            await asyncio.sleep(0)
            assert not waiting.done()
            step(placed.call_id)
    assert waiting.result().ended


async def test_a_live_call_lasts_until_now() -> None:
    clock = ManualClock()
    board = MemorySwitchboard(clock=clock)
    call_id = (await board.place(TABLE)).call_id
    board.answer(call_id)
    clock.advance(7.0)
    assert (await board.get(call_id)).duration_s == 7.0
    board.end(call_id)
    clock.advance(1.0)
    assert (await board.get(call_id)).duration_s == 7.0


async def test_turns_are_paged_and_timed_from_the_answer() -> None:
    clock = ManualClock()
    board = MemorySwitchboard(clock=clock)
    call_id = (await board.place(TABLE)).call_id
    board.answer(call_id)
    clock.advance(1.5)
    board.say(call_id, "agent", "Hello.", response_ms=400.0)
    board.say(call_id, "caller", "Hi.")
    first = await board.transcript(call_id, limit=1)
    assert [(turn.text, turn.at_s) for turn in first.turns] == [("Hello.", 1.5)]
    assert first.next_after == 0
    rest = await board.transcript(call_id, after=0)
    assert [turn.text for turn in rest.turns] == ["Hi."]
    assert rest.next_after is None


async def test_latency_is_summed_up_over_the_agents_answers() -> None:
    board = MemorySwitchboard()
    call_id = (await board.place(TABLE)).call_id
    board.answer(call_id)
    for response_ms in (100.0, 200.0, 300.0):
        board.say(call_id, "agent", "Yes.", response_ms=response_ms)
    latency = (await board.get(call_id)).latency
    assert latency is not None
    assert latency.response_ms is not None
    assert (latency.turns, latency.response_ms.p50, latency.response_ms.p95) == (3, 200.0, 290.0)


async def test_hanging_up_before_the_answer_cancels() -> None:
    board = MemorySwitchboard()
    call_id = (await board.place(TABLE)).call_id
    ended = await board.hang_up(call_id, reason="wrong number")
    assert (ended.outcome, ended.ended_by, ended.reason) == ("canceled", "assistant", "wrong number")
    assert await board.hang_up(call_id) == ended


async def test_what_happens_goes_through_the_bus() -> None:
    board, heard = MemorySwitchboard(), list[Event]()
    board.bus.subscribe(heard.append)
    call_id = (await board.place(TABLE)).call_id
    board.answer(call_id)
    board.say(call_id, "caller", "Hello?")
    board.end(call_id)
    assert [event.seq for event in heard] == [1, 2, 3, 4]
    assert isinstance(heard[2], Turn)
    assert isinstance(heard[3], CallEnded)


async def test_lists_are_newest_first_and_filtered() -> None:
    board = MemorySwitchboard()
    outbound = (await board.place(TABLE)).call_id
    inbound = board.incoming("+447700900123").call_id
    board.end(outbound, "busy")

    async def listed(query: CallQuery) -> list[str]:
        return [view.call_id for view in await board.list(query)]

    assert await listed(CallQuery()) == [inbound, outbound]
    assert await listed(CallQuery(limit=1)) == [inbound]
    assert await listed(CallQuery(direction="inbound")) == [inbound]
    assert await listed(CallQuery(number="0100")) == [outbound]
    assert await listed(CallQuery(outcome="busy")) == [outbound]
    assert await listed(CallQuery(status="queued")) == [inbound]


async def test_a_refusal_is_raised_by_place() -> None:
    board = MemorySwitchboard()
    board.refusal = AtCapacity("100 calls are live.")
    with pytest.raises(AtCapacity):
        await board.place(TABLE)


async def test_an_unknown_call_is_not_found() -> None:
    with pytest.raises(CallNotFound, match="nope"):
        await MemorySwitchboard().get("nope")
