"""What Cartesia's recognisers and its voices have in common: the handshake, and how they say that something is wrong.

The protocol is that of the `cartesia` client 4.2.
"""

from __future__ import annotations

from typing import Final

import msgspec
from pydantic import SecretStr

from getpatter.connections.faults import Faults
from getpatter.errors import ProviderError

URL: Final = "wss://api.cartesia.ai"
VERSION: Final = "2026-08-14"
"""The date that fixes names and meaning of all fields."""
ENCODINGS: Final = {"mulaw": "pcm_mulaw", "pcm16": "pcm_s16le"}


class Complaint(msgspec.Struct):
    """An error message."""

    title: str | None = None
    message: str | None = None
    status_code: int | None = None
    """As of HTTP."""

    def told(self, faults: Faults) -> ProviderError:
        """As an error."""
        return faults.refused(self.status_code or 500, (self.message or self.title or "").encode())


def handshake(key: SecretStr) -> dict[str, str]:
    """The headers of a connection: keys in an address would be logged by what stands between."""
    return {"Authorization": f"Bearer {key.get_secret_value()}", "Cartesia-Version": VERSION}
