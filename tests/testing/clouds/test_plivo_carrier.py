"""Our side of Plivo at work with the stand-in for it."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from getpatter.carriers.base import (
    CallRenamed,
    CarrierCall,
    CarrierEvent,
    ColleagueReady,
    ConsultRequest,
    DialRequest,
    InboundCall,
    MachineDetection,
    Price,
    RecordingReady,
    StatusChanged,
    StreamFailed,
    StreamStarted,
    StreamTarget,
    WebhookRequest,
)
from getpatter.carriers.invitation import invitation
from getpatter.carriers.plivo.account import Plivo
from getpatter.carriers.plivo.carrier import PlivoCarrier
from getpatter.errors import CarrierError, InvalidSignature
from getpatter.testing.clouds import PlivoCloud
from getpatter.testing.line_call import LineCall
from getpatter.testing.parties import Directory

if TYPE_CHECKING:
    from tests.testing.clouds.conftest import MediaEngine, MediaLine

OURS = "+12025550199"
PERSON = "+12025550150"
BUSY = "+12025550151"
MACHINE = "+12025550153"
WAITING = "+12025550154"
FOREVER = "+12025550155"
TAKES = "+12025550158"
MENU = "+12025550157"
TOKEN = "f" * 40


@dataclass
class Office:
    """The carrier and the engine that it works for: `events` has what the webhooks said, in their order."""

    cloud: PlivoCloud
    carrier: PlivoCarrier
    engine: MediaEngine
    events: list[CarrierEvent] = field(default_factory=list)
    turns_away: Any = ""

    @property
    def target(self) -> StreamTarget:
        return StreamTarget(self.engine.stream_url, {"token": "on-ce_1"})

    async def on_webhook(self, request: WebhookRequest) -> bytes:
        first, has_key, _ = request.kind.partition("/")
        kind = f"{first}/{{key}}" if has_key else request.kind
        request = replace(request, kind=kind)
        self.carrier.verify(request)
        said = self.carrier.parse(request)
        self.events += said.events
        for event in said.events:
            if isinstance(event, InboundCall):
                return self._answer(event)
        return said.response.body

    def _answer(self, call: InboundCall) -> bytes:
        if self.turns_away:
            return self.carrier.reject(call, self.turns_away).response.body
        return self.carrier.answer(call, self.target, self.engine.base).response.body

    async def dial(self, to: str, **changes: Any) -> str:
        """The name that Plivo gives at once."""
        request = DialRequest(
            call_id="call_1", to_number=to, from_number=OURS, stream=self.target, webhooks_url=self.engine.base
        )
        return (await self.carrier.dial(replace(request, **changes))).carrier_call_id

    async def talk(self, to: str, **changes: Any) -> LineCall:
        """A call that is being talked in."""
        call = self.cloud.call(await self.dial(to, **changes))
        async with asyncio.timeout(60):
            await call.streaming.wait()
        return call

    async def until(self, happened: Callable[[CarrierEvent], bool]) -> None:
        await self.engine.until(lambda: any(map(happened, self.events)))

    def statuses(self) -> list[str]:
        return [event.status for event in self.events if isinstance(event, StatusChanged)]


@pytest.fixture
async def office(directory: Directory, engine: MediaEngine) -> AsyncIterator[Office]:
    async with PlivoCloud(directory, auth_token=TOKEN) as cloud:
        cloud.own(OURS)
        office = Office(cloud, PlivoCarrier(Plivo(cloud.auth_id, TOKEN, cloud.url), jitter=lambda: 0.0), engine)
        engine.on_webhook = office.on_webhook
        yield office
        await office.carrier.close()
        assert all(status == 200 for _, status in cloud.webhooks.delivered)


async def over(call: LineCall) -> None:
    async with asyncio.timeout(60):
        await call.ended.wait()


async def test_a_call_is_followed_from_its_request_to_its_end(office: Office) -> None:
    request_id = await office.dial(PERSON)
    call = office.cloud.call(request_id)
    await over(call)
    name = call.legs.call_id
    assert office.events == [
        CallRenamed("call_1", request_id),
        StatusChanged(request_id, "ringing"),
        CallRenamed(request_id, name),
        StatusChanged(name, "in_progress"),
        CallRenamed("call_1", name),
        CallRenamed(request_id, name),
        MachineDetection(name, "human", False, "false"),
        CallRenamed("call_1", name),
        CallRenamed(request_id, name),
        StatusChanged(name, "completed", cause="Normal Hangup"),
    ]


async def test_where_plivos_names_are_one_it_renames_nothing(office: Office) -> None:
    office.cloud.renames = False
    request_id = await office.dial(PERSON, machine_detection=False)
    await over(office.cloud.call(request_id))
    assert office.events == [
        CallRenamed("call_1", request_id),
        StatusChanged(request_id, "ringing"),
        StatusChanged(request_id, "in_progress"),
        CallRenamed("call_1", request_id),
        StatusChanged(request_id, "completed", cause="Normal Hangup"),
    ]


async def test_a_busy_line_is_told_as_one(office: Office) -> None:
    call = office.cloud.call(await office.dial(BUSY))
    await over(call)
    assert office.statuses() == ["busy"]
    assert await office.carrier.fetch_call(call.legs.call_id) == CarrierCall(
        "busy", "Busy Line", 0.0, Price(Decimal("0.00000"), "USD")
    )


async def test_a_machine_is_told_once(office: Office) -> None:
    call = await office.talk(MACHINE)
    await office.until(lambda event: isinstance(event, MachineDetection))
    await office.carrier.hang_up(call.legs.call_id)
    await over(call)
    told = [event for event in office.events if isinstance(event, MachineDetection)]
    assert [(event.classification, event.greeting_ended) for event in told] == [("machine", False)]


async def test_the_stream_is_plivos_and_brings_the_token_back(office: Office) -> None:
    codec = office.carrier.media_codec()
    started: list[object] = []

    async def talk(line: MediaLine) -> None:
        office.carrier.verify_stream(WebhookRequest("GET", office.engine.stream_url, line.headers, b""))
        started.append(codec.decode(await line.take()))
        await line.to_the_end()

    office.engine.talk = talk
    call = await office.talk(PERSON)
    await over(call)
    [start] = started
    assert isinstance(start, StreamStarted)
    assert (start.carrier_call_id, start.parameters) == (call.legs.call_id, {"token": "on-ce_1"})


async def test_a_stream_that_we_do_not_take_is_told(office: Office) -> None:
    office.engine.refuses = True
    call = office.cloud.call(await office.dial(PERSON))
    await over(call)
    assert [event.cause for event in office.events if isinstance(event, StreamFailed)] != []


async def test_keys_that_we_press_are_heard(office: Office) -> None:
    codec = office.carrier.media_codec()

    async def talk(line: MediaLine) -> None:
        codec.decode(await line.take())
        await line.socket.send_text(codec.press("7").decode())
        await line.to_the_end()

    office.engine.talk = talk
    call = await office.talk(MENU)
    await over(call)
    assert call.far_end is not None
    assert (call.far_end.keys_heard, list(call.far_end.faults), call.end.by) == ("7", [], "party")


async def test_a_ringing_call_and_one_that_is_talked_in_are_hung_up_once(office: Office) -> None:
    ringing = await office.dial(FOREVER)
    await office.until(lambda event: isinstance(event, StatusChanged))
    await office.carrier.hang_up(ringing)
    talking = await office.talk(WAITING)
    await office.carrier.hang_up(talking.legs.call_id)
    for call in (office.cloud.call(ringing), talking):
        await over(call)
        await office.carrier.hang_up(call.legs.call_id)
    assert office.statuses()[-1] == "completed"
    assert "canceled" in office.statuses()


async def test_a_call_is_looked_up_while_it_lives_and_afterwards(office: Office) -> None:
    office.cloud.price_at_fetch = 3
    call = await office.talk(WAITING)
    name = call.legs.call_id
    assert await office.carrier.fetch_call(name) == CarrierCall("in_progress")
    await office.carrier.hang_up(name)
    await over(call)
    prices = [(await office.carrier.fetch_call(name)).price for _ in range(3)]
    assert prices == [None, None, Price(Decimal("0.01150"), "USD")]
    assert (await office.carrier.fetch_call(name)).status == "completed"
    with pytest.raises(CarrierError, match="does not know this call"):
        await office.carrier.fetch_call("0")


async def test_the_caller_is_transferred_and_we_leave(office: Office) -> None:
    call = await office.talk(WAITING)
    await office.carrier.transfer(call.legs.call_id, PERSON, from_number=OURS, timeout_s=20)
    await over(call)
    assert call.onward_call is not None
    assert call.onward_call.statuses == ["initiated", "ringing", "in-progress", "completed"]
    assert (call.onward_call.legs.from_number, call.onward_call.legs.to_number) == (OURS, PERSON)
    assert office.statuses()[-1] == "completed"


async def test_a_colleague_who_presses_a_key_hears_of_the_caller_and_then_the_caller(office: Office) -> None:
    caller = await office.talk(WAITING)
    name = caller.legs.call_id
    consult = ConsultRequest(
        carrier_call_id=name,
        to_number=TAKES,
        from_number=OURS,
        summary="Sam waits & asks for you.",
        language="en",
        webhooks_url=office.engine.base,
    )
    colleague = office.cloud.call(await office.carrier.consult(consult))
    await office.until(lambda event: isinstance(event, ColleagueReady))
    assert colleague.announcements == [invitation("en").words, "Sam waits & asks for you."]
    assert caller.is_streaming
    await office.carrier.connect(name, colleague.legs.call_id)
    async with asyncio.timeout(60):
        while True:
            if len(office.cloud.lines.conference(f"patter-{name}").members) == 2:
                break
            await asyncio.sleep(0)  # nobody is told of the caller
    await office.carrier.hang_up(colleague.legs.call_id)
    await over(caller)
    await over(colleague)
    assert caller.status == "completed"
    ready = [event.carrier_call_id for event in office.events if isinstance(event, ColleagueReady)]
    assert ready == [colleague.legs.call_id]


async def test_plivos_own_voice_leaves_a_message(office: Office) -> None:
    call = await office.talk(WAITING)
    await office.carrier.leave_message(call.legs.call_id, "Please call back.", "de")
    await over(call)
    assert call.announcements == ["Please call back."]


async def test_a_recording_can_be_fetched_after_the_call(office: Office) -> None:
    call = await office.talk(WAITING)
    await office.carrier.start_recording(call.legs.call_id, office.engine.base)
    await office.carrier.hang_up(call.legs.call_id)
    await over(call)
    [ready] = [event for event in office.events if isinstance(event, RecordingReady)]
    audio = b"".join([piece async for piece in office.carrier.fetch_recording(ready)])
    with wave.open(io.BytesIO(audio)) as file:
        assert file.getnchannels() == 2
        assert ready.duration_s == pytest.approx(file.getnframes() / 8000)


async def test_a_number_is_set_up_once_and_its_calls_come_to_us(office: Office) -> None:
    first = await office.carrier.configure_number(OURS, office.engine.base)
    again = await office.carrier.configure_number(OURS, office.engine.base)
    assert (first.changed, again.changed) == (True, False)
    assert [made.name for made in office.cloud.applications.values()] == [f"patter-{OURS[1:]}"]
    findings = await office.carrier.examine(OURS, office.engine.base)
    assert {finding.level for finding in findings} == {"ok"}
    result = await office.cloud.ring(PERSON, OURS)
    assert (result.ended_by, result.spoken) == ("party", ("Hello?",))
    assert office.events == [
        InboundCall(result.carrier_call_id, PERSON, OURS),
        StatusChanged(result.carrier_call_id, "completed", cause="Normal Hangup"),
    ]


async def test_a_number_follows_us_when_we_move(office: Office) -> None:
    await office.carrier.configure_number(OURS, "https://tunnel-1.example")
    moved = await office.carrier.configure_number(OURS, office.engine.base)
    assert (moved.changed, moved.previous_url) == (True, "https://tunnel-1.example/voice")
    assert len(office.cloud.applications) == 1
    assert (await office.cloud.ring(PERSON, OURS)).answered


@pytest.mark.parametrize("reason", ["busy", "rejected"])
async def test_a_caller_is_turned_away(office: Office, reason: str) -> None:
    office.turns_away = reason
    await office.carrier.configure_number(OURS, office.engine.base)
    result = await office.cloud.ring(PERSON, OURS)
    assert (result.answered, result.reason) == (False, reason)


async def test_what_plivo_refuses_is_said_with_what_to_do(office: Office) -> None:
    with pytest.raises(CarrierError, match="not one of this Plivo account's"):
        await office.dial(PERSON, from_number="+12025550100")
    office.cloud.is_trial = True
    with pytest.raises(CarrierError, match="may call verified numbers only"):
        await office.dial(PERSON)
    with pytest.raises(CarrierError, match="has no number that ends in 0100"):
        await office.carrier.configure_number("+12025550100", office.engine.base)


async def test_wrong_credentials_are_told_and_what_they_sign_is_not_taken(office: Office) -> None:
    stranger = PlivoCarrier(Plivo(office.cloud.auth_id, "guess", office.cloud.url))
    with pytest.raises(CarrierError, match="does not know this auth id"):
        await stranger.hang_up("0")
    await stranger.close()
    await over(office.cloud.call(await office.dial(PERSON)))
    stranger = PlivoCarrier(Plivo(office.cloud.auth_id, "guess"))
    for webhook in office.engine.webhooks:
        office.carrier.verify(webhook)
        with pytest.raises(InvalidSignature):
            stranger.verify(webhook)


async def test_a_plivo_that_fails_for_a_moment_is_asked_again(office: Office) -> None:
    call = await office.talk(WAITING)
    office.cloud.fail_next(500, path=call.legs.call_id, times=2)
    await office.carrier.hang_up(call.legs.call_id)
    await over(call)
    office.cloud.fail_next(500, path="Call/", method="POST")
    with pytest.raises(CarrierError, match="Plivo failed"):
        await office.dial(PERSON)
    assert len([asked for asked in office.cloud.requests if asked.method == "POST"]) == 2
