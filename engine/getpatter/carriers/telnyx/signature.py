"""How Telnyx signs webhooks: https://developers.telnyx.com/docs/voice/programmable-voice/receiving-webhooks

Ed25519 over `<timestamp>|<body>`.  `telnyx-signature-ed25519` has the signature in base64, `telnyx-timestamp` the
Unix time in seconds.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidSignature as WrongSignature
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from getpatter.errors import ConfigurationError, Expired, InvalidSignature

SIGNATURE_HEADER: Final = "telnyx-signature-ed25519"
TIMESTAMP_HEADER: Final = "telnyx-timestamp"

MAX_AGE_S: Final = 300.0
"""What Telnyx's own libraries grant."""
MAX_AHEAD_S: Final = 30.0
"""How far Telnyx's clock may be ahead of ours."""
MAX_SIGNATURES: Final = 4
"""A list of signatures may come while a key is being replaced; each costs a verification."""

_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)


def public_key(text: str) -> Ed25519PublicKey:
    """The key as Mission Control shows it: base64 of its 32 bytes, or of their DER.  Raises `ConfigurationError`."""
    try:
        given = b64decode(text, validate=True)
        key = Ed25519PublicKey.from_public_bytes(given) if len(given) == 32 else load_der_public_key(given)
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigurationError(
            "Telnyx's public_key is no Ed25519 key in base64.",
            next_step="Copy it from Mission Control, Keys & Credentials, Public Key, into TELNYX_PUBLIC_KEY.",
        )
    return key


def verify(key: Ed25519PublicKey, headers: Mapping[str, str], body: bytes, now: float) -> None:
    """Raise `InvalidSignature` unless `key` signed this body, and `Expired` where it did too long ago.

    `headers` have lower-case names; `now` is in seconds since the Unix epoch.
    """
    timestamp = headers.get(TIMESTAMP_HEADER, "")
    signatures = headers.get(SIGNATURE_HEADER, "").split(",", MAX_SIGNATURES)[:MAX_SIGNATURES]
    if not _TIMESTAMP.fullmatch(timestamp) or not any(signatures):
        raise InvalidSignature("A webhook has no Telnyx signature with a timestamp.")
    signed = timestamp.encode() + b"|" + body
    if not any(_signed_by(key, signature.strip(), signed) for signature in signatures):
        raise InvalidSignature(
            "A webhook was not signed by the Telnyx account.",
            next_step="Compare TELNYX_PUBLIC_KEY with the public key in Mission Control.",
        )
    age = now - int(timestamp)
    if age > MAX_AGE_S:
        raise Expired(f"A webhook was signed {age:.0f} s ago; {MAX_AGE_S:g} s are taken.")
    if age < -MAX_AHEAD_S:
        raise InvalidSignature(
            f"A webhook was signed {-age:.0f} s in the future; {MAX_AHEAD_S:g} s are taken.",
            next_step="Set this machine's clock.",
        )


def _signed_by(key: Ed25519PublicKey, signature: str, signed: bytes) -> bool:
    try:
        key.verify(b64decode(signature, validate=True), signed)
    except (WrongSignature, binascii.Error, ValueError):
        return False
    return True
