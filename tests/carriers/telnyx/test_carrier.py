from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from starlette.responses import JSONResponse, Response

from getpatter.carriers.base import (
    Carrier,
    CarrierCall,
    ColleagueReady,
    ConsultRequest,
    Dialed,
    DialRequest,
    InboundCall,
    Price,
    RecordingReady,
    StreamStarted,
    StreamTarget,
    Webhook,
    WebhookRequest,
    WebhookResponse,
)
from getpatter.carriers.telnyx import client_state, legs
from getpatter.carriers.telnyx.account import Telnyx
from getpatter.carriers.telnyx.carrier import REMEMBERED, TelnyxCarrier
from getpatter.errors import CarrierError, ConfigurationError, Expired
from getpatter.testing.clock import ManualClock
from getpatter.testing.telnyx_webhooks import TelnyxSigner, telnyx_event

if TYPE_CHECKING:
    from tests.carriers.telnyx.conftest import ApiServer

CALL = "v3:caller"
COLLEAGUE = "v3:colleague"
WEBHOOKS = "https://agent.example/webhooks/telnyx"
STREAM = StreamTarget("wss://agent.example/ws/telnyx/stream/call_1", {"token": "once"})
INBOUND = InboundCall(CALL, "+13125550100", "+12025550199")
DIAL = DialRequest(
    call_id="call_1", to_number="+13125550100", from_number="+12025550199", stream=STREAM, webhooks_url=WEBHOOKS
)
CONSULT = ConsultRequest(
    carrier_call_id=CALL,
    to_number="+13125550100",
    from_number="+12025550199",
    summary="Mrs Smith wants a refund.",
    language="en-GB",
    webhooks_url=WEBHOOKS,
)


def request(body: bytes, at: float = 1_700_000_000.0) -> WebhookRequest:
    return WebhookRequest("POST", f"{WEBHOOKS}/voice", TelnyxSigner().headers(body, at), body, "voice")


def heard(carrier: TelnyxCarrier, event_type: str, call: str = CALL, **payload: Any) -> Webhook:
    sent = request(telnyx_event(event_type, call_control_id=call, **payload))
    carrier.verify(sent)
    return carrier.parse(sent)


async def run(webhook: Webhook) -> None:
    assert webhook.command is not None
    await webhook.command()


async def test_it_is_a_carrier(carrier: TelnyxCarrier) -> None:
    contract: Carrier = carrier
    assert contract.webhooks == {"voice": ("POST",)}


async def test_an_account_opens_it() -> None:
    account = Telnyx(api_key="k", connection_id="1", public_key=TelnyxSigner().public_key)
    await account.open().close()


async def test_an_account_whose_public_key_is_none_does_not() -> None:
    with pytest.raises(ConfigurationError, match="public_key"):
        Telnyx(api_key="k", connection_id="1", public_key="none").open()


def test_an_account_names_a_detection_that_telnyx_has() -> None:
    with pytest.raises(ConfigurationError) as raised:
        Telnyx(api_key="k", connection_id="1", public_key="p", machine_detection="magic")
    assert "premium" in (raised.value.next_step or "")


def test_an_account_does_not_show_its_key() -> None:
    assert "KEY0123" not in repr(Telnyx(api_key="KEY0123", connection_id="1", public_key="p"))


class TestCallsOut:
    async def test_a_call_is_placed(self, carrier: TelnyxCarrier, server: ApiServer) -> None:
        assert await carrier.dial(DIAL) == Dialed(COLLEAGUE)
        (asked,) = server.asked
        assert (asked.method, asked.path) == ("POST", "/calls")
        assert asked.body["connection_id"] == "1494404757140276705"
        assert asked.body["answering_machine_detection"] == "greeting_end"

    async def test_its_stream_brings_the_token_back(self, carrier: TelnyxCarrier, server: ApiServer) -> None:
        await carrier.dial(DIAL)
        state = server.asked[0].body["client_state"]
        start = (
            b'{"event":"start","stream_id":"s","start":{"call_control_id":"v3:caller","client_state":"%b",'
            b'"media_format":{"encoding":"PCMU","sample_rate":8000,"channels":1}}}' % state.encode()
        )
        assert carrier.media_codec().decode(start) == StreamStarted("s", CALL, {"token": "once"})

    async def test_a_refusal_is_told(self, carrier: TelnyxCarrier, server: ApiServer) -> None:
        server.refuse(403, "10010", "Authorization failed", "Dialed number is not in whitelisted countries D13")
        with pytest.raises(CarrierError) as raised:
            await carrier.dial(DIAL)
        assert "Allow the country" in (raised.value.next_step or "")


class TestCallsIn:
    async def test_the_webhook_is_answered_at_once_and_the_call_by_a_command(
        self, carrier: TelnyxCarrier, server: ApiServer
    ) -> None:
        answer = carrier.answer(INBOUND, STREAM, WEBHOOKS)
        assert answer.response == WebhookResponse()
        assert server.asked == []
        assert answer.command is not None
        await answer.command()
        (asked,) = server.asked
        assert asked.path == "/calls/v3%3Acaller/actions/answer"
        assert asked.body["stream_url"] == STREAM.url
        assert client_state.decode(asked.body["client_state"]) == {"token": "once"}

    @pytest.mark.parametrize(("reason", "cause"), [("busy", "USER_BUSY"), ("rejected", "CALL_REJECTED")])
    async def test_a_call_is_turned_away(
        self, carrier: TelnyxCarrier, server: ApiServer, reason: Any, cause: str
    ) -> None:
        answer = carrier.reject(INBOUND, reason)
        assert answer.command is not None
        await answer.command()
        assert (server.actions, server.asked[0].fields) == (["reject"], {"cause": cause})


class TestWebhooks:
    async def test_an_event_is_verified_by_the_wall_clock(self, carrier: TelnyxCarrier, clock: ManualClock) -> None:
        sent = request(telnyx_event("call.answered", call_control_id=CALL))
        carrier.verify(sent)
        clock.advance(301)
        with pytest.raises(Expired):
            carrier.verify(sent)

    async def test_a_message_has_one_id_however_often_it_comes(self, carrier: TelnyxCarrier) -> None:
        assert heard(carrier, "call.answered", delivery_id="one").delivery_id == "one"

    async def test_streams_are_not_signed(self, carrier: TelnyxCarrier) -> None:
        carrier.verify_stream(WebhookRequest("GET", "wss://agent.example/ws", {}, b""))


class TestTransfer:
    async def test_a_call_goes_elsewhere_and_its_stream_ends(self, carrier: TelnyxCarrier, server: ApiServer) -> None:
        await carrier.transfer(CALL, "+13125550100", from_number="+12025550199", timeout_s=20)
        assert server.actions == ["transfer", "streaming_stop"]
        assert server.asked[0].fields == {
            "to": "+13125550100",
            "from": "+12025550199",
            "timeout_secs": 20,
            "target_leg_client_state": legs.transferred(CALL),
        }

    async def test_a_transfer_that_is_refused_leaves_the_stream(
        self, carrier: TelnyxCarrier, server: ApiServer
    ) -> None:
        server.refuse(422, "90034", "Call not answered yet")
        with pytest.raises(CarrierError):
            await carrier.transfer(CALL, "+13125550100", from_number="+12025550199")
        assert server.actions == ["transfer"]

    async def test_a_stream_that_cannot_be_stopped_spoils_no_transfer(
        self, carrier: TelnyxCarrier, server: ApiServer
    ) -> None:
        server.answers = [Response(b"done")]
        server.refuse(422, "90018")
        await carrier.transfer(CALL, "sip:desk@example.com", from_number="+12025550199")

    async def test_a_caller_whom_nobody_took_is_hung_up_on(self, carrier: TelnyxCarrier, server: ApiServer) -> None:
        state = legs.transferred(CALL)
        webhook = heard(carrier, "call.hangup", "v3:other", hangup_cause="timeout", client_state=state)
        assert webhook.events == ()
        await run(webhook)
        assert server.asked[0].path == "/calls/v3%3Acaller/actions/hangup"


class TestConsulting:
    async def consulted(self, carrier: TelnyxCarrier, server: ApiServer) -> str:
        """The state that comes back with the colleague's events."""
        assert await carrier.consult(CONSULT) == COLLEAGUE
        state = server.asked.pop().body["client_state"]
        assert isinstance(state, str)
        return state

    async def briefed(self, carrier: TelnyxCarrier, server: ApiServer) -> str:
        """The same once they have pressed a key and hear the summary."""
        state = await self.consulted(carrier, server)
        await run(heard(carrier, "call.gather.ended", COLLEAGUE, digits="1", status="valid", client_state=state))
        state = server.asked.pop().body["client_state"]
        assert isinstance(state, str)
        return state

    async def test_a_colleague_who_answers_is_asked_for_a_key(self, carrier: TelnyxCarrier, server: ApiServer) -> None:
        state = await self.consulted(carrier, server)
        await run(heard(carrier, "call.answered", COLLEAGUE, client_state=state))
        (asked,) = server.asked
        assert asked.path == "/calls/v3%3Acolleague/actions/gather_using_speak"
        assert (asked.fields["voice"], asked.fields["client_state"]) == ("AWS.Polly.Amy", state)
        assert asked.fields["payload"] == "A call is waiting for you. Press any key to take it."

    async def test_whoever_presses_one_hears_the_summary(self, carrier: TelnyxCarrier, server: ApiServer) -> None:
        state = await self.consulted(carrier, server)
        await run(heard(carrier, "call.gather.ended", COLLEAGUE, digits="#", status="valid", client_state=state))
        (asked,) = server.asked
        assert asked.path == "/calls/v3%3Acolleague/actions/speak"
        assert asked.fields["payload"] == "Mrs Smith wants a refund."
        assert asked.fields["voice"] == "AWS.Polly.Amy"

    async def test_whoever_is_to_be_told_nothing_is_ready_at_once(
        self, carrier: TelnyxCarrier, server: ApiServer
    ) -> None:
        await carrier.consult(replace(CONSULT, summary=" "))
        state = server.asked.pop().body["client_state"]
        webhook = heard(carrier, "call.gather.ended", COLLEAGUE, digits="1", status="valid", client_state=state)
        assert (webhook.events, webhook.command) == ((ColleagueReady(COLLEAGUE),), None)

    async def test_whoever_presses_none_hears_nothing_more(self, carrier: TelnyxCarrier, server: ApiServer) -> None:
        state = await self.consulted(carrier, server)
        await run(heard(carrier, "call.gather.ended", COLLEAGUE, digits="", status="timeout", client_state=state))
        assert server.actions == ["hangup"]
        assert "Smith" not in str(server.asked)

    async def test_then_they_are_ready_for_the_caller(self, carrier: TelnyxCarrier, server: ApiServer) -> None:
        state = await self.briefed(carrier, server)
        webhook = heard(carrier, "call.speak.ended", COLLEAGUE, status="completed", client_state=state)
        assert webhook.events == (ColleagueReady(COLLEAGUE),)
        await carrier.connect(CALL, COLLEAGUE)
        assert server.actions == ["bridge", "streaming_stop"]
        assert server.asked[0].fields == {"call_control_id": COLLEAGUE}
        assert server.asked[0].path.startswith("/calls/v3%3Acaller/")

    @pytest.mark.parametrize(
        ("event", "action"), [("call.answered", "gather_using_speak"), ("call.gather.ended", "speak")]
    )
    async def test_a_colleague_who_cannot_be_spoken_to_is_not_left_on_the_line(
        self, carrier: TelnyxCarrier, server: ApiServer, event: str, action: str
    ) -> None:
        state = await self.consulted(carrier, server)
        server.refuse(422, "10015", "Bad voice")
        with pytest.raises(CarrierError):
            await run(heard(carrier, event, COLLEAGUE, status="valid", client_state=state))
        assert server.actions == [action, "hangup"]

    async def test_nobody_is_told_of_what_was_forgotten(self, carrier: TelnyxCarrier, server: ApiServer) -> None:
        state = await self.consulted(carrier, server)
        assert heard(carrier, "call.hangup", COLLEAGUE, hangup_cause="timeout", client_state=state).command is None
        await run(heard(carrier, "call.answered", COLLEAGUE, client_state=state))
        assert server.actions == ["hangup"]

    async def test_a_consultation_that_is_refused_is_forgotten(self, carrier: TelnyxCarrier, server: ApiServer) -> None:
        server.refuse(403, "10010")
        with pytest.raises(CarrierError):
            await carrier.consult(CONSULT)
        state = server.asked.pop().body["client_state"]
        await run(heard(carrier, "call.answered", COLLEAGUE, client_state=state))
        assert server.actions == ["hangup"]


class TestOnTheCall:
    async def test_keys_are_pressed(self, carrier: TelnyxCarrier, server: ApiServer) -> None:
        await carrier.send_dtmf(CALL, "1w2")
        assert server.actions == ["send_dtmf"]
        assert server.asked[0].fields == {"digits": "1w2", "duration_millis": 250}

    async def test_a_message_is_left_and_the_call_ended_after_it(
        self, carrier: TelnyxCarrier, server: ApiServer
    ) -> None:
        await carrier.leave_message(CALL, "Please call back.", "fr-FR")
        assert server.actions == ["streaming_stop", "speak"]
        state = server.asked[1].body["client_state"]
        await run(heard(carrier, "call.speak.ended", status="completed", client_state=state))
        assert server.actions[2:] == ["hangup"]

    async def test_a_call_is_recorded_in_stereo(self, carrier: TelnyxCarrier, server: ApiServer) -> None:
        await carrier.start_recording(CALL, WEBHOOKS)
        assert server.actions == ["record_start"]
        state = server.asked[0].body["client_state"]
        assert server.asked[0].fields == {"format": "wav", "channels": "dual", "client_state": state}
        url = f"{server.url}/recordings/a.wav"
        body = telnyx_event("call.recording.saved", client_state=state, recording_urls={"wav": url})
        (ready,) = carrier.parse(request(body)).events
        assert isinstance(ready, RecordingReady)
        assert (ready.carrier_call_id, ready.url) == (CALL, url)
        assert [piece async for piece in carrier.fetch_recording(ready)]

    async def test_hanging_up_twice_is_no_error(self, carrier: TelnyxCarrier, server: ApiServer) -> None:
        await carrier.hang_up(CALL)
        server.refuse(422, "90018", "Call has already ended")
        await carrier.hang_up(CALL)


class TestAsking:
    async def test_a_call_that_lives_is_in_progress(self, carrier: TelnyxCarrier) -> None:
        assert await carrier.fetch_call(CALL) == CarrierCall("in_progress", duration_s=12)

    @pytest.mark.parametrize(("end_time", "status"), [("2026-02-02T22:25:27Z", "completed"), (None, "queued")])
    async def test_one_that_does_not_is_over_or_not_yet_answered(
        self, carrier: TelnyxCarrier, server: ApiServer, end_time: str | None, status: Any
    ) -> None:
        server.answers = [JSONResponse({"data": {"is_alive": False, "end_time": end_time, "call_duration": 7}})]
        assert await carrier.fetch_call(CALL) == CarrierCall(status, duration_s=7)

    @pytest.mark.parametrize("duration", [0, None])
    @pytest.mark.parametrize(
        ("state", "status"),
        [(legs.placed("call_1", {"token": "once"}), "no_answer"), (legs.answered({"token": "once"}), "completed")],
    )
    async def test_a_call_that_we_placed_and_nobody_talked_in_was_not_answered(
        self, carrier: TelnyxCarrier, server: ApiServer, duration: int | None, state: str, status: str
    ) -> None:
        over = {"is_alive": False, "end_time": "2026-02-02T22:25:27Z", "call_duration": duration, "client_state": state}
        server.answers = [JSONResponse({"data": over})]
        assert (await carrier.fetch_call(CALL)).status == status

    async def test_one_that_telnyx_has_forgotten_is_over(self, carrier: TelnyxCarrier, server: ApiServer) -> None:
        server.refuse(404, "10005")
        assert (await carrier.fetch_call(CALL)).status == "completed"

    async def test_its_price_is_known_once_telnyx_has_told_it(self, carrier: TelnyxCarrier) -> None:
        webhook = heard(carrier, "call.cost", total_cost="0.0095", cost_parts=[{"currency": "USD"}])
        assert (webhook.events, webhook.command) == ((), None)
        assert (await carrier.fetch_call(CALL)).price == Price(Decimal("0.0095"), "USD")

    async def test_prices_of_the_latest_calls_are_remembered(self, carrier: TelnyxCarrier) -> None:
        for number in range(REMEMBERED + 1):
            heard(carrier, "call.cost", f"v3:{number}", total_cost="1", cost_parts=[{"currency": "USD"}])
        assert (await carrier.fetch_call("v3:0")).price is None
        assert (await carrier.fetch_call("v3:1")).price is not None


async def test_numbers_are_set_up_and_looked_at(carrier: TelnyxCarrier) -> None:
    assert not (await carrier.configure_number("+12025550199", WEBHOOKS)).changed
    assert {found.level for found in await carrier.examine("+12025550199", WEBHOOKS)} == {"ok"}
