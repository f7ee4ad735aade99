"""Giving a call to somebody else."""

from __future__ import annotations

import asyncio
from typing import Protocol

from getpatter.calls.ending import Ending
from getpatter.calls.hang_ups import HangUps
from getpatter.calls.legs import Legs
from getpatter.calls.status import TERMINAL
from getpatter.carriers.base import (
    CallRenamed,
    Carrier,
    CarrierEvent,
    ColleagueReady,
    ConsultRequest,
    MachineDetection,
    StatusChanged,
)
from getpatter.clock import Clock, deadline
from getpatter.errors import CarrierError
from getpatter.events import Event, TransferMode, Transferred

CARRIER_S = 10.0
"""Longest that a carrier may take to say whether it transfers the call; the caller waits in silence meanwhile."""
CONSULT_S = 30.0
"""Longest that a carrier may take to accept the call to a colleague; the agent goes on talking meanwhile."""
RING_S = 30.0
"""How long it rings at the other number."""
BRIEFING_S = 120.0
"""Longest that a colleague may be asked, and told what the call is about, beyond the ringing."""


class TransferredCall(Protocol):
    """A live call, as far as it takes part in its own transfer."""

    @property
    def call_id(self) -> str: ...

    @property
    def carrier_call_id(self) -> str: ...

    def publish(self, event: Event) -> None: ...

    def end(self, ending: Ending) -> None: ...


class Transferring:
    """One call's.  The carrier may end the media stream before it has answered us, or not at all."""

    def __init__(
        self,
        call: TransferredCall,
        carrier: Carrier,
        clock: Clock,
        legs: Legs,
        hang_ups: HangUps,
        *,
        from_number: str,
        language: str,
        webhooks_url: str,
    ) -> None:
        """`from_number` is ours, shown to whoever is called; a colleague is told about the call in `language`."""
        self._call = call
        self._carrier = carrier
        self._clock = clock
        self._legs = legs
        self._hang_ups = hang_ups
        self._from_number = from_number
        self._language = language
        self._webhooks_url = webhooks_url
        self._busy = False
        """Somebody is being asked to take the call."""
        self._under_way = False
        """The carrier is taking the caller from us."""
        self._held_back: Ending | None = None
        self._consulting: asyncio.Future[None] | None = None

    def stream_over(self, ending: Ending) -> None:
        """The media stream has ended: so does the call, unless it is to be seen first what became of a transfer."""
        if self._under_way:
            self._held_back = ending
        else:
            self._call.end(ending)

    def abandon(self) -> None:
        """The call is over: a colleague who is being called is not wanted any more."""
        if self._consulting is not None and not self._consulting.done():
            self._consulting.set_exception(CarrierError("The call ended before the colleague took it."))

    async def transfer(self, number: str, summary: str = "", *, mode: TransferMode = "cold") -> None:
        """Connect the far end to `number`, and end the call on our side.

        `warm` calls the colleague first, who hears `summary`; the caller stays with the agent until then.  Raises
        `CarrierError` when it cannot be done: then the call goes on, if the far end is still there.
        """
        if mode == "warm" and not self._carrier.capabilities.warm_transfer:
            raise CarrierError(
                f"The carrier {self._carrier.name!r} transfers calls only without a word to the colleague.",
                next_step="Transfer it cold.",
            )
        if self._busy:
            raise CarrierError("The call is being transferred already.")
        self._busy = True
        try:
            await (self._put_through(number, summary) if mode == "warm" else self._hand_off(number))
        finally:
            self._busy = False
        self._call.publish(
            Transferred(call_id=self._call.call_id, at=self._clock.wall(), number=number, summary=summary, mode=mode)
        )
        # To hang up now would take the line from those who talk on it.
        self._call.end(Ending("answered", "agent", f"transferred to {number}", carrier_knows=True))

    # -- cold

    async def _hand_off(self, number: str) -> None:
        self._under_way = True
        try:
            async with deadline(self._clock, self._clock.now() + CARRIER_S):
                await self._carrier.transfer(
                    self._call.carrier_call_id, number, from_number=self._from_number, timeout_s=RING_S
                )
        except TimeoutError:
            self._go_on()
            raise CarrierError(f"The carrier did not transfer the call within {CARRIER_S:g} s.") from None
        except CarrierError:
            self._go_on()
            raise

    def _go_on(self) -> None:
        self._under_way = False
        if self._held_back is not None:
            self._call.end(self._held_back)

    # -- warm

    async def _put_through(self, number: str, summary: str) -> None:
        ready = self._consulting = asyncio.get_running_loop().create_future()
        try:
            colleague = await self._call_colleague(number, summary)
            await self._once_briefed(colleague, ready)
        except TimeoutError:
            raise CarrierError(f"Nobody at {number} took the call.") from None
        finally:
            self._consulting = None
            if ready.done() and not ready.cancelled():
                ready.exception()  # asked for, so that nobody warns that it never was

    async def _once_briefed(self, name: str, ready: asyncio.Future[None]) -> None:
        """Put the caller through when the colleague waits for them; whatever goes wrong, the colleague is let go."""
        colleague = _Colleague(name, ready)
        self._legs.claim(name, colleague.hear)
        try:
            async with deadline(self._clock, self._clock.now() + RING_S + BRIEFING_S):
                await ready
            await self._connect(colleague.name)
        except BaseException:
            if not colleague.gone:
                self._hang_ups.let_go(colleague.name)
            raise
        finally:
            self._legs.release(colleague.hear)

    async def _call_colleague(self, number: str, summary: str) -> str:
        asking = asyncio.ensure_future(
            self._carrier.consult(
                ConsultRequest(
                    carrier_call_id=self._call.carrier_call_id,
                    to_number=number,
                    from_number=self._from_number,
                    summary=summary,
                    language=self._language,
                    webhooks_url=self._webhooks_url,
                    ring_timeout_s=RING_S,
                )
            )
        )
        try:
            async with deadline(self._clock, self._clock.now() + CONSULT_S):
                return await asyncio.shield(asking)
        except BaseException as failed:
            # The carrier may call them all the same.
            asking.add_done_callback(self._let_go_late)
            if isinstance(failed, TimeoutError):
                raise CarrierError(f"The carrier did not call the colleague within {CONSULT_S:g} s.") from None
            raise

    def _let_go_late(self, asked: asyncio.Future[str]) -> None:
        if not asked.cancelled() and asked.exception() is None:
            self._hang_ups.let_go(asked.result())

    async def _connect(self, colleague: str) -> None:
        self._under_way = True
        try:
            async with deadline(self._clock, self._clock.now() + CARRIER_S):
                await self._carrier.connect(self._call.carrier_call_id, colleague)
        except TimeoutError:
            self._go_on()
            raise CarrierError(f"The carrier did not put the caller through within {CARRIER_S:g} s.") from None
        except CarrierError:
            self._go_on()
            raise


class _Colleague:
    """What becomes of a colleague who is being called."""

    def __init__(self, name: str, ready: asyncio.Future[None]) -> None:
        self.name = name
        """The carrier's latest, for their call."""
        self.gone = False
        """Their call is over."""
        self._ready = ready

    def hear(self, event: CarrierEvent) -> None:
        match event:
            case CallRenamed(_, new_id):
                self.name = new_id
            case ColleagueReady():
                if not self._ready.done():
                    self._ready.set_result(None)
            case MachineDetection(_, "machine" | "fax"):
                self._fail("A machine answered at the colleague's number.")
            case StatusChanged(_, status) if status in TERMINAL:
                self.gone = True
                words = {"busy": "is busy", "no_answer": "does not answer"}.get(status, "did not take the call")
                self._fail(f"The colleague {words}.")
            case _:
                pass

    def _fail(self, words: str) -> None:
        if not self._ready.done():
            self._ready.set_exception(CarrierError(words))
