"""How carriers reach us, and where our number leads."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from getpatter.carriers.base import Carrier
from getpatter.clock import Clock, sleep
from getpatter.errors import CarrierError
from getpatter.public_url import shown
from getpatter.settings import Settings
from getpatter.tunnels.base import Tunnel
from getpatter.tunnels.cloudflare import CloudflareTunnel
from getpatter.tunnels.ngrok import Ngrok

log = logging.getLogger(__name__)

FIRST_RETRY_S: Final = 2.0
LONGEST_RETRY_S: Final = 300.0


class WayIn:
    """`open` it when the carrier listener has its port; `answer` has the number lead here, and keeps it so when a
    tunnel moves.  A number is not touched before that: whoever only calls out keeps what answers it now."""

    def __init__(
        self,
        carrier: Carrier,
        clock: Clock,
        *,
        number: str,
        manages_number: bool,
        tunnel: Tunnel | None,
        reachable_at: Callable[[str], None],
    ) -> None:
        """`reachable_at` is told the public URL, and each other one that takes its place."""
        self._carrier = carrier
        self._clock = clock
        self._number = number
        self._manages_number = manages_number
        self._tunnel = tunnel
        self._reachable_at = reachable_at
        self._answering = False
        self._one_at_a_time = asyncio.Lock()
        self._pointing: asyncio.Task[None] | None = None
        self.url = ""

    async def open(self, port: int, url: str) -> None:
        """Open the tunnel to `port`, where there is one; else `url` is where we are.  Raises `ConfigurationError`."""
        if self._tunnel is not None:
            url = await self._tunnel.open(port, self._moved)
        self._arrived(url)

    async def answer(self) -> None:
        """Have calls to our number come here.  Raises `CarrierError` when the carrier does not do it."""
        before, self._answering = self._answering, True
        try:
            await self._point()
        except CarrierError:
            self._answering = before
            raise

    async def close(self) -> None:
        if self._pointing is not None:
            self._pointing.cancel()
            await asyncio.wait((self._pointing,))
        if self._tunnel is not None:
            await self._tunnel.close()

    def _arrived(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._reachable_at(self.url)

    def _moved(self, url: str) -> None:
        log.warning("the tunnel has moved to %s; calls that were in progress have lost their sound", url)
        self._arrived(url)
        if self._answering:
            if self._pointing is not None:
                self._pointing.cancel()
            self._pointing = asyncio.create_task(self._point_until_done(), name="number to tunnel")

    async def _point(self) -> None:
        if not self._manages_number:
            return
        async with self._one_at_a_time:
            led_to = ""
            while led_to != self.url:  # the tunnel may move while the carrier is asked
                led_to = self.url
                done = await self._carrier.configure_number(self._number, f"{led_to}/webhooks/{self._carrier.name}")
                if done.changed:
                    before = f", and no more to {shown(done.previous_url)}" if done.previous_url else ""
                    log.info("calls to our number come to %s now%s", led_to, before)

    async def _point_until_done(self) -> None:
        wait_s = FIRST_RETRY_S
        while True:
            try:
                return await self._point()
            except CarrierError as error:
                log.error("our number does not lead here yet: %s Tried again in %g s.", error.message, wait_s)
            await sleep(self._clock, wait_s)
            wait_s = min(wait_s * 2, LONGEST_RETRY_S)


def tunnel_of(settings: Settings) -> Tunnel | None:
    """The tunnel that the settings name; with a public URL, ngrok takes its host name."""
    match settings.tunnel:
        case "cloudflare":
            return CloudflareTunnel()
        case "ngrok":
            return Ngrok(hostname=urlsplit(settings.public_url).hostname)
        case _:
            return None
