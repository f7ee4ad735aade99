"""Ultravox's speech models, over a WebSocket a call."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final, Self
from urllib.parse import urlsplit

from pydantic import SecretStr

from getpatter.audio.format import AudioFormat
from getpatter.clock import Clock, SystemClock
from getpatter.connections.facts import Facts
from getpatter.connections.faults import Faults
from getpatter.connections.http import HttpRequest, HttpService, Waits
from getpatter.connections.vendor import Vendor, host_of, service_url
from getpatter.connections.websocket import Address
from getpatter.engines import ultravox_wire as wire
from getpatter.engines.base import EngineConfig, EngineSession
from getpatter.engines.dialect import Ends
from getpatter.engines.late import LateSession
from getpatter.engines.socket import SocketSession
from getpatter.engines.ultravox_dialect import UltravoxDialect
from getpatter.engines.ultravox_wire import CallSettings
from getpatter.errors import ConfigurationError
from getpatter.metering import Product

ULTRAVOX: Final = Vendor("Ultravox", "ULTRAVOX_API_KEY", "app.ultravox.ai")
URL: Final = "https://api.ultravox.ai"
PATH: Final = "/api/calls"
CREATING: Final = Waits(10.0, 5.0)
MAX_ANSWER: Final = 8 * 1024 * 1024
"""Bytes; the answer repeats the whole call."""
MAX_DURATION_S: Final = 3600
RATES: Final = (8000, 16000, 24000, 48000)


class UltravoxRealtime:
    """One model, for any number of calls.

    `api_key` is the account's, and `ULTRAVOX_API_KEY` where none is given.  `voice` (or `voice_id`) is a name or an id;
    `rate` is of the audio, in Hz; `extra` holds further fields of a call as the API names them, e.g. `vadSettings`.
    Raises `ConfigurationError`.

    The server decides when the caller has finished.  An agent that takes over in mid-call brings its instructions, as a
    message, but no tools.
    """

    FACTS: ClassVar[Facts] = Facts(
        vendor="Ultravox",
        key_variable=ULTRAVOX.key_variable,
        transport="WebSocket",
        formats=tuple(f"pcm16 {rate}" for rate in RATES),
        models=("fixie-ai/ultravox", "ultravox-v0.7"),
        features=("turns of its own", "transcripts", "tools", "first message", "exact words", "history"),
        billing="session",
        unconfirmed=(
            "The protocol as a whole: the vendor's clients speak WebRTC, so there is none to hold the stand-in to it.",
            "That `thinking` always comes before an answer, and `listening` behind it.",
            "With which close code a call ends that the service ends, and which of its limits that was.",
            "That an interruption is told of an answer which our own words replace, before those are complete.",
            "That creating a call costs nothing: it is billed by the time from the joining on.",
        ),
    )
    manages_turns = True

    def __init__(
        self,
        api_key: SecretStr | str = "",
        *,
        model: str = "fixie-ai/ultravox",
        voice: str = "",
        voice_id: str = "",
        temperature: float | None = None,
        max_duration_s: int = MAX_DURATION_S,
        rate: int = 8000,
        extra: Mapping[str, Any] | None = None,
        url: str = "",
        clock: Clock | None = None,
    ) -> None:
        self._url = service_url(url, URL)
        self._key = ULTRAVOX.key(api_key)
        if rate not in RATES:
            raise ConfigurationError(
                f"Audio at {rate} Hz cannot be had of Ultravox.",
                next_step=f"Pass one of {', '.join(map(str, RATES))}.",
            )
        if max_duration_s < 1:
            raise ConfigurationError("A call of Ultravox must be allowed a second at least.")
        self._settings = CallSettings(
            model=model,
            voice=voice or voice_id,
            temperature=temperature,
            max_duration_s=max_duration_s,
            rate=rate,
            extra=dict(extra or {}),
        )
        self._clock = clock or SystemClock()
        self._connect()

    def _connect(self) -> None:
        self._faults = Faults(self.name, ULTRAVOX, [self._key], self._settings.model)
        self._http = HttpService(self._faults, self._clock)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    @property
    def name(self) -> str:
        return f"{self._settings.model} at {host_of(self._url)}"

    @property
    def input_format(self) -> AudioFormat:
        return AudioFormat("pcm16", self._settings.rate)

    @property
    def output_format(self) -> AudioFormat:
        return AudioFormat("pcm16", self._settings.rate)

    def with_voice(self, voice: str) -> Self:
        """The same with another voice."""
        return self._with(replace(self._settings, voice=voice))

    def with_model(self, model: str) -> Self:
        """The same with another model."""
        return self._with(replace(self._settings, model=model))

    async def open(self, config: EngineConfig) -> EngineSession:
        """See `RealtimeEngine.open`.  A call is paid for from the joining on, so it is created and joined with the
        first command; before, there is only a connection."""
        await self._http.warm(self._url)
        sessions: list[SocketSession] = []

        async def begin(first_words: str) -> SocketSession:
            sessions.append(await self._created(config, first_words))
            await sessions[0].open()
            return sessions[0]

        async def let_go() -> None:
            for session in sessions:
                await session.close()

        return LateSession(begin, let_go, greets=config.greets, format=self.input_format, name=self.name)

    async def close(self) -> None:
        """Close the connections that calls shared.  May be called twice."""
        await self._http.close()

    async def _created(self, config: EngineConfig, first_words: str) -> SocketSession:
        said = list(config.history)
        asks = said.pop().content if said and said[-1].role == "user" else ""
        address = Address(await self._join_url(wire.call(self._settings, config, said, first_words)))
        product = Product(ULTRAVOX.billed_as, self._settings.model)

        def dialect(ends: Ends) -> UltravoxDialect:
            return UltravoxDialect(
                ends, config.tools, greets=bool(first_words), asks=asks, product=product, faults=self._faults
            )

        return SocketSession(address, dialect, faults=self._faults, clock=self._clock)

    async def _join_url(self, call: wire.Json) -> str:
        """The address of a new call."""
        key = {"X-API-Key": self._key.get_secret_value()}
        async with self._http.stream(HttpRequest(url=self._url + PATH, headers=key, json=call), CREATING) as answer:
            try:
                join = urlsplit(wire.read_created(await answer.body(MAX_ANSWER)).join_url)
            except ValueError as error:
                raise self._faults.nonsense(str(error)) from None
        expected = "wss" if urlsplit(self._url).scheme == "https" else "ws"
        if join.scheme != expected or not join.hostname:
            raise self._faults.nonsense("an address to join at that is none")
        return join.geturl()

    def _with(self, settings: CallSettings) -> Self:
        other = copy.copy(self)
        other._settings = settings
        other._connect()
        return other
