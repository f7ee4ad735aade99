from __future__ import annotations

import asyncio

import pytest

from getpatter.clock import Clock
from getpatter.engines.base import EngineConfig, ResponseDone
from getpatter.engines.elevenlabs import ElevenLabsConvAI
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.testing.contracts.managed_realtime import ManagedRealtimeContract
from getpatter.testing.contracts.responses import spoken, text_of, until
from getpatter.testing.realtime_session import Spoken
from getpatter.testing.vendors.elevenlabs_convai import ElevenLabsConvAIServer

KEY = "sk-secret-0123456789"
CONFIG = EngineConfig("You book tables.", greets=True)


class TestElevenLabsConvAI(ManagedRealtimeContract):
    key_variable = "ELEVENLABS_API_KEY"
    takes_tools = False

    def server(
        self, *answers: Spoken, heard: tuple[str, ...] = (), key: str = "", pace: float = 0.0
    ) -> ElevenLabsConvAIServer:
        return ElevenLabsConvAIServer(*answers, heard=heard, key=key, pace=pace)

    def engine(self, url: str, *, api_key: str, clock: Clock) -> ElevenLabsConvAI:
        return ElevenLabsConvAI("agent_1", api_key, url=url, clock=clock)


class TestAnAgentOfPcm(TestElevenLabsConvAI):
    def server(
        self, *answers: Spoken, heard: tuple[str, ...] = (), key: str = "", pace: float = 0.0
    ) -> ElevenLabsConvAIServer:
        return ElevenLabsConvAIServer(*answers, heard=heard, key=key, pace=pace, format="pcm_16000")


class TestWithTheKeyInTheHandshake(TestElevenLabsConvAI):
    def engine(self, url: str, *, api_key: str, clock: Clock) -> ElevenLabsConvAI:
        return ElevenLabsConvAI("agent_1", api_key, url=url, clock=clock, signed=False)


# -- the agent


def test_an_agent_needs_its_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ELEVENLABS_AGENT_ID", raising=False)
    with pytest.raises(ConfigurationError) as missing:
        ElevenLabsConvAI(api_key=KEY)
    assert "ELEVENLABS_AGENT_ID" in str(missing.value.next_step)


def test_the_id_is_taken_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELEVENLABS_AGENT_ID", "agent_2")
    assert ElevenLabsConvAI(api_key=KEY).name == "agent_2 at api.elevenlabs.io"


@pytest.mark.parametrize("agent_id", ["agent&other=1", "a b", "../agents"])
def test_an_id_that_is_none_is_refused(agent_id: str) -> None:
    with pytest.raises(ConfigurationError):
        ElevenLabsConvAI(agent_id, KEY)


def test_what_cannot_be_overridden_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="temperature"):
        ElevenLabsConvAI("agent_1", KEY, overrides=["temperature"])  # type: ignore[list-item]  # that is the test


# -- the conversation


async def test_what_the_agent_does_not_allow_is_told_when_the_call_begins() -> None:
    server = ElevenLabsConvAIServer(allows=frozenset({"prompt"}))
    async with server.running(), asyncio.timeout(60):
        engine = ElevenLabsConvAI("agent_1", KEY, url=server.url)
        session = await engine.open(CONFIG)
        try:
            session.say("Good morning.")
            with pytest.raises(ProviderError) as refused:
                await until(session, ResponseDone)
        finally:
            await session.close()
            await engine.close()
    assert not refused.value.retryable
    assert "overrides" in str(refused.value.next_step)


async def test_an_agent_that_allows_nothing_is_asked_for_the_first_words() -> None:
    server = ElevenLabsConvAIServer(allows=frozenset())
    async with server.running(), asyncio.timeout(60):
        engine = ElevenLabsConvAI("agent_1", KEY, url=server.url, overrides=())
        session = await engine.open(CONFIG)
        try:
            session.say("Good morning.")
            assert text_of(await spoken(session)) == "Good morning."
        finally:
            await session.close()
            await engine.close()


async def test_the_key_goes_nowhere_but_to_the_vendor() -> None:
    server = ElevenLabsConvAIServer(key=KEY)
    async with server.running(), asyncio.timeout(60):
        engine = ElevenLabsConvAI("agent_1", KEY, url=server.url)
        session = await engine.open(CONFIG)
        try:
            session.say("Good morning.")
            await spoken(session)
        finally:
            await session.close()
            await engine.close()
        joined = await server.connected()
    assert "xi-api-key" not in joined.headers
    assert KEY not in str(joined.query)
    assert joined.query["agent_id"] == "agent_1"


async def test_an_address_somewhere_else_is_not_followed() -> None:
    class Elsewhere(ElevenLabsConvAIServer):
        def admit(self, *request: object) -> object:  # type: ignore[override]  # a vendor that has lost its mind
            return 200, '{"signed_url": "http://example.org/"}'

    server = Elsewhere()
    async with server.running(), asyncio.timeout(60):
        engine = ElevenLabsConvAI("agent_1", KEY, url=server.url)
        with pytest.raises(ProviderError, match="address"):
            await engine.open(CONFIG)
        await engine.close()


async def test_a_voice_is_the_calls_own() -> None:
    server = ElevenLabsConvAIServer()
    async with server.running(), asyncio.timeout(60):
        engine = ElevenLabsConvAI("agent_1", KEY, url=server.url, voice="voice_1").with_voice("voice_2")
        session = await engine.open(CONFIG)
        try:
            session.say("Good morning.")
            await spoken(session)
        finally:
            await session.close()
            await engine.close()
    assert server.conversations[0].setup["conversation_config_override"]["tts"] == {"voice_id": "voice_2"}
