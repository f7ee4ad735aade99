"""An engine proves that it is the one whose token we hold, to whoever asks, and gives nothing else away."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from getpatter.server.ping import add_ping, ping_path, proof

NONCE = "0123456789abcdef" * 2


def app(token: str = "correct horse") -> FastAPI:
    app = FastAPI()
    add_ping(app, "twilio", token)
    return app


async def ask(query: str, **more: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app(**more)), base_url="http://engine") as http:
        return await http.get(f"{ping_path('twilio')}{query}")


async def test_it_answers_with_the_proof_for_its_token() -> None:
    answer = await ask(f"?nonce={NONCE}")
    assert answer.text == proof("correct horse", NONCE)
    assert answer.headers["cache-control"] == "no-store"
    assert "correct horse" not in answer.text


async def test_another_engine_or_another_question_has_another_proof() -> None:
    assert (await ask(f"?nonce={NONCE}", token="battery staple")).text != proof("correct horse", NONCE)
    assert (await ask(f"?nonce={NONCE[::-1]}")).text != proof("correct horse", NONCE)


@pytest.mark.parametrize("query", ["", "?nonce=", "?nonce=abc", f"?nonce={NONCE}0", f"?nonce={'X' * 32}"])
async def test_only_a_nonce_is_answered(query: str) -> None:
    assert (await ask(query)).status_code == 400
