"""How the simulated network proves to an engine that a webhook is its own."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlencode

from getpatter.home import SIM_KEY, secret

SIGNATURE_HEADER = "x-sim-signature"


def sim_secret(home: Path) -> bytes:
    """The secret that this home's engine and whoever rings it share."""
    return secret(home, SIM_KEY).encode()


def sign(secret: bytes, url: str, fields: Iterable[tuple[str, str]] = ()) -> str:
    """Base64 of HMAC-SHA256 over the URL and the form fields, sorted and encoded as in a form."""
    signed = f"{url}\n{urlencode(sorted(fields))}".encode()
    return base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()


def signature_headers(secret: bytes, url: str, fields: Iterable[tuple[str, str]] = ()) -> dict[str, str]:
    """What a request carries as its proof."""
    return {SIGNATURE_HEADER: sign(secret, url, fields)}


def signed_by(secret: bytes, signature: str, url: str, fields: Iterable[tuple[str, str]] = ()) -> bool:
    """Whether `sign` gave this signature, compared in constant time."""
    return hmac.compare_digest(signature.encode(), sign(secret, url, fields).encode())
