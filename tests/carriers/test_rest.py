from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from getpatter.carriers.rest import MAX_BODY_BYTES, PLACED, ApiRequest, RestClient, pause_s
from getpatter.clock import Clock
from getpatter.errors import CarrierError
from getpatter.testing.clock import ManualClock
from getpatter.testing.http import served

ASK = ApiRequest(method="GET", path="/thing", repeatable=True)
DIAL = ApiRequest(method="POST", path="/calls", form=())


class Api:
    """A server that gives the answers it was told, the last one over and over, and keeps what it was asked."""

    def __init__(self, *answers: Response) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[Request, bytes]] = []
        self.app = Starlette(routes=[Route("/{path:path}", self.answer, methods=["GET", "POST", "PATCH"])])

    async def answer(self, request: Request) -> Response:
        self.asked.append((request, await request.body()))
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


@asynccontextmanager
async def client(url: str, clock: Clock | None = None) -> AsyncIterator[RestClient]:
    rest = RestClient("Acme", url, auth=("me", "secret"), clock=clock, jitter=lambda: 0.0)
    try:
        yield rest
    finally:
        await rest.close()


def is_told_to_look_first(error: CarrierError) -> bool:
    """Whether whoever asked is told to look first what became of it, or else to try again."""
    step = error.next_step or ""
    assert ("Look at the calls" in step) is not ("Try again" in step)
    return "Look at the calls" in step


async def answered(*answers: Response, request: ApiRequest = ASK) -> tuple[int, int]:
    """The status that the caller gets, and how often the server was asked."""
    api = Api(*answers)
    async with served(api.app) as url, client(url) as rest:
        answer = await rest.ask(request)
    return answer.status, len(api.asked)


async def test_a_request_carries_its_form_query_headers_and_credentials() -> None:
    api = Api(Response(json.dumps({"sid": "x"})))
    form = (("Event", "a"), ("Event", "b"), ("To", "+1 2&3"))
    request = ApiRequest(method="POST", path="/calls", query=(("n", "+1"),), form=form, headers={"x-key": "k"})
    async with served(api.app) as url, client(url) as rest:
        answer = await rest.ask(request)
    (asked, body), *more = api.asked
    assert not more
    assert answer.fields() == {"sid": "x"}
    assert tuple(parse_qsl(body.decode())) == form
    assert asked.query_params["n"] == "+1"
    assert asked.headers["x-key"] == "k"
    assert asked.headers["authorization"] == "Basic " + base64.b64encode(b"me:secret").decode()


async def test_json_goes_as_json() -> None:
    api = Api(Response(status_code=201))
    async with served(api.app) as url, client(url) as rest:
        answer = await rest.ask(ApiRequest(method="PATCH", path="/x", json={"a": 1}))
    assert (answer.status, answer.refused, answer.fields()) == (201, False, {})
    assert json.loads(api.asked[0][1]) == {"a": 1}
    assert api.asked[0][0].headers["content-type"] == "application/json"


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_what_may_be_repeated_is_asked_again(status: int) -> None:
    assert await answered(Response(status_code=status), Response()) == (200, 2)


async def test_what_must_happen_once_is_asked_once() -> None:
    assert await answered(Response(status_code=429), Response(), request=DIAL) == (429, 1)


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize(
    ("changes", "requests", "doubt"),
    [
        ({}, 1, "it may have been done"),
        ({"doubt": PLACED}, 1, "the call may have been placed"),
        ({"doubt": PLACED, "repeatable": True}, 4, "the call may have been placed"),
    ],
)
async def test_a_server_that_fails_may_have_done_what_was_asked(
    status: int, changes: dict[str, Any], requests: int, doubt: str
) -> None:
    api = Api(Response(status_code=status))
    async with served(api.app) as url, client(url) as rest:
        with pytest.raises(CarrierError, match=rf"Acme failed \(HTTP {status}\); {doubt} all the same") as failed:
            await rest.ask(replace(DIAL, **changes))
    assert len(api.asked) == requests
    assert is_told_to_look_first(failed.value)


async def test_a_refusal_is_final() -> None:
    assert await answered(Response(status_code=404), Response()) == (404, 1)


async def test_patience_has_an_end() -> None:
    assert await answered(Response(status_code=503)) == (503, 4)


async def test_a_carrier_that_wants_to_be_left_alone_for_too_long_is() -> None:
    assert await answered(Response(status_code=429, headers={"retry-after": "60"}), Response()) == (429, 1)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (ASK, "did not answer in time."),
        (DIAL, "did not answer in time; it may have been done all the same."),
        (replace(ASK, doubt=PLACED), "did not answer in time; the call may have been placed all the same."),
    ],
)
async def test_a_carrier_that_never_answers_is_given_up(asked: ApiRequest, says: str) -> None:
    clock, reached = ManualClock(), asyncio.Event()
    request = replace(asked, path="/thing")

    async def silent(_: Request) -> Response:
        reached.set()
        await asyncio.Event().wait()
        return Response()

    app = Starlette(routes=[Route("/thing", silent, methods=["GET", "POST"])])
    async with asyncio.timeout(30), served(app) as url, client(url, clock) as rest:
        asking = asyncio.create_task(rest.ask(request))
        await reached.wait()
        clock.advance(request.timeout_s)
        with pytest.raises(CarrierError) as given_up:
            await asking
    assert given_up.value.message == f"Acme {says}"
    assert is_told_to_look_first(given_up.value) is ("may have" in says)


@pytest.mark.parametrize(("repeatable", "connections"), [(True, 4), (False, 1)])
async def test_a_connection_that_breaks_is_made_again_where_that_does_no_harm(
    repeatable: bool, connections: int
) -> None:
    made = []

    async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        made.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(counted, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with client(f"http://127.0.0.1:{port}") as rest:
            with pytest.raises(CarrierError, match="Acme broke off") as broken:
                await rest.ask(replace(ASK, repeatable=repeatable))
    assert len(made) == connections
    assert is_told_to_look_first(broken.value) is not repeatable


async def test_a_server_that_is_gone_may_have_done_what_it_was_asked_before_it_went() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        server.close()
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server, client(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as rest:
        with pytest.raises(CarrierError, match=r"could not be reached \(ConnectError\); the call may have") as refused:
            await rest.ask(replace(ASK, doubt=PLACED))
    assert is_told_to_look_first(refused.value)


async def test_what_never_reached_the_carrier_may_be_asked_for_anew() -> None:
    async with served(Starlette()) as url:
        pass
    async with client(url) as rest:
        with pytest.raises(CarrierError, match=r"could not be reached \(ConnectError\)\.$") as refused:
            await rest.ask(replace(DIAL, doubt=PLACED))
    assert not is_told_to_look_first(refused.value)


async def test_a_server_that_is_not_there_is_named_without_its_secrets() -> None:
    async with served(Starlette()) as url:
        pass
    async with client(url) as rest:
        with pytest.raises(CarrierError, match=r"Acme could not be reached \(ConnectError\)") as refused:
            await rest.ask(ASK)
    assert "secret" not in str(refused.value)


async def test_an_endless_answer_is_cut() -> None:
    api = Api(Response(b"x" * (MAX_BODY_BYTES + 1)))
    async with served(api.app) as url, client(url) as rest:
        with pytest.raises(CarrierError, match="more than 1048576 bytes"):
            await rest.ask(ASK)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"\xff", b"[" * 100_000])
async def test_an_answer_that_is_no_object_has_no_fields(body: bytes) -> None:
    api = Api(Response(body))
    async with served(api.app) as url, client(url) as rest:
        assert (await rest.ask(ASK)).fields() == {}


# -- files


async def fetched(rest: RestClient, url: str) -> bytes:
    return b"".join([piece async for piece in rest.download(url)])


async def test_a_file_comes_in_pieces_with_credentials() -> None:
    api = Api(Response(b"sound" * 100_000))
    async with served(api.app) as url, client(url) as rest:
        assert await fetched(rest, f"{url}/recording.wav") == b"sound" * 100_000
    assert "authorization" in api.asked[0][0].headers


@pytest.mark.parametrize(
    "other", ["http://127.0.0.1:1/x", "https://{own}/x", "http://me:x@{own}/x", "nonsense", "http://["]
)
async def test_credentials_go_to_no_other_server(other: str) -> None:
    api = Api(Response())
    async with served(api.app) as url, client(url) as rest:
        with pytest.raises(CarrierError, match="another server"):
            await fetched(rest, other.replace("{own}", url.removeprefix("http://")))
    assert not api.asked


async def test_a_redirect_to_a_file_store_is_followed_without_credentials() -> None:
    store = Api(Response(b"sound"))
    async with served(store.app) as elsewhere:
        api = Api(RedirectResponse(f"{elsewhere}/bucket/1"))
        async with served(api.app) as url, client(url) as rest:
            assert await fetched(rest, f"{url}/recording") == b"sound"
    assert "authorization" not in store.asked[0][0].headers


async def test_a_missing_file_is_an_error() -> None:
    api = Api(Response(status_code=404))
    async with served(api.app) as url, client(url) as rest:
        with pytest.raises(CarrierError, match="HTTP 404"):
            await fetched(rest, f"{url}/recording")


# -- pauses


@given(jitter=st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_pauses_grow_at_most_twofold(jitter: Sequence[float]) -> None:
    for attempt, part in enumerate(jitter, start=1):
        assert 0 <= pause_s(attempt, part) <= 0.25 * 2**attempt
