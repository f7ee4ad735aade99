"""What is no webhook at all is refused before it is looked at: methods, paths, and bodies."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from getpatter.server.request_body import BODY_TIMEOUT_S, MAX_BODY_BYTES
from tests.server.carrier_requests import (
    Sent,
    ringing,
    until,
)
from tests.server.conftest import Edge


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


def _due_in(edge: Edge, seconds: float) -> bool:
    return edge.clock.next_timer == edge.clock.now() + seconds
