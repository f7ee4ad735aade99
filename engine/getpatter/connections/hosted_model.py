"""A model at a vendor's address: what the settings of all such providers have in common."""

from __future__ import annotations

from getpatter.connections.vendor import host_of


class HostedModel:
    """Settings that many calls share.  An heir has the model's name and the service's address."""

    _model: str
    _url: str

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    @property
    def name(self) -> str:
        """As people are shown it, e.g. `nova-3 at api.deepgram.com`."""
        return f"{self._model} at {host_of(self._url)}"

    async def close(self) -> None:
        """There is nothing that calls share, unless an heir has something."""
