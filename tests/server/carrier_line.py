"""Media sockets from the carrier's side."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.server.conftest import Edge


@dataclass
class Line:
    """One that is open."""

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
