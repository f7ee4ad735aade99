"""How a call leaves its line when it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from getpatter.agent import Agent
from getpatter.calls.carrier_leg import CarrierLeg
from getpatter.calls.ending import Ending
from getpatter.calls.hang_ups import SETTLE_S, HangUps
from getpatter.calls.machine import MachineNews
from getpatter.calls.step import guarded
from getpatter.clock import Clock
from getpatter.errors import CarrierError, PatterError, ProviderError


class Leaving:
    """One call's."""

    def __init__(
        self,
        call_id: str,
        leg: CarrierLeg,
        hang_ups: HangUps,
        machine: MachineNews,
        clock: Clock,
        *,
        agent: Agent,
        outbound: bool,
        problem: Callable[[PatterError], None],
    ) -> None:
        """`problem` is told of what the carrier did not do."""
        self._call_id = call_id
        self._leg = leg
        self._hang_ups = hang_ups
        self._machine = machine
        self._clock = clock
        self._agent = agent
        self._outbound = outbound
        self._problem = problem

    async def leave(self, ending: Ending, close_stream: Callable[[], None]) -> Ending:
        """Close the line; gives the end as it came out."""
        if isinstance(ending.error, ProviderError) and self._machine.records and await self._message_left():
            close_stream()
            return replace(ending, outcome="voicemail")
        close_stream()
        if not ending.carrier_knows:
            await guarded(self._call_id, self._hang_up(ending), self._clock)
        return ending

    async def _message_left(self) -> bool:
        """Our voice failed before a machine that records: whether the carrier's says the message, and hangs up."""
        message = self._agent.voicemail_message
        if not message:
            return False
        try:
            await self._leg.leave_message(message, self._agent.language)
        except CarrierError as error:
            self._problem(error)
            return False
        return True

    async def _hang_up(self, ending: Ending) -> None:
        """See that the line is closed; the end of the call waits for it as long as a step may take."""
        if not self._leg.id:
            if self._outbound:
                self._hang_ups.watch_for(self._call_id)
        elif ending.stream_ended:
            self._hang_ups.let_go(self._leg.id, grace_s=SETTLE_S)
        else:
            await asyncio.shield(self._hang_ups.let_go(self._leg.id))
