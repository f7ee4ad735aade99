"""Who is let in at the carrier listener, by each carrier's rules, over real connections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import unquote

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from getpatter.calls.session import START_TIMEOUT_S
from getpatter.carriers.base import StatusChanged, Webhook, WebhookRequest
from getpatter.errors import CarrierError, StoreError
from getpatter.server.lobby import PER_CALL
from getpatter.server.peers import LOOKS_BYTES, LOOKS_BYTES_PER_S, REFUSALS, REFUSALS_PER_S
from getpatter.server.request_body import BODY_TIMEOUT_S, MAX_BODY_BYTES

if TYPE_CHECKING:
    from tests.server.conftest import Caller as CallerType
    from tests.server.conftest import Edge, OpenEdge

CALL = "CA" + "1" * 32
CARRIERS = ("sim", "twilio", "telnyx", "plivo")
POLICY_VIOLATION = 1008
STRANGER = "93.184.215.14"


@dataclass(frozen=True)
class Sent:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    async def to(self, edge: Edge) -> httpx.Response:
        [response] = await self.again_and_again(edge, 1)
        return response

    async def again_and_again(self, edge: Edge, times: int) -> list[httpx.Response]:
        headers = [(name.encode(), value.encode("latin-1")) for name, value in self.headers.items()]
        async with httpx.AsyncClient(base_url=edge.url, trust_env=False, timeout=30) as http:
            return [
                await http.request(self.method, self.path, headers=headers, content=self.body) for _ in range(times)
            ]


def ringing(edge: Edge, call_id: str = CALL) -> Sent:
    """As the carrier sends it."""
    body = edge.office.ringing(call_id)
    return Sent("POST", edge.path(), edge.signed(body), body)


def status(edge: Edge) -> Sent:
    body, kind = edge.office.status(CALL), edge.office.status_kind
    return Sent("POST", edge.path(kind), edge.signed(body, kind), body)


# -- what carriers send


async def test_a_call_that_comes_in_rings(edge: Edge) -> None:
    response = await ringing(edge).to(edge)
    assert (response.status_code, response.content) == (200, b"<Response/>")
    [call] = edge.board.rung
    assert (call.carrier_call_id, call.from_number, call.to_number) == (CALL, "+12025550142", "+12025550199")
    assert edge.book.notes == []


async def test_what_the_carrier_reports_is_passed_on(edge: Edge) -> None:
    response = await status(edge).to(edge)
    assert response.is_success
    [change] = [event for event in edge.board.events if isinstance(event, StatusChanged)]
    assert (change.carrier_call_id, change.status) == (CALL, "completed")


async def test_the_host_that_a_request_names_is_of_no_account(edge: Edge) -> None:
    sent = ringing(edge)
    claims = {"host": "evil.example", "x-forwarded-host": "evil.example", "x-forwarded-proto": "http"}
    response = await replace(sent, headers={**sent.headers, **claims}).to(edge)
    assert response.status_code == 200


@pytest.mark.parametrize("asked", ["/webhooks/twilio/voice?a=%2f%2B+%C3%bc&b", "/webhooks/twilio/%76oice"])
async def test_path_and_query_are_signed_as_they_came(open_edge: OpenEdge, asked: str) -> None:
    async with open_edge("twilio") as edge:
        body = edge.office.ringing(CALL)
        for url, status in ((asked, 200), (unquote(asked), 403)):
            signed = edge.office.signed(f"https://voice.example.com{url}", body, 0)
            headers = {"content-type": edge.office.content_type, **signed}
            assert (await Sent("POST", asked, headers, body).to(edge)).status_code == status


# -- what strangers send

Forgery: TypeAlias = Callable[["Edge"], Sent]


def unsigned(edge: Edge) -> Sent:
    return replace(ringing(edge), headers={"content-type": edge.office.content_type})


def by_another_account(edge: Edge) -> Sent:
    sent = ringing(edge)
    url = f"https://voice.example.com{edge.path()}"
    signature = edge.office.signed(url, sent.body, edge.clock.wall(), by_us=False)
    return replace(sent, headers={**sent.headers, **signature})


def altered(edge: Edge) -> Sent:
    return replace(ringing(edge), body=edge.office.ringing(CALL, "+12025550143"))


def with_signatures(edge: Edge, change: Callable[[str], str]) -> Sent:
    sent = ringing(edge)
    changed = {name: value if name == "content-type" else change(value) for name, value in sent.headers.items()}
    return replace(sent, headers=changed)


def one_letter_off(edge: Edge) -> Sent:
    return with_signatures(edge, lambda value: ("A" if value[0] != "A" else "B") + value[1:])


def with_an_empty_signature(edge: Edge) -> Sent:
    return with_signatures(edge, lambda value: "")


def with_a_signature_of_odd_letters(edge: Edge) -> Sent:
    return with_signatures(edge, lambda value: "\xe9\xff, ;=")


def no_text(edge: Edge) -> Sent:
    return replace(ringing(edge), body=b"\xff\xfe{=&%zz\x00")


def nothing(edge: Edge) -> Sent:
    return replace(ringing(edge), body=b"")


def a_thousand_fields(edge: Edge) -> Sent:
    return replace(ringing(edge), body=b"a=b&" * 5000)


@pytest.mark.parametrize(
    "forged",
    [
        unsigned,
        by_another_account,
        altered,
        one_letter_off,
        with_an_empty_signature,
        with_a_signature_of_odd_letters,
        no_text,
        nothing,
        a_thousand_fields,
    ],
)
async def test_a_forged_request_is_refused_and_noted(edge: Edge, forged: Forgery) -> None:
    response = await forged(edge).to(edge)
    assert response.status_code == 403
    assert edge.board.untouched
    [note] = edge.book.notes
    assert note.kind in ("invalid_signature", "malformed")
    assert (note.carrier, note.path, note.peer) == (edge.name, edge.path(), "127.0.0.1")


@pytest.mark.parametrize(
    "url", ["https://other.example.com", "http://voice.example.com", "https://voice.example.com:8443"]
)
async def test_a_request_that_was_signed_for_another_host_is_refused(edge: Edge, url: str) -> None:
    if not edge.office.signs_urls:
        pytest.skip("this carrier signs bodies and not URLs")
    sent = ringing(edge)
    host = url.partition("://")[2]
    headers = {**edge.signed(sent.body, url=url), "host": host, "x-forwarded-host": host}
    assert (await replace(sent, headers=headers).to(edge)).status_code == 403
    assert edge.board.untouched
    assert edge.book.kinds == ["invalid_signature"]


async def test_a_request_that_was_signed_for_another_path_is_refused(edge: Edge) -> None:
    if not edge.office.signs_urls:
        pytest.skip("this carrier signs bodies and not URLs")
    sent = ringing(edge)
    response = await replace(sent, headers=edge.signed(sent.body, "status")).to(edge)
    assert response.status_code == 403
    assert edge.board.untouched


async def test_a_request_that_was_signed_too_long_ago_is_refused(open_edge: OpenEdge) -> None:
    async with open_edge("telnyx") as edge:
        sent = ringing(edge)
        edge.clock.advance(301)
        assert (await sent.to(edge)).status_code == 403
        assert edge.board.untouched
        assert edge.book.kinds == ["expired"]


async def test_a_request_for_a_call_that_is_over_is_refused(edge: Edge) -> None:
    edge.board.over.add(CALL)
    assert (await ringing(edge).to(edge)).status_code == 403
    assert edge.board.untouched
    assert edge.book.kinds == ["replayed"]


async def test_a_nonce_that_was_used_long_ago_is_refused(open_edge: OpenEdge) -> None:
    async with open_edge("plivo") as edge:
        sent = ringing(edge)
        await sent.to(edge)
        edge.clock.advance(61)
        assert (await sent.to(edge)).status_code == 403
        assert len(edge.board.rung) == 1
        assert edge.book.kinds == ["replayed"]


@pytest.mark.parametrize("name", ["twilio", "telnyx"])
async def test_a_message_that_is_delivered_twice_is_handled_once(open_edge: OpenEdge, name: str) -> None:
    async with open_edge(name) as edge:
        sent = status(edge)
        assert [(await sent.to(edge)).is_success for _ in range(2)] == [True, True]
        assert len([event for event in edge.board.events if isinstance(event, StatusChanged)]) == 1
        assert edge.book.notes == []


# -- what is no webhook at all


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
async def test_another_method_is_refused(edge: Edge, method: str) -> None:
    response = await replace(ringing(edge), method=method).to(edge)
    assert response.status_code == 405
    assert edge.board.untouched
    assert edge.book.kinds == ["unknown_path"]


@pytest.mark.parametrize("path", ["/", "/webhooks", "/webhooks/{}/voice/", "/webhooks/{}/nothing", "/docs", "/%ff%00"])
async def test_another_path_is_refused(edge: Edge, path: str) -> None:
    response = await replace(ringing(edge), path=path.format(edge.name)).to(edge)
    assert response.status_code == 404
    assert edge.board.untouched
    assert edge.book.kinds == ["unknown_path"]


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x", ""])
async def test_another_content_type_is_refused(edge: Edge, content_type: str) -> None:
    sent = ringing(edge)
    response = await replace(sent, headers={**sent.headers, "content-type": content_type}).to(edge)
    assert response.status_code == 415
    assert edge.board.untouched
    assert edge.book.kinds == ["malformed"]


async def test_a_compressed_body_is_refused(edge: Edge) -> None:
    sent = ringing(edge)
    assert (await replace(sent, headers={**sent.headers, "content-encoding": "gzip"}).to(edge)).status_code == 415


async def test_a_body_of_many_pieces_is_taken(edge: Edge) -> None:
    sent = ringing(edge)
    pieces = [sent.body[at : at + 7] for at in range(0, len(sent.body), 7)]
    answer = await raw(edge, head(sent, b"transfer-encoding: chunked"), *map(chunk, pieces), chunk(b""))
    assert b" 200 " in answer


async def test_too_long_a_body_is_refused_before_it_is_read(edge: Edge) -> None:
    answer = await raw(edge, head(ringing(edge), b"content-length: %d" % (MAX_BODY_BYTES + 1)))
    assert b" 413 " in answer
    assert edge.book.kinds == ["too_large"]
    assert edge.board.untouched


async def test_too_long_a_body_is_refused_while_it_is_read(edge: Edge) -> None:
    pieces = [chunk(b"x" * 8192)] * (MAX_BODY_BYTES // 8192 + 1)
    assert b" 413 " in await raw(edge, head(ringing(edge), b"transfer-encoding: chunked"), *pieces)
    assert edge.book.kinds == ["too_large"]


async def test_a_body_that_does_not_come_is_not_waited_for(edge: Edge) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(edge.url.rpartition(":")[2]))
    writer.write(head(ringing(edge), b"content-length: 100") + b"Call")
    await until(lambda: _due_in(edge, BODY_TIMEOUT_S))
    edge.clock.advance(BODY_TIMEOUT_S)
    async with asyncio.timeout(30):
        assert b" 408 " in await reader.readline()
    writer.close()
    assert edge.book.kinds == ["malformed"]
    assert edge.board.untouched


async def test_a_request_that_breaks_off_is_noted_and_no_more(edge: Edge, caplog: pytest.LogCaptureFixture) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", int(edge.url.rpartition(":")[2]))
    writer.write(head(ringing(edge), b"content-length: 100") + b"Call")
    await until(lambda: _due_in(edge, BODY_TIMEOUT_S))
    writer.close()
    await until(lambda: edge.book.kinds == ["malformed"])
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


# -- what goes wrong on our side


async def test_a_signed_request_that_cannot_be_read_is_told_apart(edge: Edge) -> None:
    body = b"{}" if edge.office.content_type == "application/json" else b"CallSid="
    response = await Sent("POST", edge.path(), edge.signed(body), body).to(edge)
    assert response.status_code == 400
    assert edge.board.untouched
    assert [(note.kind, note.detail) for note in edge.book.notes] == [("malformed", "signed by the carrier")]


@pytest.mark.parametrize(("fault", "status"), [(StoreError("The store is away."), 503), (RuntimeError("secret"), 500)])
async def test_a_fault_of_ours_is_told_to_nobody_else(
    open_edge: OpenEdge, monkeypatch: pytest.MonkeyPatch, fault: Exception, status: int
) -> None:
    async with open_edge("sim") as edge:

        async def fail(event: object) -> None:
            raise fault

        monkeypatch.setattr(edge.board, "ring", fail)
        response = await ringing(edge).to(edge)
        assert response.status_code == status
        assert "secret" not in response.text
        assert edge.book.notes == []


async def test_a_request_that_breaks_verification_is_refused(
    open_edge: OpenEdge, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_edge("sim") as edge:

        def fail(request: WebhookRequest) -> None:
            raise TypeError("comparing strings with non-ASCII characters is not supported")

        monkeypatch.setattr(edge.office.carrier, "verify", fail)
        monkeypatch.setattr(edge.office.carrier, "verify_stream", fail)
        responses = await ringing(edge).again_and_again(edge, 3)
        assert [response.status_code for response in responses] == [403] * 3
        assert await refusal(edge, "call_0") == 403
        assert edge.book.kinds == ["malformed"] * 4
        assert edge.board.untouched
        assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1


async def test_what_a_webhook_asks_for_is_done_after_its_response(
    open_edge: OpenEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_edge("sim") as edge:
        may_go_on, done = asyncio.Event(), asyncio.Event()

        async def command() -> None:
            await may_go_on.wait()
            done.set()
            raise CarrierError("The call is over.")

        def parse(request: WebhookRequest) -> Webhook:
            return Webhook(command=command, delivery_id="d1")

        monkeypatch.setattr(edge.office.carrier, "parse", parse)
        assert [(await ringing(edge).to(edge)).status_code for _ in range(2)] == [200, 200]
        assert not done.is_set()
        may_go_on.set()
        await edge.edge.close()
        assert done.is_set()


# -- limits


def from_afar(sent: Sent, peer: str = STRANGER) -> Sent:
    return replace(sent, headers={**sent.headers, "x-forwarded-for": peer})


async def test_a_peer_that_is_refused_too_often_is_not_looked_at(open_edge: OpenEdge) -> None:
    async with open_edge("twilio", trusted_proxies=["127.0.0.1"]) as edge:
        refused = await from_afar(unsigned(edge)).again_and_again(edge, REFUSALS + 2)
        assert [response.status_code for response in refused] == [403] * REFUSALS + [429] * 2
        assert edge.book.notes[-1].kind == "too_many"
        assert edge.book.notes[-1].peer == STRANGER
        assert (await from_afar(replace(ringing(edge), path="/")).to(edge)).status_code == 429
        assert (await from_afar(ringing(edge), "54.172.60.0").to(edge)).status_code == 200
        edge.clock.advance(1 / REFUSALS_PER_S)
        assert (await from_afar(unsigned(edge)).to(edge)).status_code == 403


@pytest.mark.parametrize("name", CARRIERS)
async def test_a_stranger_cannot_have_the_carrier_refused(open_edge: OpenEdge, name: str) -> None:
    """Another customer of the carrier has it call us, from its own addresses and signed for somebody else."""
    async with open_edge(name, trusted_proxies=["127.0.0.1"]) as edge:
        refused = await from_afar(by_another_account(edge)).again_and_again(edge, REFUSALS + 10)
        assert {response.status_code for response in refused} == {403}
        assert edge.book.kinds == ["invalid_signature"] * REFUSALS + ["too_many"] * 10
        assert (await from_afar(unsigned(edge)).to(edge)).status_code == 429
        assert (await from_afar(ringing(edge)).to(edge)).status_code == 200
        assert len(edge.board.rung) == 1
        assert (await from_afar(unsigned(edge)).to(edge)).status_code == 403


async def test_what_is_looked_at_of_exhausted_peers_has_an_end(open_edge: OpenEdge) -> None:
    async with open_edge("twilio", trusted_proxies=["127.0.0.1"]) as edge:
        await from_afar(unsigned(edge)).again_and_again(edge, REFUSALS)
        long = from_afar(replace(by_another_account(edge), body=b"a=" + b"x" * (MAX_BODY_BYTES - 2)))
        looks = LOOKS_BYTES // MAX_BODY_BYTES
        statuses = [response.status_code for response in await long.again_and_again(edge, looks)]
        assert statuses == [403] * (looks - 1) + [429]
        assert edge.book.kinds[REFUSALS:] == ["too_many"] * looks
        edge.clock.advance(MAX_BODY_BYTES / LOOKS_BYTES_PER_S)
        assert (await from_afar(ringing(edge)).to(edge)).status_code == 200


async def test_a_carrier_s_address_is_never_limited(open_edge: OpenEdge) -> None:
    async with open_edge("twilio", trusted_proxies=["127.0.0.1"]) as edge:
        await from_afar(ringing(edge)).to(edge)
        refused = await from_afar(unsigned(edge)).again_and_again(edge, REFUSALS + 1)
        assert {response.status_code for response in refused} == {403}
        assert (await from_afar(ringing(edge, "CA" + "2" * 32)).to(edge)).status_code == 200


async def test_who_speaks_is_not_taken_from_a_header_of_anybody(open_edge: OpenEdge) -> None:
    async with open_edge("sim") as edge:
        await from_afar(unsigned(edge)).to(edge)
        assert edge.book.notes[0].peer == "127.0.0.1"


# -- media sockets


@dataclass
class Line:
    """A media socket from the carrier's side."""

    ws: ClientConnection

    async def close_code(self) -> int | None:
        async with asyncio.timeout(30):
            with pytest.raises(ConnectionClosed) as raised:
                await self.ws.recv()
        return raised.value.rcvd.code if raised.value.rcvd else None


async def line(edge: Edge, call_id: str, headers: Mapping[str, str] | None = None) -> Line:
    url = edge.url.replace("http", "ws", 1) + edge.stream_path(call_id)
    given = edge.upgrade(call_id) if headers is None else headers
    return Line(await connect(url, additional_headers=given, compression=None, proxy=None, ping_interval=None))


async def refusal(edge: Edge, call_id: str, headers: Mapping[str, str] | None = None) -> int:
    with pytest.raises(InvalidStatus) as refused:
        await line(edge, call_id, headers)
    return refused.value.response.status_code


@pytest.fixture
def caller(edge: Edge) -> CallerType:
    """A call that waits for its stream."""
    from tests.server.conftest import Caller

    edge.board.calls["call_1"] = call = Caller(CALL)
    return call


async def test_a_stream_with_the_token_of_its_call_is_taken(edge: Edge, caller: CallerType) -> None:
    opened = await line(edge, "call_1")
    await opened.ws.send(edge.office.start(CALL, {"token": caller.token}).decode())
    await until(lambda: caller.happened == ["connected"])
    assert edge.book.notes == []
    await opened.ws.close()


@pytest.mark.parametrize("parameters", [{}, {"token": ""}, {"token": "x" * 32}, {"token": "\u00e9\U0001f600"}])
async def test_a_stream_with_no_or_another_token_is_closed(
    edge: Edge, caller: CallerType, parameters: dict[str, str]
) -> None:
    opened = await line(edge, "call_1")
    await opened.ws.send(edge.office.start(CALL, parameters).decode())
    assert await opened.close_code() == POLICY_VIOLATION
    assert edge.board.untouched
    assert edge.book.kinds == ["bad_token"]
    assert caller.token, "which is good still"


async def test_a_token_is_good_once(edge: Edge, caller: CallerType) -> None:
    start = edge.office.start(CALL, {"token": caller.token}).decode()
    first, second = await line(edge, "call_1"), await line(edge, "call_1")
    await first.ws.send(start)
    await until(lambda: caller.happened == ["connected"])
    await second.ws.send(start)
    assert await second.close_code() == POLICY_VIOLATION
    assert caller.happened == ["connected"]
    assert edge.book.kinds == ["bad_token"]
    await first.ws.close()


async def test_a_token_is_good_for_the_call_that_it_was_given_to(edge: Edge, caller: CallerType) -> None:
    opened = await line(edge, "call_1")
    await opened.ws.send(edge.office.start("CA" + "9" * 32, {"token": caller.token}).decode())
    assert await opened.close_code() == POLICY_VIOLATION
    assert edge.board.untouched
    assert edge.book.kinds == ["bad_token"]


async def test_a_stream_whose_call_has_a_new_name_may_use_either(edge: Edge, caller: CallerType) -> None:
    caller.stream_pass.good_for("CA" + "9" * 32)
    opened = await line(edge, "call_1")
    await opened.ws.send(edge.office.start("CA" + "9" * 32, {"token": caller.token}).decode())
    await until(lambda: caller.happened == ["connected"])
    await opened.ws.close()


async def test_a_stream_that_does_not_say_whose_it_is_is_closed(edge: Edge, caller: CallerType) -> None:
    opened = await line(edge, "call_1")
    edge.clock.advance(START_TIMEOUT_S)
    assert await opened.close_code() == POLICY_VIOLATION
    assert edge.board.untouched
    assert edge.book.kinds == ["no_token"]


async def test_a_socket_that_is_no_stream_is_closed(edge: Edge, caller: CallerType) -> None:
    opened = await line(edge, "call_1")
    await opened.ws.send("Hello?")
    assert await opened.close_code() == POLICY_VIOLATION
    assert edge.board.untouched
    assert edge.book.kinds == ["malformed"]


async def test_a_stream_that_the_carrier_did_not_open_is_refused(edge: Edge, caller: CallerType) -> None:
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
async def test_a_socket_on_another_path_is_refused(edge: Edge, caller: CallerType, path: str) -> None:
    with pytest.raises(InvalidStatus, match="404"):
        await connect(edge.url.replace("http", "ws", 1) + path.format(edge.name), proxy=None)
    assert edge.book.kinds == ["unknown_path"]


async def test_few_sockets_may_wait_on_one_call(edge: Edge, caller: CallerType) -> None:
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
    from tests.server.conftest import Caller

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


# -- by hand


def head(sent: Sent, *more: bytes) -> bytes:
    lines = [f"{name}: {value}".encode() for name, value in {"host": "test", **sent.headers}.items()]
    return b"\r\n".join([f"{sent.method} {sent.path} HTTP/1.1".encode(), *lines, *more, b"", b""])


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def raw(edge: Edge, *pieces: bytes) -> bytes:
    """The first line of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(edge.url.rpartition(":")[2]))
    async with asyncio.timeout(30):
        for piece in pieces:
            writer.write(piece)
        answer = await reader.readline()
    writer.close()
    return answer


async def until(seen: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not seen():  # noqa: ASYNC110 -- what is waited for happens at a server that tells nobody
            await asyncio.sleep(0)


def _due_in(edge: Edge, seconds: float) -> bool:
    return edge.clock.next_timer == edge.clock.now() + seconds
