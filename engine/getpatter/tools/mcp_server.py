"""An MCP server that the agent may use, as configuration."""

from __future__ import annotations

import re
import ssl
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from urllib.parse import urlsplit

import httpx2

from getpatter.errors import ConfigurationError
from getpatter.tools.ssrf import checked_url
from getpatter.tools.tool import Reassurance

_UNFIT = re.compile(r"[^a-zA-Z0-9_-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class McpServer:
    """A server, by the `url` of its Streamable HTTP endpoint or the `command` that speaks MCP over stdio.

    Serves any number of calls at once; each call has a connection, or a process, of its own.  Raises
    `ConfigurationError` for what cannot work.
    """

    url: str = ""
    command: str = ""
    args: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    """For the command, beside the few variables that the MCP SDK passes on; ours, with its keys, is not inherited."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """For the URL, e.g. `Authorization`."""
    name: str = ""
    """Goes before the names of its tools where they clash; by default from the URL's host or the command."""
    allow: Collection[str] | None = None
    """Names of the tools that the agent may use; None allows all."""
    connect_timeout_s: float = 10.0
    """One in Python takes up to three seconds to start (measured on two shared cores); a telephone rings longer."""
    timeout_s: float = 30.0
    """Time limit of each of its tools."""
    reassurance: str | Reassurance = ""
    """Of each of its tools; see `Tool`."""
    allow_private: bool = False
    """Let the URL lead to loopback and private networks, e.g. for a server on this machine."""
    tls: ssl.SSLContext | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if bool(self.url) == bool(self.command):
            raise ConfigurationError("An MCP server needs a url or a command, and not both.")
        if self.connect_timeout_s <= 0:
            raise ConfigurationError("An MCP server's connect_timeout_s must be above 0.")
        if self.url:
            try:
                checked_url(self.url)
            except ConfigurationError as error:
                raise ConfigurationError(f"The MCP server cannot be used. {error.message}") from None
        # Made here and not for each call: reading certificates takes some 70 ms.
        object.__setattr__(self, "tls", httpx2.create_ssl_context() if self.url else None)

    @property
    def label(self) -> str:
        """The name, or one from the URL's host or the command."""
        found = self.name or (urlsplit(self.url).hostname if self.url else PurePath(self.command).stem) or ""
        return fit_name(found).strip("_") or "mcp"


def fit_name(name: str) -> str:
    """The name in the letters and the length that providers of language models accept; MCP allows more."""
    return _UNFIT.sub("_", name)[:64]
