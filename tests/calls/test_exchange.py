"""The life of calls in the process that owns them, with a carrier whose every answer the test gives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from getpatter.agent import Agent, TurnSettings
from getpatter.barge_in import BargeInSettings, MinWordsStrategy
from getpatter.calls import live as calls
from getpatter.calls.admission import Admission
from getpatter.calls.archive import Archive
from getpatter.calls.carrier_leg import CARRIER_S
from getpatter.calls.exchange import Exchange, Rules
from getpatter.calls.hang_ups import HangUps
from getpatter.calls.legs import Legs
from getpatter.calls.lines import Lines
from getpatter.calls.policy import DialPolicy
from getpatter.calls.preparing import PREPARE_S
from getpatter.calls.views import CallQuery, CallView, PlaceCall, ServeInbound
from getpatter.carriers.base import (
    Answer,
    Capabilities,
    Dialed,
    DialRequest,
    InboundCall,
    StatusChanged,
    StreamTarget,
    Webhook,
    WebhookRequest,
    WebhookResponse,
)
from getpatter.carriers.twilio.media import TwilioMediaCodec
from getpatter.carriers.unable import Unable
from getpatter.conversation.conversation import Services
from getpatter.conversation.ears import VoiceLine
from getpatter.conversation.pacer import Pacer
from getpatter.errors import ConfigurationError, InvalidRequest
from getpatter.observability.bus import EventBus
from getpatter.store import Store
from getpatter.stt.base import SpeechHints
from getpatter.testing.clock import ManualClock
from getpatter.testing.providers import AnsweringLLM, CountingTTS, CountingVoice, TellableSTT, ToldRecognition
from getpatter.testing.twilio_line import TwilioLineCodec

REQUEST = PlaceCall(to_number="+12025550100", goal="Ask whether they are open.")
CARRIER_ID = "CA1"


class Operator(Unable):
    """A carrier that dials when `through` is set and writes down what it is asked."""

    name = "op"
    capabilities = Capabilities()
    webhooks: Mapping[str, Sequence[str]] = {}

    def __init__(self) -> None:
        self.through = asyncio.Event()
        self.through.set()
        self.dialed: list[DialRequest] = []
        self.hung_up: list[str] = []

    async def dial(self, request: DialRequest) -> Dialed:
        self.dialed.append(request)
        await self.through.wait()
        return Dialed(CARRIER_ID)

    async def hang_up(self, carrier_call_id: str) -> None:
        self.hung_up.append(carrier_call_id)

    async def transfer(self, carrier_call_id: str, number: str, *, from_number: str, timeout_s: float = 30.0) -> None:
        raise NotImplementedError

    def verify(self, request: WebhookRequest) -> None:
        pass

    def parse(self, request: WebhookRequest) -> Webhook:
        return Webhook()

    def answer(self, call: InboundCall, stream: StreamTarget, webhooks_url: str) -> Answer:
        return Answer()

    def reject(self, call: InboundCall, reason: Literal["busy", "rejected"]) -> Answer:
        return Answer(WebhookResponse(reason.encode()))

    def media_codec(self) -> TwilioMediaCodec:
        return TwilioMediaCodec()

    async def close(self) -> None:
        pass


class Socket:
    peer = "127.0.0.1:1"

    def __init__(self) -> None:
        self.closed: int | None = None

    def send(self, message: bytes) -> None:
        pass

    def close(self, code: int = 1000, reason: str = "") -> None:
        self.closed = self.closed or code


class Deaf:
    """Voice activity detection that never hears anything."""

    def open(self, on_probability: Callable[[float], None]) -> VoiceLine:
        return self

    def feed(self, ulaw: bytes) -> None:
        pass

    def reset(self) -> None:
        pass

    def close(self) -> None:
        pass


class Office:
    """An exchange, its carrier and its clock."""

    def __init__(self, store: Store, agent: Agent, stt: TellableSTT) -> None:
        self.stt = stt
        self.clock = ManualClock()
        self.operator = Operator()
        self.admission = Admission(2)
        self.bus = EventBus()
        self.pacer = Pacer(self.clock)
        self.journal = store.journal(self.bus)
        legs = Legs()
        self.hang_ups = HangUps(self.operator, legs, self.clock)
        office = calls.Office(
            carrier=self.operator,
            legs=legs,
            hang_ups=self.hang_ups,
            bus=self.bus,
            clock=self.clock,
            recorder=None,
            carrier_records=False,
        )
        self.lines = Lines(office, self.admission, Services(Deaf(), self.pacer, self.clock), self.journal)
        self.exchange = Exchange(
            agent=agent,
            lines=self.lines,
            policy=DialPolicy([], open_to_all=True),
            archive=Archive(store.calls, self.clock),
            journal=self.journal,
            rules=Rules(phone_number="+12025550199"),
        )
        self.exchange.reachable_at("http://127.0.0.1:1")

    async def until(self, seen: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not seen():  # noqa: ASYNC110 -- time stands still, so only what is ready happens
                await asyncio.sleep(0)

    async def ended(self, call: CallView) -> CallView:
        await self.until(lambda: self.admission.taken == 0)
        return await self.exchange.get(call.call_id)

    def pick_up(self, call: CallView) -> Socket:
        """The far end answers: the carrier opens the stream that it was told."""
        socket = Socket()
        stream = self.exchange.stream(call.call_id, socket)
        if stream is None:
            socket.close(404)
        else:
            stream.on_message(TwilioLineCodec("MZ1", CARRIER_ID, self.operator.dialed[-1].stream.parameters).start())
        return socket

    async def talking(self, call: CallView) -> Socket:
        await self.until(lambda: bool(self.operator.dialed))
        socket = self.pick_up(call)
        await self.until(lambda: bool(self.stt.opened))
        return socket


OfficeFor = Callable[..., Office]


@pytest.fixture
async def office_for(tmp_path: Path) -> AsyncIterator[OfficeFor]:
    store = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'calls.db'}")
    offices: list[Office] = []

    def make(stt: TellableSTT | None = None, tts: CountingTTS | None = None, **turns: Any) -> Office:
        ear = stt or TellableSTT()
        agent = Agent(system_prompt="", llm=AnsweringLLM("Yes."), stt=ear, tts=tts or CountingTTS())
        office = Office(store, replace(agent, turns=replace(TurnSettings(), **turns)), ear)
        offices.append(office)
        return office

    yield make
    for office in offices:
        await office.hang_ups.close()
        office.pacer.close()
        await office.journal.close()
    await store.close()


class HangingSTT(TellableSTT):
    async def open(self, hints: SpeechHints) -> ToldRecognition:
        await asyncio.Event().wait()
        return await super().open(hints)


class CancelledSTT(TellableSTT):
    async def open(self, hints: SpeechHints) -> ToldRecognition:
        raise asyncio.CancelledError


class BadlyClosingVoice(CountingVoice):
    async def close(self) -> None:
        raise RuntimeError("a fault at the end")


class BadlyClosingTTS(CountingTTS):
    async def open(self, language: str = "en-US") -> CountingVoice:
        return BadlyClosingVoice(self)


async def test_a_provider_that_never_opens_ends_the_call(office_for: OfficeFor) -> None:
    office = office_for(HangingSTT())
    call = await office.exchange.place(REQUEST)
    await office.until(lambda: bool(office.operator.dialed))
    for _ in range(5):
        await asyncio.sleep(0)
    office.clock.advance(PREPARE_S)
    view = await office.ended(call)
    assert (view.outcome, view.error_code) == ("failed", "provider")
    assert office.operator.hung_up == [CARRIER_ID]


async def test_a_provider_that_breaks_off_ends_the_call(office_for: OfficeFor) -> None:
    office = office_for(CancelledSTT())
    view = await office.ended(await office.exchange.place(REQUEST))
    assert (view.outcome, view.error_code) == ("failed", "provider")
    assert office.operator.hung_up == [CARRIER_ID]


async def test_a_carrier_that_never_takes_the_call_ends_it(office_for: OfficeFor) -> None:
    office = office_for()
    office.operator.through.clear()
    call = await office.exchange.place(REQUEST)
    await office.until(lambda: bool(office.operator.dialed))
    office.clock.advance(CARRIER_S)
    view = await office.ended(call)
    assert (view.outcome, view.error_code) == ("failed", "carrier")


async def test_a_provider_that_fails_to_close_does_not_keep_the_line_open(office_for: OfficeFor) -> None:
    office = office_for(tts=BadlyClosingTTS())
    call = await office.exchange.place(REQUEST)
    socket = await office.talking(call)
    view = await office.exchange.hang_up(call.call_id)
    assert view.outcome == "answered"
    assert socket.closed == 1000
    assert office.operator.hung_up == [CARRIER_ID]


async def test_whoever_picks_up_after_the_end_is_too_late(office_for: OfficeFor) -> None:
    office = office_for()
    call = await office.exchange.place(REQUEST)
    await office.until(lambda: bool(office.operator.dialed))
    await office.exchange.hang_up(call.call_id)
    assert office.pick_up(call).closed in (404, 1008)
    assert (await office.exchange.get(call.call_id)).outcome == "canceled"


async def test_a_carrier_may_report_before_it_says_the_calls_name(office_for: OfficeFor) -> None:
    office = office_for()
    office.operator.through.clear()
    call = await office.exchange.place(REQUEST)
    await office.until(lambda: bool(office.operator.dialed))
    office.exchange.on_carrier_events([StatusChanged(CARRIER_ID, "busy")])
    office.operator.through.set()
    assert (await office.ended(call)).outcome == "busy"


async def test_the_carriers_limit_leaves_room_for_our_goodbye(office_for: OfficeFor) -> None:
    office = office_for(max_duration_s=3600)
    call = await office.exchange.place(REQUEST)
    await office.until(lambda: bool(office.operator.dialed))
    assert office.operator.dialed[0].max_duration_s > 3600
    await office.exchange.hang_up(call.call_id)


async def test_a_key_means_one_request(office_for: OfficeFor) -> None:
    office = office_for()
    keyed = REQUEST.model_copy(update={"key": "k"})
    first = await office.exchange.place(keyed)
    assert (await office.exchange.place(keyed)).call_id == first.call_id
    with pytest.raises(InvalidRequest, match="another call"):
        await office.exchange.place(keyed.model_copy(update={"goal": "Something else."}))
    await office.exchange.hang_up(first.call_id)


async def test_a_duration_beyond_the_limit_is_said_to_be_cut(office_for: OfficeFor) -> None:
    office = office_for(max_duration_s=60)
    call = await office.exchange.place(REQUEST.model_copy(update={"max_duration_s": 90}))
    assert any("60 s" in note and "90 s" in note for note in call.notes)
    await office.exchange.hang_up(call.call_id)


class OnceCopied(MinWordsStrategy):
    """Can be copied until it is `used`."""

    used = False

    def __deepcopy__(self, memo: dict[int, object]) -> OnceCopied:
        if self.used:
            raise RuntimeError("in use")
        return OnceCopied(min_words=2)


@pytest.fixture
async def broken_office(office_for: OfficeFor) -> Office:
    """No conversation can be made for its calls."""
    strategy = OnceCopied(min_words=2)
    office = office_for(while_speaking=BargeInSettings(strategies=(strategy,)))
    strategy.used = True
    return office


async def test_a_call_that_cannot_be_talked_in_is_not_placed(broken_office: Office) -> None:
    with pytest.raises(ConfigurationError, match="cannot be copied"):
        await broken_office.exchange.place(REQUEST)
    assert broken_office.admission.taken == 0
    assert broken_office.operator.dialed == []
    assert await broken_office.exchange.list(CallQuery()) == []


async def test_a_call_that_cannot_be_talked_in_is_turned_away(broken_office: Office) -> None:
    await broken_office.exchange.serve_inbound(ServeInbound(enabled=True))
    answer = await broken_office.exchange.ring(InboundCall("CA2", "+12025550100", "+12025550199"))
    assert answer.body == b"busy"
    assert broken_office.admission.taken == 0
    assert await broken_office.exchange.list(CallQuery()) == []
