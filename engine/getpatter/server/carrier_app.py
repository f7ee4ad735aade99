"""The carrier listener: webhooks and media sockets, and nothing else, for this is what faces the internet."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final, Protocol

from fastapi import FastAPI, Request, Response

from getpatter.calls import session
from getpatter.calls.media import MediaSink, MediaSocket
from getpatter.carriers.base import Carrier, CarrierEvent, InboundCall, Webhook, WebhookRequest, WebhookResponse
from getpatter.clock import Clock, SystemClock
from getpatter.errors import CarrierError, Expired, InvalidSignature, PatterError, Replayed
from getpatter.server.afterwards import Afterwards
from getpatter.server.deliveries import Deliveries
from getpatter.server.lobby import Guest, Lobby, WatchedSocket
from getpatter.server.refusals import Asked, Incidents, Refusals, Unnoted
from getpatter.server.request_body import Unacceptable, read_body
from getpatter.server.upgrade import MediaUpgrade, Refusal
from getpatter.store.incidents import Kind

log = logging.getLogger(__name__)

_STREAM_PATH = re.compile(r"/ws/(?P<carrier>[a-z]+)/stream/(?P<call>[A-Za-z0-9_]{1,64})")

TOO_MANY: Final = "Too many requests were refused."
UNSIGNABLE: Final = "The request cannot have been signed."

_TURNED_AWAY: Final[dict[str, Kind]] = {
    session.NO_CALL: "bad_token",
    session.NO_STREAM: "malformed",
    session.NO_START: "no_token",
}


class Telephony(Protocol):
    """What a carrier has to say is said to this: `calls.exchange.Exchange`, for the part that faces carriers."""

    async def ring(self, event: InboundCall) -> WebhookResponse: ...

    def on_carrier_events(self, events: Sequence[CarrierEvent]) -> None: ...

    def stream(self, call_id: str, socket: MediaSocket) -> Guest | None: ...


class CarrierEdge:
    """Checks who is there and hands over to the exchange.

    Signatures are computed over the URL that the carrier was told and the path and query as they came.  `Host` and
    `X-Forwarded-*` are anybody's to write and have no part in it.
    """

    def __init__(
        self,
        carrier: Carrier,
        exchange: Telephony,
        *,
        clock: Clock | None = None,
        incidents: Incidents | None = None,
        trusted_proxies: Sequence[str] = (),
    ) -> None:
        """`incidents` keeps what is refused.  Raises `ConfigurationError` for a proxy that is no address or network."""
        self._carrier = carrier
        self._exchange = exchange
        self._clock = clock or SystemClock()
        self._refusals = Refusals(carrier.name, incidents or Unnoted(), self._clock, trusted_proxies)
        self._deliveries = Deliveries(self._clock)
        self._afterwards = Afterwards()
        self._lobby = Lobby()
        self._public_url = ""

    def reachable_at(self, public_url: str) -> None:
        """The URL that the carrier was told: what its signatures are computed over."""
        self._public_url = public_url.rstrip("/")

    async def close(self) -> None:
        """Let what webhooks asked for be done.  No request may come any more."""
        await self._afterwards.close()

    # -- webhooks

    def app(self) -> FastAPI:
        """Routes `/webhooks/<carrier>/<kind>` for the kinds that the carrier has."""
        # A redirect would send whoever asks to the host that the request names.
        app = FastAPI(
            title="patter carrier listener", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False
        )
        for kind, methods in self._carrier.webhooks.items():
            app.add_api_route(f"/webhooks/{self._carrier.name}/{kind}", self._webhook(kind), methods=list(methods))
        app.add_exception_handler(404, partial(self._nowhere, 404, "There is nothing here."))
        app.add_exception_handler(405, partial(self._nowhere, 405, "Not by this method."))
        return app

    def _webhook(self, kind: str) -> Callable[[Request], Awaitable[Response]]:
        async def webhook(request: Request) -> Response:
            return await self.webhook(request, kind)

        return webhook

    async def _nowhere(self, status: int, words: str, request: Request, error: Exception) -> Response:
        asked = self._asked(request)
        exhausted = self._refusals.exhausted(asked)
        self._refusals.refused("unknown_path", asked, f"{request.method} is not served there")
        return _plain(TOO_MANY, 429) if exhausted else _plain(words, status)

    async def webhook(self, request: Request, kind: str) -> Response:
        asked = self._asked(request)
        try:
            response = await self._answer(request, kind, asked)
        except Unacceptable as error:
            self._refusals.refused(error.kind, asked, error.reason)
            return _plain(error.reason, error.status)
        except InvalidSignature as error:
            self._refusals.refused(_kind(error), asked, error.message)
            return _plain("The signature is missing, wrong or used up.", 403)
        except CarrierError as error:
            self._refusals.unreadable(asked, error.message)
            return _plain("The request cannot be read.", 400)
        except PatterError as error:
            log.error("a webhook at %s could not be answered: %s", asked.path, error.message)
            return _plain("The request cannot be answered now.", 503)
        except Exception:  # the edge of the server: a fault of ours is told in the log and to nobody else
            log.exception("a webhook at %s failed", asked.path)
            return _plain("The request failed.", 500)
        return Response(response.body, response.status, media_type=response.content_type)

    async def _answer(self, request: Request, kind: str, asked: Asked) -> WebhookResponse:
        """Raises `Unacceptable` for what is no webhook, and what the carrier and the exchange raise."""
        headers = _headers(request)
        if self._refusals.exhausted(asked) and not _claims_a_signature(headers):
            raise Unacceptable(429, "too_many", TOO_MANY)
        body = await read_body(request, self._clock)
        url = f"{self._public_url}{_raw_path(request)}{_raw_query(request)}"
        if not self._refusals.look(asked, len(url) + len(body)):
            raise Unacceptable(429, "too_many", TOO_MANY)
        received = WebhookRequest(request.method, url, headers, body, kind)
        self._verify(self._carrier.verify, received)
        self._refusals.accepted(asked)
        webhook = self._carrier.parse(received)
        ringing = next((event for event in webhook.events if isinstance(event, InboundCall)), None)
        if ringing is not None:  # the exchange itself knows a repeat, whose answer is the same, from a replay
            return await self._exchange.ring(ringing)
        return await self._deliveries.once(webhook.delivery_id, partial(self._handle, webhook))

    def _verify(self, verify: Callable[[WebhookRequest], None], received: WebhookRequest) -> None:
        """Raises `InvalidSignature`, and `Unacceptable` for what no carrier sends."""
        try:
            verify(received)
        except InvalidSignature:
            raise
        except CarrierError:
            raise Unacceptable(403, "malformed", UNSIGNABLE) from None
        except Exception as error:  # noqa: BLE001 -- the edge to strangers: what they can break is told as their fault
            self._refusals.fault(error)
            raise Unacceptable(403, "malformed", UNSIGNABLE) from None

    async def _handle(self, webhook: Webhook) -> WebhookResponse:
        self._exchange.on_carrier_events(webhook.events)
        if webhook.command is not None:
            self._afterwards.carry_out(webhook.command)
        return webhook.response

    def _asked(self, request: Request) -> Asked:
        address = request.client.host if request.client else ""
        forwarded_for = ",".join(request.headers.getlist("x-forwarded-for"))
        return self._refusals.asked(address, forwarded_for, _raw_path(request))

    # -- media sockets

    def accept(self, upgrade: MediaUpgrade, socket: MediaSocket) -> MediaSink | Refusal:
        """A media socket: taken for a call that waits for one, and given up again unless its token is right."""
        forwarded_for = upgrade.headers.get("x-forwarded-for", "")
        asked = self._refusals.asked(_host(upgrade.peer), forwarded_for, upgrade.path)
        if not self._refusals.look(asked, len(upgrade.path) + len(upgrade.query)):
            self._refusals.refused("too_many", asked, TOO_MANY)
            return Refusal(429, TOO_MANY)
        match = _STREAM_PATH.fullmatch(upgrade.path)
        if match is None or match["carrier"] != self._carrier.name:
            self._refusals.refused("unknown_path", asked, "no stream is opened there")
            return Refusal(404, "There is nothing here.")
        try:
            self._verify(self._carrier.verify_stream, self._as_request(upgrade))
        except Unacceptable as error:
            self._refusals.refused(error.kind, asked, error.reason)
            return Refusal(error.status, error.reason)
        except InvalidSignature as error:
            self._refusals.refused(_kind(error), asked, error.message)
            return Refusal(403, "The signature is missing or wrong.")
        return self._admit(match["call"], asked, socket)

    def _admit(self, call_id: str, asked: Asked, socket: MediaSocket) -> MediaSink | Refusal:
        if not self._lobby.has_room(call_id):
            self._refusals.refused("too_many", asked, "streams wait that have not said whose call they are")
            return Refusal(429, "Too many streams wait.")
        watched = WatchedSocket(
            socket, lambda reason: self._refusals.refused(_TURNED_AWAY.get(reason, "malformed"), asked, reason)
        )
        stream = self._exchange.stream(call_id, watched)
        if stream is None:
            self._refusals.refused("unknown_path", asked, "no such call waits for a stream")
            return Refusal(404, "No such call.")
        self._lobby.enter(call_id, stream)
        return stream

    def _as_request(self, upgrade: MediaUpgrade) -> WebhookRequest:
        query = f"?{upgrade.query}" if upgrade.query else ""
        url = f"{self._public_url.replace('http', 'ws', 1)}{upgrade.path}{query}"
        return WebhookRequest("GET", url, upgrade.headers, b"", "stream")


def _raw_path(request: Request) -> str:
    raw: bytes = request.scope["raw_path"]
    return raw.decode("latin-1")


def _raw_query(request: Request) -> str:
    query: bytes = request.scope["query_string"]
    return f"?{query.decode('latin-1')}" if query else ""


def _headers(request: Request) -> dict[str, str]:
    """Values of a repeated one are joined by a comma, as in `MediaUpgrade`."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _claims_a_signature(headers: Mapping[str, str]) -> bool:
    """By the header's name alone, which has the word at every carrier (`Carrier.verify`)."""
    return any("signature" in name for name in headers)


def _host(peer: str) -> str:
    """`192.0.2.1` of `192.0.2.1:4711`, `::1` of `[::1]:4711`."""
    return peer.rpartition(":")[0].strip("[]")


def _kind(error: InvalidSignature) -> Kind:
    match error:
        case Expired():
            return "expired"
        case Replayed():
            return "replayed"
        case _:
            return "invalid_signature"


def _plain(words: str, status: int) -> Response:
    """For whoever is turned away.  The rest of the request, if there is more, is not waited for."""
    return Response(words, status, {"connection": "close"}, media_type="text/plain")
