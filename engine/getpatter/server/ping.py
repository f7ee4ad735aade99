"""By which one sees whether a public URL leads to this engine and to no other."""

from __future__ import annotations

import hashlib
import hmac
import re

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

NONCE = re.compile(r"[0-9a-f]{32}")


def ping_path(carrier: str) -> str:
    """Below `/webhooks/`, so that whatever lets webhooks through lets this through."""
    return f"/webhooks/{carrier}/ping"


def proof(token: str, nonce: str) -> str:
    """What only an engine with this token can answer.  It tells nothing of the token, nor proves anything else."""
    return hmac.new(token.encode(), f"patter ping {nonce}".encode(), hashlib.sha256).hexdigest()


def add_ping(app: FastAPI, carrier: str, token: str) -> None:
    """Have `app` answer `GET /webhooks/<carrier>/ping?nonce=<32 hex digits>` with the proof for `token`."""

    async def ping(nonce: str = "") -> PlainTextResponse:
        if not NONCE.fullmatch(nonce):
            return PlainTextResponse("The nonce must be 32 hexadecimal digits.", 400)
        return PlainTextResponse(proof(token, nonce), headers={"cache-control": "no-store"})

    app.add_api_route(ping_path(carrier), ping, methods=["GET"])
