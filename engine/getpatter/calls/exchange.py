"""The switchboard of the process that owns the calls."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from getpatter.agent import Agent
from getpatter.calls import briefing
from getpatter.calls.admission import Admission
from getpatter.calls.archive import Archive
from getpatter.calls.ending import Ending
from getpatter.calls.live import LiveCall
from getpatter.calls.media import MediaSocket
from getpatter.calls.policy import DialPolicy
from getpatter.calls.recording import Recorder
from getpatter.calls.session import MediaStream, Party
from getpatter.calls.views import CallQuery, CallView, InboundView, PlaceCall, ServeInbound, TranscriptPage
from getpatter.carriers.base import (
    Carrier,
    CarrierEvent,
    DialRequest,
    InboundCall,
    MachineDetection,
    StatusChanged,
    StreamStarted,
    StreamTarget,
    WebhookResponse,
)
from getpatter.conversation.conversation import Conversation, Services
from getpatter.conversation.persona import CallFacts
from getpatter.errors import InvalidRequest, PatterError, StoreError
from getpatter.events import CallPlaced, Direction
from getpatter.observability.bus import EventBus
from getpatter.store.journal import Journal

log = logging.getLogger(__name__)

CARRIER_LIMIT_MARGIN_S = 120.0
REMEMBERED_KEYS = 1000
"""Idempotency keys of the latest calls; those of earlier ones are in the store."""
GOODBYE_S = 15.0
"""Longest that calls may take to say goodbye once the engine's patience is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How this exchange places calls."""

    phone_number: str
    ring_timeout_s: float = 25.0
    machine_detection: bool = True
    """Have the carrier tell answering machines, too."""
    how_to_try: str = ""
    """Tells a user how to ring us."""


class Exchange:
    """Implements `calls.switchboard.Switchboard`, and takes what the carrier brings: calls, status, streams."""

    def __init__(
        self,
        *,
        agent: Agent,
        carrier: Carrier,
        policy: DialPolicy,
        admission: Admission,
        services: Services,
        bus: EventBus,
        archive: Archive,
        journal: Journal,
        recorder: Recorder | None,
        rules: Rules,
    ) -> None:
        self._agent = agent
        self._carrier = carrier
        self._policy = policy
        self._admission = admission
        self._services = services
        self._clock = services.clock
        self._bus = bus
        self._archive = archive
        self._journal = journal
        self._recorder = recorder
        self._rules = rules
        self._public_url = ""
        self._live: dict[str, LiveCall] = {}
        self._by_carrier_id: dict[str, LiveCall] = {}
        self._keys: dict[str, str] = {}
        self._unclaimed: deque[CarrierEvent] = deque(maxlen=100)
        """Events of calls whose id the carrier has not told us yet, or that are over."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._inbound: ServeInbound | None = None

    def reachable_at(self, public_url: str) -> None:
        """What the carrier reaches our carrier listener by, known once it listens, e.g. http://127.0.0.1:8080"""
        self._public_url = public_url.rstrip("/")

    @property
    def live_calls(self) -> int:
        return sum(not call.ended for call in self._live.values())

    # -- the switchboard

    async def place(self, request: PlaceCall) -> CallView:
        number = self._policy.check(request.to_number)
        if request.key and (known := await self._placed_before(request.key)) is not None:
            if (known.to_number, known.goal) != (number, request.goal):
                raise InvalidRequest(
                    f"The key {request.key!r} was used for another call, {known.call_id}.",
                    next_step="Give each call a key of its own; repeat one only to repeat the same request.",
                )
            return known
        agent = briefing.for_outbound(self._agent, request)
        with self._admission.reserved():
            call = self._open_call(
                "outbound",
                self._rules.phone_number,
                number,
                agent,
                goal=request.goal,
                key=request.key,
                asked_s=request.max_duration_s,
            )
            dial = DialRequest(
                call_id=call.call_id,
                to_number=number,
                from_number=self._rules.phone_number,
                stream=self._target(call),
                webhooks_url=self._webhooks_url,
                ring_timeout_s=self._rules.ring_timeout_s,
                machine_detection=self._rules.machine_detection,
                # The carrier's own limit is only for an engine that is gone: ours comes first, with a goodbye.
                max_duration_s=agent.turns.max_duration_s + CARRIER_LIMIT_MARGIN_S,
            )
            self._run(call, dial)
        return call.record.view(self._clock.wall())

    async def _placed_before(self, key: str) -> CallView | None:
        if key not in self._keys and (stored := await self._archive.by_key(key)) is not None:
            return stored
        # Looked up after the store has answered: the same request may have come again meanwhile, and placed the call.
        call_id = self._keys.get(key)
        return None if call_id is None else await self.get(call_id)

    async def wait(self, call_id: str, *, timeout_s: float, after_seq: int | None = None) -> CallView:
        deadline = self._clock.now() + timeout_s
        while (call := self._live.get(call_id)) is not None:
            view = call.record.view(self._clock.wall())
            left = deadline - self._clock.now()
            if view.ended or left <= 0 or (after_seq is not None and view.last_seq > after_seq):
                return view
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(call.changed.wait(), left)
        return await self.get(call_id)

    async def get(self, call_id: str) -> CallView:
        if (call := self._live.get(call_id)) is not None:
            return call.record.view(self._clock.wall())
        return await self._archive.get(call_id)

    async def list(self, query: CallQuery) -> list[CallView]:
        await self._journal.flush()
        return await self._archive.list(query)

    async def transcript(self, call_id: str, *, after: int = -1, limit: int = 50) -> TranscriptPage:
        if (call := self._live.get(call_id)) is not None:
            return call.record.transcript(after, limit)
        return await self._archive.transcript(call_id, after, limit)

    async def hang_up(self, call_id: str, *, reason: str = "") -> CallView:
        call = self._live.get(call_id)
        if call is None:
            return await self.get(call_id)
        call.hang_up_now(reason or "the assistant hung up")
        return await self.wait(call_id, timeout_s=GOODBYE_S)

    async def serve_inbound(self, request: ServeInbound) -> InboundView:
        self._inbound = request if request.enabled else None
        return InboundView(
            enabled=request.enabled,
            phone_number=self._rules.phone_number,
            carrier=self._carrier.name,
            goal=request.goal,
            how_to_try=self._rules.how_to_try if request.enabled else "",
        )

    # -- from the carrier

    async def ring(self, event: InboundCall) -> WebhookResponse:
        """Somebody rings one of our numbers: the answer document."""
        if self._inbound is None:
            return self._carrier.reject(event, "busy").response
        known = self._by_carrier_id.get(event.carrier_call_id)
        if known is not None:  # the carrier asks twice when an answer is lost
            return self._carrier.answer(event, self._target(known), self._webhooks_url).response
        try:
            with self._admission.reserved():
                call = self._open_call(
                    "inbound",
                    event.from_number,
                    event.to_number,
                    briefing.for_inbound(self._agent, self._inbound),
                    goal=self._inbound.goal,
                )
                call.carrier_call_id = event.carrier_call_id
                self._run(call, None, event.expected_phrases)
        except PatterError as refused:
            log.warning("turned a call away: %s", refused.message)
            return self._carrier.reject(event, "busy").response
        self._named(call)
        return self._carrier.answer(event, self._target(call), self._webhooks_url).response

    def on_carrier_events(self, events: Sequence[CarrierEvent]) -> None:
        """Verified webhooks; those of calls that are over or unknown say nothing any more."""
        for event in events:
            call = self._by_carrier_id.get(event.carrier_call_id)
            if call is None:
                self._unclaimed.append(event)
            elif isinstance(event, StatusChanged):
                call.on_status(event)
            elif isinstance(event, MachineDetection):
                call.on_machine_detection(event)

    def _named(self, call: LiveCall) -> None:
        """The carrier's id of a call is known; it may have reported on it before we were told."""
        self._by_carrier_id[call.carrier_call_id] = call
        early = [event for event in self._unclaimed if event.carrier_call_id == call.carrier_call_id]
        for event in early:
            self._unclaimed.remove(event)
        self.on_carrier_events(early)

    def stream(self, call_id: str, socket: MediaSocket) -> MediaStream | None:
        """A media socket came in on this call's path; None for a call that does not wait for one."""
        if call_id not in self._live:
            return None

        def admit(started: StreamStarted) -> Party | None:
            call = self._live.get(call_id)
            return call if call is not None and call.redeem(started.parameters.get("token", "")) else None

        return MediaStream(self._carrier.media_codec(), socket, admit, self._clock)

    # -- life of calls

    def _open_call(
        self,
        direction: Direction,
        from_number: str,
        to_number: str,
        agent: Agent,
        *,
        goal: str,
        key: str = "",
        asked_s: float | None = None,
    ) -> LiveCall:
        call_id = f"call_{secrets.token_hex(8)}"
        thinks, listens, speaks = _provider_names(agent)
        placed = CallPlaced(
            call_id=call_id,
            at=self._clock.wall(),
            direction=direction,
            from_number=from_number,
            to_number=to_number,
            carrier=self._carrier.name,
            goal=goal,
            key=key,
            agent=agent.name,
            language_model=thinks,
            speech_to_text=listens,
            text_to_speech=speaks,
            notes=_notes(agent, asked_s),
        )
        call = LiveCall(
            placed,
            secrets.token_urlsafe(24),
            self._carrier,
            bus=self._bus,
            clock=self._clock,
            recorder=self._recorder,
            named=self._named,
            conversation=lambda live: Conversation(
                CallFacts(call_id, from_number, to_number, outbound=direction == "outbound"),
                agent,
                self._services,
                publish=live.publish,
                hang_up=live.hang_up,
                transfer=live.transferring.transfer,
            ),
        )
        self._live[call_id] = call
        if key:
            self._keys[key] = call_id
            if len(self._keys) > REMEMBERED_KEYS:
                del self._keys[next(iter(self._keys))]
        return call

    def _run(self, call: LiveCall, dial: DialRequest | None, expected_phrases: tuple[str, ...] = ()) -> None:
        task = asyncio.create_task(self._whole_life(call, dial, expected_phrases), name=call.call_id)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _whole_life(self, call: LiveCall, dial: DialRequest | None, expected_phrases: tuple[str, ...]) -> None:
        try:
            await call.run(dial, expected_phrases)
        finally:
            self._admission.release()
        try:
            await self._journal.flush()
        except StoreError as away:
            # Shown from here until a later call finds the store back.
            log.warning("call %s has ended and is not in the store yet: %s", call.call_id, away.message)
        else:
            self._forget_ended()

    def _forget_ended(self) -> None:
        """The store has the calls that have ended, so whoever asks next finds them there."""
        for call in [call for call in self._live.values() if call.ended]:
            del self._live[call.call_id]
            self._by_carrier_id.pop(call.carrier_call_id, None)

    def _target(self, call: LiveCall) -> StreamTarget:
        url = f"{self._public_url.replace('http', 'ws', 1)}/ws/{self._carrier.name}/stream/{call.call_id}"
        return StreamTarget(url, call.parameters)

    @property
    def _webhooks_url(self) -> str:
        return f"{self._public_url}/webhooks/{self._carrier.name}"

    async def drain(self, patience_s: float) -> None:
        """Take no new calls; let live ones end, then say goodbye for them, then close them."""
        self._admission.close()
        if not self._tasks:
            return
        _, left = await asyncio.wait(self._tasks, timeout=patience_s)
        if left:
            for call in list(self._live.values()):
                call.shut_down()
            _, left = await asyncio.wait(left, timeout=GOODBYE_S)
        for call in list(self._live.values()):
            call.end(Ending("answered", "engine", "the engine was stopped"))
        if left:
            await asyncio.wait(left)


def _provider_names(agent: Agent) -> tuple[str, str, str]:
    """Who thinks, listens and speaks; an engine does all of it."""
    if agent.engine is not None:
        return agent.engine.name, agent.engine.name, agent.engine.name
    return agent.providers.llm.name, agent.providers.stt.name, agent.providers.tts.name


def _notes(agent: Agent, asked_s: float | None) -> tuple[str, ...]:
    """What a reader of the call must know; `asked_s` is the longest duration that was asked for."""
    notes = []
    if agent.llm is not None and agent.llm.scripted:
        notes.append(
            f"The agent's words come from a fixed script ({agent.llm.name}), not from a language model. "
            "Set PATTER_LLM_URL and PATTER_LLM_MODEL to use one."
        )
    if agent.engine is not None and agent.prewarm_first_message:
        notes.append("The first message is not spoken in advance: a realtime engine speaks it when the line is open.")
    limit_s = agent.turns.max_duration_s
    if asked_s is not None and asked_s > limit_s:
        notes.append(f"The call may last {limit_s:g} s, by PATTER_MAX_CALL_S, and not the {asked_s:g} s asked for.")
    return tuple(notes)
