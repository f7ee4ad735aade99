from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from mcp import Client
from mcp.types import CallToolResult, TextContent

from getpatter.calls.switchboard import Switchboard
from getpatter.calls.views import CallView
from getpatter.errors import AtCapacity, CarrierError, EngineUnavailable, PolicyDenied
from getpatter.events import DtmfPressed, Event, TransferMode, Transferred
from getpatter.testing.clock import ManualClock
from getpatter.testing.switchboard import MemorySwitchboard
from patter_mcp.server import TOOLS, build_server

Connect = Callable[..., Client]

ACTS = ("place_call", "hang_up", "transfer_call", "send_dtmf", "serve_inbound")
COLLEAGUE = "+12025550150"
TABLE = {"to_number": "+12025550100", "goal": "Book a table for two at seven."}


def data_of(result: CallToolResult) -> dict[str, Any]:
    assert not result.is_error, result.content
    assert isinstance(result.structured_content, dict)
    return result.structured_content


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


def refusal_of(result: CallToolResult) -> str:
    assert result.is_error
    return text_of(result)


class SilentBoard(MemorySwitchboard):
    """Nothing ever happens, and a wait takes all its time of the clock at once."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock=clock)
        self._manual = clock

    async def wait(self, call_id: str, *, timeout_s: float, after_seq: int | None = None) -> CallView:
        self._manual.advance(timeout_s)
        return await self.get(call_id)


async def test_each_era_is_spoken(connect: Connect, era: str, board: MemorySwitchboard) -> None:
    async with connect(build_server(board)) as client:
        assert client.protocol_version == era
        assert "wait_for_call" in (client.instructions or "")


async def test_the_tools_are_listed_with_what_hosts_need(connect: Connect, board: MemorySwitchboard) -> None:
    async with connect(build_server(board)) as client:
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert list(listed) == list(TOOLS)
    for tool in listed.values():
        assert tool.title
        assert tool.output_schema
        assert tool.annotations
        assert tool.annotations.read_only_hint == (tool.name not in ACTS)
        assert tool.annotations.read_only_hint or tool.annotations.destructive_hint == (tool.name != "serve_inbound")
        assert all(
            "description" in argument or "$ref" in argument for argument in tool.input_schema["properties"].values()
        )
    loaded = {name for name, tool in listed.items() if (tool.meta or {}).get("anthropic/alwaysLoad")}
    assert loaded == {"place_call", "wait_for_call", "get_transcript"}


async def test_descriptions_leave_the_workflow_to_instructions(connect: Connect, board: MemorySwitchboard) -> None:
    async with connect(build_server(board)) as client:
        for tool in (await client.list_tools()).tools:
            description = tool.description or ""
            assert "    " not in description
            assert not [word for word in ("must", "should", "always", "you ") if word in description.lower()]


async def test_a_call_from_the_first_tool_to_the_last(
    connect: Connect, switchboard: Switchboard, board: MemorySwitchboard
) -> None:
    async with connect(build_server(switchboard)) as client:
        placed = data_of(await client.call_tool("place_call", TABLE))
        call_id = placed["call_id"]
        assert (placed["status"], placed["ended"]) == ("queued", False)
        assert placed["notes"] == ["The agent's words come from a script."]

        told: list[str | None] = []

        async def on_progress(progress: float, total: float | None, message: str | None) -> None:
            told.append(message)
            match message:
                case "queued":
                    board.answer(call_id)
                case "in progress, 0 s, 0 turns":
                    board.say(call_id, "agent", "A table for two, please.", response_ms=620.0)
                case "agent: A table for two, please. (0.62 s)":
                    board.say(call_id, "caller", "At seven? Sure.")
                case "caller: At seven? Sure.":
                    board.end(call_id)

        waited = data_of(await client.call_tool("wait_for_call", {"call_id": call_id}, progress_callback=on_progress))
        assert (waited["ended"], waited["outcome"], waited["turns"]) == (True, "answered", 2)
        assert waited["next_step"] == f"get_transcript(call_id='{call_id}')"
        assert "caller: At seven? Sure." in told

        transcript = await client.call_tool("get_transcript", {"call_id": call_id})
        spoken = "[0.0s] agent: A table for two, please.\n[0.0s] caller: At seven? Sure."
        assert data_of(transcript)["transcript"] == spoken
        assert spoken in text_of(transcript)
        assert "untrusted" in text_of(transcript)

        (listed,) = data_of(await client.call_tool("list_calls", {"status": "ended"}))["calls"]
        assert listed["call_id"] == call_id


def answered(board: MemorySwitchboard) -> str:
    """A call with somebody on the line."""
    call_id = board.incoming("+447700900123").call_id
    board.answer(call_id)
    return call_id


async def test_a_call_is_given_to_somebody_else(
    connect: Connect, switchboard: Switchboard, board: MemorySwitchboard
) -> None:
    happened: list[Event] = []
    board.bus.subscribe(happened.append)
    call_id = answered(board)
    asked = {"call_id": call_id, "number": "+1 (202) 555-0150", "mode": "warm", "summary": "Wants a table."}
    async with connect(build_server(switchboard)) as client:
        given = data_of(await client.call_tool("transfer_call", asked))
    assert (given["ended"], given["ended_by"], given["reason"]) == (True, "agent", f"transferred to {COLLEAGUE}")
    assert given["transferred_to"] == COLLEAGUE
    [transferred] = [event for event in happened if isinstance(event, Transferred)]
    assert (transferred.number, transferred.mode, transferred.summary) == (COLLEAGUE, "warm", "Wants a table.")


class SlowBoard(MemorySwitchboard):
    """A transfer takes as long as the test likes, and any wait for the call takes all its time at once."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock=clock)
        self._manual = clock
        self.asked = 0
        self.answer_of_colleague: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def wait(self, call_id: str, *, timeout_s: float, after_seq: int | None = None) -> CallView:
        self._manual.advance(timeout_s)
        return await self.get(call_id)

    async def transfer(self, call_id: str, number: str, *, mode: TransferMode = "cold", summary: str = "") -> CallView:
        self.asked += 1
        await asyncio.shield(self.answer_of_colleague)
        return await super().transfer(call_id, number, mode=mode, summary=summary)


async def test_a_transfer_that_outlasts_the_hosts_patience_is_asked_about_again(
    connect: Connect, clock: ManualClock
) -> None:
    board = SlowBoard(clock)
    call_id = answered(board)
    asked = {"call_id": call_id, "number": COLLEAGUE, "mode": "warm"}
    told: list[str | None] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        told.append(message)

    async with connect(build_server(board, clock=clock)) as client:
        pending = data_of(await client.call_tool("transfer_call", asked, progress_callback=on_progress))
        assert clock.now() == 50, "what MCP clients commonly allow, less a margin"
        assert not pending["ended"]
        assert f"transfer_call(call_id='{call_id}', number='{COLLEAGUE}', mode='warm'" in pending["next_step"]
        assert len(told) > 10, "hosts give up on a tool that shows no progress"
        board.answer_of_colleague.set_result(None)
        assert data_of(await client.call_tool("transfer_call", asked))["reason"] == f"transferred to {COLLEAGUE}"
    assert board.asked == 1


async def test_a_colleague_who_is_busy_is_told_of_and_can_be_tried_again(connect: Connect, clock: ManualClock) -> None:
    board = SlowBoard(clock)
    asked = {"call_id": answered(board), "number": COLLEAGUE, "mode": "warm"}
    async with connect(build_server(board, clock=clock)) as client:
        data_of(await client.call_tool("transfer_call", asked))
        board.answer_of_colleague.set_exception(CarrierError("The colleague is busy.", next_step="Take a message."))
        await asyncio.sleep(0)
        assert "The colleague is busy. Take a message." in refusal_of(await client.call_tool("transfer_call", asked))
        board.answer_of_colleague = asyncio.get_running_loop().create_future()
        board.answer_of_colleague.set_result(None)
        assert data_of(await client.call_tool("transfer_call", asked))["ended"]
    assert board.asked == 2


async def test_keys_are_pressed(connect: Connect, switchboard: Switchboard, board: MemorySwitchboard) -> None:
    happened: list[Event] = []
    board.bus.subscribe(happened.append)
    call_id = answered(board)
    async with connect(build_server(switchboard)) as client:
        state = data_of(await client.call_tool("send_dtmf", {"call_id": call_id, "digits": "1w*#"}))
        assert state["status"] == "in_progress"
        for digits in ("", "12a", "1" * 65):
            assert "digits" in refusal_of(await client.call_tool("send_dtmf", {"call_id": call_id, "digits": digits}))
    assert [event.digit for event in happened if isinstance(event, DtmfPressed)] == ["1", "*", "#"]


async def test_with_nobody_on_the_line_nothing_is_pressed_or_transferred(
    connect: Connect, switchboard: Switchboard, board: MemorySwitchboard
) -> None:
    call_id = board.incoming("+447700900123").call_id
    async with connect(build_server(switchboard)) as client:
        for tool, wish in (("transfer_call", {"number": COLLEAGUE}), ("send_dtmf", {"digits": "1"})):
            assert "Nobody is on the line" in refusal_of(await client.call_tool(tool, {"call_id": call_id, **wish}))
        malformed = await client.call_tool("transfer_call", {"call_id": call_id, "number": "555-0150"})
        assert "E.164" in refusal_of(malformed)


async def test_a_wait_that_runs_out_gives_the_state(connect: Connect, switchboard: Switchboard) -> None:
    async with connect(build_server(switchboard)) as client:
        call_id = data_of(await client.call_tool("place_call", TABLE))["call_id"]
        state = data_of(await client.call_tool("wait_for_call", {"call_id": call_id, "timeout_s": 0}))
    assert (state["ended"], state["next_step"]) == (False, f"wait_for_call(call_id='{call_id}')")


@pytest.mark.parametrize(("host", "limit_s"), [("claude-code", 110), ("goose", 240), ("another", 50)])
async def test_a_wait_is_as_long_as_the_host_allows(
    connect: Connect, clock: ManualClock, host: str, limit_s: float
) -> None:
    board = SilentBoard(clock)
    call_id = board.incoming("+447700900123").call_id
    async with connect(build_server(board, clock=clock), host=host) as client:
        state = data_of(await client.call_tool("wait_for_call", {"call_id": call_id, "timeout_s": 240}))
    assert not state["ended"]
    assert clock.now() == limit_s


async def test_other_tools_answer_during_a_wait(
    connect: Connect, switchboard: Switchboard, board: MemorySwitchboard
) -> None:
    call_id = board.incoming("+447700900123").call_id
    async with connect(build_server(switchboard)) as client, asyncio.timeout(60), asyncio.TaskGroup() as group:
        waiting = group.create_task(client.call_tool("wait_for_call", {"call_id": call_id}))
        assert data_of(await client.call_tool("get_call", {"call_id": call_id}))["status"] == "queued"
        assert not waiting.done()
        hung_up = data_of(await client.call_tool("hang_up", {"call_id": call_id, "reason": "changed my mind"}))
    assert (hung_up["ended_by"], hung_up["reason"]) == ("assistant", "changed my mind")
    assert data_of(waiting.result())["ended"]


async def test_a_repeated_key_dials_once(connect: Connect, switchboard: Switchboard) -> None:
    async with connect(build_server(switchboard)) as client:
        keyed = {**TABLE, "idempotency_key": "table-1"}
        first = data_of(await client.call_tool("place_call", keyed))
        assert data_of(await client.call_tool("place_call", keyed))["call_id"] == first["call_id"]


async def test_transcripts_come_in_pages_and_in_detail(
    connect: Connect, switchboard: Switchboard, board: MemorySwitchboard
) -> None:
    call_id = board.incoming("+447700900123").call_id
    board.answer(call_id)
    for text in ("One.", "Two.", "Three."):
        board.say(call_id, "caller", text)
    async with connect(build_server(switchboard)) as client:
        first = data_of(await client.call_tool("get_transcript", {"call_id": call_id, "limit": 2}))
        assert first["next_step"] == f"get_transcript(call_id='{call_id}', after=1)"
        rest = await client.call_tool(
            "get_transcript", {"call_id": call_id, "after": first["next_after"], "response_format": "detailed"}
        )
    assert [turn["text"] for turn in data_of(rest)["turns"]] == ["Three."]
    assert "transcript" not in data_of(rest)


async def test_inbound_gives_the_number_to_ring(connect: Connect, switchboard: Switchboard) -> None:
    async with connect(build_server(switchboard)) as client:
        served = data_of(await client.call_tool("serve_inbound", {"goal": "Take messages."}))
    assert (served["enabled"], served["phone_number"]) == (True, "+12025550199")


async def test_what_is_wrong_comes_with_what_to_do(
    connect: Connect, switchboard: Switchboard, board: MemorySwitchboard
) -> None:
    async with connect(build_server(switchboard)) as client:
        malformed = refusal_of(await client.call_tool("place_call", {**TABLE, "to_number": "555-0100"}))
        assert "E.164" in malformed
        assert "'555-0100'" in malformed
        assert "goal" in refusal_of(await client.call_tool("place_call", {**TABLE, "goal": ""}))
        assert "to_number" in refusal_of(await client.call_tool("place_call", {"goal": "Book."}))
        for tool, more in (
            ("get_call", {}),
            ("wait_for_call", {}),
            ("get_transcript", {}),
            ("hang_up", {}),
            ("transfer_call", {"number": COLLEAGUE}),
            ("send_dtmf", {"digits": "1"}),
        ):
            unknown = refusal_of(await client.call_tool(tool, {"call_id": "nope", **more}))
            assert "'nope'" in unknown
            assert "List the calls" in unknown
        for refusal in (
            PolicyDenied("Emergency numbers are not dialled.", rule="emergency_number", next_step="Use a telephone."),
            AtCapacity("100 calls are live.", next_step="Wait for one to end."),
            EngineUnavailable("The engine is stopping.", next_step="Start it again."),
        ):
            board.refusal = refusal
            told = refusal_of(await client.call_tool("place_call", TABLE))
            assert told.endswith(f"{refusal.message} {refusal.next_step}")


async def test_results_keep_to_their_schemas(connect: Connect, board: MemorySwitchboard) -> None:
    call_id = board.incoming("+447700900123").call_id
    board.answer(call_id)
    board.say(call_id, "agent", "Hello.", response_ms=400.0)
    async with connect(build_server(board)) as client:
        schemas = {tool.name: tool.output_schema for tool in (await client.list_tools()).tools}
        for tool in ("get_call", "get_transcript", "list_calls"):
            for form in ("concise", "detailed"):
                arguments = {"response_format": form} | ({} if tool == "list_calls" else {"call_id": call_id})
                jsonschema.validate(data_of(await client.call_tool(tool, arguments)), schemas[tool] or {})


async def test_a_fault_of_ours_tells_nothing_of_its_insides(
    connect: Connect, board: MemorySwitchboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(call_id: str) -> None:
        raise KeyError("a secret")

    monkeypatch.setattr(board, "get", broken)
    async with connect(build_server(board)) as client:
        assert "secret" not in refusal_of(await client.call_tool("get_call", {"call_id": "call_1"}))


async def test_listing_costs_an_assistant_little(connect: Connect, board: MemorySwitchboard) -> None:
    async with connect(build_server(board)) as client:
        shown = [
            {"name": tool.name, "description": tool.description, "input_schema": tool.input_schema}
            for tool in (await client.list_tools()).tools
        ]
    assert len(json.dumps(shown)) < 8000
