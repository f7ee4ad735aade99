"""Google's Gemini Live models, over a WebSocket a call."""

from __future__ import annotations

import copy
import logging
from dataclasses import replace
from typing import ClassVar, Final, Self

from pydantic import SecretStr

from getpatter.audio.format import AudioFormat
from getpatter.clock import Clock, SystemClock
from getpatter.connections.facts import Facts
from getpatter.connections.faults import Faults
from getpatter.connections.hosted_model import HostedModel
from getpatter.connections.vendor import host_of, service_url
from getpatter.connections.websocket import Address
from getpatter.engines.base import EngineConfig, EngineSession
from getpatter.engines.dialect import Ends
from getpatter.engines.gemini_dialect import GeminiDialect
from getpatter.engines.gemini_wire import INPUT, OUTPUT, SessionSettings
from getpatter.engines.socket import SocketSession
from getpatter.environment import variables
from getpatter.errors import ProviderError
from getpatter.llm.google import GOOGLE, OTHER_VARIABLE
from getpatter.metering import Product

log = logging.getLogger(__name__)

URL: Final = "wss://generativelanguage.googleapis.com"
PATH: Final = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"


class GeminiLive(HostedModel):
    """One model, for any number of calls.

    `api_key` is the account's, and `GOOGLE_API_KEY` or `GEMINI_API_KEY` where none is given.  `voice_id` is another
    name of `voice`.  Raises `ConfigurationError`.

    The API has no truncation: after an interruption the model is told in words what was heard.  Words that are to be
    said exactly are asked for in the conversation, where they stay.  A connection lasts ten minutes; the session is
    taken up on another one.
    """

    FACTS: ClassVar = Facts(
        vendor="Google",
        key_variable=f"{GOOGLE.key_variable} or {OTHER_VARIABLE}",
        transport="WebSocket",
        formats=("pcm16 16000 in, 24000 out",),
        models=("gemini-3.8-live", "gemini-3.1-flash-live-preview", "gemini-2.5-flash-native-audio-preview-12-2025"),
        features=("transcripts", "tools", "cancel", "history", "resumption"),
        billing="tokens",
        tested_with="google-genai",
        unconfirmed=(
            "When the transcript of a turn is whole: it is taken to be so with the end of the answer.",
            "That text and an activity may be mixed in one turn: it is how the model is told what was heard.",
        ),
    )
    manages_turns: ClassVar[bool] = False
    input_format: AudioFormat = INPUT
    output_format: AudioFormat = OUTPUT

    def __init__(
        self,
        api_key: SecretStr | str = "",
        *,
        model: str = "gemini-3.8-live",
        voice: str = "",
        voice_id: str = "",
        temperature: float | None = None,
        max_output_tokens: int | None = None,
        url: str = "",
        clock: Clock | None = None,
    ) -> None:
        self._url = service_url(url, URL)
        self._key = GOOGLE.key(api_key or variables().get(GOOGLE.key_variable) or variables().get(OTHER_VARIABLE, ""))
        self._settings = SessionSettings(
            model=model, voice=voice or voice_id, temperature=temperature, max_output_tokens=max_output_tokens
        )
        self._clock = clock or SystemClock()

    @property
    def name(self) -> str:
        return f"{self._settings.model} at {host_of(self._url)}"

    def with_voice(self, voice: str) -> Self:
        """The same with another voice."""
        return self._with(replace(self._settings, voice=voice))

    def with_model(self, model: str) -> Self:
        """The same with another model."""
        return self._with(replace(self._settings, model=model))

    async def open(self, config: EngineConfig) -> EngineSession:
        """See `RealtimeEngine.open`."""
        if config.resumes:
            try:
                return await self._open(config, config.resumes)
            except ProviderError as error:
                log.info("%s; the session is begun anew", error.message)
        return await self._open(config, "")

    async def _open(self, config: EngineConfig, resumes: str) -> EngineSession:
        faults = Faults(self.name, GOOGLE, [self._key], self._settings.model)
        product = Product(GOOGLE.billed_as, self._settings.model)

        def dialect(ends: Ends) -> GeminiDialect:
            return GeminiDialect(ends, self._settings, config, resumes=resumes, product=product, faults=faults)

        address = Address(self._url + PATH, {"x-goog-api-key": self._key.get_secret_value()})
        session = SocketSession(address, dialect, faults=faults, clock=self._clock)
        await session.open()
        return session

    def _with(self, settings: SessionSettings) -> Self:
        other = copy.copy(self)
        other._settings = settings
        return other
