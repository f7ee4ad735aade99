"""Whether the public URL leads to our carrier listener, as a carrier would see it."""

from __future__ import annotations

import asyncio
import secrets
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hmac import compare_digest
from urllib.parse import urlsplit

import httpx
from fastapi import FastAPI

from getpatter.carriers.base import Finding
from getpatter.server.listener import Listener
from getpatter.server.ping import add_ping, ping_path, proof
from getpatter.settings import Settings

TIMEOUT_S = 10.0
MAX_ANSWER = 1024
"""Bytes that are read of an answer; ours are shorter."""

_FORM = {"content-type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reachability:
    """From the public URL to an engine that has `token`."""

    public_url: str
    carrier: str
    token: str = field(repr=False)
    leads_to: str
    """Where it should lead, in words for a person."""

    async def resolves(self) -> list[Finding]:
        about, host = "public URL", urlsplit(self.public_url).hostname or ""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, 443, type=socket.SOCK_STREAM)
        except OSError as unknown:
            advice = "Correct its DNS entry or PATTER_PUBLIC_URL; a new tunnel's name may need a minute."
            return [Finding(about, "error", f"The name {host} does not resolve: {unknown.strerror}.", advice)]
        addresses = sorted({str(entry[4][0]) for entry in found})
        return [Finding(about, "ok", f"{host} resolves to {', '.join(addresses)}.")]

    async def round_trip(self) -> list[Finding]:
        """Ask for a proof through the public URL that only the engine meant can give."""
        about, nonce = "round trip", secrets.token_hex(16)
        url = f"{self.public_url}{ping_path(self.carrier)}?nonce={nonce}"
        try:
            status, text = await _asked("GET", url)
        except httpx.TransportError as lost:
            return [_unreachable(about, self.public_url, lost)]
        if status == 200 and compare_digest(text.encode(), proof(self.token, nonce).encode()):
            return [Finding(about, "ok", f"{self.public_url} leads to {self.leads_to}.")]
        if status == 200:
            found = f"{self.public_url} is answered by something else than {self.leads_to}."
        elif 300 <= status < 400:
            found = f"{self.public_url} redirects (HTTP {status}), and carriers' signatures do not survive that."
        else:
            found = f"{self.public_url} answers HTTP {status} where {self.leads_to} would not."
        return [Finding(about, "error", found, f"Have it lead to {self.leads_to}, with the path unchanged.")]

    async def refuses_unsigned(self) -> list[Finding]:
        """Post to the voice webhook without a signature."""
        about = "signatures"
        try:
            status, _ = await _asked("POST", f"{self.public_url}/webhooks/{self.carrier}/voice", _FORM)
        except httpx.TransportError as lost:
            return [_unreachable(about, self.public_url, lost)]
        if status == 403:
            return [Finding(about, "ok", "A webhook that nobody signed is refused.")]
        if status < 300:
            found = (
                f"A webhook that nobody signed was taken (HTTP {status}): anybody could ring the agent at your cost."
            )
            return [Finding(about, "error", found, "Stop whatever answers there until you know what it is.")]
        found = f"A webhook that nobody signed is answered with HTTP {status}; the engine would answer 403."
        return [Finding(about, "error", found, f"Have {self.public_url} lead to {self.leads_to}, POST requests too.")]


@asynccontextmanager
async def stand_in(settings: Settings, carrier: str, token: str) -> AsyncIterator[None]:
    """While no engine runs: answer the ping where its carrier listener would be.

    Raises `ConfigurationError` when the port is taken.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    add_ping(app, carrier, token)
    listener = Listener(settings.carrier_host, settings.carrier_port, setting="PATTER_CARRIER_PORT")
    try:
        await listener.start(app)
        yield
    finally:
        await listener.stop()


async def _asked(method: str, url: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Status and beginning of the body."""
    async with (
        httpx.AsyncClient(trust_env=False, timeout=TIMEOUT_S, follow_redirects=False) as http,
        http.stream(method, url, headers=headers) as response,
    ):
        body = b""
        async for piece in response.aiter_raw():
            body += piece
            if len(body) >= MAX_ANSWER:
                break
        return response.status_code, body[:MAX_ANSWER].decode(errors="replace")


def _unreachable(about: str, url: str, lost: httpx.TransportError) -> Finding:
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(lost)):
        found = f"The certificate of {url} cannot be trusted: {lost}."
        return Finding(
            about, "error", found, "Carriers take no self-signed ones: have one issued, e.g. by Let's Encrypt."
        )
    words = str(lost) or type(lost).__name__
    advice = (
        "Check that the proxy, tunnel or router in front of the engine runs. Some routers do not lead their own public "
        "address back in: then try the URL from elsewhere."
    )
    return Finding(about, "error", f"{url} cannot be reached: {words}.", advice)


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
