"""The engine: every room of the house put together, for as long as it is entered."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Self

from getpatter.agent import Agent, TurnSettings
from getpatter.audio.vad import VoiceActivityModel
from getpatter.beat import Beat
from getpatter.calls.admission import Admission
from getpatter.calls.after_calls import AfterCalls
from getpatter.calls.archive import Archive
from getpatter.calls.exchange import Exchange, Rules
from getpatter.calls.hang_ups import HangUps
from getpatter.calls.inbound_memory import InboundMemory
from getpatter.calls.ledger import Ledger
from getpatter.calls.legs import Legs
from getpatter.calls.lines import Lines
from getpatter.calls.live import Office
from getpatter.calls.policy import DialPolicy
from getpatter.calls.recording import Recorder
from getpatter.calls.remembering import RememberingSwitchboard
from getpatter.calls.switchboard import Switchboard
from getpatter.calls.views import ServeInbound
from getpatter.carriers.account import Account
from getpatter.clock import Clock, SystemClock
from getpatter.control.beacon import EngineBeacon
from getpatter.conversation.conversation import Services
from getpatter.conversation.listening import Listening
from getpatter.conversation.pacer import Pacer
from getpatter.home import TOKEN, secret
from getpatter.llm.factory import language_model
from getpatter.observability.bus import EventBus
from getpatter.pricing.figures import BUILT_IN
from getpatter.pricing.overrides import with_overrides
from getpatter.pricing.pricer import Pricer
from getpatter.providers.chosen import chosen_engine, chosen_stt, chosen_tts
from getpatter.server.carrier_app import CarrierEdge
from getpatter.server.carriers import Telephone, telephone
from getpatter.server.listener import Listener
from getpatter.server.media_socket import media_protocol
from getpatter.server.ping import add_ping
from getpatter.server.private_app import Health, Mount, private_app
from getpatter.server.sweep import Sweep
from getpatter.server.way_in import WayIn, tunnel_of
from getpatter.settings import Settings
from getpatter.store import Journal, Store
from getpatter.store.incidents import IncidentLog
from getpatter.tools.builtin import TransferTargets
from getpatter.tts.local import local_tts
from getpatter.tunnels.base import Tunnel

log = logging.getLogger(__name__)

MountFactory = Callable[[Switchboard, EventBus, str], Mount]
"""Something to serve on the private listener, made of the switchboard, the bus and the token."""


class Engine:
    """One engine for one `PATTER_HOME`.

        async with Engine(settings) as engine:
            view = await engine.switchboard.place(PlaceCall(...))

    Entering takes the home's lock, reports calls that an earlier engine left open, and listens.  Leaving drains: live
    calls may go on for `settings.drain_s`, then a goodbye is said for them.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        agent: Agent | None = None,
        account: Account | None = None,
        tunnel: Tunnel | None = None,
        any_number: bool = False,
        mounts: Sequence[MountFactory] = (),
        clock: Clock | None = None,
        bus: EventBus | None = None,
    ) -> None:
        """`account` and `tunnel` take the place of those that the settings name; `bus` is where all calls are told of.

        With `any_number` all numbers may be called that are no emergency or crisis lines: for programs that choose
        them themselves, and not for assistants.
        """
        self._settings = settings
        self._account = account
        self._tunnel = tunnel
        self._any_number = any_number
        self._agent = agent
        self._mounts = mounts
        self._clock = clock or SystemClock()
        self._beat = Beat(self._clock)
        self._stack = AsyncExitStack()
        self._draining = False
        self._exchange: Exchange | None = None
        self._beacon = EngineBeacon(settings.home)
        self._announced = False
        self._way_in: WayIn
        self._rooms: tuple[CarrierEdge, Exchange]
        self._board: RememberingSwitchboard
        self.token = ""
        """For the control API and MCP over HTTP; the same at every start."""
        self.private_url = ""
        self.carrier_url = ""
        """Where the carrier listener is on this machine."""
        self.public_url = ""
        """What carriers reach it by."""
        self.interrupted: Sequence[str] = ()
        """Calls that an earlier engine left open, found at the start."""
        self.bus = bus or EventBus(self._clock)
        self.prices = with_overrides(BUILT_IN, settings.pricing) if settings.pricing else BUILT_IN
        """What providers and carriers charge, as far as it is known."""

    @property
    def switchboard(self) -> Switchboard:
        if self._exchange is None:
            raise RuntimeError("the engine is not entered")
        return self._board

    @property
    def live_calls(self) -> int:
        return self.exchange.live_calls

    @property
    def exchange(self) -> Exchange:
        """What programs in this process may do beside `switchboard`."""
        if self._exchange is None:
            raise RuntimeError("the engine is not entered")
        return self._exchange

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _start(self) -> None:
        settings, stack = self._settings, self._stack
        self.token = secret(settings.home, TOKEN)
        stack.enter_context(self._beacon.held())

        store = await Store.open(settings.database)
        stack.push_async_callback(store.close)
        self.interrupted = await store.calls.interrupt_open(self._clock.wall())
        for call_id in self.interrupted:
            log.warning("call %s was open when an earlier engine stopped; it is recorded as interrupted", call_id)
        journal = store.journal(self.bus)
        stack.push_async_callback(journal.close)
        if settings.otel_enabled:
            self._trace()

        listening = self._listening()
        agent = self._agent or self._default_agent()
        phone = self._telephone(listening, agent)
        ledger = Ledger(store.calls, journal, self.bus)
        after = AfterCalls(phone.carrier, ledger, self._clock, settings.recordings, self.prices)
        stack.push_async_callback(after.stop)
        office = self._office(phone)
        services = Services(listening, self._pacer(), self._clock, pricer=Pricer(self.prices))
        lines = Lines(office, Admission(settings.max_calls), services, journal)
        exchange = self._exchange = self._open_exchange(agent, lines, phone, store, journal, after)
        await exchange.recall()
        incidents = store.incident_log(self._clock)
        stack.push_async_callback(incidents.close)
        self._board = RememberingSwitchboard(exchange, InboundMemory(settings.home), self._clock)
        self._stack.push_async_callback(self._board.close)
        await self._listen(exchange, phone, incidents)
        after.start(self.interrupted)
        self._announce()
        stack.push_async_callback(office.hang_ups.close)
        stack.push_async_callback(self._drain)

    def _telephone(self, listening: Listening, agent: Agent) -> Telephone:
        settings = self._settings
        phone = telephone(
            settings,
            listening,
            # Simulated people are not worth a vendor's voice.
            lambda: local_tts(language=settings.language) if settings.tts else agent.tts or chosen_tts(settings),
            account=self._account,
            tunnelled=self._tunnel is not None,
        )
        self._stack.push_async_callback(phone.carrier.close)
        self._way_in = WayIn(
            phone.carrier,
            self._clock,
            number=settings.phone_number,
            manages_number=settings.manage_webhook and not phone.simulated,
            tunnel=self._tunnel or tunnel_of(settings),
            reachable_at=self._reachable_at,
        )
        return phone

    def _office(self, phone: Telephone) -> Office:
        legs = Legs()
        return Office(
            carrier=phone.carrier,
            legs=legs,
            hang_ups=HangUps(phone.carrier, legs, self._clock),
            bus=self.bus,
            clock=self._clock,
            recorder=self._recorder() if self._settings.record else None,
            carrier_records=self._settings.carrier_recording and phone.carrier.capabilities.recording,
        )

    def _open_exchange(
        self, agent: Agent, lines: Lines, phone: Telephone, store: Store, journal: Journal, after: AfterCalls
    ) -> Exchange:
        settings = self._settings
        return Exchange(
            agent=agent,
            lines=lines,
            policy=DialPolicy.parse(settings.allow, open_to_all=phone.simulated or self._any_number),
            archive=Archive(store.calls, self._clock),
            journal=journal,
            rules=Rules(
                phone_number=settings.phone_number,
                ring_timeout_s=settings.ring_timeout_s,
                how_to_try=phone.how_to_try,
                machine_detection=settings.machine_detection,
            ),
            on_recording=after.recording_ready,
            lead_here=self._way_in.answer,
        )

    def _trace(self) -> None:
        # The SDK takes long to import, and most engines are not traced.
        from getpatter.observability.tracing import start_tracing

        self._stack.push_async_callback(start_tracing(self.bus).close)

    def _listening(self) -> Listening:
        listening = Listening(VoiceActivityModel(), self._clock, self._beat)
        listening.start()
        self._stack.push_async_callback(listening.stop)
        return listening

    def _pacer(self) -> Pacer:
        pacer = Pacer(self._clock, self._beat)
        self._stack.callback(pacer.close)
        return pacer

    def _recorder(self) -> Recorder:
        recorder = Recorder(self._settings.recordings, self._clock)
        recorder.start()
        self._stack.push_async_callback(recorder.stop)
        return recorder

    def _default_agent(self) -> Agent:
        settings = self._settings
        configured = partial(
            Agent,
            system_prompt="",
            language=settings.language,
            transfer_to=TransferTargets.parse(settings.transfer_to).allowed,
            turns=TurnSettings(vad_stop_s=settings.vad_stop_s, max_duration_s=settings.max_call_s),
        )
        engine = chosen_engine(settings)
        if engine is not None:
            self._stack.push_async_callback(engine.close)
            return configured(engine=engine)
        llm, stt, tts = language_model(settings), chosen_stt(settings), chosen_tts(settings)
        for provider in (llm, stt, tts):
            self._stack.push_async_callback(provider.close)
        return configured(llm=llm, stt=stt, tts=tts)

    async def _listen(self, exchange: Exchange, phone: Telephone, incidents: IncidentLog) -> None:
        settings = self._settings
        edge = CarrierEdge(
            phone.carrier,
            exchange,
            clock=self._clock,
            incidents=incidents,
            trusted_proxies=[proxy for proxy in settings.trusted_proxies.replace(" ", "").split(",") if proxy],
        )
        sweep = Sweep(self._beat)
        self._rooms = (edge, exchange)
        self._stack.callback(sweep.close)
        self._stack.push_async_callback(edge.close)
        carrier = Listener(settings.carrier_host, settings.carrier_port, setting="PATTER_CARRIER_PORT")
        self._stack.push_async_callback(carrier.stop)
        private = Listener(settings.host, settings.port, setting="PATTER_PORT")
        self._stack.push_async_callback(private.stop)
        self.private_url, self.carrier_url = private.url, carrier.url
        app = edge.app()
        add_ping(app, phone.carrier.name, self.token)
        await carrier.start(app, ws=media_protocol(edge.accept, self._clock, sweep))
        self._stack.push_async_callback(self._way_in.close)
        await self._way_in.open(carrier.port, settings.public_url or carrier.url)
        mounts = [make(self._board, self.bus, self.token) for make in self._mounts]
        health = Health(
            state=lambda: "draining" if self._draining else "ok", details=lambda: {"calls": exchange.live_calls}
        )
        await private.start(private_app(self._board, self.bus, self.token, health, mounts))

    def _reachable_at(self, public_url: str) -> None:
        self.public_url = public_url
        for room in self._rooms:
            room.reachable_at(public_url)
        if self._announced:
            self._announce()

    def _announce(self) -> None:
        """Tell other processes of this home where we are."""
        self._announced = True
        self._beacon.announce(
            private_url=self.private_url,
            carrier_url=self.carrier_url,
            public_url=self.public_url,
            token=self.token,
        )

    async def answer(self, told: ServeInbound | None = None) -> None:
        """Answer incoming calls as `told`, or else as an earlier engine of this home was asked to.

        For engines of assistants: programs choose by `exchange.answer_with` who answers theirs.
        """
        await (self._board.answer_as_told(told) if told is not None else self._board.answer_as_before())

    async def lead_number_here(self) -> None:
        """Have the calls to our number come to this engine, unless `manage_webhook` is off; `serve_inbound` does it by
        itself.  Raises `CarrierError` when the carrier refuses."""
        await self._way_in.answer()

    async def _drain(self) -> None:
        self._draining = True
        await self.exchange.drain(self._settings.drain_s)
