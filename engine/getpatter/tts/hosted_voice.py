"""A voice at a vendor's address, of which there may be another with the same settings."""

from __future__ import annotations

import copy
from typing import Self

from getpatter.connections.hosted_model import HostedModel


class HostedVoice(HostedModel):
    """Settings that many calls share.  An heir has the voice's name, and calls `_settle` last in its constructor."""

    _voice: str

    def with_voice(self, voice: str) -> Self:
        """The same with another voice, and connections of its own.  Raises `ConfigurationError`."""
        other = copy.copy(self)
        other._voice = voice
        other._settle()
        return other

    def _settle(self) -> None:
        """Voice and model are known: refuse what does not go with them, by `ConfigurationError`, and make anew what
        holds their names or is shared by the calls of these settings alone."""


class HostedVoiceModel(HostedVoice):
    """The same of vendors whose voices are spoken by one of several models."""

    def with_model(self, model: str) -> Self:
        """The same with another model, which has to have the voice, and connections of its own.  Raises
        `ConfigurationError`."""
        other = copy.copy(self)
        other._model = model
        other._settle()
        return other
