"""Webhooks as Telnyx sends and signs them, for tests of whoever receives them."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from getpatter.carriers.telnyx.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER


class TelnyxSigner:
    """A Telnyx account's key."""

    def __init__(self, seed: bytes = bytes(32)) -> None:
        """`seed` has 32 bytes; each gives another key."""
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def public_key(self) -> str:
        """As Mission Control shows it."""
        return b64encode(self._key.public_key().public_bytes_raw()).decode()

    def headers(self, body: bytes, at: float) -> dict[str, str]:
        """What a webhook brings that was sent `at` seconds after the Unix epoch; lower-case names."""
        timestamp = str(int(at))
        signature = self._key.sign(timestamp.encode() + b"|" + body)
        return {TIMESTAMP_HEADER: timestamp, SIGNATURE_HEADER: b64encode(signature).decode()}


def telnyx_event(
    event_type: str,
    *,
    delivery_id: str = "0ccc7b54-4df3-4bca-a65a-3da1ecc777f0",
    occurred_at: str = "2026-02-02T22:25:27.521992Z",
    **payload: Any,
) -> bytes:
    """The body of a webhook.  Of a name that Python keeps for itself the last underscore is left out: `from_`."""
    fields = {name.removesuffix("_"): value for name, value in payload.items()}
    data = {
        "record_type": "event",
        "event_type": event_type,
        "id": delivery_id,
        "occurred_at": occurred_at,
        "payload": fields,
    }
    return json.dumps({"data": data, "meta": {"attempt": 1}}).encode()
