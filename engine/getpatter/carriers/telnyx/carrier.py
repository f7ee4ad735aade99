"""Telnyx as a carrier: Call Control v2."""

from __future__ import annotations

import contextlib
import logging
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final, Literal, TypeVar

from getpatter.carriers.base import (
    Answer,
    Capabilities,
    CarrierCall,
    ColleagueReady,
    ConsultRequest,
    Dialed,
    DialRequest,
    Finding,
    InboundCall,
    NumberSetup,
    Price,
    RecordingReady,
    StreamTarget,
    Webhook,
    WebhookRequest,
)
from getpatter.carriers.invitation import invitation
from getpatter.carriers.telnyx import client_state, commands, legs, numbers, signature
from getpatter.carriers.telnyx.account import Telnyx
from getpatter.carriers.telnyx.api import TelnyxApi
from getpatter.carriers.telnyx.media import TelnyxMediaCodec
from getpatter.carriers.telnyx.webhooks import Brief, Chore, Forget, HangUp, Invite, Priced, parse
from getpatter.clock import Clock, SystemClock
from getpatter.errors import CarrierError

log = logging.getLogger(__name__)

HAND_OVER_S: Final = 7.0
"""Longest that a transfer may take to be accepted; with `STOP_STREAM_S` within what callers wait for it."""
STOP_STREAM_S: Final = 2.0
REMEMBERED: Final = 1000
"""Prices and summaries of the latest calls."""

_UNANSWERED: Final = "Telnyx does not tell busy lines and declined calls from it afterwards"

Command = Callable[[], Awaitable[None]]

_Value = TypeVar("_Value")


class TelnyxCarrier:
    """Implements `carriers.base.Carrier`.

    A transfer is accepted before the other side answers; where nobody does, the caller is hung up on then.  What a call
    has cost is known where the application sends it (`configure_number` has it do so), some time after the call.
    """

    name = "telnyx"
    capabilities = Capabilities(keys="command", warm_transfer=True, recording=True)
    webhooks: Mapping[str, Sequence[str]] = {"voice": ("POST",)}

    def __init__(self, account: Telnyx, *, clock: Clock | None = None, api: TelnyxApi | None = None) -> None:
        """Raises `ConfigurationError` when the account's public key is none."""
        self._account = account
        self._clock = clock or SystemClock()
        self._key = signature.public_key(account.public_key)
        self._api = api or TelnyxApi(account.api_url, account.api_key, clock=self._clock)
        self._briefings: OrderedDict[str, ConsultRequest] = OrderedDict()
        self._prices: OrderedDict[str, Price] = OrderedDict()

    # -- calls

    async def dial(self, request: DialRequest) -> Dialed:
        body = commands.dial(request, self._account.connection_id, self._account.machine_detection)
        return Dialed((await self._api.dial(body)).call_control_id)

    async def hang_up(self, carrier_call_id: str) -> None:
        await self._api.hang_up(carrier_call_id)

    async def transfer(self, carrier_call_id: str, number: str, *, from_number: str, timeout_s: float = 30.0) -> None:
        body = commands.transfer(carrier_call_id, number, from_number, timeout_s)
        await self._api.command(carrier_call_id, "transfer", body, timeout_s=HAND_OVER_S)
        await self._stop_stream(carrier_call_id)

    async def consult(self, request: ConsultRequest) -> str:
        key = secrets.token_hex(8)
        _remember(self._briefings, key, request)
        try:
            dialed = await self._api.dial(commands.consult(request, self._account.connection_id, key))
        except BaseException:
            self._briefings.pop(key, None)
            raise
        return dialed.call_control_id

    async def connect(self, carrier_call_id: str, colleague_call_id: str) -> None:
        body = commands.bridge(colleague_call_id)
        await self._api.command(carrier_call_id, "bridge", body, timeout_s=HAND_OVER_S)
        await self._stop_stream(carrier_call_id)

    async def send_dtmf(self, carrier_call_id: str, digits: str) -> None:
        await self._api.command(carrier_call_id, "send_dtmf", commands.send_dtmf(digits))

    async def leave_message(self, carrier_call_id: str, text: str, language: str) -> None:
        await self._stop_stream(carrier_call_id)
        body = commands.speak(text, language, legs.message())
        await self._api.command(carrier_call_id, "speak", body, timeout_s=HAND_OVER_S)

    async def start_recording(self, carrier_call_id: str, webhooks_url: str) -> None:
        await self._api.command(carrier_call_id, "record_start", commands.start_recording(carrier_call_id))

    def fetch_recording(self, recording: RecordingReady) -> AsyncIterator[bytes]:
        """Possible for 10 minutes."""
        return self._api.download(recording.url)

    async def fetch_call(self, carrier_call_id: str) -> CarrierCall:
        """`queued` stands for all that comes before the answer, and `no_answer` for all that may come in its place; a
        call that Telnyx knows no more is over."""
        price = self._prices.get(carrier_call_id)
        call = await self._api.call(carrier_call_id)
        if call is None:
            return CarrierCall("completed", cause="not known any more", price=price)
        if call.is_alive:
            return CarrierCall("in_progress", duration_s=call.call_duration, price=price)
        if not call.end_time:
            return CarrierCall("queued", duration_s=call.call_duration, price=price)
        if not call.call_duration and legs.name(client_state.decode(call.client_state)):
            return CarrierCall("no_answer", _UNANSWERED, call.call_duration, price)
        return CarrierCall("completed", duration_s=call.call_duration, price=price)

    # -- numbers and the account

    async def configure_number(self, number: str, webhooks_url: str) -> NumberSetup:
        return await numbers.configure(self._api, self._account.connection_id, number, webhooks_url)

    async def examine(self, number: str, webhooks_url: str) -> Sequence[Finding]:
        return await numbers.examine(self._api, self._account.connection_id, number, webhooks_url)

    # -- what comes in

    def verify(self, request: WebhookRequest) -> None:
        signature.verify(self._key, request.headers, request.body, self._clock.wall())

    def verify_stream(self, request: WebhookRequest) -> None:
        """Telnyx does not sign streams; their token admits them."""

    def parse(self, request: WebhookRequest) -> Webhook:
        received = parse(request.body)
        match received.chore:
            case Brief(call, key) if (told := self._briefings.get(key)) and not told.summary.strip():
                # Telnyx says no empty text, so nothing would tell that it was heard.
                return Webhook((ColleagueReady(call),), delivery_id=received.delivery_id)
        return Webhook(received.events, delivery_id=received.delivery_id, command=self._command(received.chore))

    def answer(self, call: InboundCall, stream: StreamTarget, webhooks_url: str) -> Answer:
        body = commands.answer(stream, webhooks_url)
        return Answer(command=partial(self._api.command, call.carrier_call_id, "answer", body))

    def reject(self, call: InboundCall, reason: Literal["busy", "rejected"]) -> Answer:
        return Answer(command=partial(self._api.command, call.carrier_call_id, "reject", commands.reject(reason)))

    def media_codec(self) -> TelnyxMediaCodec:
        return TelnyxMediaCodec()

    async def close(self) -> None:
        await self._api.close()

    def _command(self, chore: Chore | None) -> Command | None:
        match chore:
            case HangUp(call):
                return partial(self._api.hang_up, call)
            case Invite(call, key):
                return partial(self._invite, call, key)
            case Brief(call, key):
                return partial(self._brief, call, key)
            case Forget(key):
                self._briefings.pop(key, None)
            case Priced(call, price):
                _remember(self._prices, call, price)
        return None

    async def _invite(self, colleague: str, key: str) -> None:
        """Ask whoever has answered to press a key."""
        request = self._briefings.get(key)
        body = None if request is None else commands.invite(invitation(request.language), legs.colleague(key))
        await self._speak(colleague, "gather_using_speak", body)

    async def _brief(self, colleague: str, key: str) -> None:
        """Tell a colleague what the call is about."""
        request = self._briefings.pop(key, None)
        body = None if request is None else commands.speak(request.summary, request.language, legs.briefed(key))
        await self._speak(colleague, "speak", body)

    async def _speak(self, colleague: str, action: str, body: commands.Body | None) -> None:
        """Hang up where there is nothing to say any more, and where it cannot be said: nobody would come."""
        if body is None:
            await self._api.hang_up(colleague)
            return
        try:
            await self._api.command(colleague, action, body)
        except CarrierError:
            with contextlib.suppress(CarrierError):
                await self._api.hang_up(colleague)
            raise

    async def _stop_stream(self, carrier_call_id: str) -> None:
        """The call has gone elsewhere, or is about to, whatever becomes of its stream."""
        try:
            await self._api.command(carrier_call_id, "streaming_stop", {}, timeout_s=STOP_STREAM_S, doubt="")
        except CarrierError as error:
            log.info("a stream was not stopped: %s", error.message)


def _remember(values: OrderedDict[str, _Value], key: str, value: _Value) -> None:
    values[key] = value
    while len(values) > REMEMBERED:
        values.popitem(last=False)
