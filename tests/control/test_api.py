from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from getpatter.calls.views import PlaceCall
from getpatter.control import api
from getpatter.control.sse import HEARTBEAT
from getpatter.errors import AtCapacity, PolicyDenied
from getpatter.events import CallRinging
from getpatter.observability.bus import EventBus
from getpatter.testing.switchboard import MemorySwitchboard

PLACE = {"to_number": "+12025550100", "goal": "Book a table."}


@pytest.fixture
async def http(base_url: str, token: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=f"{base_url}/api/control", headers=headers, trust_env=False) as client:
        yield client


def error_of(response: httpx.Response) -> dict[str, Any]:
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "next_step", "details"}
    error: dict[str, Any] = body["error"]
    return error


async def test_a_call_is_placed_followed_and_ended(http: httpx.AsyncClient, board: MemorySwitchboard) -> None:
    placed = (await http.post("/calls", json=PLACE)).json()
    call = f"/calls/{placed['call_id']}"
    assert placed["status"] == "queued"
    board.answer(placed["call_id"])
    board.say(placed["call_id"], "caller", "Hello?")
    waited = (await http.get(f"{call}/wait", params={"timeout_s": 0})).json()
    assert waited["status"] == "in_progress"
    assert (await http.get(f"{call}/transcript")).json()["turns"][0]["text"] == "Hello?"
    assert (await http.post(f"{call}/hang_up", json={})).json()["ended_by"] == "assistant"
    assert (await http.get(call)).json()["status"] == "ended"


async def test_calls_are_listed_by_query(http: httpx.AsyncClient, board: MemorySwitchboard) -> None:
    board.incoming("+447700900123")
    await board.place(PlaceCall(to_number="+12025550100", goal="Ask."))
    listed = (await http.get("/calls", params={"direction": "inbound"})).json()
    assert [call["from_number"] for call in listed] == ["+447700900123"]


async def test_the_status_counts_live_calls(http: httpx.AsyncClient, board: MemorySwitchboard) -> None:
    board.end(board.incoming("+447700900123").call_id)
    board.incoming("+447700900124")
    assert (await http.get("/status")).json()["live_calls"] == 1


async def test_without_the_token_nothing_is_answered(http: httpx.AsyncClient) -> None:
    refused = await http.post("/calls", content=b"not even JSON", headers={"Authorization": "Bearer wrong"})
    assert refused.status_code == 401
    assert error_of(refused)["code"] == "access_denied"


async def test_a_rebound_name_is_refused(http: httpx.AsyncClient) -> None:
    assert (await http.get("/status", headers={"Host": "evil.example"})).status_code == 401
    assert (await http.get("/status", headers={"Host": "engine.example"})).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**PLACE, "to_number": "555-0100"}, "to_number"),
        ({"to_number": "+12025550100"}, "goal"),
        ({**PLACE, "max_duration_s": -1}, "max_duration_s"),
    ],
)
async def test_a_bad_request_names_the_field(http: httpx.AsyncClient, body: dict[str, Any], field: str) -> None:
    refused = await http.post("/calls", json=body)
    assert refused.status_code == 422
    assert error_of(refused)["code"] == "invalid_request"
    assert field in error_of(refused)["message"]


async def test_malformed_json_is_a_typed_error(http: httpx.AsyncClient) -> None:
    refused = await http.post("/calls", content=b"{", headers={"Content-Type": "application/json"})
    assert refused.status_code == 422
    assert error_of(refused)["code"] == "invalid_request"


async def test_a_wait_longer_than_proxies_allow_is_refused(http: httpx.AsyncClient, board: MemorySwitchboard) -> None:
    call_id = board.incoming("+447700900123").call_id
    refused = await http.get(f"/calls/{call_id}/wait", params={"timeout_s": 111})
    assert "timeout_s" in error_of(refused)["message"]


async def test_the_switchboards_errors_keep_their_kind(http: httpx.AsyncClient, board: MemorySwitchboard) -> None:
    assert (await http.get("/calls/nope")).status_code == 404
    board.refusal = PolicyDenied(
        "Emergency numbers are not dialled.", rule="emergency_number", next_step="Use a phone."
    )
    denied = await http.post("/calls", json=PLACE)
    assert denied.status_code == 403
    assert error_of(denied)["next_step"] == "Use a phone."
    assert error_of(denied)["details"] == {"rule": "emergency_number"}
    board.refusal = AtCapacity("Full.")
    assert (await http.post("/calls", json=PLACE)).status_code == 503


async def test_a_fault_of_ours_tells_nothing_of_its_insides(
    http: httpx.AsyncClient, board: MemorySwitchboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(call_id: str) -> None:
        raise KeyError("a secret")

    monkeypatch.setattr(board, "get", broken)
    failed = await http.get("/calls/call_1")
    assert failed.status_code == 500
    assert error_of(failed)["code"] == "internal"
    assert "secret" not in failed.text


async def test_events_of_an_unknown_call_are_not_found(http: httpx.AsyncClient) -> None:
    assert (await http.get("/calls/nope/events")).status_code == 404


async def test_events_of_an_ended_call_end_at_once(http: httpx.AsyncClient, board: MemorySwitchboard) -> None:
    call_id = board.incoming("+447700900123").call_id
    board.end(call_id)
    assert "data:" not in (await http.get(f"/calls/{call_id}/events")).text


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
async def test_no_description_is_served(http: httpx.AsyncClient, base_url: str, path: str) -> None:
    assert (await http.get(base_url + path)).status_code == 404


async def test_a_reader_who_stops_reading_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "MAX_UNREAD", 3)
    bus = EventBus()
    frames = api._ControlApi(MemorySwitchboard(), bus)._forever()
    assert await anext(frames) == HEARTBEAT
    for _ in range(10):
        bus.publish(CallRinging(call_id="call_1", at=1.0))
    async with asyncio.timeout(30):
        assert len([frame async for frame in frames]) == 3, "what was kept, and then the end"
