"""A brain elsewhere: a server of the user's own that is asked for each answer, by HTTP or by WebSocket."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from ipaddress import ip_address
from urllib.parse import parse_qsl, urlsplit

from pydantic import SecretStr

from getpatter.clock import Clock, SystemClock
from getpatter.connections.faults import Faults
from getpatter.connections.http import Waits
from getpatter.connections.standard_webhooks import SigningSecret
from getpatter.connections.vendor import Vendor
from getpatter.environment import variables
from getpatter.errors import ConfigurationError
from getpatter.llm.base import NO_CALL, CallContext, LanguageModel, Message, ReplyPart, ToolSpec
from getpatter.llm.remote_http import HttpBrain
from getpatter.llm.remote_socket import SocketBrain
from getpatter.llm.remote_wire import Remote

SECRET_VARIABLE = "PATTER_BRAIN_SECRET"
FIRST_S = 30.0
"""Longest wait for the first word."""
MIN_TOKEN = 8
"""Characters; what is shorter is no secret."""
NEXT_S = 15.0
"""Longest wait for each further piece."""

_EXAMPLE = "Pass e.g. https://brain.example.com/answer, or wss://brain.example.com/calls."


class RemoteLLM:
    """The brain at `url`: `https` and `http` ask by a POST for each answer, `wss` and `ws` by one socket a call.

    With a secret, what is sent is signed and what comes must be; without one given it is that of `PATTER_BRAIN_SECRET`,
    if there is one.  What both sides say is in `llm.remote_wire` and docs/brains.md.  Redirects are refused.

    The author of the program names the address, so it may lie in a private network.  Never pass one that comes from
    somebody else.
    """

    scripted = False

    def __init__(
        self,
        url: str,
        *,
        secret: SecretStr | str = "",
        timeout_s: float = FIRST_S,
        idle_timeout_s: float = NEXT_S,
        clock: Clock | None = None,
    ) -> None:
        """Raises `ConfigurationError` for an address or a secret that cannot be used."""
        given = secret or variables().get(SECRET_VARIABLE, "")
        host = _checked_host(url)
        self.name = f"brain at {host}"
        # The address may hold a token: errors name the host alone.
        vendor = Vendor("the brain", SECRET_VARIABLE)
        self._remote = Remote(
            url.strip(),
            SigningSecret(given) if given else None,
            Faults(self.name, vendor, _tokens(url)),
            Waits(timeout_s, idle_timeout_s),
            clock or SystemClock(),
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def for_call(self, call: CallContext) -> LanguageModel:
        """See `llm.base.ForCall`.  The connections are the call's own, and end with it."""
        if urlsplit(self._remote.url).scheme in ("ws", "wss"):
            return SocketBrain(self._remote, call)
        return HttpBrain(self._remote, call)

    async def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncGenerator[ReplyPart]:
        """See `LanguageModel.reply`; outside of a call, over a connection for this answer alone."""
        asked = self.for_call(NO_CALL)
        try:
            async with aclosing(asked.reply(messages, tools)) as parts:
                async for part in parts:
                    yield part
        finally:
            await asked.close()

    async def warm(self) -> None:
        """There is no connection without a call."""

    async def close(self) -> None:
        """There is nothing to let go of: connections are the calls'."""


def is_address(text: str) -> bool:
    """Whether a text is meant for the address of a brain."""
    return text.strip().partition("://")[0].lower() in ("http", "https", "ws", "wss")


def _tokens(url: str) -> list[SecretStr]:
    """What in the address may be a secret; servers repeat addresses in their refusals."""
    values = (value for _, value in parse_qsl(urlsplit(url.strip()).query))
    return [SecretStr(value) for value in values if len(value) >= MIN_TOKEN]


def _checked_host(url: str) -> str:
    """Host and port, to be shown.  Raises `ConfigurationError`."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ConfigurationError("The brain's address is no URL.", next_step=_EXAMPLE) from None
    if not is_address(url) or not host or port == 0:
        raise ConfigurationError(
            "The brain's address must begin with https:// or wss:// and a host.", next_step=_EXAMPLE
        )
    if parts.username or parts.password:
        raise ConfigurationError(
            "The brain's address must not hold a name or a password.", next_step="Sign with a secret instead."
        )
    if parts.scheme.lower() in ("http", "ws") and not _is_this_machine(host):
        raise ConfigurationError(
            f"The brain at {host} would be told in the clear what callers say.",
            next_step="Use https:// or wss://; the plain kinds are for brains on this machine.",
        )
    return host if port is None else f"{host}:{port}"


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
