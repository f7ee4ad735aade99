"""What stands in for the telephone where an agent is tried without one."""

from __future__ import annotations

from typing import Literal, NoReturn

from getpatter.errors import InvalidRequest


class NoTelephone:
    """A `call_control.Calls` that refuses."""

    async def transfer(
        self, call_id: str, number: str, *, mode: Literal["cold", "warm"] = "cold", summary: str = ""
    ) -> NoReturn:
        raise self._refusal("transfer the call")

    async def send_dtmf(self, call_id: str, digits: str) -> NoReturn:
        raise self._refusal("press keys")

    async def hang_up(self, call_id: str, *, reason: str = "") -> NoReturn:
        raise self._refusal("hang up")

    def _refusal(self, what: str) -> InvalidRequest:
        return InvalidRequest(f"There is no telephone here, so the program cannot {what}.")
