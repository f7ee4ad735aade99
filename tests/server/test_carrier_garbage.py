"""Whatever is sent to the carrier listener: no failure of ours, and nothing that changes anything."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from getpatter.server.carrier_app import CarrierEdge
from getpatter.testing.clock import ManualClock

if TYPE_CHECKING:
    from tests.server.conftest import Edge, OpenEdge

CALL = "CA" + "1" * 32
CARRIERS = pytest.mark.parametrize("name", ["sim", "twilio", "telnyx", "plivo"])

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
CALL_FIELDS = ["CallSid", "CallUUID", "CallStatus", "From", "To", "AnsweredBy", "Machine", "Event", "SequenceNumber"]
OTHER_FIELDS = ["RecordingSid", "RecordingUrl", "RecordUrl", "Duration", "ConferenceSid", "StatusCallbackEvent"]
NAMES = st.sampled_from([*CALL_FIELDS, *OTHER_FIELDS, "StreamEvent", "StreamID"])
VALUES = TEXT | st.sampled_from(
    [CALL, "ringing", "completed", "+12025550142", "12025550142", "human", "-1", "1e9", "9" * 30]
)
FORMS = st.lists(st.tuples(NAMES | TEXT, VALUES), max_size=8).map(lambda fields: urlencode(fields).encode())
EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "id": JSON,
        "record_type": JSON,
        "occurred_at": JSON | st.just("2026-02-02T22:25:27.521992Z"),
        "event_type": JSON
        | st.sampled_from(["call.initiated", "call.hangup", "call.answered", "call.machine.detection.ended"]),
        "payload": st.dictionaries(
            st.sampled_from(
                ["call_control_id", "direction", "from", "to", "state", "result", "client_state", "hangup_cause"]
            ),
            JSON | st.sampled_from([CALL, "incoming", "machine", "+12025550142"]),
        )
        | JSON,
    },
).map(lambda data: json.dumps({"data": data}).encode())
BODIES = st.binary(max_size=200) | FORMS | EVENTS | JSON.map(lambda value: json.dumps(value).encode())
TYPES = st.sampled_from(["application/x-www-form-urlencoded", "application/json", "application/json; charset=utf-16"])
QUERIES = st.text(
    st.characters(codec="ascii", min_codepoint=33, max_codepoint=126, exclude_characters="#"), max_size=30
)

calm = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])


class Desk:
    """The carrier listener of a carrier, without a network."""

    def __init__(self, name: str, home: Path) -> None:
        from tests.server.conftest import OFFICES, Book, Caller, Switchboard

        self.clock = ManualClock()
        self.office = OFFICES[name](home, self.clock)
        self.board = Switchboard(self.office.carrier, self.clock)
        self.call = self.board.calls["call_1"] = Caller(CALL)
        self.edge = CarrierEdge(self.office.carrier, self.board, clock=self.clock, incidents=Book())
        self.edge.reachable_at("https://voice.example.com")

    async def send(self, method: str, path: str, headers: dict[str, str], body: bytes) -> httpx.Response:
        """Raises whatever escapes from the edge."""
        wire = httpx.ASGITransport(self.edge.app())
        async with httpx.AsyncClient(transport=wire, base_url="http://test") as http:
            return await http.request(method, path, headers=headers, content=body)


def in_a_desk(name: str, scene: Any) -> None:
    async def whole() -> None:
        with tempfile.TemporaryDirectory() as home:
            desk = Desk(name, Path(home))
            await scene(desk)
            await desk.edge.close()
            await desk.office.carrier.close()

    asyncio.run(whole())


@CARRIERS
@calm
@given(data=st.data(), body=BODIES, query=QUERIES, content_type=TYPES, signature=QUERIES)
def test_what_is_not_signed_changes_nothing(
    name: str, data: st.DataObject, body: bytes, query: str, content_type: str, signature: str
) -> None:
    async def scene(desk: Desk) -> None:
        kind = data.draw(st.sampled_from(sorted(desk.office.carrier.webhooks))).format(key="1")
        path = data.draw(st.just(f"/webhooks/{name}/{kind}") | TEXT.map(lambda text: "/" + quote(text)))
        method = data.draw(st.sampled_from(["POST", "GET", "PUT"]))
        real = desk.office.signed(f"https://voice.example.com{path}", b"", 0, by_us=False)
        headers = {"content-type": content_type, **dict.fromkeys(real, signature)}
        response = await desk.send(method, f"{path}?{query}" if query else path, headers, body)
        assert response.status_code in (403, 404, 405, 415)
        assert desk.board.untouched

    in_a_desk(name, scene)


@CARRIERS
@calm
@given(data=st.data(), body=FORMS | EVENTS | JSON.map(lambda value: json.dumps(value).encode()))
def test_nonsense_that_the_carrier_signed_is_no_failure(name: str, data: st.DataObject, body: bytes) -> None:
    async def scene(desk: Desk) -> None:
        kind = data.draw(st.sampled_from(sorted(desk.office.carrier.webhooks))).format(key="1")
        path = f"/webhooks/{name}/{kind}"
        try:
            signed = desk.office.signed(f"https://voice.example.com{path}", body, desk.clock.wall())
        except ValueError:  # the carrier's own library cannot sign it
            return
        response = await desk.send("POST", path, {"content-type": desk.office.content_type, **signed}, body)
        assert response.status_code < 500

    in_a_desk(name, scene)


class Socket:
    peer = "192.0.2.1:4711"

    def send(self, message: bytes) -> None: ...

    def close(self, code: int = 1000, reason: str = "") -> None: ...


FRAME_FIELDS = ("start", "media", "dtmf", "mark", "stop", "stream_id", "streamSid", "extra_headers")
MESSAGES = st.lists(
    st.binary(max_size=100)
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.fixed_dictionaries(
        {"event": st.sampled_from(["connected", "start", "media", "dtmf", "mark", "stop", "playedStream", "error"])},
        optional=dict.fromkeys(FRAME_FIELDS, JSON),
    ).map(lambda value: json.dumps(value).encode()),
    max_size=6,
)


@CARRIERS
@calm
@given(messages=MESSAGES)
def test_a_socket_that_brings_nonsense_touches_no_call(name: str, messages: list[bytes]) -> None:
    async def scene(desk: Desk) -> None:
        stream = desk.board.stream("call_1", Socket())
        assert stream is not None
        for message in messages:
            stream.on_message(message)
        stream.on_closed(1006)
        assert desk.call.happened == []
        assert desk.call.token

    in_a_desk(name, scene)


@CARRIERS
@calm
@given(messages=MESSAGES)
def test_nonsense_in_a_call_is_no_failure(name: str, messages: list[bytes]) -> None:
    async def scene(desk: Desk) -> None:
        stream = desk.board.stream("call_1", Socket())
        assert stream is not None
        stream.on_message(desk.office.start(CALL, {"token": desk.call.token}))
        assert desk.call.happened == ["connected"]
        for message in messages:
            stream.on_message(message)

    in_a_desk(name, scene)


RAW = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET / HTTP/9.9\r\n\r\n",
    b"POST * HTTP/1.1\r\nhost: x\r\n\r\n",
    b"POST http://[/ HTTP/1.1\r\nhost: x\r\n\r\n",
    b"POST /\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",
    b"CONNECT evil.example:443 HTTP/1.1\r\nhost: x\r\n\r\n",
    b"POST /webhooks/sim/voice HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
    b"POST /webhooks/sim/voice HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    b"POST /webhooks/sim/voice HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
    b"GET /ws/sim/stream/call_1 HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n\x81\x81",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x00" * 1000,
]


async def test_bytes_that_are_no_request_change_nothing(open_edge: OpenEdge, caplog: pytest.LogCaptureFixture) -> None:
    async with open_edge("sim") as edge:
        for garbage in RAW:
            _, writer = await asyncio.open_connection("127.0.0.1", int(edge.url.rpartition(":")[2]))
            writer.write(garbage)
            writer.write_eof()
            writer.close()
        assert (await _ring(edge)).status_code == 200
        assert len(edge.board.rung) == 1
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


async def _ring(edge: Edge) -> httpx.Response:
    body = edge.office.ringing(CALL)
    async with httpx.AsyncClient(base_url=edge.url, trust_env=False, timeout=30) as http:
        return await http.post(edge.path(), headers=edge.signed(body), content=body)
