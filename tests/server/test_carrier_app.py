"""Who is let in at the carrier listener, by each carrier's rules, over real connections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias
from urllib.parse import unquote

import pytest

from getpatter.carriers.base import StatusChanged, Webhook, WebhookRequest
from getpatter.errors import CarrierError, StoreError
from tests.server.carrier_line import refusal
from tests.server.carrier_requests import (
    CALL,
    Sent,
    by_another_account,
    ringing,
    status,
    unsigned,
)
from tests.server.conftest import Edge, OpenEdge

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
