"""What our processes write to their logs."""

from __future__ import annotations

import logging
from typing import Final, TextIO

CHATTY: Final = ("aiosqlite", "alembic", "asyncpg", "httpcore", "httpx", "mcp", "twilio", "websockets")
"""Libraries that tell more than a log may hold: statements with their values, URLs with their queries, headers, what
was said.  Whatever the level, they are heard from warnings on."""


def set_up(level: str, line: str, stream: TextIO | None = None) -> None:
    """Log to `stream`, standard error by default, in lines of the format `line`."""
    logging.basicConfig(level=level.upper(), format=line, stream=stream)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
