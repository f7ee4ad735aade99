from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from getpatter.calls.switchboard import Switchboard
from getpatter.calls.views import CallQuery, PlaceCall, ServeInbound
from getpatter.control.remote import RemoteSwitchboard
from getpatter.control.wire import MAX_WAIT_S
from getpatter.errors import AccessDenied, CallNotFound, EngineUnavailable, InvalidRequest
from getpatter.errors import CallEnded as CallIsOver
from getpatter.events import CallAnswered, CallEnded, CallPlaced, DtmfPressed, Event, Transferred, Turn
from getpatter.testing.clock import ManualClock
from getpatter.testing.switchboard import MemorySwitchboard

TABLE = PlaceCall(to_number="+12025550100", goal="Book a table.", key="lunch")


def test_it_is_a_switchboard() -> None:
    board: Switchboard = RemoteSwitchboard("http://127.0.0.1:1", "token")
    assert board is not None


async def test_it_shows_what_the_engine_shows(remote: RemoteSwitchboard, board: MemorySwitchboard) -> None:
    placed = await remote.place(TABLE)
    assert await remote.place(TABLE) == placed
    board.answer(placed.call_id)
    board.say(placed.call_id, "agent", "Hello.", response_ms=420.0)
    assert await remote.get(placed.call_id) == await board.get(placed.call_id)
    assert await remote.transcript(placed.call_id) == await board.transcript(placed.call_id)
    assert await remote.transcript(placed.call_id, after=0) == await board.transcript(placed.call_id, after=0)
    assert await remote.list(CallQuery(direction="outbound")) == await board.list(CallQuery())
    assert (await remote.hang_up(placed.call_id, reason="done")).reason == "done"


async def test_keys_and_transfers_go_to_the_engine(remote: RemoteSwitchboard, board: MemorySwitchboard) -> None:
    call_id = (await remote.place(TABLE)).call_id
    with pytest.raises(CallIsOver, match="Nobody is on the line"):
        await remote.send_dtmf(call_id, "1")
    board.answer(call_id)
    heard: list[Event] = []
    board.bus.subscribe(heard.append)
    assert (await remote.send_dtmf(call_id, "1w#")).status == "in_progress"
    assert [event.digit for event in heard if isinstance(event, DtmfPressed)] == ["1", "#"]
    with pytest.raises(InvalidRequest):
        await remote.send_dtmf(call_id, "call me")
    view = await remote.transfer(call_id, "+12025550101", mode="warm", summary="Wants a table.")
    assert (view.outcome, view.reason) == ("answered", "transferred to +12025550101")
    [transferred] = [event for event in heard if isinstance(event, Transferred)]
    assert (transferred.mode, transferred.summary) == ("warm", "Wants a table.")


async def test_inbound_is_set_from_afar(remote: RemoteSwitchboard) -> None:
    view = await remote.serve_inbound(ServeInbound(goal="Take messages."))
    assert (view.enabled, view.goal) == (True, "Take messages.")


async def test_the_status_is_the_engines(remote: RemoteSwitchboard) -> None:
    await remote.place(TABLE)
    assert (await remote.status()).live_calls == 1


async def test_waiting_returns_at_the_next_event(remote: RemoteSwitchboard, board: MemorySwitchboard) -> None:
    placed = await remote.place(TABLE)
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        waiting = group.create_task(remote.wait(placed.call_id, timeout_s=60, after_seq=placed.last_seq))
        board.ring(placed.call_id)
    assert waiting.result().status == "ringing"


async def test_a_long_wait_is_several_polls() -> None:
    clock, polls = ManualClock(), list[float]()
    board = MemorySwitchboard(clock=clock)
    queued = await board.place(TABLE)

    def answer(request: httpx.Request) -> httpx.Response:
        polls.append(float(request.url.params["timeout_s"]))
        clock.advance(polls[-1])
        return httpx.Response(200, content=queued.model_dump_json())

    remote = RemoteSwitchboard("http://engine", "token", clock=clock, transport=httpx.MockTransport(answer))
    assert not (await remote.wait(queued.call_id, timeout_s=MAX_WAIT_S * 2 + 5)).ended
    assert polls == [MAX_WAIT_S, MAX_WAIT_S, 5.0]


async def test_errors_come_back_as_themselves(remote: RemoteSwitchboard, base_url: str) -> None:
    with pytest.raises(CallNotFound, match="nope"):
        await remote.get("nope")
    with pytest.raises(CallNotFound, match="status"):
        await remote.get("../status")
    with pytest.raises(InvalidRequest, match="limit"):
        await remote.transcript("call_1", limit=0)
    stranger = RemoteSwitchboard(base_url, "wrong")
    with pytest.raises(AccessDenied):
        await stranger.get("call_1")
    await stranger.aclose()


async def talk_until(board: MemorySwitchboard, call_id: str, heard: list[Event]) -> None:
    """Speak until the stream is known to be open: events before that are not its own."""
    while not heard:
        board.say(call_id, "caller", "two\u2028lines")
        await asyncio.sleep(0)


async def collect(events: AsyncIterator[Event], heard: list[Event]) -> None:
    async for event in events:
        heard += [event]


async def test_the_events_of_a_call_end_with_it(remote: RemoteSwitchboard, board: MemorySwitchboard) -> None:
    call_id, other = (await remote.place(TABLE)).call_id, board.incoming("+447700900123").call_id
    heard: list[Event] = []
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(collect(remote.events(call_id), heard))
        await talk_until(board, call_id, heard)
        board.say(other, "caller", "not for this stream")
        board.end(call_id)
    assert isinstance(heard[0], Turn)
    assert heard[0].text == "two\u2028lines"
    assert isinstance(heard[-1], CallEnded)
    assert {event.call_id for event in heard} == {call_id}
    assert [event.seq for event in heard] == list(range(heard[0].seq, heard[-1].seq + 1))


async def test_the_events_of_all_calls_go_on(remote: RemoteSwitchboard, board: MemorySwitchboard) -> None:
    first, heard = board.incoming("+447700900123").call_id, list[Event]()
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        events = remote.events()
        talking = group.create_task(talk_until(board, first, heard))
        heard += [await anext(events)]
        await talking
        board.end(first)
        second = board.incoming("+447700900124").call_id
        async for event in events:
            if isinstance(event, CallPlaced):
                break
    assert event.call_id == second


async def test_the_events_of_an_unknown_call_are_an_error(remote: RemoteSwitchboard) -> None:
    with pytest.raises(CallNotFound):
        await anext(remote.events("nope"))


async def test_an_engine_that_is_not_there_says_how_to_start_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    remote = RemoteSwitchboard(f"http://127.0.0.1:{port}", "token")
    with pytest.raises(EngineUnavailable, match="No engine answers") as unavailable:
        await remote.get("call_1")
    assert "getpatter serve" in (unavailable.value.next_step or "")
    await remote.aclose()


async def test_a_lost_connection_warns_that_the_call_may_have_been_placed() -> None:
    def drop(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("connection reset")

    remote = RemoteSwitchboard("http://engine", "token", transport=httpx.MockTransport(drop))
    with pytest.raises(EngineUnavailable, match="lost") as unavailable:
        await remote.place(TABLE)
    assert "may have been carried out" in (unavailable.value.next_step or "")
    for asked in (remote.get("call_1"), anext(remote.events("call_1"))):
        with pytest.raises(EngineUnavailable, match="lost") as unavailable:
            await asked
        assert unavailable.value.next_step == "Ask again."


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(200, text="hello"), httpx.Response(404, json={"detail": "Not Found"}), httpx.Response(502)],
)
async def test_another_server_is_not_taken_for_the_engine(answer: httpx.Response) -> None:
    remote = RemoteSwitchboard("http://engine", "token", transport=httpx.MockTransport(lambda request: answer))
    with pytest.raises(EngineUnavailable, match="not an engine of this version"):
        await remote.get("call_1")


async def test_events_that_only_a_newer_engine_knows_are_skipped() -> None:
    body = b'id: 1\ndata: {"type":"teleported","call_id":"c","at":0}\n\n' + (
        b'id: 2\ndata: {"type":"answered","call_id":"c","at":0,"seq":2}\n\n'
    )
    answer = httpx.Response(200, content=body)
    remote = RemoteSwitchboard("http://engine", "token", transport=httpx.MockTransport(lambda request: answer))
    assert [event async for event in remote.events()] == [CallAnswered(call_id="c", at=0, seq=2)]
