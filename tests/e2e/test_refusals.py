"""What a running engine keeps of requests that it refuses, and that it does nothing else about them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import httpx

from getpatter.calls.views import CallQuery
from getpatter.store import IncidentRow, Store
from getpatter.testing.signing import signature_headers, sim_secret

if TYPE_CHECKING:
    from tests.e2e.conftest import House, OpenHouse

RINGING = {"CallSid": "CA" + "7" * 32, "From": "+12025550150", "To": "+12025550199", "CallStatus": "ringing"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


@asynccontextmanager
async def opened(house: House) -> AsyncIterator[Store]:
    """The engine's store, as another process has it."""
    store = await Store.open(house.settings.database)
    yield store
    await store.close()


async def kept(store: Store, rows: int) -> Sequence[IncidentRow]:
    """The security events, once there are so many."""
    async with asyncio.timeout(60):
        while len(found := await store.incidents.recent()) < rows:  # noqa: ASYNC110 -- another process's writes
            await asyncio.sleep(0)
    return found


async def ring(house: House, secret: bytes) -> httpx.Response:
    signed = signature_headers(secret, house.voice_url, list(RINGING.items()))
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.post(house.voice_url, headers=FORM | signed, content=urlencode(RINGING))


async def test_of_a_forged_call_nothing_is_kept_but_a_security_event(open_house: OpenHouse) -> None:
    async with open_house() as house, opened(house) as store:
        await house.assistant.use("serve_inbound")
        for _ in range(3):
            assert (await ring(house, b"guessed")).status_code == 403
        [row] = await kept(store, 1)
        assert (row.kind, row.carrier, row.path, row.peer) == (
            "invalid_signature",
            "sim",
            "/webhooks/sim/voice",
            "127.0.0.1",
        )
        assert await house.board.list(CallQuery()) == []
        assert house.engine.live_calls == 0
        assert await store.calls.events() == []


async def test_a_call_that_is_over_does_not_ring_again(open_house: OpenHouse) -> None:
    async with open_house() as house, opened(house) as store:
        await house.assistant.use("serve_inbound")
        answer = await ring(house, sim_secret(house.settings.home))
        assert answer.status_code == 200
        found = re.search(r"call_[0-9a-f]+", answer.text)
        assert found is not None
        await house.board.hang_up(found[0])
        await house.ended(found[0])
        assert (await ring(house, sim_secret(house.settings.home))).status_code == 403
        [row] = await kept(store, 1)
        assert row.kind == "replayed"
        assert len(await house.board.list(CallQuery())) == 1


async def test_a_stream_with_a_token_of_another_is_kept(open_house: OpenHouse) -> None:
    async with open_house() as house, opened(house) as store:
        await house.assistant.use("serve_inbound")
        async with house.handset() as handset:
            async with handset.open(token="guessed") as line:
                await line.closed()
            [row] = await kept(store, 1)
            assert row.kind == "bad_token"
            assert "guessed" not in row.model_dump_json()
            assert (await house.board.get(handset.call_id)).answered_at is None
            await house.board.hang_up(handset.call_id)
            await house.ended(handset.call_id)
