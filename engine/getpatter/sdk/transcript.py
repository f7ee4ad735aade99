"""What was said in a call, as callbacks are given it."""

from __future__ import annotations

from typing import Literal, TypedDict

from getpatter.events import DtmfPressed, ToolCalled, Turn


class Line(TypedDict):
    """One entry.  `timestamp` is Unix seconds; the agent's text is what was heard of it."""

    role: Literal["user", "assistant", "tool"]
    text: str
    timestamp: float


def line(event: Turn | DtmfPressed | ToolCalled) -> Line:
    match event:
        case Turn():
            role: Literal["user", "assistant"] = "user" if event.role == "caller" else "assistant"
            return Line(role=role, text=event.text, timestamp=event.started_at)
        case DtmfPressed():
            role = "user" if event.role == "caller" else "assistant"
            return Line(role=role, text=f"[DTMF: {event.digit}]", timestamp=event.at)
        case ToolCalled():
            return Line(role="tool", text=event.error or event.result, timestamp=event.at)
