"""Signatures of the Standard Webhooks specification, version 1.0.0: no I/O.

What is signed is `id.timestamp.body` with HMAC-SHA256, in base64 behind `v1,`.  The id is new with each message, so
that it cannot be sent twice; the timestamp is in Unix seconds, so that it cannot be kept for later.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Final

from pydantic import SecretStr

from getpatter.errors import ConfigurationError

ID_HEADER: Final = "webhook-id"
TIMESTAMP_HEADER: Final = "webhook-timestamp"
SIGNATURE_HEADER: Final = "webhook-signature"
TOLERANCE_S: Final = 300.0
"""How far the two clocks may lie apart, as the specification's own libraries have it."""

PREFIX: Final = "whsec_"
MIN_BYTES, MAX_BYTES = 24, 64
"""The specification's sizes of a secret."""


class SigningSecret:
    """A secret that both sides know: `whsec_` and 24 to 64 random bytes in base64."""

    def __init__(self, secret: SecretStr | str) -> None:
        """Raises `ConfigurationError` for anything else."""
        text = (secret.get_secret_value() if isinstance(secret, SecretStr) else secret).strip()
        try:
            self._key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
        except (binascii.Error, ValueError):
            self._key = b""
        if not text.startswith(PREFIX) or not MIN_BYTES <= len(self._key) <= MAX_BYTES:
            raise ConfigurationError(
                f"The signing secret is none: it must be {PREFIX} and {MIN_BYTES} to {MAX_BYTES} bytes in base64.",
                next_step='Make one: python -c "import base64, secrets; '
                f"print('{PREFIX}' + base64.b64encode(secrets.token_bytes(32)).decode())\"",
            )

    def signature(self, message_id: str, timestamp: int, body: bytes) -> str:
        digest = hmac.digest(self._key, f"{message_id}.{timestamp}.".encode() + body, "sha256")
        return f"v1,{base64.b64encode(digest).decode()}"

    def headers(self, message_id: str, now: float, body: bytes) -> dict[str, str]:
        """The headers of a message that is sent at `now`, in Unix seconds."""
        timestamp = int(now)
        return {
            ID_HEADER: message_id,
            TIMESTAMP_HEADER: str(timestamp),
            SIGNATURE_HEADER: self.signature(message_id, timestamp, body),
        }

    def signed(self, message_id: str, timestamp: int, body: bytes, signatures: str) -> bool:
        """Whether one of the signatures, which spaces separate, is ours; while a secret is changed there are two."""
        own = self.signature(message_id, timestamp, body).encode()
        return any(hmac.compare_digest(own, one.encode()) for one in signatures.split(" "))


def is_timely(timestamp: int, now: float) -> bool:
    """Whether a message was signed about now."""
    return abs(now - timestamp) <= TOLERANCE_S
