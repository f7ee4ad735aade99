"""Following a call while telling how it goes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from getpatter.calls.switchboard import Switchboard
from getpatter.calls.views import CallView
from getpatter.clock import Clock
from patter_mcp.results import status_line, turn_line

Report = Callable[[str], Awaitable[None]]

_LONGEST_WAIT_S = {"claude-code": 110.0, "goose": 240.0}
"""Below the time after which a host gives up on a tool or moves it aside: Claude Code 120 s, Goose 300 s."""

OTHERS_WAIT_S = 50.0
"""Below the 60 s that MCP clients commonly allow a tool."""


def longest_wait_s(client_name: str) -> float:
    """How long a tool may take in the host of this name (`clientInfo.name`)."""
    known = (limit for name, limit in _LONGEST_WAIT_S.items() if client_name.startswith(name))
    return next(known, OTHERS_WAIT_S)


async def follow(
    switchboard: Switchboard, call_id: str, *, timeout_s: float, heartbeat_s: float, clock: Clock, report: Report
) -> CallView:
    """The call when it has ended, or as it stands after `timeout_s`.

    Reports every turn that is new since the wait began, every change of status, and otherwise the status each
    `heartbeat_s`, because hosts give up on a tool that shows no progress.
    """
    deadline = clock.now() + timeout_s
    view = await switchboard.get(call_id)
    told, reported_at = view.turns - 1, clock.now()
    await report(status_line(view))
    while not view.ended and (left := deadline - clock.now()) > 0:
        before = view
        quiet_until = reported_at + heartbeat_s
        pause = min(left, max(0.0, quiet_until - clock.now()))
        view = await switchboard.wait(call_id, timeout_s=pause, after_seq=before.last_seq)
        news = await _new_turns(switchboard, view, told)
        told += len(news)
        if view.status != before.status or (not news and clock.now() >= quiet_until):
            news.append(status_line(view))
        for line in news:
            reported_at = clock.now()
            await report(line)
    return view


async def _new_turns(switchboard: Switchboard, view: CallView, told: int) -> list[str]:
    if view.turns - 1 <= told:
        return []
    page = await switchboard.transcript(view.call_id, after=told)
    return [turn_line(turn) for turn in page.turns]
