"""What good and bad requests leave in the log at its most talkative: nothing that is secret or private."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

if TYPE_CHECKING:
    from tests.server.conftest import Caller as CallerType
    from tests.server.conftest import Edge

CALL = "CA" + "1" * 32
NUMBERS = ("2025550142", "2025550199")
QUERY = "key=in-the-query-0123456789"
OF_THE_TEST_ITSELF = ("httpx", "httpcore", "websockets", "asyncio")


@pytest.fixture
def caller(edge: Edge) -> CallerType:
    from tests.server.conftest import Caller

    edge.board.calls["call_1"] = call = Caller(CALL)
    return call


async def test_secrets_and_numbers_stay_out_of_the_log(
    edge: Edge, caller: CallerType, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    signatures = set[str]()
    async with httpx.AsyncClient(base_url=edge.url, trust_env=False, timeout=30) as http:

        async def post(body: bytes, headers: dict[str, str], query: str = "") -> int:
            signatures.update(value for name, value in headers.items() if "signature" in name and len(value) > 8)
            return (await http.post(edge.path() + query, headers=headers, content=body)).status_code

        body = edge.office.ringing(CALL)
        good = dict(edge.signed(body))
        assert await post(body, good) == 200
        assert await post(body.replace(b"2025550142", b"2025550143"), good) == 403
        assert await post(body, {"content-type": edge.office.content_type}, f"?{QUERY}") == 403
        assert await post(b"x" * 100_000, good) == 413
        assert (await http.post(f"/+1{NUMBERS[0]}?{QUERY}", content=b"")).status_code == 404
        unread = b'{"data":{"event_type":"call.initiated","payload":{"from":"+12025550142"}}}'
        if edge.office.content_type != "application/json":
            unread = b"CallSid=x&CallUUID=%2B12025550142&From=%2B12025550142&CallStatus=%2B12025550142"
        assert await post(unread, dict(edge.signed(unread))) == 400
        edge.board.over.add(CALL)
        assert await post(body, good) == 403

    token = caller.token
    await streams(edge, caller)
    await edge.edge.close()
    told = "\n".join(
        f"{record.getMessage()} {record.exc_text or ''}"
        for record in caplog.records
        if not record.name.startswith(OF_THE_TEST_ITSELF)
    )
    assert "refused" in told
    for secret in (*edge.office.secrets, token, "wrong-token-0123", QUERY, *signatures, *NUMBERS):
        assert secret not in told
        assert not [note for note in edge.book.notes if secret in repr(note)]


async def streams(edge: Edge, caller: CallerType) -> None:
    """One that is taken, one with another token, one without a signature, one with a query."""
    url = edge.url.replace("http", "ws", 1) + edge.stream_path("call_1")
    async with asyncio.timeout(30):
        for token in ("wrong-token-0123", caller.token):
            async with connect(url, additional_headers=edge.upgrade("call_1"), proxy=None) as ws:
                await ws.send(edge.office.start(CALL, {"token": token}).decode())
                if token == "wrong-token-0123":
                    with pytest.raises(ConnectionClosed):
                        await ws.recv()
                else:
                    await until(lambda: caller.happened == ["connected"])
        with pytest.raises(InvalidStatus):
            await connect(f"{url}x?{QUERY}", proxy=None)


async def until(seen: Callable[[], bool]) -> None:
    while not seen():  # noqa: ASYNC110 -- the server tells nobody
        await asyncio.sleep(0)
