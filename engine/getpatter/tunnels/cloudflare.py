"""Cloudflare's quick tunnels: a public URL without an account, another one at each start."""

from __future__ import annotations

import asyncio
import logging
import shutil
from contextlib import suppress
from typing import Any

from getpatter.clock import Clock, SystemClock, deadline, sleep
from getpatter.errors import ConfigurationError
from getpatter.tunnels.backoff import Backoff
from getpatter.tunnels.base import Moved
from getpatter.tunnels.child import Child
from getpatter.tunnels.output import quick_tunnel_url

log = logging.getLogger(__name__)

READY_S = 30.0
"""How long `cloudflared` may take to tell its URL; it does after some 5 s, or gives up."""
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
"""Between restarts.  Cloudflare limits how many quick tunnels an address may ask for."""


class CloudflareTunnel:
    """Runs `cloudflared` and keeps it running: one that dies is started again, and `moved` told its new URL.

    `binary` is the program's name or path.
    """

    def __init__(self, binary: str = "cloudflared", *, ready_s: float = READY_S, clock: Clock | None = None) -> None:
        self._binary = binary
        self._ready_s = ready_s
        self._clock = clock or SystemClock()
        self._child: Child | None = None
        self._keeper: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"CloudflareTunnel({self._binary!r})"

    async def open(self, port: int, moved: Moved) -> str:
        if self._keeper is not None:
            raise RuntimeError("the tunnel is open already")
        self._child, url = await self._start(port)
        self._keeper = asyncio.create_task(self._keep(self._child, port, url, moved), name="cloudflared keeper")
        return url

    async def close(self) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper
        child, self._child = self._child, None
        if child is not None:
            await child.stop()

    async def _keep(self, child: Child, port: int, url: str, moved: Moved) -> None:
        backoff = Backoff(FIRST_WAIT_S, LONGEST_WAIT_S)
        while True:
            began = self._clock.now()
            code = await child.ended()
            backoff.lived(self._clock.now() - began)
            log.warning("cloudflared ended with status %s; nobody can ring until it is back", code)
            child, now_at = await self._restart(child, port, backoff)
            log.warning("cloudflared is back, at %s", now_at)
            if now_at != url:
                url = now_at
                _tell(moved, url)

    async def _restart(self, dead: Child, port: int, backoff: Backoff) -> tuple[Child, str]:
        await dead.stop()
        while True:
            await sleep(self._clock, backoff.next_s())
            try:
                self._child, url = await self._start(port)
            except ConfigurationError as error:
                log.error("the tunnel could not be opened again: %s", error.message)
            else:
                return self._child, url

    async def _start(self, port: int) -> tuple[Child, str]:
        """A child that has told its URL; none is left behind otherwise."""
        told: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def heard(line: str) -> None:
            if not told.done() and (url := quick_tunnel_url(line)):
                told.set_result(url)

        child = await Child.spawn(self._command(port), heard)
        try:
            return child, await self._first_of(told, child)
        except BaseException:
            await child.stop()
            raise

    async def _first_of(self, told: asyncio.Future[str], child: Child) -> str:
        """The URL; raises `ConfigurationError` when the child ends or the time is up before there is one."""
        ending = asyncio.create_task(child.ended())
        either: list[asyncio.Future[Any]] = [told, ending]
        try:
            async with deadline(self._clock, self._clock.now() + self._ready_s):
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            raise _no_url(f"told no URL within {self._ready_s:g} s", child) from None
        finally:
            ending.cancel()
        if told.done():
            return told.result()
        raise _no_url(f"ended with status {ending.result()}", child)

    def _command(self, port: int) -> list[str]:
        program = shutil.which(self._binary)
        if program is None:
            raise ConfigurationError(
                f"The program {self._binary!r} is not installed, or not on the PATH.",
                next_step="Install cloudflared: `brew install cloudflared`, or Cloudflare's package for your system. "
                "Or use another tunnel, or an address of your own in PATTER_PUBLIC_URL.",
            )
        # Without the last option it replaces itself while it runs, and drops the calls.
        return [program, "tunnel", "--url", f"http://127.0.0.1:{port}", "--no-autoupdate"]


def _tell(moved: Moved, url: str) -> None:
    try:
        moved(url)
    except Exception:  # the keeper goes on whatever becomes of the news
        log.exception("the new public URL %s was not taken in", url)


def _no_url(how: str, child: Child) -> ConfigurationError:
    words = child.last_words
    return ConfigurationError(
        f"cloudflared {how}." + (f" Its last words:\n{words}" if words else " It said nothing."),
        next_step="Check that this machine may reach the internet (port 7844), and try again in a minute: Cloudflare "
        "limits how often a quick tunnel can be had.",
    )
