"""ngrok's tunnels, through its own package, inside this process."""

from __future__ import annotations

import asyncio
import re
from types import ModuleType
from typing import TYPE_CHECKING

from getpatter.environment import variables
from getpatter.errors import ConfigurationError
from getpatter.public_url import public_url
from getpatter.tunnels.base import Moved

if TYPE_CHECKING:
    import ngrok

CONNECT_S = 30.0
CLOSE_S = 5.0

_CODE = re.compile(r"ERR_NGROK_\d+")
_TOKEN_HELP = "Copy the authtoken from ngrok's dashboard (Your Authtoken) into NGROK_AUTHTOKEN."
_ADVICE = {
    "ERR_NGROK_105": _TOKEN_HELP,
    "ERR_NGROK_107": _TOKEN_HELP,
    "ERR_NGROK_4018": _TOKEN_HELP,
    "ERR_NGROK_108": "Your plan allows no further agent at once: stop the other one.",
    "ERR_NGROK_319": "Reserve this host name in ngrok's dashboard (Domains), or leave the hostname out.",
    "ERR_NGROK_334": "Another tunnel has this host name: stop it, or leave the hostname out.",
}
"""What ngrok's own list of errors says to the ones that users meet."""


class Ngrok:
    """A tunnel under `hostname`, one that is reserved for your account; without one ngrok chooses.

    `authtoken` falls back to `NGROK_AUTHTOKEN`.  `server` replaces ngrok's own, as `host:port`.  A connection that is
    lost is made again by the package, under the same URL, so `moved` is never told anything.
    """

    def __init__(self, hostname: str | None = None, authtoken: str = "", *, server: str = "") -> None:
        self.url = public_url(hostname) if hostname else ""
        self._authtoken = authtoken
        self._server = server
        self._session: ngrok.Session | None = None

    def __repr__(self) -> str:
        return f"Ngrok({self.url!r})"

    async def open(self, port: int, moved: Moved) -> str:
        if self._session is not None:
            raise RuntimeError("the tunnel is open already")
        package = installed()
        token = authtoken(self._authtoken)
        try:
            async with asyncio.timeout(CONNECT_S):
                return await self._connect(package, token, port)
        except TimeoutError:
            await self.close()
            raise ConfigurationError(
                f"ngrok did not answer within {CONNECT_S:g} s.",
                next_step="Check that this machine may reach the internet (port 443).",
            ) from None
        except (ValueError, RuntimeError) as refused:  # what the package raises, for everything
            await self.close()
            raise _translated(refused, token) from None

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is None:
            return
        try:
            async with asyncio.timeout(CLOSE_S):
                await session.close()
        except (TimeoutError, ValueError, RuntimeError):
            pass  # it was lost, and so is closed

    async def _connect(self, package: ModuleType, token: str, port: int) -> str:
        builder: ngrok.SessionBuilder = package.SessionBuilder().authtoken(token).client_info("patter", "1")
        if self._server:
            builder = builder.server_addr(self._server)
        self._session = session = await builder.connect()
        endpoint = session.http_endpoint()
        if self.url:
            endpoint = endpoint.domain(self.url.removeprefix("https://"))
        listener = await endpoint.listen_and_forward(f"http://127.0.0.1:{port}")
        return listener.url().rstrip("/")


def installed() -> ModuleType:
    """The `ngrok` package; raises `ConfigurationError` where it is not installed."""
    try:
        import ngrok
    except ImportError:
        raise ConfigurationError(
            "The package ngrok is not installed.", next_step="Run: pip install 'patter-mcp[ngrok]'"
        ) from None
    return ngrok


def authtoken(given: str = "") -> str:
    """`given`, or what `NGROK_AUTHTOKEN` has; raises `ConfigurationError` where neither says anything."""
    token = (given or variables().get("NGROK_AUTHTOKEN", "")).strip()
    if not token:
        raise ConfigurationError("ngrok needs an authtoken, and there is none.", next_step=_TOKEN_HELP)
    return token


def _translated(refused: Exception, token: str) -> ConfigurationError:
    # ngrok quotes an authtoken that it does not like.
    words = ": ".join(str(part) for part in refused.args if part).replace(token, "***")
    code = _CODE.search(words)
    advice = _ADVICE.get(code[0]) if code else None
    return ConfigurationError(
        f"ngrok refused: {' '.join(words.split())}.",
        next_step=advice or "Check that this machine may reach the internet, and ngrok's dashboard.",
    )
