"""Which media sockets are let in at the carrier listener, by the token of their call."""

from __future__ import annotations

from dataclasses import replace

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from getpatter.calls.session import START_TIMEOUT_S
from getpatter.server.lobby import PER_CALL
from getpatter.server.peers import REFUSALS
from getpatter.server.request_body import MAX_BODY_BYTES
from tests.server.carrier_line import line, refusal
from tests.server.carrier_requests import (
    CALL,
    STRANGER,
    by_another_account,
    from_afar,
    unsigned,
    until,
)
from tests.server.conftest import CARRIERS, Caller, Edge, OpenEdge

POLICY_VIOLATION = 1008


@pytest.fixture
def caller(edge: Edge) -> Caller:
    """A call that waits for its stream."""
    edge.board.calls["call_1"] = call = Caller(CALL)
    return call


async def test_a_stream_with_the_token_of_its_call_is_taken(edge: Edge, caller: Caller) -> None:
    opened = await line(edge, "call_1")
    await opened.ws.send(edge.office.start(CALL, {"token": caller.token}).decode())
    await until(lambda: caller.happened == ["connected"])
    assert edge.book.notes == []
    await opened.ws.close()


@pytest.mark.parametrize("parameters", [{}, {"token": ""}, {"token": "x" * 32}, {"token": "\u00e9\U0001f600"}])
async def test_a_stream_with_no_or_another_token_is_closed(
    edge: Edge, caller: Caller, parameters: dict[str, str]
) -> None:
    opened = await line(edge, "call_1")
    await opened.ws.send(edge.office.start(CALL, parameters).decode())
    assert await opened.close_code() == POLICY_VIOLATION
    assert edge.board.untouched
    assert edge.book.kinds == ["bad_token"]
    assert caller.token, "which is good still"


async def test_a_token_is_good_once(edge: Edge, caller: Caller) -> None:
    start = edge.office.start(CALL, {"token": caller.token}).decode()
    first, second = await line(edge, "call_1"), await line(edge, "call_1")
    await first.ws.send(start)
    await until(lambda: caller.happened == ["connected"])
    await second.ws.send(start)
    assert await second.close_code() == POLICY_VIOLATION
    assert caller.happened == ["connected"]
    assert edge.book.kinds == ["bad_token"]
    await first.ws.close()


async def test_a_token_is_good_for_the_call_that_it_was_given_to(edge: Edge, caller: Caller) -> None:
    opened = await line(edge, "call_1")
    await opened.ws.send(edge.office.start("CA" + "9" * 32, {"token": caller.token}).decode())
    assert await opened.close_code() == POLICY_VIOLATION
    assert edge.board.untouched
    assert edge.book.kinds == ["bad_token"]


async def test_a_stream_whose_call_has_a_new_name_may_use_either(edge: Edge, caller: Caller) -> None:
    caller.stream_pass.good_for("CA" + "9" * 32)
    opened = await line(edge, "call_1")
    await opened.ws.send(edge.office.start("CA" + "9" * 32, {"token": caller.token}).decode())
    await until(lambda: caller.happened == ["connected"])
    await opened.ws.close()


async def test_a_stream_that_does_not_say_whose_it_is_is_closed(edge: Edge, caller: Caller) -> None:
    opened = await line(edge, "call_1")
    edge.clock.advance(START_TIMEOUT_S)
    assert await opened.close_code() == POLICY_VIOLATION
    assert edge.board.untouched
    assert edge.book.kinds == ["no_token"]


async def test_a_socket_that_is_no_stream_is_closed(edge: Edge, caller: Caller) -> None:
    opened = await line(edge, "call_1")
    await opened.ws.send("Hello?")
    assert await opened.close_code() == POLICY_VIOLATION
    assert edge.board.untouched
    assert edge.book.kinds == ["malformed"]


async def test_a_stream_that_the_carrier_did_not_open_is_refused(edge: Edge, caller: Caller) -> None:
    if not edge.office.signs_streams:
        pytest.skip("this carrier does not sign streams")
    assert await refusal(edge, "call_1", {}) == 403
    assert await refusal(edge, "call_1", edge.upgrade("call_1", by_us=False)) == 403
    assert await refusal(edge, "call_1", edge.upgrade("call_2")) == 403
    assert edge.book.kinds == ["invalid_signature"] * 3
    assert edge.board.untouched


async def test_a_stream_of_no_call_is_refused(edge: Edge) -> None:
    assert await refusal(edge, "call_0") == 404
    assert edge.book.kinds == ["unknown_path"]


@pytest.mark.parametrize("path", ["/", "/ws/other/stream/call_1", "/ws/{}/stream/call_1/x", "/ws/{}/stream/%63all_1"])
async def test_a_socket_on_another_path_is_refused(edge: Edge, caller: Caller, path: str) -> None:
    with pytest.raises(InvalidStatus, match="404"):
        await connect(edge.url.replace("http", "ws", 1) + path.format(edge.name), proxy=None)
    assert edge.book.kinds == ["unknown_path"]


async def test_few_sockets_may_wait_on_one_call(edge: Edge, caller: Caller) -> None:
    waiting = [await line(edge, "call_1") for _ in range(PER_CALL)]
    assert await refusal(edge, "call_1") == 429
    assert edge.book.kinds == ["too_many"]
    await waiting[0].ws.send(edge.office.start(CALL, {"token": caller.token}).decode())
    await until(lambda: caller.happened == ["connected"])
    waiting.append(await line(edge, "call_1"))
    for one in waiting:
        await one.ws.close()


@pytest.mark.parametrize("name", CARRIERS)
async def test_a_stream_of_ours_is_taken_from_whichever_peer(open_edge: OpenEdge, name: str) -> None:
    """Streams come from other addresses than webhooks, so nothing there ever speaks for them."""
    async with open_edge(name, trusted_proxies=["127.0.0.1"]) as edge:
        await from_afar(unsigned(edge)).again_and_again(edge, REFUSALS)
        edge.board.calls["call_1"] = call = Caller(CALL)
        await refusal(edge, "call_0", {**edge.upgrade("call_0"), "x-forwarded-for": STRANGER})
        assert edge.book.kinds[REFUSALS:] == ["too_many"]
        opened = await line(edge, "call_1", {**edge.upgrade("call_1"), "x-forwarded-for": STRANGER})
        await opened.ws.send(edge.office.start(CALL, {"token": call.token}).decode())
        await until(lambda: call.happened == ["connected"])
        await opened.ws.close()


async def test_a_peer_that_is_refused_too_often_gets_no_socket_in_the_end(open_edge: OpenEdge) -> None:
    async with open_edge("twilio", trusted_proxies=["127.0.0.1"]) as edge:
        await from_afar(unsigned(edge)).again_and_again(edge, REFUSALS)
        long = from_afar(replace(by_another_account(edge), body=b"a=" + b"x" * (MAX_BODY_BYTES // 2)))
        statuses = {response.status_code for response in await long.again_and_again(edge, 32)}
        assert statuses == {403, 429}
        await from_afar(by_another_account(edge)).again_and_again(edge, 32)
        assert await refusal(edge, "call_0", {"x-forwarded-for": STRANGER}) == 429
        assert edge.book.kinds[-1] == "too_many"
        assert await refusal(edge, "call_0", {"x-forwarded-for": "54.172.60.0"}) == 403
