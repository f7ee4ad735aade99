from __future__ import annotations

import json
from contextlib import aclosing
from typing import Any

import pytest
from elevenlabs.types.close_context import CloseContext
from elevenlabs.types.close_socket import CloseSocket
from elevenlabs.types.flush_context import FlushContext
from elevenlabs.types.initialise_context import InitialiseContext
from elevenlabs.types.initialize_connection_multi import InitializeConnectionMulti
from elevenlabs.types.keep_context_alive import KeepContextAlive
from pydantic import BaseModel

from getpatter.clock import Clock
from getpatter.connections.elevenlabs import ElevenLabsFaults
from getpatter.connections.vendors import ELEVENLABS
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.testing.clock import SkippingClock
from getpatter.testing.contracts.stt import KEY
from getpatter.testing.contracts.tts import TtsContract, spoken
from getpatter.testing.vendors.elevenlabs import ElevenLabsServer
from getpatter.tts.base import SpeechChunk, WordTime
from getpatter.tts.dialect import Done, Happening, Part
from getpatter.tts.elevenlabs import KEEP_ALIVE_S, ElevenLabsDialect, ElevenLabsTTS


class TestElevenLabs(TtsContract):
    key_variable = "ELEVENLABS_API_KEY"
    gives_word_times = True

    def server(self, *, key: str = "") -> ElevenLabsServer:
        return ElevenLabsServer(key=key)

    def provider(self, url: str, *, api_key: str, clock: Clock, voice: str = "") -> ElevenLabsTTS:
        return ElevenLabsTTS(api_key, voice=voice, url=url, clock=clock)

    async def test_the_vendors_own_types_know_each_message(self) -> None:
        async with self._call() as (_, voice, server):
            await spoken(voice, "Hello.")
            assert isinstance(server, ElevenLabsServer)
            session = server.sessions[0]
        begin, text, flush, close, end = session.told
        assert known(InitializeConnectionMulti, begin) == {"text": " ", "context_id": "idle"}
        assert known(InitialiseContext, text) == {"text": "Hello. ", "context_id": "s1"}
        assert known(FlushContext, flush) == {"context_id": "s1", "flush": True}
        assert known(CloseContext, close) == {"context_id": "s1", "close_context": True}
        assert known(CloseSocket, end) == {"close_socket": True}

    async def test_one_socket_serves_a_call_until_it_is_interrupted(self) -> None:
        async with self._call() as (_, voice, server):
            assert isinstance(server, ElevenLabsServer)
            for _ in range(8):  # more than there may be contexts at a time
                await spoken(voice, "Hello.")
            assert len(server.sessions) == 1
            async with aclosing(voice.synthesize("A sentence that is cut.")) as speech:
                await anext(speech)
            await server.connected(2)

    @pytest.mark.parametrize(("inactivity_timeout", "pause_s"), [(180, KEEP_ALIVE_S), (10, 7.5)])
    async def test_a_socket_on_which_nothing_is_said_is_kept_alive(
        self, inactivity_timeout: int, pause_s: float
    ) -> None:
        clock = SkippingClock()
        async with ElevenLabsServer().running() as server:
            provider = ElevenLabsTTS(KEY, inactivity_timeout=inactivity_timeout, url=server.url, clock=clock)
            voice = await provider.open()
            session = await server.connected()
            clock.skip(pause_s)
            await server.until(lambda: len(session.told) == 2)
            assert known(KeepContextAlive, session.told[1]) == {"text": "", "context_id": "idle"}
            await voice.close()

    async def test_what_is_asked_for_stands_in_the_address(self) -> None:
        async with ElevenLabsServer().running() as server:
            provider = ElevenLabsTTS(
                KEY, voice="rachel", url=server.url, language="de-DE", apply_text_normalization="off", seed=7
            )
            voice = await provider.open()
            await voice.close()
            session = server.sessions[0]
        assert session.path == "/v1/text-to-speech/21m00Tcm4TlvDq8ikWAM/multi-stream-input"
        assert session.query == {
            "model_id": "eleven_flash_v2_5",
            "output_format": "ulaw_8000",
            "auto_mode": "true",
            "inactivity_timeout": "180",
            "sync_alignment": "true",
            "language_code": "de",
            "apply_text_normalization": "off",
            "seed": "7",
        }


def known(kind: type[BaseModel], message: dict[str, Any]) -> dict[str, Any]:
    """The message, if the vendor's type knows all that is in it."""
    told = kind.model_validate(message)
    assert not told.model_extra
    return told.model_dump(exclude_none=True)


# -- the dialect


def dialect(**manner: object) -> ElevenLabsDialect:
    return ElevenLabsDialect(manner, 8000, ElevenLabsFaults("m at acme.example", ELEVENLABS))


def told(dialect: ElevenLabsDialect, **message: object) -> list[Happening]:
    return list(dialect.receive(json.dumps(message)))


def test_settings_go_with_the_first_message_of_each_context() -> None:
    voice = dialect(voice_settings={"speed": 1.1})
    (begin,) = voice.begin()
    text, *others = voice.speak("s1", "Hello.")
    assert json.loads(begin)["voice_settings"] == json.loads(text)["voice_settings"] == {"speed": 1.1}
    assert not any("voice_settings" in message for message in others)


def test_what_comes_of_another_sentence_is_passed_over() -> None:
    voice = dialect()
    assert told(voice, audio="AAEC", contextId="s0") == []
    voice.speak("s1", "Hello.")
    assert told(voice, audio="AAEC", contextId="s0") == []
    assert told(voice, isFinal=True, contextId="idle") == []
    assert told(voice, audio="AAEC", contextId="s1") == [Part(SpeechChunk(b"\0\1\2"))]
    assert told(voice, isFinal=True, contextId="s1") == [Done()]
    assert told(voice, audio="AAEC", contextId="s1") == []


def test_words_are_those_of_the_text_and_not_of_how_it_is_read() -> None:
    voice = dialect()
    voice.speak("s1", "At 5")
    times = {"chars": list("At 5 "), "charStartTimesMs": [0, 100, 200, 300, 400], "charDurationsMs": [100] * 5}
    read = {"chars": list("At five "), "charStartTimesMs": [0] * 8, "charDurationsMs": [50] * 8}
    (part,) = told(voice, audio="AAEC", alignment=times, normalizedAlignment=read, contextId="s1")
    assert part == Part(SpeechChunk(b"\0\1\2", (WordTime("At", 0.0), WordTime("5", 0.3))))


def test_a_last_word_without_a_space_comes_with_the_end() -> None:
    voice = dialect()
    voice.speak("s1", "Oh")
    times = {"chars": list("Oh"), "charStartTimesMs": [0, 100], "charDurationsMs": [100, 100]}
    told(voice, audio="AAEC", alignment=times, contextId="s1")
    assert told(voice, isFinal=True, contextId="s1") == [Part(SpeechChunk(b"", (WordTime("Oh", 0.0),))), Done()]


@pytest.mark.parametrize("alignment", [None, {}, {"chars": None, "charStartTimesMs": None, "charDurationsMs": None}])
def test_a_piece_may_come_without_times(alignment: object) -> None:
    voice = dialect()
    voice.speak("s1", "Hello.")
    assert told(voice, audio="AAEC", alignment=alignment, contextId="s1") == [Part(SpeechChunk(b"\0\1\2"))]


@pytest.mark.parametrize("message", ["", "[]", '{"audio": 1}', '{"audio": "@"}', b"\xff"])
def test_what_cannot_be_read_is_refused(message: str | bytes) -> None:
    with pytest.raises(ValueError, match="none"):
        dialect().receive(message)


def test_a_complaint_ends_the_socket() -> None:
    (error,) = told(dialect(), error="max_active_conversations", message="Maximum contexts exceeded (5).", code=1008)
    assert isinstance(error, ProviderError)
    assert error.message == "m at acme.example complains (max_active_conversations): Maximum contexts exceeded (5)."
    assert error.retryable


# -- settings


async def path(**settings: Any) -> str:
    """Where these settings lead."""
    async with ElevenLabsServer().running() as server:
        await (await ElevenLabsTTS(KEY, url=server.url, **settings).open()).close()
        return server.sessions[0].path


async def test_the_default_is_a_voice_that_every_account_has() -> None:
    assert "/EXAVITQu4vr4xnSDxMaL/" in await path()


@pytest.mark.parametrize("settings", [{"voice": "rachel"}, {"voice_id": "21m00Tcm4TlvDq8ikWAM"}])
async def test_a_voice_may_be_given_by_name_or_id(settings: dict[str, str]) -> None:
    assert "/21m00Tcm4TlvDq8ikWAM/" in await path(**settings)


async def test_another_voice_or_model_is_a_copy() -> None:
    async with ElevenLabsServer().running() as server:
        provider = ElevenLabsTTS(KEY, voice="rachel", url=server.url)
        other = provider.with_voice("adam").with_model("eleven_multilingual_v2")
        for one in (provider, other):
            await (await one.open()).close()
    asked = [(session.path.split("/")[3], session.query["model_id"]) for session in server.sessions]
    assert asked == [
        ("21m00Tcm4TlvDq8ikWAM", "eleven_flash_v2_5"),
        ("pNInz6obpgDQGcFmaJgB", "eleven_multilingual_v2"),
    ]


def test_another_voice_must_be_known() -> None:
    with pytest.raises(ConfigurationError):
        ElevenLabsTTS(KEY).with_voice("nobody")


def test_a_model_without_a_socket_is_refused_with_the_way_out() -> None:
    with pytest.raises(ConfigurationError, match="eleven_v3") as refused:
        ElevenLabsTTS(KEY, model="eleven_v3")
    assert "ElevenLabsRestTTS" in str(refused.value.next_step)
    with pytest.raises(ConfigurationError):
        ElevenLabsTTS(KEY).with_model("eleven_v3")


@pytest.mark.parametrize(
    "wrong",
    [
        {"voice": "rachel", "voice_id": "adam"},
        {"inactivity_timeout": 181},
        {"inactivity_timeout": 0},
        {"chunk_length_schedule": (120,)},
        {"chunk_length_schedule": (10,), "auto_mode": False},
        {"url": "https://api.elevenlabs.io"},
    ],
)
def test_what_cannot_work_is_told_when_the_provider_is_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        ElevenLabsTTS(KEY, **wrong)
