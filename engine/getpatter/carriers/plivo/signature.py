"""How Plivo proves that a request is its own, version 3.

https://www.plivo.com/docs/voice/concepts/signature-validation

Plivo signs every webhook, and the request that opens a media stream as a GET.  `X-Plivo-Signature-V3` is made with
the token of the account or subaccount that the call belongs to, `X-Plivo-Signature-Ma-V3` with the main account's;
each has as many signatures, with commas in between, as there are active tokens.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import parse_qsl, urlparse, urlunparse

Fields = Iterable[tuple[str, str]]

NONCE_HEADER: Final = "x-plivo-signature-v3-nonce"
SIGNATURE_HEADERS: Final = ("x-plivo-signature-v3", "x-plivo-signature-ma-v3")


def signature(token: str, url: str, fields: Fields, nonce: str) -> str:
    """Base64 of HMAC-SHA256 over URL, form and nonce; a GET has no form, its fields are in the URL."""
    return base64.b64encode(hmac.digest(token.encode(), _signed(url, fields, nonce), hashlib.sha256)).decode()


def is_signed(headers: Mapping[str, str], token: str, url: str, fields: Fields = ()) -> bool:
    """Whether one of the signatures in `headers` (lower-case names) is right, compared in constant time."""
    nonce = headers.get(NONCE_HEADER, "")
    if not nonce:
        return False
    right = signature(token, url, fields, nonce).encode()
    given = [one.strip() for name in SIGNATURE_HEADERS for one in headers.get(name, "").split(",")]
    return any(hmac.compare_digest(one.encode(errors="replace"), right) for one in given)


def _signed(url: str, fields: Fields, nonce: str) -> bytes:
    """Query and form are sorted by name and then by value; both are there as they read, not as they are encoded.

    A question mark goes before a form even where the URL has no query: so does Plivo's own library, and so Plivo.
    """
    parts = urlparse(url)
    form = sorted(fields)
    query = "&".join(f"{name}={value}" for name, value in sorted(parse_qsl(parts.query, keep_blank_values=True)))
    bare = urlunparse((parts.scheme, parts.netloc, parts.path, "", "", ""))
    mark = "?" if query or form else ""
    dot = "." if query and form else ""
    written = "".join(f"{name}{value}" for name, value in form)
    # What is no text, as in a stranger's query, must not break the check, nor pass for anything else.
    return f"{bare}{mark}{query}{dot}{written}.{nonce}".encode(errors="surrogatepass")
