from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Self

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from getpatter.clock import Clock
from getpatter.connections.faults import Faults
from getpatter.connections.http import LAST_BYTES_S, STALE_S, HttpRequest, HttpService, Waits
from getpatter.connections.vendor import Vendor
from getpatter.errors import ProviderError
from getpatter.testing.clock import SkippingClock
from getpatter.testing.http import served
from getpatter.testing.raw_server import RawServer

WAITS = Waits(first_s=10.0, next_s=5.0)
FAULTS = Faults("m at acme.example", Vendor("Acme", "ACME_API_KEY"))


class Slow(Response):
    """Says `pieces`, then nothing more until the client leaves, or breaks off."""

    def __init__(self, pieces: list[bytes], left: asyncio.Event, *, breaks: bool = False) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._pieces = pieces
        self._left = left
        self._breaks = breaks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._pieces:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        for piece in self._pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        if self._breaks:
            return
        while (await receive())["type"] != "http.disconnect":
            pass
        self._left.set()


class Shop:
    """A server and what came to it."""

    def __init__(self) -> None:
        self.url = ""
        self.left = asyncio.Event()
        self.connections: list[int] = []
        self.asked = asyncio.Event()
        self.accepted = ""
        self.headers: list[tuple[bytes, bytes]] = []
        self.media_type = ""
        self.methods: list[str] = []
        self.app = Starlette(
            routes=[
                Route("/whole", self._whole, methods=["POST"]),
                Route("/slow", lambda _: Slow([b"one"], self.left)),
                Route("/packed/{status:int}", self._packed),
                Route("/list", self._list, methods=["GET", "HEAD"]),
                Route("/mute", self._mute),
                Route("/torn", lambda _: Slow([b"one"], self.left, breaks=True)),
                Route("/moved", lambda _: RedirectResponse("/whole")),
                Route("/no", lambda _: JSONResponse({"error": "Nothing for you."}, 403)),
            ]
        )

    async def _whole(self, request: Request) -> Response:
        assert request.client is not None
        self.connections.append(request.client.port)
        self.headers = request.headers.raw
        self.media_type = request.headers.get("content-type", "")
        return Response(await request.body(), media_type="audio/basic")

    async def _packed(self, request: Request) -> Response:
        self.accepted = request.headers["accept-encoding"]
        headers = {"content-encoding": "gzip"}
        return Response(gzip.compress(b"words"), request.path_params["status"], headers, "audio/basic")

    async def _list(self, request: Request) -> Response:
        self.methods.append(request.method)
        return Response()

    async def _mute(self, request: Request) -> Response:
        self.asked.set()
        return Slow([], self.left)


@asynccontextmanager
async def shop(clock: Clock | None = None) -> AsyncIterator[tuple[HttpService, Shop]]:
    here = Shop()
    async with served(here.app) as here.url, asyncio.timeout(60):
        service = HttpService(FAULTS, clock)
        yield service, here
        await service.close()
        await service.close()


async def body_of(service: HttpService, request: HttpRequest) -> bytes:
    async with service.stream(request, WAITS) as answer:
        return await answer.body(1_000)


def _get(url: str) -> HttpRequest:
    return HttpRequest(url=url, method="GET")


async def test_requests_of_all_calls_share_connections() -> None:
    async with shop() as (service, here):
        for words in (b"one", b"two"):
            assert await body_of(service, HttpRequest(url=f"{here.url}/whole", content=words)) == words
        assert len(set(here.connections)) == 1


async def test_a_header_is_sent_once_however_it_is_spelled() -> None:
    """The later one holds: what a user adds goes before what an adapter says."""
    spelled = {"Authorization": "Bearer a", "authorization": "Bearer b", "accept": "audio/basic", "USER-AGENT": "me"}
    async with shop() as (service, here):
        request = HttpRequest(url=f"{here.url}/whole", json={}, headers={**spelled, "content-type": "text/plain"})
        await body_of(service, request)
    sent = [(name, value) for name, value in here.headers if name not in (b"host", b"content-length")]
    assert sorted(sent) == [
        (b"accept", b"audio/basic"),
        (b"accept-encoding", b"identity"),
        (b"authorization", b"Bearer b"),
        (b"content-type", b"application/json"),
        (b"user-agent", b"me"),
    ]


async def test_a_key_that_is_no_ascii_is_for_the_server_to_refuse() -> None:
    async with shop() as (service, here):
        await service.warm(here.url, {"X-Key": "clé"})
        assert await body_of(service, HttpRequest(url=f"{here.url}/whole", headers={"X-Key": "clé"})) == b""
    assert (b"x-key", "clé".encode()) in here.headers


async def test_a_connection_is_opened_ahead() -> None:
    async with shop() as (service, here):
        await service.warm(here.url)
        await body_of(service, HttpRequest(url=f"{here.url}/whole", content=b"x"))
    async with shop() as (service, _):
        await service.warm("http://127.0.0.1:1/")


async def test_leaving_early_stops_the_providers_work() -> None:
    async with shop() as (service, here):
        async with service.stream(HttpRequest(url=f"{here.url}/slow", method="GET"), WAITS) as answer:
            assert await anext(answer.pieces()) == b"one"
        await here.left.wait()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("no", "refused access .HTTP 403.: Nothing for you."),
        ("moved", "redirects elsewhere"),
        ("torn", "broke off: RemoteProtocolError"),
    ],
)
async def test_what_goes_wrong_is_an_error_of_the_provider(path: str, words: str) -> None:
    async with shop() as (service, here):
        with pytest.raises(ProviderError, match=words):
            await body_of(service, HttpRequest(url=f"{here.url}/{path}", method="GET"))


@pytest.mark.parametrize(("repeatable", "requests"), [(True, 2), (False, 1)])
async def test_a_request_whose_connection_breaks_unanswered_may_be_sent_again_once(
    repeatable: bool, requests: int
) -> None:
    async with shop() as (service, _), RawServer() as server:
        request = HttpRequest(url=f"http://127.0.0.1:{server.port}/", content=b"x", repeatable=repeatable)
        asking = asyncio.create_task(body_of(service, request))
        for count in range(1, requests + 1):
            await server.asked(count)
            server.drop()
        with pytest.raises(ProviderError, match="broke off"):
            await asking


class Closing:
    """A server that answers the first request on a connection and closes it when a second one comes, as one does whose
    wait for it has just ended; with `hesitates` when it is told to."""

    def __init__(self, *, hesitates: bool = False) -> None:
        self.requests = 0
        self.url = ""
        self.asked_again = asyncio.Event()
        self.may_close = asyncio.Event()
        if not hesitates:
            self.may_close.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        yield self
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.requests += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            self.requests += 1
            self.asked_again.set()
            await self.may_close.wait()
        writer.close()


async def test_a_request_into_a_connection_that_was_just_closed_is_sent_again() -> None:
    async with Closing().running() as server, shop() as (service, _):
        request = HttpRequest(url=server.url, method="GET")
        assert [await body_of(service, request) for _ in range(3)] == [b"hi"] * 3
    assert server.requests == 5


async def test_what_a_server_may_have_taken_is_not_sent_again() -> None:
    clock = SkippingClock()
    async with Closing(hesitates=True).running() as server, shop(clock) as (service, _):
        request = HttpRequest(url=server.url, method="GET")
        assert await body_of(service, request) == b"hi"
        asking = asyncio.create_task(body_of(service, request))
        await server.asked_again.wait()
        clock.skip(STALE_S)
        server.may_close.set()
        with pytest.raises(ProviderError, match="broke off"):
            await asking
    assert server.requests == 2


@pytest.mark.parametrize(("status", "words"), [(200, "compressed"), (500, "failed .HTTP 500.$")])
async def test_what_is_compressed_is_not_unpacked(status: int, words: str) -> None:
    async with shop() as (service, here):
        with pytest.raises(ProviderError, match=words):
            await body_of(service, HttpRequest(url=f"{here.url}/packed/{status}", method="GET"))
    assert here.accepted == "identity"


async def test_half_a_surrogate_pair_is_not_sent() -> None:
    async with shop() as (service, here):
        body = await body_of(service, HttpRequest(url=f"{here.url}/whole", json={"a": "\ud83d é"}))
    assert body == '{"a":"? é"}'.encode()
    assert here.media_type == "application/json"


async def test_a_finished_answer_is_not_waited_for() -> None:
    clock = SkippingClock()
    async with shop(clock) as (service, here), service.stream(_get(f"{here.url}/slow"), WAITS) as answer:
        assert await answer.piece() == b"one"
        answer.complete()
        answer.alive()
        waiting = asyncio.create_task(answer.piece())
        await asyncio.sleep(0)
        clock.skip(LAST_BYTES_S)
        assert await waiting is None
    async with shop() as (service, here), service.stream(_get(f"{here.url}/torn"), WAITS) as answer:
        assert await answer.piece() == b"one"
        await answer.drain()


async def test_after_the_end_requests_are_refused_and_nothing_is_opened() -> None:
    async with shop() as (service, here):
        await service.close()
        await service.warm(here.url)
        with pytest.raises(ProviderError, match="were closed"):
            await body_of(service, _get(f"{here.url}/whole"))


async def test_warming_asks_for_no_body() -> None:
    async with shop() as (service, here):
        await service.warm(f"{here.url}/list")
    assert here.methods == ["HEAD"]


async def test_nobody_there_is_worth_another_try() -> None:
    async with shop() as (service, _):
        with pytest.raises(ProviderError, match="cannot be reached") as error:
            await body_of(service, HttpRequest(url="http://127.0.0.1:1/"))
        assert error.value.retryable


async def test_an_answer_that_does_not_begin_is_given_up() -> None:
    clock = SkippingClock()
    async with shop(clock) as (service, here):
        waiting = asyncio.create_task(body_of(service, HttpRequest(url=f"{here.url}/mute", method="GET")))
        await here.asked.wait()
        clock.skip(WAITS.first_s)
        with pytest.raises(ProviderError, match="did not answer in time"):
            await waiting


async def test_an_answer_that_does_not_go_on_is_given_up_sooner() -> None:
    clock = SkippingClock()
    async with shop(clock) as (service, here):
        request = HttpRequest(url=f"{here.url}/slow", method="GET")
        with pytest.raises(ProviderError, match="did not answer in time"):
            await stalled(service, request, clock)


async def stalled(service: HttpService, request: HttpRequest, clock: SkippingClock) -> None:
    async with service.stream(request, WAITS) as answer:
        pieces = answer.pieces()
        await anext(pieces)
        waiting = asyncio.ensure_future(anext(pieces))
        await asyncio.sleep(0)
        clock.skip(WAITS.next_s)
        await waiting


async def test_an_answer_that_is_too_long_is_refused() -> None:
    async with shop() as (service, here):
        with pytest.raises(ValueError, match="more than 1000 bytes"):
            await body_of(service, HttpRequest(url=f"{here.url}/whole", content=bytes(2_000)))


async def test_the_log_has_the_server_and_not_the_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with shop() as (service, here):
        await service.warm(f"{here.url}/list?key=sk-0123")
        request = HttpRequest(url=f"{here.url}/whole?key=sk-0123", headers={"X-Key": "sk-0123"}, json={"say": "hush"})
        async with service.stream(request, WAITS) as answer:
            await answer.body(100)
    log = "".join(record.getMessage() for record in caplog.records if record.name.startswith(("getpatter", "http")))
    assert here.url in log
    assert "sk-0123" not in log
    assert "hush" not in log


async def test_an_address_that_is_none_is_refused_and_not_repeated() -> None:
    url = "http://a..b/?key=sk-0123"
    service = HttpService(FAULTS)
    await service.warm(url)
    with pytest.raises(ProviderError) as refused:
        async with service.stream(HttpRequest(url=url), WAITS):
            pass
    assert "sk-0123" not in repr(refused.value)
    await service.close()


async def test_what_a_request_carries_is_not_shown() -> None:
    assert "sk-1" not in repr(HttpRequest(url="https://a/?key=sk-1", headers={"X-Key": "sk-1"}, json={"k": "sk-1"}))
