"""What the carrier asks of Plivo, serves it, and takes from it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree as XML

import pytest
from plivo.utils.signature_v3 import construct_get_url, construct_post_url, get_signature_v3

from getpatter.carriers.base import (
    CallRenamed,
    Carrier,
    CarrierCall,
    ConsultRequest,
    DialRequest,
    InboundCall,
    Price,
    RecordingReady,
    StatusChanged,
    StreamTarget,
    WebhookRequest,
    WebhookResponse,
)
from getpatter.carriers.plivo import extra_headers
from getpatter.carriers.plivo.account import Plivo
from getpatter.carriers.plivo.media import PlivoMediaCodec
from getpatter.carriers.plivo.nonces import RETRIED_S
from getpatter.errors import CarrierError, InvalidSignature, Replayed
from getpatter.testing.clock import ManualClock
from getpatter.testing.plivo_line import PlivoLineCodec

if TYPE_CHECKING:
    from tests.carriers.plivo.conftest import Desk, OpenDesk

TOKEN = "the-auth-token"
CALL = "57a1b60a-5c0b-11e7-9082-ef888d0400e9"
COLLEAGUE = "9834029e-58b6-11e1-b8b7-a5bd0e4e126f"
OURS, THEIRS = "+14155550100", "+14155550123"
HOOKS = "https://patter.example/webhooks/plivo"
STREAM = StreamTarget("wss://patter.example/ws/plivo/stream/call_1", {"token": "a_B-9"})
DIAL = DialRequest(
    call_id="call_1",
    to_number=THEIRS,
    from_number=OURS,
    stream=STREAM,
    webhooks_url=HOOKS,
    ring_timeout_s=25.4,
    max_duration_s=600.0,
)
CONSULT = ConsultRequest(
    carrier_call_id=CALL,
    to_number=THEIRS,
    from_number=OURS,
    summary="Ann wants a refund.",
    language="en",
    webhooks_url=HOOKS,
)
RINGING = InboundCall(CALL, THEIRS, OURS)


def webhook(kind: str, fields: Mapping[str, str], *, url: str = "", nonce: str = "n1") -> WebhookRequest:
    """A form post that Plivo's own library signed."""
    url = url or f"{HOOKS}/{kind}"
    right = get_signature_v3(TOKEN, construct_post_url(url, dict(fields)).decode(), nonce).decode()
    return WebhookRequest("POST", url, _headers(right, nonce), urlencode(fields).encode(), kind)


def _headers(right: str, nonce: str) -> dict[str, str]:
    return {"x-plivo-signature-v3": right, "x-plivo-signature-v3-nonce": nonce}


def upgrade(url: str, signed_url: str) -> WebhookRequest:
    right = get_signature_v3(TOKEN, construct_get_url(signed_url, {}).decode(), "n1").decode()
    return WebhookRequest("GET", url, _headers(right, "n1"), b"")


def fetched(desk: Desk, url: str, kind: str = "document/{key}", **form: str) -> WebhookResponse:
    """What Plivo gets that was told to go on at `url`."""
    request = webhook(kind, {"CallUUID": CALL, "CallStatus": "in-progress"} | form, url=url)
    desk.carrier.verify(request)
    return desk.carrier.parse(request).response


def accept_url(desk: Desk) -> str:
    """Where whoever is called first goes on once they have pressed a key."""
    document = XML.fromstring(fetched(desk, desk.api.asked[0].body["answer_url"]).body)
    urls = {asking.get("action", "") for asking in document.findall("GetInput")}
    (url,) = urls
    return url


async def test_it_is_the_carrier_that_the_account_opens() -> None:
    carrier: Carrier = Plivo("MA1", TOKEN).open()
    assert carrier.name == "plivo"
    assert (carrier.capabilities.keys, carrier.capabilities.warm_transfer, carrier.capabilities.recording) == (
        "stream",
        True,
        True,
    )
    assert carrier.webhooks["voice"] == ("POST", "GET")
    await carrier.close()


class TestDialling:
    async def test_a_call_is_asked_for_with_all_that_is_to_be_told_of_it(self, desk: OpenDesk) -> None:
        async with desk() as open_desk:
            dialed = await open_desk.carrier.dial(DIAL)
        (asked,) = open_desk.api.asked
        assert dialed.carrier_call_id == "request-1"
        assert asked.line == "POST Call/"
        assert asked.authorization.startswith("Basic ")
        assert asked.body.pop("answer_url").startswith(f"{HOOKS}/document/")
        assert asked.body == {
            "from": OURS,
            "to": THEIRS,
            "answer_method": "POST",
            "ring_url": f"{HOOKS}/ring?call=call_1",
            "ring_method": "POST",
            "hangup_url": f"{HOOKS}/status?call=call_1",
            "hangup_method": "POST",
            "ring_timeout": 25,
            "time_limit": 600,
            "machine_detection": "true",
            "machine_detection_time": 5000,
            "machine_detection_url": f"{HOOKS}/amd?call=call_1",
            "machine_detection_method": "POST",
        }

    async def test_machines_are_not_looked_for_unless_asked(self, desk: OpenDesk) -> None:
        async with desk() as open_desk:
            await open_desk.carrier.dial(
                DialRequest(
                    call_id="call_1",
                    to_number=THEIRS,
                    from_number=OURS,
                    stream=STREAM,
                    webhooks_url=HOOKS,
                    machine_detection=False,
                )
            )
        assert not any(name.startswith("machine") for name in open_desk.api.asked[0].body)

    async def test_whoever_answers_is_connected_to_our_stream(self, desk: OpenDesk) -> None:
        async with desk() as open_desk:
            await open_desk.carrier.dial(DIAL)
            response = fetched(open_desk, open_desk.api.asked[0].body["answer_url"])
        stream = XML.fromstring(response.body).find("Stream")
        assert stream is not None
        assert (response.content_type, stream.text) == ("application/xml", STREAM.url)
        assert stream.get("statusCallbackUrl") == f"{HOOKS}/stream"
        started = PlivoMediaCodec().decode(PlivoLineCodec("s", CALL, stream.get("extraHeaders", "")).start())
        assert getattr(started, "parameters", None) == {"token": "a_B-9"}

    async def test_the_answer_names_the_call(self, desk: OpenDesk) -> None:
        async with desk() as open_desk:
            await open_desk.carrier.dial(DIAL)
            url = open_desk.api.asked[0].body["answer_url"]
            fields = {"CallUUID": CALL, "RequestUUID": "request-1", "CallStatus": "in-progress"}
            said = open_desk.carrier.parse(webhook("document/{key}", fields, url=url))
        assert said.events == [CallRenamed("request-1", CALL), StatusChanged(CALL, "in_progress")]

    async def test_no_number_and_no_word_stands_in_an_address(self, desk: OpenDesk) -> None:
        async with desk() as open_desk:
            await open_desk.carrier.dial(DIAL)
            await open_desk.carrier.transfer(CALL, THEIRS, from_number=OURS)
        for asked in open_desk.api.asked:
            for name, value in asked.body.items():
                assert not name.endswith("_url") or "4155550" not in value

    async def test_a_refused_call_is_not_asked_for_again_and_connects_nobody(self, desk: OpenDesk) -> None:
        async with desk({"POST Call/": (503, {})}) as open_desk:
            with pytest.raises(CarrierError, match="the call may have been placed all the same") as failed:
                await open_desk.carrier.dial(DIAL)
            assert "Try again" not in (failed.value.next_step or "")
            assert fetched(open_desk, open_desk.api.asked[0].body["answer_url"]).status == 404
        assert open_desk.api.lines == ["POST Call/"]

    async def test_a_call_without_a_name_is_an_error(self, desk: OpenDesk) -> None:
        async with desk({"POST Call/": (201, {"message": "call fired"})}) as open_desk:
            with pytest.raises(CarrierError, match="without saying how it is named; the call may have been placed"):
                await open_desk.carrier.dial(DIAL)


class TestHangingUp:
    async def test_a_call_is_ended(self, desk: OpenDesk) -> None:
        async with desk() as open_desk:
            await open_desk.carrier.hang_up(CALL)
        assert open_desk.api.lines == [f"DELETE Call/{CALL}/"]

    async def test_a_request_that_is_no_call_yet_is_taken_back(self, desk: OpenDesk) -> None:
        async with desk({"DELETE Call/request-1/": (404, {"error": "not found"})}) as open_desk:
            await open_desk.carrier.hang_up("request-1")
        assert open_desk.api.lines == ["DELETE Call/request-1/", "DELETE Request/request-1/"]

    async def test_a_call_that_is_over_is_no_error(self, desk: OpenDesk) -> None:
        over: Any = {f"DELETE Call/{CALL}/": (404, {}), f"DELETE Request/{CALL}/": (404, {})}
        async with desk(over) as open_desk:
            await open_desk.carrier.hang_up(CALL)

    async def test_a_refusal_is_an_error(self, desk: OpenDesk) -> None:
        async with desk({f"DELETE Call/{CALL}/": (401, {})}) as open_desk:
            with pytest.raises(CarrierError, match="does not know this auth id"):
                await open_desk.carrier.hang_up(CALL)

    async def test_a_strange_name_does_not_leave_its_path(self, desk: OpenDesk) -> None:
        async with desk() as open_desk:
            await open_desk.carrier.hang_up("../../Number/1?x=")
        assert open_desk.api.lines == ["DELETE Call/..%2F..%2FNumber%2F1%3Fx%3D/"]
        assert open_desk.api.asked[0].query == {}


class TestRedirecting:
    async def test_a_transferred_call_rings_at_the_other_number(self, desk: OpenDesk) -> None:
        async with desk() as open_desk:
            open_desk.carrier.answer(RINGING, STREAM, HOOKS)
            await open_desk.carrier.transfer(CALL, THEIRS, from_number=OURS, timeout_s=20)
            redirect, stopped = open_desk.api.asked
            document = XML.fromstring(fetched(open_desk, redirect.body["aleg_url"]).body)
        assert (redirect.line, redirect.body["legs"], redirect.body["aleg_method"]) == (
            f"POST Call/{CALL}/",
            "aleg",
            "POST",
        )
        assert stopped.line == f"DELETE Call/{CALL}/Stream/"
        dial = document.find("Dial")
        assert dial is not None
        assert dial.attrib == {"callerId": OURS, "timeout": "20"}
        assert dial.findtext("Number") == THEIRS

    async def test_a_transfer_that_is_refused_leaves_the_stream_alone(self, desk: OpenDesk) -> None:
        async with desk({f"POST Call/{CALL}/": (400, {"error": "call not live"})}) as open_desk:
            open_desk.carrier.answer(RINGING, STREAM, HOOKS)
            with pytest.raises(CarrierError, match="call not live"):
                await open_desk.carrier.transfer(CALL, THEIRS, from_number=OURS)
        assert open_desk.api.lines == [f"POST Call/{CALL}/"]

    async def test_a_stream_that_is_gone_already_is_no_error(self, desk: OpenDesk) -> None:
        for status in (404, 400):
            async with desk({f"DELETE Call/{CALL}/Stream/": (status, {"error": "x"})}) as open_desk:
                open_desk.carrier.answer(RINGING, STREAM, HOOKS)
                await open_desk.carrier.transfer(CALL, THEIRS, from_number=OURS)

    async def test_a_message_is_left_in_plivos_voice(self, desk: OpenDesk) -> None:
        async with desk() as open_desk:
            open_desk.carrier.answer(RINGING, STREAM, HOOKS)
            await open_desk.carrier.leave_message(CALL, "Please call back.", "en-GB")
            document = XML.fromstring(fetched(open_desk, open_desk.api.asked[0].body["aleg_url"]).body)
        assert [part.tag for part in document] == ["Speak", "Hangup"]
        assert document.findtext("Speak") == "Please call back."

    async def test_a_caller_meets_the_colleague_who_was_told_about_them(self, desk: OpenDesk) -> None:
        async with desk() as open_desk:
            colleague = await open_desk.carrier.consult(CONSULT)
            await open_desk.carrier.connect(CALL, colleague)
            consulted, connected = open_desk.api.asked[:2]
            url = accept_url(open_desk)
            assert url.startswith(f"{HOOKS}/accept/")
            waiting = XML.fromstring(fetched(open_desk, url, "accept/{key}", Digits="5").body)
            meeting = XML.fromstring(fetched(open_desk, connected.body["aleg_url"]).body)
        assert colleague == "request-1"
        assert (consulted.line, connected.line) == ("POST Call/", f"POST Call/{CALL}/")
        assert (consulted.body["to"], consulted.body["ring_timeout"]) == (THEIRS, 30)
        assert consulted.body["time_limit"] == 3600
        assert "machine_detection" not in consulted.body
        assert waiting.findtext("Speak") == "Ann wants a refund."
        room = waiting.find("Conference")
        assert room is not None
        assert room.get("callbackUrl") == f"{HOOKS}/conference"
        assert room.text == meeting.findtext("Conference")

    async def test_a_colleague_is_told_nothing_before_a_key_was_pressed(self, desk: OpenDesk) -> None:
        async with desk() as open_desk:
            await open_desk.carrier.consult(CONSULT)
            asked = fetched(open_desk, open_desk.api.asked[0].body["answer_url"]).body
            url = accept_url(open_desk)
            none_pressed = fetched(open_desk, url, "accept/{key}").body
        assert "Ann" not in f"{open_desk.api.asked}{asked!r}{none_pressed!r}"
        assert [part.tag for part in XML.fromstring(asked)] == ["GetInput", "GetInput", "Hangup"]
        assert [part.tag for part in XML.fromstring(none_pressed)] == ["Hangup"]

    async def test_nobody_is_told_of_a_caller_when_the_colleague_cannot_be_called(self, desk: OpenDesk) -> None:
        async with desk({"POST Call/": (400, {"error": "no"})}) as open_desk:
            with pytest.raises(CarrierError):
                await open_desk.carrier.consult(CONSULT)
            url = open_desk.api.asked[0].body["answer_url"]
            assert fetched(open_desk, url).status == 404

    async def test_documents_are_at_the_address_that_plivo_was_told_last(self, desk: OpenDesk) -> None:
        async with desk() as open_desk:
            open_desk.carrier.answer(RINGING, STREAM, "https://old.example/webhooks/plivo")
            open_desk.carrier.answer(RINGING, STREAM, HOOKS)
            await open_desk.carrier.leave_message(CALL, "Bye.", "en")
        assert urlsplit(open_desk.api.asked[0].body["aleg_url"]).netloc == "patter.example"

    async def test_nothing_can_be_redirected_before_there_was_a_call(self, desk: OpenDesk) -> None:
        async with desk() as open_desk:
            with pytest.raises(CarrierError, match="none to redirect"):
                await open_desk.carrier.leave_message(CALL, "Bye.", "en")

    async def test_keys_are_pressed_on_the_stream(self, desk: OpenDesk) -> None:
        async with desk() as open_desk:
            with pytest.raises(CarrierError, match="media stream"):
                await open_desk.carrier.send_dtmf(CALL, "1")


class TestRecording:
    async def test_a_recording_has_both_sides_and_is_as_long_as_a_call(self, desk: OpenDesk) -> None:
        async with desk() as open_desk:
            await open_desk.carrier.start_recording(CALL, HOOKS)
        (asked,) = open_desk.api.asked
        assert asked.line == f"POST Call/{CALL}/Record/"
        assert asked.body == {
            "file_format": "wav",
            "record_channel_type": "stereo",
            "time_limit": 14_400,
            "callback_url": f"{HOOKS}/recording",
            "callback_method": "POST",
        }

    async def test_a_recording_is_fetched_in_pieces(self, desk: OpenDesk) -> None:
        async with desk({"GET /file.wav": (200, b"RIFF")}) as open_desk:
            recording = RecordingReady(CALL, "r", f"{open_desk.url}/file.wav")
            sound = b"".join([piece async for piece in open_desk.carrier.fetch_recording(recording)])
        assert sound == b"RIFF"

    @pytest.mark.parametrize("url", ["http://storage.example/r.wav", "file:///etc/passwd", "//x", ""])
    async def test_a_recording_is_fetched_from_nowhere_unsafe(self, desk: OpenDesk, url: str) -> None:
        async with desk() as open_desk:
            with pytest.raises(CarrierError):
                await anext(open_desk.carrier.fetch_recording(RecordingReady(CALL, "r", url)))


class TestAsking:
    async def test_a_call_that_is_over_has_its_record(self, desk: OpenDesk) -> None:
        record = {
            "answer_time": "2026-06-28 19:39:05+05:30",
            "end_time": "2026-06-28 19:39:15+05:30",
            "call_duration": 11,
            "hangup_cause_name": "Normal Hangup",
            "hangup_cause_code": 4000,
            "total_amount": "0.00850",
        }
        async with desk({f"GET Call/{CALL}/": (200, record)}) as open_desk:
            call = await open_desk.carrier.fetch_call(CALL)
        assert call == CarrierCall("completed", "Normal Hangup", 11.0, Price(Decimal("0.00850"), "USD"))

    async def test_a_call_that_goes_on_is_found_among_the_live_ones(self, desk: OpenDesk) -> None:
        answers: Any = {
            f"GET Call/{CALL}/": (404, {}),
            f"GET Call/{CALL}/?status=live": (200, {"call_status": "ringing"}),
        }
        async with desk(answers) as open_desk:
            assert await open_desk.carrier.fetch_call(CALL) == CarrierCall("ringing")

    async def test_a_record_that_has_no_end_yet_does_not_end_the_call(self, desk: OpenDesk) -> None:
        answers: Any = {
            f"GET Call/{CALL}/": (200, {"end_time": None}),
            f"GET Call/{CALL}/?status=live": (200, {"call_status": "in-progress"}),
        }
        async with desk(answers) as open_desk:
            assert await open_desk.carrier.fetch_call(CALL) == CarrierCall("in_progress")

    async def test_a_call_may_stand_in_the_queue(self, desk: OpenDesk) -> None:
        answers: Any = {f"GET Call/{CALL}/": (404, {}), f"GET Call/{CALL}/?status=live": (404, {})}
        async with desk(answers) as open_desk:
            assert await open_desk.carrier.fetch_call(CALL) == CarrierCall("queued")

    async def test_a_call_that_plivo_does_not_know_is_an_error(self, desk: OpenDesk) -> None:
        unknown: Any = {f"GET Call/{CALL}/{query}": (404, {}) for query in ("", "?status=live", "?status=queued")}
        async with desk(unknown) as open_desk:
            with pytest.raises(CarrierError, match="does not know this call"):
                await open_desk.carrier.fetch_call(CALL)


class TestWebhooks:
    FIELDS: Mapping[str, str] = {"CallUUID": CALL, "From": "14155550123", "To": "14155550100", "CallStatus": "ringing"}

    async def test_a_call_comes_in_and_is_answered_with_our_stream(self, desk: OpenDesk) -> None:
        async with desk() as open_desk:
            request = webhook("voice", self.FIELDS)
            open_desk.carrier.verify(request)
            assert open_desk.carrier.parse(request).events == [RINGING]
            answer = open_desk.carrier.answer(RINGING, STREAM, HOOKS)
        stream = XML.fromstring(answer.response.body).find("Stream")
        assert stream is not None
        assert answer.command is None
        assert extra_headers.read(stream.get("extraHeaders")) == {"token": "a_B-9"}

    async def test_a_call_is_turned_away(self, desk: OpenDesk) -> None:
        async with desk() as open_desk:
            response = open_desk.carrier.reject(RINGING, "busy").response
        assert b'<Hangup reason="busy" />' in response.body

    async def test_what_plivo_did_not_sign_is_refused_with_what_to_check(self, desk: OpenDesk) -> None:
        request = webhook("voice", self.FIELDS)
        forged = WebhookRequest("POST", request.url, request.headers, request.body + b"&X=1", "voice")
        async with desk() as open_desk:
            for wrong in (forged, WebhookRequest("POST", request.url, {}, request.body, "voice")):
                with pytest.raises(InvalidSignature) as refused:
                    open_desk.carrier.verify(wrong)
                assert "PATTER_PUBLIC_URL" in (refused.value.next_step or "")
                assert TOKEN not in f"{refused.value.message}{refused.value.next_step}"

    async def test_a_get_is_signed_over_its_address(self, desk: OpenDesk) -> None:
        url = f"{HOOKS}/voice?{urlencode(self.FIELDS)}"
        signed = upgrade(url, url)
        request = WebhookRequest("GET", url, signed.headers, b"", "voice")
        async with desk() as open_desk:
            open_desk.carrier.verify(request)
            assert open_desk.carrier.parse(request).events == [RINGING]

    async def test_a_repeat_is_taken_as_long_as_plivo_repeats_and_a_replay_is_not(self, desk: OpenDesk) -> None:
        request = webhook("status", self.FIELDS)
        clock = ManualClock()
        async with desk(clock=clock) as open_desk:
            open_desk.carrier.verify(request)
            clock.advance(RETRIED_S)
            open_desk.carrier.verify(request)
            clock.advance(1)
            with pytest.raises(Replayed):
                open_desk.carrier.verify(request)
            open_desk.carrier.verify(webhook("status", self.FIELDS, nonce="n2"))

    async def test_forged_requests_leave_no_nonce_behind(self, desk: OpenDesk) -> None:
        request = webhook("status", self.FIELDS)
        forged = WebhookRequest("POST", request.url, request.headers, b"", "status")
        clock = ManualClock()
        async with desk(clock=clock) as open_desk:
            with pytest.raises(InvalidSignature):
                open_desk.carrier.verify(forged)
            clock.advance(RETRIED_S + 1)
            open_desk.carrier.verify(request)

    async def test_a_document_that_was_never_kept_is_not_found(self, desk: OpenDesk) -> None:
        async with desk() as open_desk:
            said = open_desk.carrier.parse(webhook("document/{key}", self.FIELDS, url=f"{HOOKS}/document/guessed"))
        assert (said.response.status, said.events) == (404, ())

    @pytest.mark.parametrize("scheme", ["wss", "https"])
    @pytest.mark.parametrize("told", ["wss", "https"])
    async def test_a_stream_is_opened_by_plivo_alone(self, desk: OpenDesk, scheme: str, told: str) -> None:
        place = "://patter.example/ws/plivo/stream/call_1"
        async with desk() as open_desk:
            open_desk.carrier.verify_stream(upgrade(told + place, scheme + place))

    async def test_a_stream_that_plivo_did_not_sign_is_refused(self, desk: OpenDesk) -> None:
        url = "wss://patter.example/ws/plivo/stream/call_1"
        wrong = [
            upgrade(url, url.replace("call_1", "call_2")),
            upgrade(url, url.replace("wss", "ws")),
            WebhookRequest("GET", url, {}, b""),
        ]
        async with desk() as open_desk:
            for request in wrong:
                with pytest.raises(InvalidSignature):
                    open_desk.carrier.verify_stream(request)


async def test_the_token_is_in_nothing_that_is_shown(desk: OpenDesk) -> None:
    async with desk() as open_desk:
        assert TOKEN not in repr(open_desk.carrier)
        assert TOKEN not in repr(Plivo("MA1", TOKEN))
