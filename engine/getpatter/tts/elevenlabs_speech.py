"""ElevenLabs' voices, whichever way they are reached: what is shared, and another voice or model of the same."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Self

from pydantic import SecretStr

from getpatter.audio.format import AudioFormat
from getpatter.connections.elevenlabs import ElevenLabsFaults
from getpatter.connections.hosted_model import HostedModel
from getpatter.connections.vendor import host_of
from getpatter.connections.vendors import ELEVENLABS
from getpatter.tts.elevenlabs_options import SpeechOptions


class ElevenLabsSpeech(HostedModel):
    """Settings that many calls share.  An heir calls `_settle` last in its constructor."""

    _key: SecretStr
    _options: SpeechOptions

    @property
    def name(self) -> str:
        return f"{self._options.model} at {host_of(self._url)}"

    @property
    def format(self) -> AudioFormat:
        return self._options.format

    def with_voice(self, voice: str) -> Self:
        """The same with another voice, and connections of its own.  Raises `ConfigurationError`."""
        return self._with(replace(self._options, voice=voice))

    def with_model(self, model: str) -> Self:
        """The same with another model, and connections of its own.  Raises `ConfigurationError`."""
        return self._with(replace(self._options, model=model))

    def _with(self, options: SpeechOptions) -> Self:
        other = copy.copy(self)
        other._options = options
        other._settle()
        return other

    def _settle(self) -> None:
        """The options are known: see `tts.hosted_voice.HostedVoice`."""

    @property
    def _faults(self) -> ElevenLabsFaults:
        return ElevenLabsFaults(self.name, ELEVENLABS, [self._key], self._options.model)
