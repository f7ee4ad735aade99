"""The simulated carrier's HTTP requests to an engine."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from urllib.parse import urlencode

import httpx

from getpatter.errors import CarrierError
from getpatter.testing.signing import SIGNATURE_HEADER, sign

log = logging.getLogger(__name__)

TIMEOUT_S = 15.0
"""What Twilio grants a webhook."""

Fields = Sequence[tuple[str, str]]


class Webhooks:
    """Signed form posts.  One for all calls; `close` it."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._client: httpx.AsyncClient | None = None

    async def post(self, url: str, fields: Fields) -> httpx.Response:
        """The engine's response, whatever its status; raises `CarrierError` when there is none."""
        if self._client is None:
            # Made late: it loads the machine's certificates, which takes longer than all of a call's own work.
            self._client = httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False)
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            SIGNATURE_HEADER: sign(self._secret, url, fields),
        }
        try:
            return await self._client.post(url, content=urlencode(fields), headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as failed:
            words = str(failed) or type(failed).__name__
            raise CarrierError(
                f"The engine's webhook {url} could not be reached: {words}.", carrier_code="webhook_unreachable"
            ) from failed

    def stream_headers(self, url: str) -> dict[str, str]:
        """What signs the opening of a media stream."""
        return {SIGNATURE_HEADER: sign(self._secret, url)}

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()


class Reports:
    """One call's status callbacks: delivered in order, without the call waiting for them.  Ends with `finish`."""

    def __init__(self, webhooks: Webhooks) -> None:
        self._webhooks = webhooks
        self._queue: asyncio.Queue[tuple[str, Fields] | None] = asyncio.Queue()

    def send(self, url: str, fields: Fields) -> None:
        """Queue a callback; none is sent where the engine gave no URL."""
        if url:
            self._queue.put_nowait((url, fields))

    def finish(self) -> None:
        """Nothing more is to be sent."""
        self._queue.put_nowait(None)

    async def deliver(self) -> None:
        """Post what is queued until `finish`; a callback that fails is logged and not repeated, as with Twilio."""
        while (report := await self._queue.get()) is not None:
            url, fields = report
            try:
                response = await self._webhooks.post(url, fields)
            except CarrierError as failed:
                log.warning("status callback lost: %s", failed)
            else:
                if response.is_error:
                    log.warning("the engine answered the callback %s with HTTP %d", url, response.status_code)
