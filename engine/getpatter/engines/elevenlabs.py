"""ElevenLabs' agents (Conversational AI), over a WebSocket a call."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import ClassVar, Final, Literal, Self
from urllib.parse import quote, urlsplit

import msgspec
from pydantic import SecretStr

from getpatter.audio.format import LINE, AudioFormat
from getpatter.clock import Clock, SystemClock
from getpatter.connections.elevenlabs import ElevenLabsFaults
from getpatter.connections.facts import Facts
from getpatter.connections.http import HttpRequest, HttpService, Waits
from getpatter.connections.messages import MessageReader
from getpatter.connections.vendor import host_of, service_url
from getpatter.connections.vendors import ELEVENLABS
from getpatter.connections.websocket import Address
from getpatter.engines.base import EngineConfig, EngineSession
from getpatter.engines.dialect import Ends
from getpatter.engines.elevenlabs_dialect import AgentSettings, ElevenLabsDialect
from getpatter.engines.late import LateSession
from getpatter.engines.socket import SocketSession
from getpatter.environment import variables
from getpatter.errors import ConfigurationError
from getpatter.metering import Product

URL: Final = "wss://api.elevenlabs.io"
PATH: Final = "/v1/convai/conversation"
AGENT_VARIABLE: Final = "ELEVENLABS_AGENT_ID"
SIGNING: Final = Waits(10.0, 5.0)
MAX_ANSWER: Final = 16_384
"""Bytes of the answer that holds a signed address."""

Override = Literal["prompt", "first_message", "language"]
OVERRIDES: Final[tuple[Override, ...]] = ("prompt", "first_message", "language")


class _Signed(msgspec.Struct):
    signed_url: str = ""


_signed: Final = MessageReader(_Signed)


class ElevenLabsConvAI:
    """One agent that is configured at ElevenLabs, for any number of calls.

    `agent_id` is its id, and `ELEVENLABS_AGENT_ID` where none is given; `api_key` is the account's, and
    `ELEVENLABS_API_KEY`.  `overrides` names what the call's own agent replaces of it, which the agent's security
    settings must allow; `voice` (or `voice_id`) and `variables`, its dynamic variables, likewise.  With `signed` the
    conversation's address is asked for while it rings, as private agents need it; else the key goes with the handshake.
    Raises `ConfigurationError`.

    The agent decides when the caller has finished.  Tools must stand in its configuration as client tools with the same
    names; those of ours are `end_call` and the like, and its own for the same should be off.  Words of ours after the
    first message are asked for as if by the caller, and may come out otherwise.  Audio is converted to what the agent
    is set to; µ-law at 8000 Hz needs no conversion.
    """

    FACTS: ClassVar[Facts] = Facts(
        vendor="ElevenLabs",
        key_variable=f"{ELEVENLABS.key_variable}, and the agent in {AGENT_VARIABLE}",
        transport="WebSocket",
        formats=("mulaw 8000", "pcm16 8000", "pcm16 16000", "pcm16 24000", "pcm16 48000"),
        models=("the agent's",),
        features=("turns of its own", "transcripts", "tools", "first message", "history as a note"),
        billing="session",
        tested_with="elevenlabs",
        unconfirmed=(
            "That the address without a signature takes the key as a header (`signed=False`).",
            "When agent_response_complete comes: a response counts as over after a pause in its audio, too.",
            "Who has ended a conversation whose connection is closed in good order, where neither"
            " `agent_tool_response`, an event that can be switched off, nor a reason comes with it: it counts as the"
            " agent.",
            "That an interruption is told of an answer which our own words replace, before those are complete.",
        ),
    )
    manages_turns = True
    input_format: AudioFormat = LINE
    output_format: AudioFormat = LINE

    def __init__(
        self,
        agent_id: str = "",
        api_key: SecretStr | str = "",
        *,
        voice: str = "",
        voice_id: str = "",
        overrides: Collection[Override] = OVERRIDES,
        variables: Mapping[str, str] | None = None,
        signed: bool = True,
        url: str = "",
        clock: Clock | None = None,
    ) -> None:
        self._url = service_url(url, URL)
        self._key = ELEVENLABS.key(api_key)
        self._agent_id = _agent(agent_id)
        if surplus := set(overrides) - set(OVERRIDES):
            raise ConfigurationError(
                f"An agent's {' and '.join(sorted(surplus))} cannot be replaced for a call.",
                next_step=f"Name some of {', '.join(OVERRIDES)}, or none.",
            )
        self._settings = AgentSettings(
            overrides=frozenset(overrides), voice=voice or voice_id, variables=dict(variables or {})
        )
        self._signed = signed
        self._clock = clock or SystemClock()
        self._faults = ElevenLabsFaults(self.name, ELEVENLABS, [self._key])
        self._http = HttpService(self._faults, self._clock)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    @property
    def name(self) -> str:
        return f"{self._agent_id} at {host_of(self._url)}"

    def with_voice(self, voice: str) -> Self:
        """The same with another voice."""
        other = copy.copy(self)
        other._settings = replace(self._settings, voice=voice)
        return other

    async def open(self, config: EngineConfig) -> EngineSession:
        """See `RealtimeEngine.open`.  The conversation is paid for by the minute, so there is none before the first
        command, but for a connection without a request on it."""
        dialects: list[ElevenLabsDialect] = []

        def dialect(ends: Ends) -> ElevenLabsDialect:
            product = Product(ELEVENLABS.billed_as, "convai")
            dialects.append(ElevenLabsDialect(ends, self._settings, config, product=product, faults=self._faults))
            return dialects[0]

        session = SocketSession(await self._address(), dialect, faults=self._faults, clock=self._clock)
        await session.reach()

        async def begin(first_words: str) -> SocketSession:
            dialects[0].first_words = first_words
            await session.open()
            return session

        return LateSession(begin, session.close, greets=config.greets, format=self.input_format, name=self.name)

    async def close(self) -> None:
        """Close the connections that calls shared.  May be called twice."""
        await self._http.close()

    async def _address(self) -> Address:
        agent = quote(self._agent_id, safe="")
        key = {"xi-api-key": self._key.get_secret_value()}
        if not self._signed:
            return Address(f"{self._url}{PATH}?agent_id={agent}", key)
        http_url = self._url.replace("ws", "http", 1)
        request = HttpRequest(
            url=f"{http_url}{PATH}/get-signed-url", method="GET", headers=key, params={"agent_id": self._agent_id}
        )
        async with self._http.stream(request, SIGNING) as answer:
            try:
                signed = urlsplit(_signed(await answer.body(MAX_ANSWER)).signed_url)
            except ValueError as error:
                raise self._faults.nonsense(str(error)) from None
        if signed.scheme != urlsplit(self._url).scheme or not signed.hostname:
            raise self._faults.nonsense("an address that is none")
        return Address(signed.geturl())


def _agent(given: str) -> str:
    """Raises `ConfigurationError`."""
    agent_id = (given or variables().get(AGENT_VARIABLE, "")).strip()
    if not agent_id or not agent_id.isascii() or not agent_id.replace("_", "").replace("-", "").isalnum():
        raise ConfigurationError(
            "An agent of ElevenLabs needs its id.",
            next_step=f"Pass it as `agent_id`, or set {AGENT_VARIABLE}; it stands in the address of its page.",
        )
    return agent_id
