from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from getpatter.calls.views import CallView, PlaceCall
from getpatter.errors import CallNotFound
from getpatter.testing.clock import ManualClock
from getpatter.testing.switchboard import MemorySwitchboard
from patter_mcp.waiting import follow, longest_wait_s

TABLE = PlaceCall(to_number="+12025550100", goal="Book a table.")


@pytest.mark.parametrize(
    ("host", "limit"),
    [("claude-code", 110), ("goose", 240), ("goose-cli", 240), ("codex", 50), ("", 50), ("not-claude-code", 50)],
)
def test_each_host_gives_a_tool_its_own_time(host: str, limit: float) -> None:
    assert longest_wait_s(host) == limit


class Watcher:
    """Follows a call, and does the next thing on the line at each report."""

    def __init__(self, board: MemorySwitchboard, clock: ManualClock) -> None:
        self.board = board
        self.clock = clock
        self.told: list[str] = []

    async def follow(self, call_id: str, *steps: Callable[[], object], timeout_s: float = 60.0) -> CallView:
        left = list(steps)

        async def report(message: str) -> None:
            self.told.append(message)
            if left:
                left.pop(0)()

        async with asyncio.timeout(30):
            return await follow(
                self.board, call_id, timeout_s=timeout_s, heartbeat_s=5.0, clock=self.clock, report=report
            )


@pytest.fixture
def watcher(board: MemorySwitchboard, clock: ManualClock) -> Watcher:
    return Watcher(board, clock)


async def test_every_turn_is_told_as_it_comes(watcher: Watcher) -> None:
    board = watcher.board
    call_id = (await board.place(TABLE)).call_id
    ended = await watcher.follow(
        call_id,
        lambda: board.ring(call_id),
        lambda: board.answer(call_id),
        lambda: board.say(call_id, "caller", "Hello?"),
        lambda: board.say(call_id, "agent", "A table, please.", response_ms=620.0),
        lambda: board.end(call_id),
    )
    assert ended.ended
    assert watcher.told == [
        "queued",
        "ringing",
        "in progress, 0 s, 0 turns",
        "caller: Hello?",
        "agent: A table, please. (0.62 s)",
        "ended: answered",
    ]


async def test_turns_that_came_together_are_all_told(watcher: Watcher) -> None:
    board = watcher.board
    call_id = board.incoming("+447700900123").call_id
    board.answer(call_id)

    def at_once() -> None:
        for text in ("One.", "Two.", "Three."):
            board.say(call_id, "caller", text)
        board.end(call_id)

    await watcher.follow(call_id, at_once)
    assert watcher.told[1:] == ["caller: One.", "caller: Two.", "caller: Three.", "ended: answered"]


async def test_turns_before_the_wait_are_not_told_again(watcher: Watcher) -> None:
    board = watcher.board
    call_id = board.incoming("+447700900123").call_id
    board.answer(call_id)
    board.say(call_id, "caller", "Old news.")
    await watcher.follow(call_id, lambda: board.say(call_id, "caller", "News."), lambda: board.end(call_id))
    assert watcher.told == ["in progress, 0 s, 1 turn", "caller: News.", "ended: answered"]


async def test_a_silent_call_is_told_each_heartbeat(watcher: Watcher) -> None:
    board, clock = watcher.board, watcher.clock
    call_id = board.incoming("+447700900123").call_id
    board.answer(call_id)
    state = await watcher.follow(call_id, *[lambda: clock.advance(5.0)] * 4, timeout_s=20.0)
    assert not state.ended
    assert watcher.told == [f"in progress, {n} s, 0 turns" for n in (0, 5, 10, 15)]


async def test_when_time_is_up_the_state_is_given(watcher: Watcher) -> None:
    call_id = (await watcher.board.place(TABLE)).call_id
    assert (await watcher.follow(call_id, timeout_s=0)).status == "queued"


async def test_an_ended_call_is_given_at_once(watcher: Watcher) -> None:
    call_id = (await watcher.board.place(TABLE)).call_id
    watcher.board.end(call_id, "no_answer")
    assert (await watcher.follow(call_id)).outcome == "no_answer"
    assert watcher.told == ["ended: no_answer"]


async def test_an_unknown_call_is_an_error(watcher: Watcher) -> None:
    with pytest.raises(CallNotFound):
        await watcher.follow("nope")
