"""How the simulated network proves to an engine that a webhook is its own."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
import tempfile
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlencode

SIGNATURE_HEADER = "x-sim-signature"
KEY_FILE = "sim.key"


def sim_secret(home: Path) -> bytes:
    """The secret that this home's engine and whoever rings it share; made on first use, readable by the owner alone."""
    path = home / KEY_FILE
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        # The link appears with its content or not at all, and the first of two processes wins.
        with tempfile.NamedTemporaryFile(dir=home, prefix=f".{KEY_FILE}.") as fresh:
            fresh.write(secrets.token_hex(32).encode())
            fresh.flush()
            with contextlib.suppress(FileExistsError):
                os.link(fresh.name, path)
    return path.read_bytes()


def sign(secret: bytes, url: str, fields: Iterable[tuple[str, str]] = ()) -> str:
    """Base64 of HMAC-SHA256 over the URL and the form fields, sorted and encoded as in a form."""
    signed = f"{url}\n{urlencode(sorted(fields))}".encode()
    return base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()


def signed_by(secret: bytes, signature: str, url: str, fields: Iterable[tuple[str, str]] = ()) -> bool:
    """Whether `sign` gave this signature, compared in constant time."""
    return hmac.compare_digest(signature.encode(), sign(secret, url, fields).encode())
