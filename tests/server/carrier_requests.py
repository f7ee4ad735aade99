"""Requests to the carrier listener: as a carrier sends them, and as strangers do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import httpx

from tests.server.conftest import Edge

CALL = "CA" + "1" * 32
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


def unsigned(edge: Edge) -> Sent:
    return replace(ringing(edge), headers={"content-type": edge.office.content_type})


def by_another_account(edge: Edge) -> Sent:
    sent = ringing(edge)
    url = f"https://voice.example.com{edge.path()}"
    signature = edge.office.signed(url, sent.body, edge.clock.wall(), by_us=False)
    return replace(sent, headers={**sent.headers, **signature})


def from_afar(sent: Sent, peer: str = STRANGER) -> Sent:
    return replace(sent, headers={**sent.headers, "x-forwarded-for": peer})


async def until(seen: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not seen():  # noqa: ASYNC110 -- what is waited for happens at a server that tells nobody
            await asyncio.sleep(0)
