"""Twilio's own library for agents reads what our Twilio says, and writes and checks what our carrier does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit
from xml.etree.ElementTree import canonicalize

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from twilio.request_validator import SIGNATURE_HEADER, RequestValidator

from getpatter.carriers.base import StreamStarted, StreamTarget, WebhookRequest
from getpatter.carriers.twilio import twiml
from getpatter.carriers.twilio.media import TwilioMediaCodec
from getpatter.carriers.twilio.signature import Signer
from getpatter.errors import InvalidSignature
from getpatter.testing.clouds import TwilioCloud
from getpatter.testing.http import served
from getpatter.testing.parties import Directory, parse_party
from getpatter.testing.twilio_line import TwilioLineCodec
from getpatter.testing.webhooks import Callback

if TYPE_CHECKING:
    from tests.peers.conftest import Peer

OURS, MACHINE, BUSY = "+12025550199", "+12025550153", "+12025550151"
TOKEN = "f" * 32
WAIT = "<Response><Pause length='2'/></Response>"
TURN_AWAY = b"<Response><Reject reason='busy'/></Response>"

PARTIES = f"""
number: "{MACHINE}"
name: Sam
ring_s: 0.01
answers: voicemail
steps: [{{beep: 0.1}}, {{pause: 0.2}}, hang_up]
---
number: "{BUSY}"
name: Kim
ring_s: 0.01
answers: busy
"""


@pytest.fixture
async def cloud() -> AsyncIterator[TwilioCloud]:
    parties = [parse_party(party, source="test") for party in PARTIES.split("---")]
    async with TwilioCloud(Directory(parties), auth_token=TOKEN) as cloud:
        yield cloud


@pytest.fixture
async def hooks() -> AsyncIterator[str]:
    """A server that takes callbacks and turns calls away."""

    async def answer(request: Request) -> Response:
        return Response(TURN_AWAY, media_type="text/xml")

    async with served(Starlette(routes=[Route("/{kind}", answer, methods=["POST"])])) as url:
        yield url


async def call(cloud: TwilioCloud, hooks: str, to: str) -> None:
    """A call with all callbacks that there are, to its end."""
    form = {
        "To": to,
        "From": OURS,
        "Twiml": WAIT,
        "StatusCallback": f"{hooks}/status",
        "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
        "MachineDetection": "DetectMessageEnd",
        "AsyncAmd": "true",
        "AsyncAmdStatusCallback": f"{hooks}/amd",
        "Record": "true",
        "RecordingStatusCallback": f"{hooks}/recording",
    }
    async with httpx.AsyncClient(base_url=cloud.url, auth=(cloud.account_sid, TOKEN), trust_env=False) as http:
        created = await http.post(f"/2010-04-01/Accounts/{cloud.account_sid}/Calls.json", data=form)
    assert created.status_code == 201, created.text
    async with asyncio.timeout(60):
        await cloud.call(created.json()["sid"]).ended.wait()


def delivered(cloud: TwilioCloud, kind: str) -> Iterator[Callback]:
    return (callback for callback, _ in cloud.webhooks.delivered if urlsplit(callback.url).path == f"/{kind}")


def form_of(callback: Callback) -> dict[str, str]:
    return dict(parse_qsl(callback.body.decode(), keep_blank_values=True))


# -- callbacks


async def test_it_reads_how_a_call_goes(agent_connect: Peer, cloud: TwilioCloud, hooks: str) -> None:
    cloud.own(OURS)
    await call(cloud, hooks, MACHINE)
    read = [agent_connect.ask("status", form=form_of(callback)) for callback in delivered(cloud, "status")]
    assert [event["call_status"] for event in read] == ["initiated", "ringing", "in-progress", "completed"]
    assert not any(event["is_unreached"] for event in read)
    assert {event["account_sid"] for event in read} == {cloud.account_sid}
    assert read[-1]["call_duration"].isdigit()
    assert [event["extra"]["SequenceNumber"] for event in read] == ["0", "1", "2", "3"]


async def test_it_reads_who_answered_and_what_was_recorded(agent_connect: Peer, cloud: TwilioCloud, hooks: str) -> None:
    cloud.own(OURS)
    await call(cloud, hooks, MACHINE)
    [amd] = [agent_connect.ask("amd", form=form_of(callback)) for callback in delivered(cloud, "amd")]
    assert (amd["answered_by"], amd["is_machine"], amd["extra"]) == ("machine_end_beep", True, {})
    assert amd["machine_detection_duration"].isdigit()
    [made] = [agent_connect.ask("recording", form=form_of(callback)) for callback in delivered(cloud, "recording")]
    assert made["recording_status"] == "completed"
    assert made["recording_url"].endswith(made["recording_sid"])
    assert made["recording_duration"].isdigit()


async def test_it_reads_that_nobody_was_reached(agent_connect: Peer, cloud: TwilioCloud, hooks: str) -> None:
    cloud.own(OURS)
    await call(cloud, hooks, BUSY)
    *_, last = [agent_connect.ask("status", form=form_of(callback)) for callback in delivered(cloud, "status")]
    assert (last["call_status"], last["is_unreached"], last["sip_response_code"]) == ("busy", True, "486")


async def test_it_reads_who_calls(agent_connect: Peer, cloud: TwilioCloud, hooks: str) -> None:
    cloud.own(OURS, f"{hooks}/voice")
    await cloud.ring(BUSY, OURS)
    [voice] = delivered(cloud, "voice")
    read = agent_connect.ask("voice", form=form_of(voice))
    assert (read["from_number"], read["to_number"], read["direction"]) == (BUSY, OURS, "inbound")


def test_it_reads_the_start_of_a_stream_as_we_do(agent_connect: Peer) -> None:
    start = TwilioLineCodec("MZ1", "CA1", {"token": "once"}).start()
    read = agent_connect.ask("stream_start", start=json.loads(start)["start"])
    assert TwilioMediaCodec().decode(start) == StreamStarted(
        read["stream_sid"], read["call_sid"], read["custom_parameters"]
    )


# -- documents


def test_it_opens_a_stream_by_the_same_document(agent_connect: Peer) -> None:
    url, parameters = "wss://voice.example.com/ws/twilio/stream/call_1", {"token": 'a "quoted" & <odd> one', "n": "2"}
    theirs = agent_connect.ask(
        "twiml",
        url=url,
        options={
            "custom_parameters": parameters,
            "status_callback": "https://voice.example.com/webhooks/twilio/stream",
            "status_callback_method": "POST",
        },
    )
    ours = twiml.connect(StreamTarget(url, parameters), "https://voice.example.com/webhooks/twilio")
    assert canonicalize(ours) == canonicalize(theirs)


# -- signatures


@dataclass(frozen=True)
class Verdicts:
    ours: bool
    theirs: bool


def webhook_verdicts(peer: Peer, url: str, headers: Mapping[str, str], body: bytes, token: str = TOKEN) -> Verdicts:
    form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    theirs = peer.ask("webhook_is_valid", token=token, url=url, headers=dict(headers), form=form)
    request = WebhookRequest("POST", url, {name.lower(): value for name, value in headers.items()}, body)
    return Verdicts(_accepts(Signer(token).check, request), theirs)


def stream_verdicts(peer: Peer, url: str, headers: Mapping[str, str], token: str = TOKEN) -> Verdicts:
    theirs = peer.ask("stream_is_valid", token=token, url=url, headers=dict(headers))
    request = WebhookRequest("GET", url, {name.lower(): value for name, value in headers.items()}, b"")
    return Verdicts(_accepts(Signer(token).check_stream, request), theirs)


def _accepts(check: Callable[[WebhookRequest], None], request: WebhookRequest) -> bool:
    try:
        check(request)
    except InvalidSignature:
        return False
    return True


STREAM_URL = "wss://voice.example.com/ws/twilio/stream/call_1"
BOTH, NEITHER = Verdicts(ours=True, theirs=True), Verdicts(ours=False, theirs=False)


async def test_both_know_a_webhook_of_twilios(agent_connect: Peer, cloud: TwilioCloud, hooks: str) -> None:
    cloud.own(OURS, f"{hooks}/voice")
    await cloud.ring(BUSY, OURS)
    [sent] = delivered(cloud, "voice")
    assert webhook_verdicts(agent_connect, sent.url, sent.sign(), sent.body) == BOTH
    assert webhook_verdicts(agent_connect, sent.url, {}, sent.body) == NEITHER
    assert webhook_verdicts(agent_connect, sent.url, sent.sign(), sent.body + b"&Digits=1") == NEITHER
    assert webhook_verdicts(agent_connect, f"{sent.url}2", sent.sign(), sent.body) == NEITHER
    assert webhook_verdicts(agent_connect, sent.url, sent.sign(), sent.body, token="e" * 32) == NEITHER


def test_both_know_a_stream_of_twilios(agent_connect: Peer) -> None:
    signed = {SIGNATURE_HEADER: RequestValidator(TOKEN).compute_signature(STREAM_URL, {})}
    assert stream_verdicts(agent_connect, STREAM_URL, signed) == BOTH
    assert stream_verdicts(agent_connect, STREAM_URL, {}) == NEITHER
    assert stream_verdicts(agent_connect, f"{STREAM_URL}2", signed) == NEITHER
    assert stream_verdicts(agent_connect, STREAM_URL, signed, token="e" * 32) == NEITHER


def test_a_port_that_twilio_signs_with_is_no_reason_to_refuse(agent_connect: Peer) -> None:
    """The official library takes 80 for the default port of wss, so what it does is not what we do."""
    with_port = STREAM_URL.replace(".com/", ".com:443/")
    signed = {SIGNATURE_HEADER: RequestValidator(TOKEN).compute_signature(with_port, {})}
    assert stream_verdicts(agent_connect, STREAM_URL, signed) == Verdicts(ours=True, theirs=False)
