"""OpenAI's voices."""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import Any

import pytest

from getpatter.clock import Clock
from getpatter.connections.faults import Faults
from getpatter.connections.vendors import OPENAI
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.metering import Product, Used, used_by
from getpatter.testing.contracts.tts import TtsContract, joined, spoken
from getpatter.testing.vendors.openai_speech import USAGE, OpenAISpeechServer
from getpatter.tts.base import SpeechChunk, TextToSpeech
from getpatter.tts.openai import PCM, EventAudio, OpenAITTS

PRODUCT = Product("openai", "gpt-4o-mini-tts")


class TestOpenAI(TtsContract):
    key_variable = "OPENAI_API_KEY"
    most_characters = 4096

    def server(self, *, key: str = "") -> OpenAISpeechServer:
        return OpenAISpeechServer(key=key)

    def provider(self, url: str, *, api_key: str, clock: Clock, voice: str = "") -> TextToSpeech:
        return OpenAITTS(api_key, voice=voice, url=f"{url.replace('ws:', 'http:')}/v1", clock=clock)


class TestOpenAIByEvents(TtsContract):
    key_variable = "OPENAI_API_KEY"
    most_characters = 4096

    def server(self, *, key: str = "") -> OpenAISpeechServer:
        return OpenAISpeechServer(key=key)

    def provider(self, url: str, *, api_key: str, clock: Clock, voice: str = "") -> TextToSpeech:
        url = f"{url.replace('ws:', 'http:')}/v1"
        return OpenAITTS(api_key, voice=voice, stream_format="sse", url=url, clock=clock)


def events() -> EventAudio:
    return EventAudio(PRODUCT, Faults("m", OPENAI))


def event(kind: str, **fields: Any) -> bytes:
    return b"data: " + json.dumps({"type": kind, **fields}).encode() + b"\n\n"


# -- event streams


def test_sound_comes_however_the_events_are_cut() -> None:
    whole = event("speech.audio.delta", audio="AAEC") + event("speech.audio.delta", audio="AwQ=")
    ours = events()
    chunks = [chunk for at in range(len(whole)) for chunk in ours.feed(whole[at : at + 1])]
    assert chunks == [SpeechChunk(b"\0\1\2"), SpeechChunk(b"\3\4")]


def test_the_last_event_tells_what_was_counted() -> None:
    ours = events()
    list(ours.feed(event("speech.audio.delta", audio="AAEC")))
    assert list(ours.feed(event("speech.audio.done", usage={"input_tokens": 14, "output_tokens": 101}))) == []
    assert list(ours.close()) == []
    assert ours.used == (Used(PRODUCT, input_tokens=14, output_tokens=101, output_audio_tokens=101),)


def test_what_a_sentence_cost_that_was_left_is_estimated() -> None:
    ours = events()
    assert ours.used == (Used(PRODUCT),)
    minute = event("speech.audio.delta", audio="AAAA" * (2 * PCM.bytes_per_second))
    for _ in range(10):
        list(ours.feed(minute))
    assert ours.used == (Used(PRODUCT, output_tokens=1250, output_audio_tokens=1250, estimated=True),)


def test_streams_of_other_servers_are_read_too() -> None:
    ours = events()
    named = b'event: speech.audio.delta\ndata: {"audio":"AAEC"}\n\n'
    assert list(ours.feed(named + b"data: [DONE]\n\n")) == [SpeechChunk(b"\0\1\2")]
    assert list(ours.close()) == []


def test_a_stream_without_its_last_event_is_broken() -> None:
    with pytest.raises(ValueError, match="without its last event"):
        list(events().close())


def test_an_error_in_the_stream_is_told() -> None:
    with pytest.raises(ProviderError, match="No luck"):
        list(events().feed(event("error", error={"type": "server_error", "message": "No luck."})))


@pytest.mark.parametrize("data", [b"data: nonsense\n\n", b'data: {"type":"speech.audio.delta","audio":"*"}\n\n'])
def test_what_cannot_be_read_is_told_without_repeating_it(data: bytes) -> None:
    with pytest.raises(ValueError, match="message that is none"):
        list(events().feed(data))


def test_what_does_not_concern_us_is_passed_over() -> None:
    assert list(events().feed(b": ping\n\n" + event("speech.audio.delta") + event("something.new"))) == []


# -- on the wire


async def asked_for(provider: OpenAITTS, server: OpenAISpeechServer) -> Any:
    voice = await provider.open()
    await spoken(voice, "Hello.")
    await voice.close()
    await provider.close()
    return await server.requests[-1].json()


async def test_a_request_asks_for_bare_sound() -> None:
    async with OpenAISpeechServer().running() as server:
        assert await asked_for(OpenAITTS("key", url=server.base_url), server) == {
            "model": "gpt-4o-mini-tts",
            "voice": "alloy",
            "response_format": "pcm",
            "input": "Hello.",
        }


async def test_every_option_is_one_that_openai_takes() -> None:
    async with OpenAISpeechServer().running() as server:
        provider = OpenAITTS(
            "key",
            voice_id="voice_1234",
            instructions="Whisper.",
            speed=1.25,
            stream_format="sse",
            url=server.base_url,
        )
        body = await asked_for(provider, server)
    assert body["voice"] == {"id": "voice_1234"}
    assert (body["instructions"], body["speed"], body["stream_format"]) == ("Whisper.", 1.25, "sse")


async def test_copies_have_connections_of_their_own() -> None:
    async with OpenAISpeechServer().running() as server:
        original = OpenAITTS("key", url=server.base_url)
        other = original.with_voice("coral").with_model("tts-1")
        await original.close()
        body = await asked_for(other, server)
    assert (body["voice"], body["model"]) == ("coral", "tts-1")


async def test_events_tell_the_tokens_of_each_sentence() -> None:
    async with OpenAISpeechServer().running() as server:
        provider = OpenAITTS("key", stream_format="sse", url=server.base_url)
        voice = await provider.open()
        for text in ("One.", "Two."):
            await spoken(voice, text)
        (used,) = used_by(voice)
        assert (used.input_tokens, used.output_tokens) == (2 * USAGE["input_tokens"], 2 * USAGE["output_tokens"])
        assert (used.characters, used.estimated) == (8, False)
        async with aclosing(voice.synthesize("A sentence that nobody hears to its end.")) as speech:
            await anext(speech)
        (used,) = used_by(voice)
        assert used.output_audio_tokens > 2 * USAGE["output_tokens"]
        assert used.estimated
        await voice.close()
        await provider.close()


async def test_a_connection_that_went_cold_fails_no_sentence() -> None:
    async with OpenAISpeechServer().running() as server:
        provider = OpenAITTS("key", url=server.base_url)
        voice = await provider.open()
        server.orders.tears = 1
        assert joined(await spoken(voice, "Hello."))
        await voice.close()
        await provider.close()


async def test_an_unknown_voice_is_refused_with_openais_words() -> None:
    async with OpenAISpeechServer().running() as server:
        provider = OpenAITTS("key", voice="alloi", url=server.base_url)
        voice = await provider.open()
        with pytest.raises(ProviderError, match="voice") as refused:
            await spoken(voice, "Hello.")
        await voice.close()
        await provider.close()
    assert not refused.value.retryable


# -- settings


def test_its_sound_is_the_only_kind_that_needs_no_decoder() -> None:
    assert OpenAITTS("key").format == PCM
    assert OpenAITTS("key").name == "gpt-4o-mini-tts at api.openai.com"


@pytest.mark.parametrize(
    "wrong",
    [
        {"speed": 5.0},
        {"speed": 0.1},
        {"stream_format": "mp3"},
        {"model": "tts-1", "instructions": "Whisper."},
        {"model": "tts-1-hd", "stream_format": "sse"},
        {"voice": "alloy", "voice_id": "coral"},
        {"url": "wss://api.openai.com/v1"},
    ],
)
def test_settings_that_cannot_work_are_told_at_once(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        OpenAITTS("key", **wrong)


def test_a_model_that_cannot_do_what_was_asked_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError):
        OpenAITTS("key", instructions="Whisper.").with_model("tts-1")
