"""What a media stream must bring along to be let into its call."""

from __future__ import annotations

import hmac
import secrets


class StreamPass:
    """A token that is good once, and for the carrier's names of one call only."""

    def __init__(self) -> None:
        self._token: str | None = secrets.token_urlsafe(24)
        self._names: set[str] = set()

    @property
    def parameters(self) -> dict[str, str]:
        """The stream's, for the carrier to send back; nothing once they came."""
        return {"token": self._token} if self._token is not None else {}

    def good_for(self, carrier_call_id: str) -> None:
        """The carrier calls the call so, or called it so earlier."""
        self._names.add(carrier_call_id)

    def redeem(self, token: str, carrier_call_id: str) -> bool:
        """Whether the stream is this call's.  A carrier may open it before it has told us the call's name."""
        if self._token is None or (self._names and carrier_call_id not in self._names):
            return False
        if not hmac.compare_digest(token.encode(), self._token.encode()):
            return False
        self._token = None
        return True

    def revoke(self) -> None:
        """Whoever comes now is too late."""
        self._token = None
