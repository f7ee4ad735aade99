"""Our requests beside those of Plivo's own client, which is pointed at the same server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import plivo
import pytest

from getpatter.carriers.base import DialRequest, InboundCall, StreamTarget
from getpatter.errors import CarrierError

if TYPE_CHECKING:
    from tests.carriers.plivo.conftest import Asked, Desk, OpenDesk

AUTH_ID, TOKEN = "MA" + "X" * 18, "the-auth-token"
CALL = "57a1b60a-5c0b-11e7-9082-ef888d0400e9"
OURS, THEIRS = "+14155550100", "+14155550123"
HOOKS = "https://patter.example/webhooks/plivo"
STREAM = StreamTarget("wss://patter.example/ws/plivo/stream/call_1", {"token": "a_B-9"})
DIAL = DialRequest(call_id="call_1", to_number=THEIRS, from_number=OURS, stream=STREAM, webhooks_url=HOOKS)


@pytest.fixture
def their_client(monkeypatch: pytest.MonkeyPatch) -> Callable[[Desk], Any]:
    def opened(desk: Desk) -> Any:
        for name in ("API_VOICE_BASE_URI", "PLIVO_API_BASE_URI"):
            monkeypatch.setattr(f"plivo.rest.client.{name}", f"{desk.url}/v1/Account")
        client = plivo.RestClient(AUTH_ID, TOKEN)
        client.session.trust_env = False
        return client

    return opened


TheirClient = Callable[["Desk"], Any]


async def asked_by(client: Any, request: Callable[[Any], object], desk: Desk) -> Asked:
    """What the official client asks for, once it has taken our arguments for good."""
    desk.api.asked.clear()

    def ask() -> None:
        with client:
            request(client)

    await asyncio.to_thread(ask)
    (asked,) = desk.api.asked
    return asked


async def test_calls_are_asked_for_as_their_client_asks(desk: OpenDesk, their_client: TheirClient) -> None:
    async with desk() as open_desk:
        await open_desk.carrier.dial(DIAL)
        ours = open_desk.api.asked[0]
        arguments = {{"from": "from_", "to": "to_"}.get(name, name): value for name, value in ours.body.items()}
        theirs = await asked_by(their_client(open_desk), lambda client: client.calls.create(**arguments), open_desk)
    assert (ours.line, ours.authorization) == (theirs.line, theirs.authorization)
    assert ours.body.items() <= theirs.body.items()


async def test_calls_are_redirected_as_their_client_does(desk: OpenDesk, their_client: TheirClient) -> None:
    async with desk() as open_desk:
        open_desk.carrier.answer(InboundCall(CALL, THEIRS, OURS), STREAM, HOOKS)
        await open_desk.carrier.leave_message(CALL, "Bye.", "en")
        ours, stopped = open_desk.api.asked
        body = ours.body
        theirs = await asked_by(their_client(open_desk), lambda client: client.calls.transfer(CALL, **body), open_desk)
        ended = await asked_by(their_client(open_desk), lambda client: client.calls.delete_all_streams(CALL), open_desk)
    assert ours.line == theirs.line
    assert ours.body.items() <= theirs.body.items()
    assert stopped.line == ended.line


async def test_calls_are_recorded_as_their_client_does(desk: OpenDesk, their_client: TheirClient) -> None:
    async with desk() as open_desk:
        await open_desk.carrier.start_recording(CALL, HOOKS)
        ours = open_desk.api.asked[0]
        body = ours.body
        theirs = await asked_by(
            their_client(open_desk), lambda client: client.calls.start_recording(CALL, **body), open_desk
        )
    assert ours.line == theirs.line
    assert ours.body.items() <= theirs.body.items()


@pytest.mark.parametrize(
    ("which", "theirs"),
    [
        (0, lambda client: client.calls.delete(CALL)),
        (1, lambda client: client.calls.cancel(CALL)),
    ],
)
async def test_calls_are_ended_as_their_client_does(
    desk: OpenDesk, their_client: TheirClient, which: int, theirs: Callable[[Any], object]
) -> None:
    async with desk({f"DELETE Call/{CALL}/": (404, {})} if which else {}) as open_desk:
        await open_desk.carrier.hang_up(CALL)
        ours = open_desk.api.asked[which]
        open_desk.api.answers.clear()
        asked = await asked_by(their_client(open_desk), theirs, open_desk)
    assert ours.line == asked.line


@pytest.mark.parametrize(
    ("which", "theirs"),
    [
        (0, lambda client: client.calls.get(CALL)),
        (1, lambda client: client.live_calls.get(CALL)),
        (2, lambda client: client.queued_calls.get(CALL)),
    ],
)
async def test_calls_are_asked_about_as_their_client_does(
    desk: OpenDesk, their_client: TheirClient, which: int, theirs: Callable[[Any], object]
) -> None:
    unknown: Any = {f"GET Call/{CALL}/{query}": (404, {}) for query in ("", "?status=live", "?status=queued")}
    async with desk(unknown) as open_desk:
        with pytest.raises(CarrierError):
            await open_desk.carrier.fetch_call(CALL)
        ours = open_desk.api.asked[which]
        open_desk.api.answers.clear()
        asked = await asked_by(their_client(open_desk), theirs, open_desk)
    assert ours.line == asked.line
    assert ours.query.items() <= asked.query.items()


async def test_numbers_are_set_up_as_their_client_does(desk: OpenDesk, their_client: TheirClient) -> None:
    answers: Any = {
        "GET Number/14155550100/": (200, {"number": "14155550100", "application": None}),
        "GET Application/?app_name=patter-14155550100&limit=20": (200, {"objects": []}),
        "POST Application/": (201, {"app_id": "7"}),
    }
    async with desk(answers) as open_desk:
        await open_desk.carrier.configure_number(OURS, HOOKS)
        number, found, created, pointed = open_desk.api.asked
        open_desk.api.answers.clear()
        requests: list[tuple[Asked, Callable[[Any], object]]] = [
            (number, lambda client: client.numbers.get("14155550100")),
            (created, lambda client: client.applications.create(**created.body)),
            (pointed, lambda client: client.numbers.update("14155550100", **pointed.body)),
        ]
        for ours, request in requests:
            theirs = await asked_by(their_client(open_desk), request, open_desk)
            assert ours.line == theirs.line
            assert ours.body.items() <= theirs.body.items()
    assert found.line == "GET Application/"


async def test_the_account_is_asked_about_as_their_client_does(desk: OpenDesk, their_client: TheirClient) -> None:
    async with desk({"GET Number/14155550100/": (404, {})}) as open_desk:
        await open_desk.carrier.examine(OURS, HOOKS)
        ours = open_desk.api.asked[0]
        theirs = await asked_by(their_client(open_desk), lambda client: client.account.get(), open_desk)
    assert ours.line == theirs.line == "GET "
