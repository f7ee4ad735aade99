"""The calls that live: opened, run and forgotten here."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Iterator
from functools import partial

from getpatter.agent import Agent
from getpatter.calls.admission import Admission
from getpatter.calls.ending import Ending
from getpatter.calls.live import LiveCall, Office
from getpatter.calls.media import MediaSocket
from getpatter.calls.opening import Opening, Setup
from getpatter.calls.session import MediaStream, Party
from getpatter.carriers.base import StreamStarted, StreamTarget
from getpatter.conversation.conversation import Conversation, Services
from getpatter.conversation.persona import CallFacts
from getpatter.errors import StoreError
from getpatter.events import CallPlaced, TransferMode
from getpatter.store.journal import Journal

log = logging.getLogger(__name__)

GOODBYE_S = 15.0
"""Longest that calls may take to say goodbye once the engine's patience is over."""


def new_call_id() -> str:
    return f"call_{secrets.token_hex(8)}"


class Lines:
    """Every call has one of `admission`'s slots: `admission.reserved()` around `open` and `run`, given back here."""

    def __init__(self, office: Office, admission: Admission, services: Services, journal: Journal) -> None:
        self.office = office
        self.admission = admission
        self._services = services
        self._journal = journal
        self._public_url = ""
        self._live: dict[str, LiveCall] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    # -- where the carrier finds us

    def reachable_at(self, public_url: str) -> None:
        """What the carrier reaches our carrier listener by, e.g. http://127.0.0.1:8080; calls begun later use it."""
        self._public_url = public_url.rstrip("/")

    @property
    def webhooks_url(self) -> str:
        return f"{self._public_url}/webhooks/{self.office.carrier.name}"

    def target(self, call: LiveCall) -> StreamTarget:
        """Where the carrier is to open the call's stream, with the token while it is good."""
        url = f"{self._public_url.replace('http', 'ws', 1)}/ws/{self.office.carrier.name}/stream/{call.call_id}"
        return StreamTarget(url, call.parameters)

    # -- who lives

    def __iter__(self) -> Iterator[LiveCall]:
        return iter(list(self._live.values()))

    def find(self, call_id: str) -> LiveCall | None:
        """A call that lives, or has ended and is not in the store yet."""
        return self._live.get(call_id)

    @property
    def live(self) -> int:
        return sum(not call.ended for call in self._live.values())

    # -- life

    def open(self, setup: Setup) -> LiveCall:
        """A call that is on record from now on; raises `ConfigurationError` for an agent that cannot talk."""
        thinks, listens, speaks = _provider_names(setup.agent)
        placed = CallPlaced(
            call_id=setup.call_id,
            at=self.office.clock.wall(),
            direction=setup.direction,
            from_number=setup.from_number,
            to_number=setup.to_number,
            carrier=self.office.carrier.name,
            carrier_call_id=setup.carrier_call_id,
            goal=setup.goal,
            key=setup.key,
            agent=setup.agent.name,
            language_model=thinks,
            speech_to_text=listens,
            text_to_speech=speaks,
            notes=_notes(setup.agent, setup.asked_s),
        )
        facts = CallFacts(setup.call_id, setup.from_number, setup.to_number, outbound=setup.direction == "outbound")

        warm = setup.agent.warm_transfers and self.office.carrier.capabilities.warm_transfer
        mode: TransferMode = "warm" if warm else "cold"

        def conversation(live: LiveCall) -> Conversation:
            return Conversation(
                facts,
                setup.agent,
                self._services,
                publish=live.publish,
                hang_up=live.hang_up,
                transfer=partial(live.transferring.transfer, mode=mode),
                press=live.press,
            )

        call = LiveCall(placed, setup, self.office, webhooks_url=self.webhooks_url, conversation=conversation)
        self._live[setup.call_id] = call
        return call

    def run(self, call: LiveCall, opening: Opening) -> None:
        task = asyncio.create_task(self._whole_life(call, opening), name=call.call_id)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _whole_life(self, call: LiveCall, opening: Opening) -> None:
        try:
            await call.run(opening)
        finally:
            self.admission.release()
        try:
            await self._journal.flush()
        except StoreError as away:
            # Shown from here until a later call finds the store back.
            log.warning("call %s has ended and is not in the store yet: %s", call.call_id, away.message)
        else:
            self._forget_ended()

    def _forget_ended(self) -> None:
        """The store has the calls that have ended, so whoever asks next finds them there."""
        for call in self:
            if call.ended:
                del self._live[call.call_id]

    def stream(self, call_id: str, socket: MediaSocket) -> MediaStream | None:
        """A media socket came in on this call's path; None for a call that does not wait for one."""
        if call_id not in self._live:
            return None

        def admit(started: StreamStarted) -> Party | None:
            call = self._live.get(call_id)
            return call if call is not None and call.admits(started) else None

        return MediaStream(self.office.carrier.media_codec(), socket, admit, self.office.clock)

    async def drain(self, patience_s: float) -> None:
        """Take no new calls; let live ones end, then say goodbye for them, then close them."""
        self.admission.close()
        if not self._tasks:
            return
        _, left = await asyncio.wait(self._tasks, timeout=patience_s)
        if left:
            for call in self:
                call.shut_down()
            _, left = await asyncio.wait(left, timeout=GOODBYE_S)
        for call in self:
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
