"""The switchboard of the process that owns the calls."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from getpatter.agent import Agent
from getpatter.calls import briefing
from getpatter.calls.archive import Archive
from getpatter.calls.desk import Desk, OutboundCall, Ringing
from getpatter.calls.lines import GOODBYE_S, Lines, new_call_id
from getpatter.calls.live import LiveCall
from getpatter.calls.media import MediaSocket
from getpatter.calls.opening import Dial, Setup
from getpatter.calls.policy import DialPolicy, normalize
from getpatter.calls.reception import Reception
from getpatter.calls.session import MediaStream
from getpatter.calls.views import CallQuery, CallView, InboundView, PlaceCall, ServeInbound, TranscriptPage
from getpatter.carriers.base import (
    CarrierEvent,
    DialRequest,
    InboundCall,
    RecordingReady,
    WebhookResponse,
)
from getpatter.errors import CallEnded, CarrierError, InvalidRequest
from getpatter.events import TransferMode
from getpatter.store.journal import Journal

log = logging.getLogger(__name__)

CARRIER_LIMIT_MARGIN_S = 120.0
REMEMBERED_KEYS = 1000
"""Idempotency keys of the latest calls; those of earlier ones are in the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How this exchange places calls."""

    phone_number: str
    ring_timeout_s: float = 25.0
    machine_detection: bool = True
    """Have the carrier tell answering machines, too."""
    how_to_try: str = ""
    """Tells a user how to ring us."""


async def _as_it_is() -> None:
    """For exchanges whose number leads here anyway."""


def _forget(recording: RecordingReady) -> None:
    """For exchanges whose carrier records nothing."""


class Exchange:
    """Implements `calls.switchboard.Switchboard`, and takes what the carrier brings: calls, status, streams."""

    def __init__(
        self,
        *,
        agent: Agent,
        lines: Lines,
        policy: DialPolicy,
        archive: Archive,
        journal: Journal,
        rules: Rules,
        on_recording: Callable[[RecordingReady], None] = _forget,
        lead_here: Callable[[], Awaitable[None]] = _as_it_is,
    ) -> None:
        """`agent` acts in calls of `place` and `serve_inbound`; `on_recording` hears of the carrier's recordings.
        `lead_here` has our number's calls come to us, or raises `CarrierError`."""
        self._agent = agent
        self._lines = lines
        self._carrier = lines.office.carrier
        self._clock = lines.office.clock
        self._policy = policy
        self._archive = archive
        self._journal = journal
        self._rules = rules
        self._on_recording = on_recording
        self._lead_here = lead_here
        self._reception = Reception(lines, archive)
        self._keys: dict[str, str] = {}
        self._commands: set[asyncio.Task[None]] = set()

    def reachable_at(self, public_url: str) -> None:
        """What the carrier reaches our carrier listener by, known once it listens, e.g. http://127.0.0.1:8080"""
        self._lines.reachable_at(public_url)

    @property
    def live_calls(self) -> int:
        return self._lines.live

    # -- the switchboard

    async def place(self, request: PlaceCall) -> CallView:
        return await self.dial(
            OutboundCall(
                to_number=request.to_number,
                agent=briefing.for_outbound(self._agent, request),
                goal=request.goal,
                key=request.key,
                asked_s=request.max_duration_s,
            )
        )

    async def dial(self, wanted: OutboundCall) -> CallView:
        """Place a call with an agent of its own; raises as `place` does."""
        number = self._policy.check(wanted.to_number)
        if wanted.key and (known := await self._placed_before(wanted.key)) is not None:
            if (known.to_number, known.goal) != (number, wanted.goal):
                raise InvalidRequest(
                    f"The key {wanted.key!r} was used for another call, {known.call_id}.",
                    next_step="Give each call a key of its own; repeat one only to repeat the same request.",
                )
            return known
        from_number = normalize(wanted.from_number) if wanted.from_number else self._rules.phone_number
        with self._lines.admission.reserved():
            call = self._lines.open(
                Setup(
                    call_id=new_call_id(),
                    direction="outbound",
                    from_number=from_number,
                    to_number=number,
                    agent=wanted.agent,
                    goal=wanted.goal,
                    key=wanted.key,
                    asked_s=wanted.asked_s,
                )
            )
            self._lines.run(call, Dial(self._dial_request(call, wanted, number, from_number)))
        self._remember(wanted.key, call.call_id)
        return call.record.view(self._clock.wall())

    def _dial_request(self, call: LiveCall, wanted: OutboundCall, number: str, from_number: str) -> DialRequest:
        rules = self._rules
        detect = rules.machine_detection if wanted.machine_detection is None else wanted.machine_detection
        return DialRequest(
            call_id=call.call_id,
            to_number=number,
            from_number=from_number,
            stream=self._lines.target(call),
            webhooks_url=self._lines.webhooks_url,
            ring_timeout_s=rules.ring_timeout_s if wanted.ring_timeout_s is None else wanted.ring_timeout_s,
            machine_detection=detect,
            # The carrier's own limit is only for an engine that is gone: ours comes first, with a goodbye.
            max_duration_s=wanted.agent.turns.max_duration_s + CARRIER_LIMIT_MARGIN_S,
        )

    def _remember(self, key: str, call_id: str) -> None:
        if key:
            self._keys[key] = call_id
            if len(self._keys) > REMEMBERED_KEYS:
                del self._keys[next(iter(self._keys))]

    async def _placed_before(self, key: str) -> CallView | None:
        if key not in self._keys and (stored := await self._archive.by_key(key)) is not None:
            return stored
        # Looked up after the store has answered: the same request may have come again meanwhile, and placed the call.
        call_id = self._keys.get(key)
        return None if call_id is None else await self.get(call_id)

    async def wait(self, call_id: str, *, timeout_s: float, after_seq: int | None = None) -> CallView:
        deadline = self._clock.now() + timeout_s
        while (call := self._lines.find(call_id)) is not None:
            view = call.record.view(self._clock.wall())
            left = deadline - self._clock.now()
            if view.ended or left <= 0 or (after_seq is not None and view.last_seq > after_seq):
                return view
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(call.changed.wait(), left)
        return await self.get(call_id)

    async def get(self, call_id: str) -> CallView:
        if (call := self._lines.find(call_id)) is not None:
            return call.record.view(self._clock.wall())
        return await self._archive.get(call_id)

    async def list(self, query: CallQuery) -> list[CallView]:
        await self._journal.flush()
        return await self._archive.list(query)

    async def transcript(self, call_id: str, *, after: int = -1, limit: int = 50) -> TranscriptPage:
        if (call := self._lines.find(call_id)) is not None:
            return call.record.transcript(after, limit)
        return await self._archive.transcript(call_id, after, limit)

    async def hang_up(self, call_id: str, *, reason: str = "") -> CallView:
        call = self._lines.find(call_id)
        if call is None:
            return await self.get(call_id)
        call.hang_up_now(reason or "the assistant hung up")
        return await self.wait(call_id, timeout_s=GOODBYE_S)

    async def transfer(self, call_id: str, number: str, *, mode: TransferMode = "cold", summary: str = "") -> CallView:
        number = self._policy.check(number)
        call = await self._in_progress(call_id)
        await call.transfer(number, summary, mode=mode)
        return await self.wait(call_id, timeout_s=GOODBYE_S)

    async def send_dtmf(self, call_id: str, digits: str) -> CallView:
        call = await self._in_progress(call_id)
        await call.send_dtmf(digits)
        return await self.get(call_id)

    async def _in_progress(self, call_id: str) -> LiveCall:
        call = self._lines.find(call_id)
        if call is not None and call.talking:
            return call
        view = await self.get(call_id)  # raises for a call that never was
        state = f"ended: {view.reason}" if view.ended else f"not answered yet ({view.status})"
        raise CallEnded(f"Nobody is on the line of call {call_id}; it is {state}.")

    async def serve_inbound(self, request: ServeInbound) -> InboundView:
        async def answer(ringing: Ringing) -> Agent:
            return briefing.for_inbound(self._agent, request)

        before = self._reception.desk
        # Before the number is looked at, which takes time: whoever rings meanwhile is answered.
        self.answer_with(Desk(agent_for=answer, goal=request.goal) if request.enabled else None)
        if request.enabled:
            try:
                await self._lead_here()
            except CarrierError:
                self.answer_with(before)
                raise
        return InboundView(
            enabled=request.enabled,
            phone_number=self._rules.phone_number,
            carrier=self._carrier.name,
            goal=request.goal,
            how_to_try=self._rules.how_to_try if request.enabled else "",
        )

    async def recall(self) -> None:
        """Remember what earlier engines have answered.  Raises `StoreError`."""
        await self._reception.recall()

    def answer_with(self, desk: Desk | None) -> None:
        """Who takes the calls that come in from now on; with None all are turned away."""
        self._reception.answer_with(desk)

    # -- from the carrier

    async def ring(self, event: InboundCall) -> WebhookResponse:
        """Somebody rings one of our numbers: what to say to the carrier's webhook.  Raises `Replayed`."""
        answer = await self._reception.ring(event)
        if answer.command is not None:
            command = asyncio.create_task(_carried_out(answer.command), name="turning a call away")
            self._commands.add(command)
            command.add_done_callback(self._commands.discard)
        return answer.response

    def on_carrier_events(self, events: Sequence[CarrierEvent]) -> None:
        """Verified webhooks; those of calls that are over or unknown say nothing any more."""
        for event in events:
            if isinstance(event, RecordingReady):
                self._on_recording(event)
            else:
                self._lines.office.legs.tell(event)

    def stream(self, call_id: str, socket: MediaSocket) -> MediaStream | None:
        """A media socket came in on this call's path; None for a call that does not wait for one."""
        return self._lines.stream(call_id, socket)

    async def drain(self, patience_s: float) -> None:
        """Take no new calls; let live ones end, then say goodbye for them, then close them."""
        await self._lines.drain(patience_s)
        if self._commands:
            await asyncio.wait(self._commands)


async def _carried_out(command: Callable[[], Awaitable[None]]) -> None:
    try:
        await command()
    except CarrierError as error:
        log.warning("a call was not turned away: %s", error.message)
