"""Certificates, read once for all connections."""

from __future__ import annotations

import asyncio
import ssl
from functools import cache


@cache
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()


async def tls_context() -> ssl.SSLContext:
    """The machine's trust store (or `SSL_CERT_FILE`'s); reading it the first time takes tens of milliseconds, which
    calls that are under way must not wait for."""
    return await asyncio.to_thread(_context)
