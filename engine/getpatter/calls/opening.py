"""How a call begins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from getpatter.agent import Agent
from getpatter.carriers.base import DialRequest
from getpatter.events import Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What is known of a call before there is one."""

    call_id: str
    direction: Direction
    from_number: str
    to_number: str
    agent: Agent
    goal: str = ""
    key: str = ""
    asked_s: float | None = None
    carrier_call_id: str = ""
    """Known from the beginning where the carrier brought the call."""


@dataclass(frozen=True, slots=True)
class Dial:
    """We place it."""

    request: DialRequest


@dataclass(frozen=True, slots=True)
class PickUp:
    """It rings here.  `command` is what picking up takes beside the answer to the carrier's webhook."""

    command: Callable[[], Awaitable[None]] | None = None
    expected_phrases: tuple[str, ...] = ()


Opening = Dial | PickUp
