"""What a tool may do with the call it works in."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol


class CallActions(Protocol):
    """Requests to the call: whoever holds the conversation decides when each is carried out.

    Each may raise a `PatterError`, whose text is told to the model.
    """

    async def transfer(self, number: str, *, summary: str = "") -> None:
        """Connect the caller to `number` (E.164) once what is being said was heard; `summary` is for who answers."""

    async def send_dtmf(self, digits: str) -> None:
        """Press keys: `0` to `9`, `*`, `#`, `A` to `D`, and `w` for a pause of half a second."""

    def end(self, reason: str) -> None:
        """Hang up once what is being said was heard."""

    def collect_digits(self, max_digits: int, finish_on: str, timeout_s: float) -> Awaitable[str]:
        """The keys that the caller presses, without the `finish_on` key.

        It is over with `max_digits`, with that key, or when none was pressed for `timeout_s` seconds.
        """

    def handoff(self, name: str, reason: str) -> str:
        """Give the conversation to the agent called `name`; what that agent is to know, for the model."""
