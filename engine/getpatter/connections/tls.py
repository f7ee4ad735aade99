"""Whom connections trust, WebSockets and HTTP alike; read once for all of them."""

from __future__ import annotations

import asyncio
import os
import ssl
from functools import cache

import httpx2


@cache
def _context(file: str, folder: str) -> ssl.SSLContext:
    """`httpx2` looks for the machine's store where systems keep it; its caller knows which variables it reads."""
    try:
        return httpx2.create_ssl_context()
    except OSError as error:
        whose = "that SSL_CERT_FILE names" if file else "of this machine"
        raise OSError(error.errno, f"the certificates {whose} cannot be read") from None


async def tls_context() -> ssl.SSLContext:
    """The certificates that `SSL_CERT_FILE` or else `SSL_CERT_DIR` names, and none besides; without them the machine's
    own store, to which companies add theirs.

    Reading them the first time takes a tenth of a second, which calls that are under way must not wait for.  Raises
    `OSError`, whose `strerror` says what cannot be read.
    """
    variables = os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", "")
    return await asyncio.to_thread(_context, *variables)
