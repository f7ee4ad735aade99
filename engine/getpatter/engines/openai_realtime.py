"""OpenAI's realtime models, over a WebSocket a call."""

from __future__ import annotations

import copy
import logging
from dataclasses import replace
from typing import ClassVar, Final, Self
from urllib.parse import quote, urlsplit

from pydantic import SecretStr

from getpatter.audio.format import LINE, AudioFormat
from getpatter.clock import Clock, SystemClock
from getpatter.connections.facts import Facts
from getpatter.connections.faults import Faults
from getpatter.connections.hosted_model import HostedModel
from getpatter.connections.vendor import Vendor, host_of, service_url
from getpatter.connections.vendors import OPENAI
from getpatter.connections.websocket import Address
from getpatter.engines.base import EngineConfig, EngineSession
from getpatter.engines.dialect import Ends
from getpatter.engines.openai_dialect import OpenAIDialect
from getpatter.engines.openai_wire import ReasoningEffort, SessionSettings
from getpatter.engines.socket import SocketSession
from getpatter.errors import ConfigurationError
from getpatter.metering import Product
from getpatter.stt.openai_wire import FORMATS, PCM16, NoiseReduction

log = logging.getLogger(__name__)

AZURE: Final = Vendor("Azure OpenAI", "AZURE_OPENAI_API_KEY", "portal.azure.com", "azure-openai")
URL: Final = "wss://api.openai.com/v1/realtime"
AZURE_HOSTS: Final = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")
KEEP_ALIVE_S: Final = 3.0
"""Sessions that nothing is said to were seen to be closed after 6 to 7 s."""
SPEEDS: Final = (0.25, 1.5)
MAX_OUTPUT_TOKENS: Final = 4096
THINKING: Final = "gpt-realtime-2"
"""Models of this family reason."""


class OpenAIRealtime(HostedModel):
    """One model, for any number of calls, by the API's general availability (GA) of 2025.

    Audio is 24 kHz PCM (`PCM16`) with models that reason, and else passes as the telephone's µ-law (`LINE`), without
    being converted; `format` chooses.  Where no `reasoning_effort` is given such models think as little as they can.
    `api_key` is the account's, and `OPENAI_API_KEY` where none is given.  A `url` of Azure's
    (`wss://<resource>.openai.azure.com/openai/v1/realtime`) takes the deployment's name for `model`, and its key from
    `AZURE_OPENAI_API_KEY`.

    `voice_id` is another name of `voice`, which takes built-in voices and the ids of custom ones.  `tool_choice` is
    `auto`, `none`, `required`, or the name of a tool.  With `gate_response_on_transcript` a turn is answered once its
    transcript has come, and not at all where that is empty; else its sound is, at once.  `temperature` is taken and
    ignored, since the API has none any more.  Raises `ConfigurationError`.
    """

    FACTS: ClassVar = Facts(
        vendor="OpenAI",
        key_variable="OPENAI_API_KEY, or AZURE_OPENAI_API_KEY at Azure's addresses",
        transport="WebSocket",
        formats=("pcm16 24000", "mulaw 8000"),
        models=("gpt-realtime-2.1-mini", "gpt-realtime-2.1", "gpt-realtime-1.5", "gpt-realtime-mini", "gpt-realtime"),
        features=(
            *("transcripts", "tools", "cancel", "truncation", "exact words", "history", "cached tokens", "reasoning"),
        ),
        billing="tokens",
        tested_with="openai",
        unconfirmed=(
            "That idle sessions are closed after 6 to 7 s.",
            "Whether models that reason take µ-law: gpt-realtime-2 was seen to drop it in May 2026.",
            "That gpt-transcribe serves sessions that answer: the client's types and its page say so, others doubt it.",
            "How long a transcript may take: after 4.5 s it counts as empty.",
            "That minimal is an effort which gpt-realtime-2.1-mini takes.",
        ),
    )
    default_model: ClassVar[str] = "gpt-realtime-2.1-mini"
    default_effort: ClassVar[ReasoningEffort | None] = "minimal"
    manages_turns: ClassVar[bool] = False
    reasons: ClassVar[bool] = False
    """All its models think before they speak, whatever their names."""

    def __init__(
        self,
        api_key: SecretStr | str = "",
        *,
        model: str = "",
        voice: str = "",
        voice_id: str = "",
        format: AudioFormat | None = None,
        speed: float | None = None,
        reasoning_effort: ReasoningEffort | None = None,
        tool_choice: str = "auto",
        transcription_model: str = "gpt-transcribe",
        transcription_language: str = "",
        noise_reduction: NoiseReduction | None = None,
        max_output_tokens: int | None = None,
        gate_response_on_transcript: bool = False,
        temperature: float | None = None,
        url: str = "",
        clock: Clock | None = None,
    ) -> None:
        self._url = service_url(url, URL)
        self._is_azure = (urlsplit(self._url).hostname or "").endswith(AZURE_HOSTS)
        self._vendor = AZURE if self._is_azure else OPENAI
        self._key = self._vendor.key(api_key)
        self._model = model or self.default_model
        self._format = format
        self._given = SessionSettings(
            voice=voice or voice_id or "marin",
            speed=speed,
            transcription_model=transcription_model,
            transcription_language=transcription_language,
            noise_reduction=noise_reduction,
            max_output_tokens=max_output_tokens,
            tool_choice=tool_choice,
            reasoning_effort=reasoning_effort,
        )
        self._settings = self._suited(self._model)
        _check(self._settings)
        self.needs_words = gate_response_on_transcript
        self._clock = clock or SystemClock()
        if temperature is not None:
            log.warning("%s: `temperature` is ignored, since OpenAI's realtime API has none", self.name)

    @property
    def input_format(self) -> AudioFormat:
        return self._settings.format

    @property
    def output_format(self) -> AudioFormat:
        return self._settings.format

    def with_voice(self, voice: str) -> Self:
        """The same with another voice."""
        other = copy.copy(self)
        other._given = replace(self._given, voice=voice)
        other._settings = replace(self._settings, voice=voice)
        return other

    def with_model(self, model: str) -> Self:
        """The same with another model."""
        other = copy.copy(self)
        other._model = model
        other._settings = self._suited(model)
        return other

    def _suited(self, model: str) -> SessionSettings:
        """What was given, and where that leaves it open what this model wants."""
        thinks = self.reasons or model.startswith(THINKING)
        given = self._given.reasoning_effort
        return replace(
            self._given,
            format=self._format or (PCM16 if thinks else LINE),
            reasons=thinks or given is not None,
            reasoning_effort=given or (self.default_effort if thinks else None),
        )

    async def open(self, config: EngineConfig) -> EngineSession:
        """See `RealtimeEngine.open`."""
        faults = Faults(self.name, self._vendor, [self._key], self._model)
        heard_by = self._settings.transcription_model
        hearing = Faults(f"{heard_by} at {host_of(self._url)}", self._vendor, [self._key], heard_by)
        product = Product(self._vendor.billed_as, self._model)

        def dialect(ends: Ends) -> OpenAIDialect:
            return OpenAIDialect(
                ends, self._settings, config, product=product, faults=faults, hearing=hearing, clock=self._clock
            )

        session = SocketSession(self.address, dialect, faults=faults, clock=self._clock, keep_alive_s=KEEP_ALIVE_S)
        await session.open()
        return session

    @property
    def address(self) -> Address:
        """Where sessions are, and what lets us in."""
        key = self._key.get_secret_value()
        headers = {"api-key": key} if self._is_azure else {"Authorization": f"Bearer {key}"}
        return Address(f"{self._url}?model={quote(self._model, safe='')}", headers)


class OpenAIRealtime2(OpenAIRealtime):
    """The same with OpenAI's reasoning realtime models.

    `reasoning_effort` is the model's own choice where it is None.
    """

    FACTS: ClassVar = replace(
        OpenAIRealtime.FACTS, models=("gpt-realtime-2", "gpt-realtime-2.1", "gpt-realtime-2.1-mini")
    )
    default_model = "gpt-realtime-2"
    default_effort = None
    reasons = True


def engine_for(model: str) -> type[OpenAIRealtime]:
    """The class that a model of this name wants."""
    return OpenAIRealtime2 if model.startswith(THINKING) else OpenAIRealtime


def _check(settings: SessionSettings) -> None:
    """Raises `ConfigurationError`."""
    if settings.format not in FORMATS:
        raise ConfigurationError(
            f"OpenAI's realtime models take no {settings.format.encoding} at {settings.format.rate} Hz.",
            next_step="Pass LINE (G.711 µ-law) or PCM16 (24 kHz).",
        )
    if settings.speed is not None and not SPEEDS[0] <= settings.speed <= SPEEDS[1]:
        raise ConfigurationError(
            f"A voice at {settings.speed} times its speed cannot be had.",
            next_step=f"Pass a speed from {SPEEDS[0]} to {SPEEDS[1]}.",
        )
    tokens = settings.max_output_tokens
    if tokens is not None and not 1 <= tokens <= MAX_OUTPUT_TOKENS:
        raise ConfigurationError(
            f"A response cannot be limited to {tokens} tokens.",
            next_step=f"Pass 1 to {MAX_OUTPUT_TOKENS}, or nothing for no limit.",
        )
