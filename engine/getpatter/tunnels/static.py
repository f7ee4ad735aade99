"""An address that leads here without our doing: a server's own, a reverse proxy, a named tunnel."""

from __future__ import annotations

from getpatter.public_url import public_url
from getpatter.tunnels.base import Moved


class Static:
    """`hostname` is a host or an https URL.  Raises `ConfigurationError` for one that no carrier could reach.

    Cloudflare's named tunnels are of this kind: `cloudflared` runs as a service, with a host name of yours.
    """

    def __init__(self, hostname: str) -> None:
        self.url = public_url(hostname)

    def __repr__(self) -> str:
        return f"Static({self.url!r})"

    async def open(self, port: int, moved: Moved) -> str:
        return self.url

    async def close(self) -> None:
        """Nothing is ours to end."""
