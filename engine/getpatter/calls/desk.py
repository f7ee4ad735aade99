"""Who speaks for us: in a call that we place, and in one that comes in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from getpatter.agent import Agent


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundCall:
    """A call to place with an agent of its own.  What is None or empty is as the exchange has it."""

    to_number: str
    agent: Agent
    goal: str = ""
    """What the call is for, for those who read of it."""
    key: str = ""
    """A repeated request with it gives the call that it made the first time."""
    from_number: str = ""
    ring_timeout_s: float | None = None
    machine_detection: bool | None = None
    asked_s: float | None = None
    """The longest duration that was asked for, which the agent's own limit may have cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ringing:
    """A call that waits to be answered; the caller hears it ring meanwhile."""

    call_id: str
    carrier_call_id: str
    from_number: str
    to_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Takes calls that come in.  `agent_for` gives who is to talk, or None to turn the call away; it may take some
    seconds, and whatever it raises turns the call away, too."""

    agent_for: Callable[[Ringing], Awaitable[Agent | None]]
    goal: str = ""
