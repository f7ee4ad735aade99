"""Deepgram's Aura voices."""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import Any

import pytest

from getpatter.audio.format import LINE, AudioFormat
from getpatter.clock import Clock
from getpatter.connections.faults import Faults
from getpatter.connections.vendors import DEEPGRAM
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.testing.contracts.tts import TtsContract, joined, spoken
from getpatter.testing.vendors.deepgram_speak import DeepgramRestSpeakServer, DeepgramSpeakServer
from getpatter.testing.vendors.speaker import sound
from getpatter.tts.base import SpeechChunk, TextToSpeech
from getpatter.tts.deepgram import CLEAR, CLOSE, FLUSH, AuraDialect, DeepgramRestTTS, DeepgramTTS
from getpatter.tts.dialect import Done, Failed, Part


class TestDeepgram(TtsContract):
    key_variable = "DEEPGRAM_API_KEY"

    def server(self, *, key: str = "") -> DeepgramSpeakServer:
        return DeepgramSpeakServer(key=key)

    def provider(self, url: str, *, api_key: str, clock: Clock, voice: str = "") -> TextToSpeech:
        return DeepgramTTS(api_key, voice=voice, url=url, clock=clock)


class TestDeepgramRest(TtsContract):
    key_variable = "DEEPGRAM_API_KEY"

    def server(self, *, key: str = "") -> DeepgramRestSpeakServer:
        return DeepgramRestSpeakServer(key=key)

    def provider(self, url: str, *, api_key: str, clock: Clock, voice: str = "") -> TextToSpeech:
        return DeepgramRestTTS(api_key, voice=voice, url=url.replace("ws:", "http:"), clock=clock)


def dialect() -> AuraDialect:
    return AuraDialect(Faults("aura", DEEPGRAM))


# -- sentences


def test_a_sentence_is_said_and_flushed() -> None:
    assert list(dialect().speak("s1", 'Say "hi".')) == ['{"type":"Speak","text":"Say \\"hi\\"."}', FLUSH]


def test_sound_is_binary_and_ends_with_flushed() -> None:
    ours = dialect()
    assert list(ours.receive(b"\x7f\x7f")) == [Part(SpeechChunk(b"\x7f\x7f"))]
    assert list(ours.receive('{"type":"Flushed","sequence_id":0}')) == [Done()]


def test_nothing_of_a_cancelled_sentence_is_heard() -> None:
    ours = dialect()
    assert list(ours.cancel("s1")) == [CLEAR]
    late: list[str | bytes] = [
        b"\x7f",
        '{"type":"Warning","description":"Late.","code":"X"}',
        '{"type":"Flushed","sequence_id":0}',
    ]
    assert [list(ours.receive(message)) for message in late] == [[], [], []]
    assert list(ours.receive('{"type":"Cleared","sequence_id":1}')) == []
    assert list(ours.receive(b"\x00")) == [Part(SpeechChunk(b"\x00"))]


def test_each_cancelled_sentence_is_waited_for() -> None:
    ours = dialect()
    ours.cancel("s1")
    ours.cancel("s2")
    ours.receive('{"type":"Cleared","sequence_id":0}')
    assert list(ours.receive(b"\x00")) == []
    ours.receive('{"type":"Cleared","sequence_id":1}')
    assert list(ours.receive(b"\x00")) == [Part(SpeechChunk(b"\x00"))]


def test_a_warning_fails_the_sentence() -> None:
    (failed,) = dialect().receive('{"type":"Warning","description":"Too many flushes.","code":"EXCESSIVE"}')
    assert isinstance(failed, Failed)
    assert "Too many flushes." in failed.error.message


def test_an_error_loses_the_connection() -> None:
    (error,) = dialect().receive('{"type":"Error","description":"No luck."}')
    assert isinstance(error, ProviderError)


@pytest.mark.parametrize("message", ['{"type":"Metadata","model_name":"aura"}', '{"type":"SomethingNew"}'])
def test_what_does_not_concern_us_is_passed_over(message: str) -> None:
    assert list(dialect().receive(message)) == []


def test_the_end_is_said() -> None:
    ours = dialect()
    assert (list(ours.begin()), list(ours.keep_alive()), list(ours.end())) == ([], [], [CLOSE])


# -- on the wire


async def test_a_text_longer_than_a_message_is_spoken_as_one() -> None:
    words = "All work and no play. " * 200
    async with DeepgramSpeakServer().running() as server:
        voice = await DeepgramTTS("key", url=server.url).open()
        assert joined(await spoken(voice, words)) == sound(words, LINE)
        assert server.orders.spoken == [words]
        await voice.close()


async def test_no_more_sentences_than_it_may_flush_go_over_one_connection() -> None:
    async with DeepgramSpeakServer().running() as server:
        voice = await DeepgramTTS("key", url=server.url).open()
        for number in range(45):
            assert await spoken(voice, f"Number {number}.")
        flushes = [sum(told["type"] == "Flush" for told in session.told) for session in server.sessions]
        assert flushes == [20, 20, 5]
        await voice.close()


async def test_a_cancelled_sentence_leaves_its_connection_to_the_next() -> None:
    async with DeepgramSpeakServer().running() as server:
        voice = await DeepgramTTS("key", url=server.url).open()
        async with aclosing(voice.synthesize("Some words that are cut.")) as speech:
            await anext(speech)
        await spoken(voice, "And on.")
        assert len(server.sessions) == 1
        await voice.close()


async def test_every_option_is_one_that_deepgram_takes() -> None:
    async with DeepgramSpeakServer().running() as server:
        provider = DeepgramTTS(
            "key",
            voice_id="aura-2-asteria-en",
            format=AudioFormat("pcm16", 24_000),
            speed=1.2,
            mip_opt_out=True,
            url=server.url,
        )
        voice = await provider.open()
        assert server.sessions[0].query == {
            "model": "aura-2-asteria-en",
            "encoding": "linear16",
            "sample_rate": "24000",
            "speed": "1.2",
            "mip_opt_out": "true",
        }
        await voice.close()


async def test_another_voice_is_a_copy_that_ends_alone_and_fails_by_its_own_name() -> None:
    async with DeepgramRestSpeakServer().running() as server:
        provider = DeepgramRestTTS("key", url=server.url)
        other = provider.with_voice("aura-2-zeus-en")
        voice, others = await provider.open(), await other.open()
        await spoken(voice, "Hello.")
        await other.close()
        assert await spoken(voice, "Hello.")
        with pytest.raises(ProviderError, match=r"aura-2-zeus-en at .* connections were closed"):
            await spoken(others, "Hello.")
        await provider.close()


async def test_a_request_asks_for_bare_sound() -> None:
    async with DeepgramRestSpeakServer().running() as server:
        provider = DeepgramRestTTS("key", url=server.url).with_voice("aura-2-zeus-en")
        voice = await provider.open()
        await spoken(voice, "Hello.")
        (request,) = server.requests
        assert dict(request.query_params) == {
            "model": "aura-2-zeus-en",
            "encoding": "mulaw",
            "sample_rate": "8000",
            "container": "none",
        }
        await voice.close()
        await provider.close()


async def test_an_unknown_voice_is_refused_with_deepgrams_words() -> None:
    async with DeepgramSpeakServer().running() as server:
        with pytest.raises(ProviderError, match="No such model"):
            await DeepgramTTS("key", voice="thalia", url=server.url).open()


# -- settings


def test_the_voice_goes_by_any_of_its_names() -> None:
    assert DeepgramTTS("key").name.startswith("aura-2-thalia-en")
    assert DeepgramTTS("key", model="aura-2-zeus-en").name.startswith("aura-2-zeus-en")
    assert DeepgramTTS("key").with_voice("aura-2-zeus-en").name.startswith("aura-2-zeus-en")
    with pytest.raises(ConfigurationError):
        DeepgramTTS("key", voice="aura-2-zeus-en", voice_id="aura-2-hera-en")


@pytest.mark.parametrize("kind", [DeepgramTTS, DeepgramRestTTS])
@pytest.mark.parametrize(
    "wrong", [{"format": AudioFormat("mulaw", 24_000)}, {"format": AudioFormat("pcm16", 44_100)}, {"speed": 2.0}]
)
def test_settings_that_cannot_work_are_told_at_once(
    kind: type[DeepgramTTS] | type[DeepgramRestTTS], wrong: dict[str, Any]
) -> None:
    with pytest.raises(ConfigurationError):
        kind("key", **wrong)


def test_messages_are_json() -> None:
    assert [json.loads(message)["type"] for message in (FLUSH, CLEAR, CLOSE)] == ["Flush", "Clear", "Close"]
