"""The carrier listener: webhooks and media sockets, and nothing else, for this is what faces the internet."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response

from getpatter.calls.exchange import Exchange
from getpatter.calls.media import MediaSink, MediaSocket
from getpatter.carriers.base import Carrier, InboundCall, WebhookRequest, WebhookResponse
from getpatter.errors import CarrierError, InvalidSignature
from getpatter.server.upgrade import MediaUpgrade, Refusal

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 65_536
"""Carriers' webhooks are a few kB."""

_STREAM_PATH = re.compile(r"/ws/(?P<carrier>[a-z]+)/stream/(?P<call>[A-Za-z0-9_]{1,64})")


class CarrierEdge:
    """Checks who is there and hands over to the exchange."""

    def __init__(self, carrier: Carrier, exchange: Exchange) -> None:
        self._carrier = carrier
        self._exchange = exchange
        self._public_url = ""

    def reachable_at(self, public_url: str) -> None:
        """The URL that the carrier was told: what its signatures are computed over."""
        self._public_url = public_url.rstrip("/")

    def app(self) -> FastAPI:
        """Routes `/webhooks/<carrier>/<kind>` for the kinds that the carrier has."""
        app = FastAPI(title="patter carrier listener", docs_url=None, redoc_url=None, openapi_url=None)
        for kind, methods in self._carrier.webhooks.items():
            app.add_api_route(f"/webhooks/{self._carrier.name}/{kind}", self._webhook(kind), methods=list(methods))
        return app

    def _webhook(self, kind: str) -> Callable[[Request], Awaitable[Response]]:
        async def webhook(request: Request) -> Response:
            return await self.webhook(request, kind)

        return webhook

    async def webhook(self, request: Request, kind: str) -> Response:
        try:
            received = await self._received(request, kind)
            self._carrier.verify(received)
            response = await self._handle(received)
        except InvalidSignature as error:
            log.warning("refused a webhook from %s: %s", request.client and request.client.host, error.message)
            response = WebhookResponse(b"The signature is missing or wrong.", status=403)
        except CarrierError as error:
            log.warning("a webhook could not be read: %s", error.message)
            response = WebhookResponse(error.message.encode(), status=400)
        return Response(response.body, response.status, media_type=response.content_type)

    async def _received(self, request: Request, kind: str) -> WebhookRequest:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise CarrierError(f"The request's body is longer than {MAX_BODY_BYTES} bytes.")
        # The path as it came; host and scheme are ours, never those that the request claims.
        query = f"?{request.url.query}" if request.url.query else ""
        url = f"{self._public_url}{request.url.path}{query}"
        headers = {name.lower(): value for name, value in request.headers.items()}
        return WebhookRequest(request.method, url, headers, bytes(body), kind)

    async def _handle(self, received: WebhookRequest) -> WebhookResponse:
        webhook = self._carrier.parse(received)
        for event in webhook.events:
            if isinstance(event, InboundCall):
                return await self._exchange.ring(event)
        self._exchange.on_carrier_events(webhook.events)
        return webhook.response

    def accept(self, upgrade: MediaUpgrade, socket: MediaSocket) -> MediaSink | Refusal:
        """A media socket: taken for a call that waits for one, and given up again unless its token is right."""
        match = _STREAM_PATH.fullmatch(upgrade.path)
        if match is None or match["carrier"] != self._carrier.name:
            return Refusal(404, "There is nothing here.")
        stream = self._exchange.stream(match["call"], socket)
        return stream if stream is not None else Refusal(404, "No such call.")
