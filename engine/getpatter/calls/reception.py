"""Calls that come in."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from typing import Final

from getpatter.agent import Agent
from getpatter.calls.archive import Archive
from getpatter.calls.desk import Desk, Ringing
from getpatter.calls.lines import Lines, new_call_id
from getpatter.calls.live import LiveCall
from getpatter.calls.opening import PickUp, Setup
from getpatter.carriers.base import Answer, InboundCall
from getpatter.clock import deadline
from getpatter.errors import PatterError, PolicyDenied, Replayed

log = logging.getLogger(__name__)

DESK_S: Final = 8.0
"""Longest that a desk may think about who is to answer.  Carriers wait 10 to 15 s for the answer to a webhook."""
REMEMBERED: Final = 10_000
"""Calls that have rung, as the carrier names them."""
EARLIER: Final = "an earlier engine's"
"""In place of the id of a call that is over."""


class Reception:
    """Decides on each call that rings, once, and gives a carrier that asks again the same answer.

    A call that is over does not ring again: whoever sends its webhook then has copied it.
    """

    def __init__(self, lines: Lines, archive: Archive) -> None:
        self._lines = lines
        self._archive = archive
        self._carrier = lines.office.carrier
        self._clock = lines.office.clock
        self._desk: Desk | None = None
        self._rung: OrderedDict[str, asyncio.Future[str | None]] = OrderedDict()
        """The calls of ours that they became, or None for those that were turned away."""

    async def recall(self) -> None:
        """Remember the calls that earlier engines took; to be asked at each ring would cost the caller's time."""
        for carrier_call_id in reversed(await self._archive.taken(self._carrier.name, REMEMBERED)):
            over = self._rung[carrier_call_id] = asyncio.get_running_loop().create_future()
            over.set_result(EARLIER)

    def answer_with(self, desk: Desk | None) -> None:
        """Who takes calls from now on; with None all are turned away."""
        self._desk = desk

    @property
    def desk(self) -> Desk | None:
        return self._desk

    async def ring(self, event: InboundCall) -> Answer:
        """What the carrier is to do with the call; its command, where it has one, is yet to be carried out.

        Raises `Replayed`.
        """
        known = self._rung.get(event.carrier_call_id)
        if known is None:
            known = self._rung[event.carrier_call_id] = asyncio.get_running_loop().create_future()
            if len(self._rung) > REMEMBERED:
                self._rung.popitem(last=False)
            try:
                known.set_result(await self._decide(event))
            except BaseException as failed:
                del self._rung[event.carrier_call_id]
                known.set_exception(failed if isinstance(failed, PatterError) else PatterError("Nobody could decide."))
                known.exception()  # asked for, so that nobody warns that it never was
                raise
        return self._answer(event, await asyncio.shield(known))

    def _answer(self, event: InboundCall, call_id: str | None) -> Answer:
        if call_id is None:
            return self._carrier.reject(event, "busy")
        call = self._lines.find(call_id)
        if call is None or call.ended:
            raise Replayed("The call that this request announces is over.")
        # Its command is the call's own to carry out, and once.
        return Answer(self._carrier.answer(event, self._lines.target(call), self._lines.webhooks_url).response)

    async def _decide(self, event: InboundCall) -> str | None:
        """The call of ours that it becomes; None when it is turned away."""
        if self._desk is None:
            return None
        try:
            return await self._take(event, self._desk)
        except PatterError as refused:
            log.warning("turned a call away: %s", refused.message)
            return None

    async def _take(self, event: InboundCall, desk: Desk) -> str | None:
        call_id = new_call_id()
        with self._lines.admission.reserved():
            agent = await self._agent(
                desk,
                Ringing(
                    call_id=call_id,
                    carrier_call_id=event.carrier_call_id,
                    from_number=event.from_number,
                    to_number=event.to_number,
                ),
            )
            self.open(event, call_id, agent, desk.goal)
        return call_id

    async def _agent(self, desk: Desk, ringing: Ringing) -> Agent:
        try:
            async with deadline(self._clock, self._clock.now() + DESK_S):
                agent = await desk.agent_for(ringing)
        except TimeoutError:
            raise PatterError(f"Nobody said within {DESK_S:g} s who is to take the call.") from None
        except PatterError:
            raise
        except Exception as broken:  # the edge to whoever was given the desk
            log.exception("the desk failed")
            raise PatterError(f"The desk failed: {type(broken).__name__}.") from None
        if agent is None:
            raise PolicyDenied("Nobody is to take this call.", rule="desk")
        return agent

    def open(self, event: InboundCall, call_id: str, agent: Agent, goal: str = "") -> LiveCall:
        """The call, which waits for the carrier's stream; its slot is reserved."""
        call = self._lines.open(
            Setup(
                call_id=call_id,
                direction="inbound",
                from_number=event.from_number,
                to_number=event.to_number,
                agent=agent,
                goal=goal,
                carrier_call_id=event.carrier_call_id,
            )
        )
        answer = self._carrier.answer(event, self._lines.target(call), self._lines.webhooks_url)
        self._lines.run(call, PickUp(answer.command, event.expected_phrases))
        return call
