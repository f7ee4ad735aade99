from __future__ import annotations

import pytest
from websockets.client import ClientProtocol
from websockets.uri import parse_uri

from getpatter.server.upgrade import MediaUpgrade, Refusal, acceptance, read_upgrade, refusal

HEADERS = {
    "Host": "phone.example.org",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    # The example of RFC 6455 section 1.3.
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def head(
    line: str = "GET /ws/twilio/stream/7?a=1%20b HTTP/1.1", extra: tuple[str, ...] = (), **changes: str | None
) -> bytes:
    """A request head; `changes` name headers with underscores, None leaves one out."""
    headers = HEADERS | {name.replace("_", "-"): value for name, value in changes.items()}
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join([line, *lines, *extra, "", ""]).encode("latin-1")


def refused(data: bytes) -> int:
    answer = read_upgrade(data, "peer")
    assert isinstance(answer, Refusal)
    return answer.status


def test_an_upgrade_is_handed_on_as_it_was_sent() -> None:
    upgrade = read_upgrade(head(extra=("X-Twilio-Signature: abc", "x-two: 1", "X-Two: 2")), "192.0.2.1:99")
    assert isinstance(upgrade, MediaUpgrade)
    assert (upgrade.path, upgrade.query, upgrade.peer) == ("/ws/twilio/stream/7", "a=1%20b", "192.0.2.1:99")
    assert upgrade.headers["x-twilio-signature"] == "abc"
    assert upgrade.headers["x-two"] == "1, 2"


def test_the_key_is_answered_as_in_the_specification() -> None:
    upgrade = read_upgrade(head(), "peer")
    assert isinstance(upgrade, MediaUpgrade)
    answer = acceptance(upgrade)
    assert b"sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in answer
    assert b"extensions" not in answer


def test_another_implementation_opens_and_takes_the_answer() -> None:
    client = ClientProtocol(parse_uri("ws://phone.example.org/media"))
    client.send_request(client.connect())
    upgrade = read_upgrade(b"".join(client.data_to_send()), "peer")
    assert isinstance(upgrade, MediaUpgrade)
    client.receive_data(acceptance(upgrade))
    assert client.handshake_exc is None
    assert client.state.name == "OPEN"


@pytest.mark.parametrize(
    "fine",
    [
        head(Connection="keep-alive, Upgrade"),
        head(Upgrade="WebSocket"),
        head(Sec_WebSocket_Extensions="permessage-deflate"),
        head(Sec_WebSocket_Protocol="audio"),
    ],
)
def test_what_a_client_may_ask_for_besides_is_no_fault(fine: bytes) -> None:
    assert isinstance(read_upgrade(fine, "peer"), MediaUpgrade)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", 400),
        (b"\x16\x03\x01\x02", 400),
        (head("GET /"), 400),
        (head("POST / HTTP/1.1"), 400),
        (head("GET / HTTP/1.0"), 400),
        (head("GET http://elsewhere/ HTTP/1.1"), 400),
        (head(extra=("no colon",)), 400),
        (head(extra=(" folded: line",)), 400),
        (head(Host=None), 400),
        (head(Upgrade=None), 426),
        (head(Upgrade="h2c"), 426),
        (head(Connection="keep-alive"), 426),
        (head(Sec_WebSocket_Version="8"), 426),
        (head(Sec_WebSocket_Version=None), 426),
        (head(Sec_WebSocket_Key=None), 400),
        (head(Sec_WebSocket_Key="short"), 400),
        (head(Sec_WebSocket_Key="ü"), 400),
        (head(Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25j"), 400),
        (head(extra=("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",)), 400),
    ],
)
def test_what_is_no_upgrade_is_refused(data: bytes, status: int) -> None:
    assert refused(data) == status


def test_a_refusal_is_an_http_response_that_ends_the_connection() -> None:
    assert refusal(Refusal(403, "Wrong token.")) == (
        b"HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 12\r\n"
        b"connection: close\r\n\r\nWrong token."
    )


def test_a_refused_version_is_told_the_right_one() -> None:
    answer = read_upgrade(head(Sec_WebSocket_Version="8"), "peer")
    assert isinstance(answer, Refusal)
    assert b"sec-websocket-version: 13\r\n" in refusal(answer)
