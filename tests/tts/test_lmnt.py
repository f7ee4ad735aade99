"""LMNT's voices."""

from __future__ import annotations

import json
from typing import Any

import pytest

from getpatter.audio.format import LINE, AudioFormat
from getpatter.clock import Clock
from getpatter.connections.faults import Faults
from getpatter.connections.vendors import LMNT
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.metering import Product, used_by
from getpatter.testing.contracts.tts import TtsContract, joined, spoken
from getpatter.testing.vendors.lmnt import LmntRestServer, LmntServer, wav_header
from getpatter.testing.vendors.speaker import sound
from getpatter.tts.base import SpeechChunk, WordTime
from getpatter.tts.dialect import Done, Happening, Part
from getpatter.tts.lmnt import LMNTTTS, LmntDialect, WavAudio


def of_requests(url: str) -> str:
    return url.replace("ws:", "http:")


class TestLmnt(TtsContract):
    key_variable = "LMNT_API_KEY"
    gives_word_times = True

    def server(self, *, key: str = "") -> LmntServer:
        return LmntServer(key=key)

    def provider(self, url: str, *, api_key: str, clock: Clock, voice: str = "") -> LMNTTTS:
        return LMNTTTS(api_key, voice=voice, url=of_requests(url), clock=clock)

    async def test_one_session_serves_many_sentences(self) -> None:
        async with self._call() as (_, voice, server):
            assert isinstance(server, LmntServer)
            for _ in range(5):
                await spoken(voice, "Hello.")
            assert len(server.sessions) == 1


class TestLmntRequests(TtsContract):
    key_variable = "LMNT_API_KEY"
    most_characters = 5000

    def server(self, *, key: str = "") -> LmntRestServer:
        return LmntRestServer(key=key)

    def provider(self, url: str, *, api_key: str, clock: Clock, voice: str = "") -> LMNTTTS:
        return LMNTTTS(api_key, voice=voice, temperature=0.7, url=of_requests(url), clock=clock)


def dialect() -> LmntDialect:
    return LmntDialect('{"X-API-Key":"k"}', Faults("blizzard", LMNT))


def told(dialect: LmntDialect, kind: str, **message: Any) -> list[Happening]:
    return list(dialect.receive(json.dumps({"type": kind, **message})))


# -- the dialect


def test_a_sentence_is_flushed_at_once_and_flushes_are_told_apart() -> None:
    ours = dialect()
    assert list(ours.begin()) == ['{"X-API-Key":"k"}']
    first = [json.loads(message) for message in ours.speak("s1", "One.")]
    assert first == [{"type": "text", "text": "One."}, {"type": "flush", "nonce": 1}]
    assert json.loads(list(ours.speak("s2", "Two."))[1]) == {"type": "flush", "nonce": 2}
    assert told(ours, "flush_complete", nonce=1) == []
    assert told(ours, "flush_complete", nonce=2) == [Done()]


def test_sound_comes_in_binary_messages_with_or_without_a_header() -> None:
    ours = dialect()
    for _ in range(2):
        ours.speak("s1", "Hello.")
        assert list(ours.receive(wav_header() + b"\1\2")) == [Part(SpeechChunk(b"\1\2"))]
        assert list(ours.receive(b"\3")) == [Part(SpeechChunk(b"\3"))]
    ours.speak("s2", "Hello.")
    assert list(ours.receive(b"\4")) == [Part(SpeechChunk(b"\4"))]


def test_a_header_alone_is_no_sound() -> None:
    ours = dialect()
    ours.speak("s1", "Hello.")
    assert list(ours.receive(wav_header())) == []


def test_words_have_their_times_whatever_tokens_are() -> None:
    ours = dialect()
    ours.speak("s1", "Hello there.")
    tokens = [{"text": "Hel", "start": 0.0, "duration": 0.1}, {"text": "lo", "start": 0.1, "duration": 0.1}]
    tokens += [{"text": " ", "start": 0.2, "duration": 0.0}, {"text": "there.", "start": 0.2, "duration": 0.3}]
    words = (WordTime("Hello", 0.0), WordTime("there.", 0.2))
    assert told(ours, "timestamps", timestamps=tokens) == [Part(SpeechChunk(b"", words))]
    assert told(ours, "timestamps", timestamps=None) == []


@pytest.mark.parametrize(
    ("kind", "words", "retryable"),
    [
        ("authentication_error", "blizzard refused the key (HTTP 401)", False),
        ("payment_required_error", "blizzard has no credit left for this key (HTTP 402): Oh.", False),
        ("invalid_request_error", "blizzard refused the request (HTTP 400): Oh.", False),
        ("rate_limit_error", "blizzard is asked too often (HTTP 429): Oh.", True),
        ("internal_server_error", "blizzard failed (HTTP 500): Oh.", True),
        ("new_error", "blizzard failed (HTTP 500): Oh.", True),
    ],
)
def test_an_error_ends_the_session_and_says_what_to_do(kind: str, words: str, retryable: bool) -> None:
    (error,) = told(dialect(), "error", error={"type": kind, "message": "Oh."}, request_id="r")
    assert isinstance(error, ProviderError)
    assert (error.message, error.retryable) == (words, retryable)


def test_other_messages_are_passed_over() -> None:
    assert told(dialect(), "ready", request_id="r") == told(dialect(), "reset_complete", nonce=0) == []


@pytest.mark.parametrize("message", ["", "[]", '{"type": 1}', '{"type": "error", "error": "no"}'])
def test_what_cannot_be_read_is_refused(message: str) -> None:
    with pytest.raises(ValueError, match="none"):
        list(dialect().receive(message))


def test_an_answer_may_have_a_header() -> None:
    decoder = WavAudio()
    assert list(decoder.feed(wav_header()[:20])) == []
    assert list(decoder.feed(wav_header()[20:] + b"\1")) == [SpeechChunk(b"\1")]
    assert list(decoder.close()) == []


# -- settings


async def begun(language: str = "en-US", /, **settings: Any) -> dict[str, Any]:
    """The first message of a session."""
    async with LmntServer().running() as server:
        voice = await LMNTTTS("k", url=of_requests(server.url), **settings).open(language)
        await spoken(voice, "Hello.")
        await voice.close()
        return dict(server.sessions[0].told[0])


async def test_the_default_is_the_telephones_sound_in_the_calls_language() -> None:
    assert await begun("de-AT") == {
        "X-API-Key": "k",
        "lmnt-version": "1.2",
        "return_timestamps": True,
        "voice": "leah",
        "format": "ulaw",
        "sample_rate": 8000,
        "language": "de",
    }


@pytest.mark.parametrize(("language", "code"), [("pt-BR", "pt"), ("sw-KE", "auto")])
async def test_lmnt_finds_out_what_language_it_does_not_know(language: str, code: str) -> None:
    assert (await begun(language))["language"] == (await begun(language=language))["language"] == code


async def test_other_formats_may_be_had() -> None:
    async with LmntServer().running() as server:
        wide = AudioFormat("pcm16", 24_000)
        voice = await LMNTTTS("k", format=wide, url=of_requests(server.url)).open()
        assert joined(await spoken(voice, "Hello.")) == sound("Hello.", wide)
        await voice.close()
        assert server.sessions[0].told[0]["format"] == "pcm_s16le"


async def test_what_sessions_do_not_take_is_asked_for_by_request() -> None:
    async with LmntRestServer(key="k").running() as server:
        provider = LMNTTTS("k", voice="ava", temperature=0.5, top_p=0.9, url=server.url)
        voice = await provider.open()
        assert joined(await spoken(voice, "Hello.")) == sound("Hello.", LINE)
        (request,) = server.requests
        assert await request.json() == {
            "text": "Hello.",
            "voice": "ava",
            "format": "ulaw",
            "sample_rate": 8000,
            "language": "en",
            "model": "blizzard",
            "temperature": 0.5,
            "top_p": 0.9,
        }
        assert request.headers["lmnt-version"] == "1.2"
        assert used_by(voice)[0].product == Product("lmnt", "blizzard")
        await provider.close()


async def test_an_unknown_model_is_refused_in_lmnts_words() -> None:
    async with LmntRestServer().running() as server:
        provider = LMNTTTS("key-0123", url=server.url).with_model("aurora")
        voice = await provider.open()
        with pytest.raises(ProviderError, match=r"HTTP 400.*The model is unknown"):
            await spoken(voice, "Hello.")
        await provider.close()


@pytest.mark.parametrize("settings", [{"voice": "ava"}, {"voice_id": "ava"}])
async def test_a_voice_may_be_given_under_either_name(settings: dict[str, str]) -> None:
    assert (await begun(**settings))["voice"] == "ava"


async def test_another_voice_is_a_copy() -> None:
    async with LmntServer().running() as server:
        ours = LMNTTTS("k", url=of_requests(server.url))
        for one in (ours, ours.with_voice("ava")):
            voice = await one.open()
            await spoken(voice, "Hello.")
            await voice.close()
        assert [session.told[0]["voice"] for session in server.sessions] == ["leah", "ava"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"voice": "ava", "voice_id": "leah"},
        {"temperature": -0.1},
        {"top_p": 1.1},
        {"format": AudioFormat("mulaw", 16_000)},
        {"format": AudioFormat("pcm16", 22_050)},
        {"url": "wss://api.lmnt.com"},
    ],
)
def test_what_cannot_work_is_told_when_the_provider_is_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        LMNTTTS("k", **wrong)
