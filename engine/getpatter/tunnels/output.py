"""What a tunnel's program writes: lines, the last of them, and the URL among them."""

from __future__ import annotations

import re
from collections import deque

LINE_LIMIT = 4096
"""Bytes of a line that are looked at; the rest of a longer one comes as further lines."""
KEPT_LINES = 8

_QUICK_TUNNEL = re.compile(r"https://(?!api\.)[a-z0-9-]+\.trycloudflare\.com\b", re.IGNORECASE)
"""`api.` is where tunnels are asked for, and stands in the error when that fails."""


def quick_tunnel_url(line: str) -> str | None:
    """The URL of a Cloudflare quick tunnel that a line tells."""
    found = _QUICK_TUNNEL.search(line)
    return found[0].lower() if found else None


class Lines:
    """Puts pieces of output together to lines and keeps the last few."""

    def __init__(self) -> None:
        self._rest = b""
        self._last: deque[str] = deque(maxlen=KEPT_LINES)

    @property
    def last(self) -> str:
        """The last lines, one below the other."""
        unfinished = [_text(self._rest)] if self._rest.strip() else []
        return "\n".join([*self._last, *unfinished])

    def feed(self, piece: bytes) -> list[str]:
        """The lines that `piece` completes."""
        *whole, self._rest = (self._rest + piece).split(b"\n")
        while len(self._rest) >= LINE_LIMIT:
            whole.append(self._rest[:LINE_LIMIT])
            self._rest = self._rest[LINE_LIMIT:]
        lines = [line for line in map(_text, whole) if line]
        self._last.extend(lines)
        return lines


def _text(line: bytes) -> str:
    return line[:LINE_LIMIT].decode(errors="replace").strip()
