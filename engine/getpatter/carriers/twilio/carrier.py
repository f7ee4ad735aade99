"""Twilio as a carrier of the engine."""

from __future__ import annotations

import hashlib
import hmac
import math
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal

from getpatter.carriers.base import (
    Answer,
    Capabilities,
    CarrierCall,
    ConsultRequest,
    Dialed,
    DialRequest,
    Finding,
    InboundCall,
    NumberSetup,
    Price,
    RecordingReady,
    StatusChanged,
    StreamTarget,
    Webhook,
    WebhookRequest,
    WebhookResponse,
)
from getpatter.carriers.invitation import invitation
from getpatter.carriers.our_name import with_name
from getpatter.carriers.pending import PendingDocuments
from getpatter.carriers.rest import Fields
from getpatter.carriers.twilio import numbers, twiml, webhooks
from getpatter.carriers.twilio.account import Twilio
from getpatter.carriers.twilio.api import TwilioApi
from getpatter.carriers.twilio.media import TwilioMediaCodec
from getpatter.carriers.twilio.refusals import NOT_FOUND, NOT_IN_PROGRESS
from getpatter.carriers.twilio.signature import Signer
from getpatter.clock import Clock, SystemClock
from getpatter.errors import CarrierError

MAX_RING_S: Final = 600
MAX_CALL_S: Final = 14_400
"""Four hours, Twilio's own limit."""

_EVENTS: Final = ("initiated", "ringing", "answered", "completed")


class TwilioCarrier:
    """Implements `carriers.base.Carrier` for one account.

    Of calls it keeps what a colleague who is being called is to be told, so only this object can put a caller through.
    """

    name = "twilio"
    capabilities = Capabilities(keys="tones", warm_transfer=True, recording=True)
    webhooks = webhooks.METHODS

    def __init__(
        self, account: Twilio, *, clock: Clock | None = None, jitter: Callable[[], float] = random.random
    ) -> None:
        """`jitter` gives 0 to 1: which part of a pause between two attempts is waited for."""
        clock = clock or SystemClock()
        self._api = TwilioApi(account, clock=clock, jitter=jitter)
        self._briefings = PendingDocuments(clock)
        """By the calls of colleagues: what they hear once they have pressed a key."""
        self._signer = Signer(account.auth_token, account.shared_key)
        self._room_key = account.auth_token.encode()

    # -- calls

    async def dial(self, request: DialRequest) -> Dialed:
        document = twiml.inline(twiml.connect(request.stream, request.webhooks_url))
        form = [
            ("To", request.to_number),
            ("From", request.from_number),
            ("Twiml", document),
            *_progress(with_name(f"{request.webhooks_url}/status", request.call_id), request.ring_timeout_s),
            _time_limit(request.max_duration_s),
        ]
        if request.machine_detection:
            form += [
                ("MachineDetection", "DetectMessageEnd"),
                # Else the call waits for the verdict, and a person who answered hears nothing.
                ("AsyncAmd", "true"),
                ("AsyncAmdStatusCallback", f"{request.webhooks_url}/amd"),
                ("AsyncAmdStatusCallbackMethod", "POST"),
            ]
        return Dialed(await self._api.create_call(form))

    async def hang_up(self, carrier_call_id: str) -> None:
        try:
            call = await self._api.update_call(carrier_call_id, [("Status", "completed")], repeatable=True)
            if call.get("status") in ("queued", "initiated", "ringing"):
                await self._api.update_call(carrier_call_id, [("Status", "canceled")], repeatable=True)
        except CarrierError as refused:
            if refused.carrier_code not in (NOT_FOUND, NOT_IN_PROGRESS):
                raise

    async def transfer(self, carrier_call_id: str, number: str, *, from_number: str, timeout_s: float = 30.0) -> None:
        document = twiml.dial(number, from_number=from_number, timeout_s=timeout_s)
        await self._redirect(carrier_call_id, document, _time_limit(MAX_CALL_S))

    async def consult(self, request: ConsultRequest) -> str:
        document = twiml.inline(twiml.invite(invitation(request.language), request.webhooks_url))
        room = self._room(request.carrier_call_id)
        briefing = twiml.brief(request.summary, request.language, room, request.webhooks_url)
        form = [
            ("To", request.to_number),
            ("From", request.from_number),
            ("Twiml", document),
            *_progress(f"{request.webhooks_url}/status", request.ring_timeout_s),
            _time_limit(request.max_duration_s),
        ]
        return self._briefings.keep(briefing.encode(), await self._api.create_call(form))

    async def connect(self, carrier_call_id: str, colleague_call_id: str) -> None:
        colleague = await self.fetch_call(colleague_call_id)
        if colleague.status != "in_progress":
            # The caller would wait alone in the conference.
            raise CarrierError("The colleague has hung up.", next_step="Tell the caller, or call somebody else.")
        document = twiml.join(self._room(carrier_call_id))
        await self._redirect(carrier_call_id, document, _time_limit(MAX_CALL_S))

    async def send_dtmf(self, carrier_call_id: str, digits: str) -> None:
        raise CarrierError("Twilio presses no keys in a live call; they are sent as tones in our audio.")

    async def leave_message(self, carrier_call_id: str, text: str, language: str) -> None:
        await self._redirect(carrier_call_id, twiml.say(text, language))

    async def start_recording(self, carrier_call_id: str, webhooks_url: str) -> None:
        form = [
            ("RecordingChannels", "dual"),
            ("RecordingStatusCallback", f"{webhooks_url}/recording"),
            ("RecordingStatusCallbackEvent", "completed"),
            ("RecordingStatusCallbackMethod", "POST"),
        ]
        await self._api.start_recording(carrier_call_id, form)

    def fetch_recording(self, recording: RecordingReady) -> AsyncIterator[bytes]:
        return self._api.download(f"{recording.url}.wav")

    async def fetch_call(self, carrier_call_id: str) -> CarrierCall:
        """The price is that of the connection alone: Twilio bills detection of machines and its own voice apart."""
        call = await self._api.fetch_call(carrier_call_id)
        return CarrierCall(webhooks.status(str(call.get("status"))), duration_s=_duration_s(call), price=_price(call))

    # -- numbers and the account

    async def configure_number(self, number: str, webhooks_url: str) -> NumberSetup:
        found = await self._api.find_number(number)
        if found is None:
            raise numbers.not_owned(number)
        previous_url = str(found.get("voice_url") or "")
        if not (changes := numbers.changes(found, webhooks_url)):
            return NumberSetup(number, changed=False, previous_url=previous_url)
        await self._api.update_number(found, changes)
        return NumberSetup(number, changed=True, previous_url=previous_url)

    async def examine(self, number: str, webhooks_url: str) -> Sequence[Finding]:
        try:
            account = await self._api.fetch_account()
        except CarrierError as refused:
            return [Finding.of(refused, about="credentials")]
        findings = [Finding("credentials", "ok", "Twilio accepts the account's credentials.")]
        findings += numbers.account_findings(account)
        try:
            found = await self._api.find_number(number)
            if found is None:
                raise numbers.not_owned(number)
        except CarrierError as refused:
            return [*findings, Finding.of(refused, about="number")]
        return [*findings, *numbers.number_findings(found, webhooks_url)]

    # -- what comes in

    def verify(self, request: WebhookRequest) -> None:
        self._signer.check(request)

    def verify_stream(self, request: WebhookRequest) -> None:
        self._signer.check_stream(request)

    def parse(self, request: WebhookRequest) -> Webhook:
        webhook = webhooks.parse(request)
        for event in webhook.events:
            if isinstance(event, StatusChanged) and event.status in webhooks.OVER:
                self._briefings.drop(event.carrier_call_id)
        return replace(webhook, response=self._briefing(request)) if request.kind == "accept" else webhook

    def answer(self, call: InboundCall, stream: StreamTarget, webhooks_url: str) -> Answer:
        return _document(twiml.connect(stream, webhooks_url))

    def reject(self, call: InboundCall, reason: Literal["busy", "rejected"]) -> Answer:
        return _document(twiml.reject(reason))

    def media_codec(self) -> TwilioMediaCodec:
        return TwilioMediaCodec()

    async def close(self) -> None:
        await self._api.close()

    def _briefing(self, request: WebhookRequest) -> WebhookResponse:
        """For a colleague who has pressed a key; whoever is not expected any more is let go."""
        document = self._briefings.fetch(webhooks.accepted(request))
        return WebhookResponse(document or twiml.hang_up().encode(), twiml.CONTENT_TYPE)

    async def _redirect(self, carrier_call_id: str, document: str, *fields: tuple[str, str]) -> None:
        """Not repeated: the first request may have been carried out, and the document would begin again."""
        await self._api.update_call(carrier_call_id, [("Twiml", twiml.inline(document)), *fields])

    def _room(self, carrier_call_id: str) -> str:
        """The conference of this caller's warm transfer: the same each time, and nobody else's to guess."""
        mac = hmac.new(self._room_key, f"conference of {carrier_call_id}".encode(), hashlib.sha256)
        return f"patter-{mac.hexdigest()[:32]}"


def _progress(status_url: str, ring_timeout_s: float) -> Fields:
    """How long it rings, to which Twilio adds 5 s, and where to report how the call goes."""
    return [
        ("Timeout", str(min(MAX_RING_S, max(1, round(ring_timeout_s))))),
        ("StatusCallback", status_url),
        ("StatusCallbackMethod", "POST"),
        *(("StatusCallbackEvent", event) for event in _EVENTS),
    ]


def _time_limit(seconds: float) -> tuple[str, str]:
    """How long the call may last.  A call that is transferred is not cut by what was to bound the agent's."""
    return "TimeLimit", str(min(MAX_CALL_S, max(1, math.ceil(seconds))))


def _document(document: str) -> Answer:
    return Answer(WebhookResponse(document.encode(), twiml.CONTENT_TYPE))


def _duration_s(call: Mapping[str, Any]) -> float | None:
    text = str(call.get("duration") or "")
    return float(text) if text.isascii() and text.isdigit() else None


def _price(call: Mapping[str, Any]) -> Price | None:
    """Twilio writes what it charges as a negative number, and null while it does not know."""
    if (amount := call.get("price")) is None:
        return None
    try:
        charged = abs(Decimal(str(amount)))
    except InvalidOperation:
        return None
    return Price(charged, str(call.get("price_unit") or "USD").upper()) if charged.is_finite() else None
