"""Plivo as a carrier: https://www.plivo.com/docs/voice"""

from __future__ import annotations

import logging
import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Literal
from urllib.parse import urlsplit

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
    RecordingReady,
    StreamTarget,
    Webhook,
    WebhookRequest,
    WebhookResponse,
)
from getpatter.carriers.form import posted
from getpatter.carriers.invitation import invitation
from getpatter.carriers.our_name import with_name
from getpatter.carriers.pending import PendingDocuments
from getpatter.carriers.plivo import documents, numbers, signature, statuses
from getpatter.carriers.plivo.account import Plivo
from getpatter.carriers.plivo.api import PlivoApi
from getpatter.carriers.plivo.media import PlivoMediaCodec
from getpatter.carriers.plivo.nonces import SeenNonces
from getpatter.carriers.plivo.refusals import NOT_FOUND
from getpatter.carriers.plivo.webhooks import KINDS, events_of, is_key_pressed
from getpatter.clock import Clock, SystemClock
from getpatter.errors import CarrierError, InvalidSignature, Replayed

log = logging.getLogger(__name__)

MACHINE_DETECTION_MS: Final = 5000
"""How long Plivo listens to who answered; it takes 2000 to 10000."""
LONGEST_RECORDING_S: Final = 14_400
"""Plivo's default for calls; for recordings it is 60 s."""

_DOCUMENT: Final = "document/{key}"
_ACCEPT: Final = "accept/{key}"
"""A document for a colleague who has pressed a key."""
_NEXT_STEP: Final = (
    "Set PATTER_PUBLIC_URL to the address that Plivo calls, and PLIVO_AUTH_TOKEN to the token of the account that "
    "the number belongs to."
)


class PlivoCarrier:
    """Implements `carriers.base.Carrier`.

    Plivo knows a call that it dials by its request's id first; the webhooks bring the call's own.  Documents that it
    fetches later wait here, so a call goes on only while this object lives.
    """

    name = "plivo"
    capabilities = Capabilities(keys="stream", warm_transfer=True, recording=True)
    webhooks: Mapping[str, Sequence[str]] = {
        kind: ("POST", "GET") if kind in ("voice", _DOCUMENT) else ("POST",) for kind in KINDS
    }

    def __init__(
        self, account: Plivo, *, clock: Clock | None = None, jitter: Callable[[], float] = random.random
    ) -> None:
        clock = clock or SystemClock()
        self._token = account.auth_token
        self._api = PlivoApi(account, clock=clock, jitter=jitter)
        self._pending = PendingDocuments(clock)
        self._nonces = SeenNonces(clock)
        self._webhooks_url = ""
        """Where a redirected call finds its document: what the latest call was told.  A tunnel's changes."""

    # -- calls

    async def dial(self, request: DialRequest) -> Dialed:
        self._webhooks_url = request.webhooks_url
        body = _limits(request) | {
            "ring_url": with_name(f"{request.webhooks_url}/ring", request.call_id),
            "hangup_url": with_name(f"{request.webhooks_url}/status", request.call_id),
        }
        if request.machine_detection:
            # With a URL of its own, detection goes on beside the call and holds up nobody's greeting.
            body |= {
                "machine_detection": "true",
                "machine_detection_time": MACHINE_DETECTION_MS,
                "machine_detection_url": with_name(f"{request.webhooks_url}/amd", request.call_id),
                "machine_detection_method": "POST",
            }
        document = documents.stream(request.stream, f"{request.webhooks_url}/stream")
        return Dialed(await self._call(request.from_number, request.to_number, document, body))

    async def hang_up(self, carrier_call_id: str) -> None:
        await self._api.hang_up(carrier_call_id)

    async def transfer(self, carrier_call_id: str, number: str, *, from_number: str, timeout_s: float = 30.0) -> None:
        await self._redirect(carrier_call_id, documents.dial(number, caller_id=from_number, timeout_s=timeout_s))

    async def consult(self, request: ConsultRequest) -> str:
        self._webhooks_url = request.webhooks_url
        briefing = documents.wait_in_room(
            _room(request.carrier_call_id),
            request.summary,
            request.language,
            events_url=f"{request.webhooks_url}/conference",
        )
        with self._kept(briefing) as key:
            accept_url = f"{request.webhooks_url}/{_ACCEPT.format(key=key)}"
            document = documents.invite(invitation(request.language), accept_url)
            return await self._call(request.from_number, request.to_number, document, _limits(request))

    async def connect(self, carrier_call_id: str, colleague_call_id: str) -> None:
        await self._redirect(carrier_call_id, documents.enter_room(_room(carrier_call_id)))

    async def send_dtmf(self, carrier_call_id: str, digits: str) -> None:
        raise CarrierError("Plivo presses keys by a message on the call's media stream.")

    async def leave_message(self, carrier_call_id: str, text: str, language: str) -> None:
        await self._redirect(carrier_call_id, documents.speak(text, language))

    async def start_recording(self, carrier_call_id: str, webhooks_url: str) -> None:
        self._webhooks_url = webhooks_url
        body = {
            "file_format": "wav",
            "record_channel_type": "stereo",
            "time_limit": LONGEST_RECORDING_S,
            "callback_url": f"{webhooks_url}/recording",
            "callback_method": "POST",
        }
        await self._api.record(carrier_call_id, body)

    def fetch_recording(self, recording: RecordingReady) -> AsyncIterator[bytes]:
        return self._api.download(recording.url)

    async def fetch_call(self, carrier_call_id: str) -> CarrierCall:
        if (record := await self._api.ended_call(carrier_call_id)) and (over := statuses.of_record(record)):
            return over
        if (live := await self._api.live_call(carrier_call_id)) is not None:
            return statuses.of_live(live)
        if await self._api.queued_call(carrier_call_id) is not None:
            return CarrierCall("queued")
        raise CarrierError("Plivo does not know this call.", carrier_code=NOT_FOUND)

    # -- numbers and the account

    async def configure_number(self, number: str, webhooks_url: str) -> NumberSetup:
        return await numbers.configure(self._api, number, webhooks_url)

    async def examine(self, number: str, webhooks_url: str) -> Sequence[Finding]:
        return await numbers.examine(self._api, number, webhooks_url)

    # -- what comes in

    def verify(self, request: WebhookRequest) -> None:
        form = posted(request) if request.method == "POST" else ()
        if not signature.is_signed(request.headers, self._token, request.url, form):
            raise InvalidSignature("The request was not signed by Plivo for this address.", next_step=_NEXT_STEP)
        if self._nonces.is_replay(request.headers[signature.NONCE_HEADER]):
            raise Replayed("The request was signed by Plivo, and came before, too long ago to be a repeat of Plivo's.")

    def verify_stream(self, request: WebhookRequest) -> None:
        """Plivo signs the request that opens a stream, too.  Its pages have the URL begin with `wss`, its own library
        with `https`; each is made with our token, so both are good.  A repeat is refused by the stream's own token."""
        if not any(signature.is_signed(request.headers, self._token, url) for url in _schemes(request.url)):
            raise InvalidSignature("The stream was not opened by Plivo for this address.", next_step=_NEXT_STEP)

    def parse(self, request: WebhookRequest) -> Webhook:
        events = events_of(request.kind, request)
        if request.kind not in (_DOCUMENT, _ACCEPT):
            return Webhook(events)
        if request.kind == _ACCEPT and not is_key_pressed(request):
            return Webhook(events, WebhookResponse(documents.part(), documents.CONTENT_TYPE))
        document = self._pending.fetch(urlsplit(request.url).path.rpartition("/")[2])
        if document is None:
            return Webhook(response=WebhookResponse(b"There is no such document.", status=404))
        return Webhook(events, WebhookResponse(document, documents.CONTENT_TYPE))

    def answer(self, call: InboundCall, stream: StreamTarget, webhooks_url: str) -> Answer:
        self._webhooks_url = webhooks_url
        document = documents.stream(stream, f"{webhooks_url}/stream")
        return Answer(WebhookResponse(document, documents.CONTENT_TYPE))

    def reject(self, call: InboundCall, reason: Literal["busy", "rejected"]) -> Answer:
        return Answer(WebhookResponse(documents.hang_up(reason), documents.CONTENT_TYPE))

    def media_codec(self) -> PlivoMediaCodec:
        return PlivoMediaCodec()

    async def close(self) -> None:
        await self._api.close()

    async def _call(self, from_number: str, to_number: str, document: bytes, body: Mapping[str, Any]) -> str:
        """Call somebody who is to hear `document`; gives the request's id."""
        body = {
            "from": from_number,
            "to": to_number,
            "answer_method": "POST",
            "ring_url": f"{self._webhooks_url}/ring",
            "ring_method": "POST",
            "hangup_url": f"{self._webhooks_url}/status",
            "hangup_method": "POST",
            **body,
        }
        with self._kept(document) as key:
            return await self._api.create_call({**body, "answer_url": self._document_url(key)})

    @contextmanager
    def _kept(self, document: bytes) -> Iterator[str]:
        """Keeps the document for a call that is asked for within, and gives its key."""
        key = self._pending.keep(document)
        try:
            yield key
        except BaseException:
            # Whatever Plivo makes of a request that fails: nobody waits for this call, so nobody is to be connected.
            self._pending.drop(key)
            raise

    async def _redirect(self, carrier_call_id: str, document: bytes) -> None:
        """Have a call leave our stream for another document."""
        if not self._webhooks_url:
            raise CarrierError("No call was placed or taken here, so there is none to redirect.")
        await self._api.redirect(carrier_call_id, self._document_url(self._pending.keep(document)))
        # A stream that keeps its call alive holds back what comes next, until it ends.  It must not end first: a
        # call without anything to go on with is over.
        try:
            await self._api.stop_streams(carrier_call_id)
        except CarrierError as refused:
            log.info("a stream goes on until it is closed from here: %s", refused.message)

    def _document_url(self, key: str) -> str:
        return f"{self._webhooks_url}/{_DOCUMENT.format(key=key)}"


def _limits(request: DialRequest | ConsultRequest) -> dict[str, Any]:
    return {
        "ring_timeout": max(1, round(request.ring_timeout_s)),
        "time_limit": max(1, round(request.max_duration_s)),
    }


def _room(carrier_call_id: str) -> str:
    """The conference in which a caller meets the colleague who was consulted; names are the account's own."""
    return f"patter-{carrier_call_id}"


def _schemes(url: str) -> tuple[str, str]:
    """A stream's URL as a WebSocket's and as HTTP's."""
    secure = url.startswith(("https:", "wss:"))
    _, _, rest = url.partition("://")
    return (f"wss://{rest}", f"https://{rest}") if secure else (f"ws://{rest}", f"http://{rest}")
