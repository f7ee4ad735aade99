"""Inworld's voices."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from getpatter.audio.format import LINE, AudioFormat
from getpatter.clock import Clock
from getpatter.connections.faults import Faults
from getpatter.connections.vendors import INWORLD
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.metering import Product, used_by
from getpatter.testing.contracts.tts import TtsContract, joined, spoken
from getpatter.testing.vendors.inworld import InworldServer
from getpatter.testing.vendors.lmnt import wav_header
from getpatter.testing.vendors.speaker import sound
from getpatter.tts.base import SpeechChunk, WordTime
from getpatter.tts.inworld import MAX_TEXT, InworldTTS, SpokenLines


class TestInworld(TtsContract):
    key_variable = "INWORLD_API_KEY"
    gives_word_times = True

    def server(self, *, key: str = "") -> InworldServer:
        return InworldServer(key=key)

    def provider(self, url: str, *, api_key: str, clock: Clock, voice: str = "") -> InworldTTS:
        return InworldTTS(api_key, voice=voice, url=url.replace("ws:", "http:"), clock=clock)

    async def test_spaces_behind_what_a_request_takes_are_not_asked_for(self) -> None:
        async with self._call() as (_, voice, server):
            words = "x" * MAX_TEXT
            await spoken(voice, words + " " * 9)
            assert server.orders.spoken == [words]


# -- the answer


def lines() -> SpokenLines:
    return SpokenLines(Faults("inworld-tts-2", INWORLD))


def line(audio: bytes | None, *words: tuple[str, float]) -> bytes:
    result: dict[str, Any] = {"audioContent": None if audio is None else base64.b64encode(audio).decode()}
    if words:
        texts, starts = zip(*words, strict=True)
        result["timestampInfo"] = {"wordAlignment": {"words": texts, "wordStartTimeSeconds": starts}}
    return json.dumps({"result": result}).encode() + b"\r\n"


def error(code: int, message: str) -> bytes:
    return json.dumps({"error": {"code": code, "message": message, "details": []}}).encode() + b"\n"


@pytest.mark.parametrize("size", [1, 9, 10_000])
def test_lines_are_read_however_they_are_cut(size: int) -> None:
    body = line(b"\0\1\2") + b"\n" + line(None, ("Oh", 0.0), ("no.", 0.4)) + line(b"\3").rstrip()
    decoder = lines()
    chunks = [chunk for at in range(0, len(body), size) for chunk in decoder.feed(body[at : at + size])]
    assert [*chunks, *decoder.close()] == [
        SpeechChunk(b"\0\1\2"),
        SpeechChunk(b"", (WordTime("Oh", 0.0), WordTime("no.", 0.4))),
        SpeechChunk(b"\3"),
    ]


def test_a_header_may_stand_before_each_piece() -> None:
    assert list(lines().feed(line(wav_header() + b"\1") + line(wav_header() + b"\2"))) == [
        SpeechChunk(b"\1"),
        SpeechChunk(b"\2"),
    ]


def test_what_holds_neither_sound_nor_words_is_passed_over() -> None:
    assert list(lines().feed(line(b"") + b'{"result": {"usage": {}}}\n{}\n')) == []
    assert list(lines().feed(b'{"result": {"timestampInfo": {"wordAlignment": null}}}\n')) == []


@pytest.mark.parametrize(
    ("code", "words", "retryable"),
    [
        (3, "inworld-tts-2 refused the request (HTTP 400): Oh.", False),
        (5, "inworld-tts-2 has nothing there (HTTP 404): Oh.", False),
        (8, "inworld-tts-2 is asked too often (HTTP 429): Oh.", True),
        (13, "inworld-tts-2 failed (HTTP 500): Oh.", True),
        (14, "inworld-tts-2 failed (HTTP 503): Oh.", True),
        (16, "inworld-tts-2 refused the key (HTTP 401)", False),
        (429, "inworld-tts-2 is asked too often (HTTP 429): Oh.", True),
    ],
)
def test_a_failure_in_the_middle_is_told_by_its_code(code: int, words: str, retryable: bool) -> None:
    with pytest.raises(ProviderError) as failed:
        list(lines().feed(error(code, "Oh.")))
    assert (failed.value.message, failed.value.retryable) == (words, retryable)


@pytest.mark.parametrize("body", [b"<html>\n", b'{"result": {"audioContent": "@"}}\n', b"[]\n"])
def test_what_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="none"):
        list(lines().feed(body))


# -- settings


async def asked(language: str = "en-US", /, **settings: Any) -> dict[str, Any]:
    """The body of a request."""
    async with InworldServer(key="key-0123").running() as server:
        provider = InworldTTS("key-0123", url=server.url, **settings)
        voice = await provider.open(language)
        await spoken(voice, "Hello.")
        (request,) = server.requests
        await provider.close()
        return dict(await request.json())


async def test_the_default_is_the_telephones_sound_in_the_calls_language() -> None:
    assert await asked("de-AT") == {
        "text": "Hello.",
        "voiceId": "Ashley",
        "modelId": "inworld-tts-2",
        "audioConfig": {"audioEncoding": "MULAW", "sampleRateHertz": 8000},
        "timestampType": "WORD",
        "timestampTransportStrategy": "ASYNC",
        "language": "de-AT",
    }


async def test_older_models_are_told_a_language_only_where_it_was_given() -> None:
    assert "language" not in await asked("de-AT", model="inworld-tts-1.5-mini")
    assert (await asked("de-AT", model="inworld-tts-1.5-mini", language="fr"))["language"] == "fr"


async def test_options_go_by_inworlds_names() -> None:
    body = await asked(
        format=AudioFormat("pcm16", 16_000),
        temperature=0.8,
        speaking_rate=1.2,
        delivery_mode="CREATIVE",
        apply_text_normalization=False,
        word_times=False,
    )
    assert body == {
        "text": "Hello.",
        "voiceId": "Ashley",
        "modelId": "inworld-tts-2",
        "audioConfig": {"audioEncoding": "PCM", "sampleRateHertz": 16_000, "speakingRate": 1.2},
        "temperature": 0.8,
        "deliveryMode": "CREATIVE",
        "applyTextNormalization": "OFF",
        "language": "en-US",
    }
    assert (await asked(apply_text_normalization=True))["applyTextNormalization"] == "ON"


@pytest.mark.parametrize("settings", [{"voice": "Dennis"}, {"voice_id": "Dennis"}])
async def test_a_voice_may_be_given_under_either_name(settings: dict[str, str]) -> None:
    assert (await asked(**settings))["voiceId"] == "Dennis"


async def test_another_voice_or_model_is_a_copy_with_connections_of_its_own() -> None:
    async with InworldServer().running() as server:
        ours = InworldTTS("key-0123", url=server.url)
        other = ours.with_voice("Dennis").with_model("inworld-tts-1.5-max")
        await ours.close()
        voice = await other.open()
        assert joined(await spoken(voice, "Hello.")) == sound("Hello.", LINE)
        assert used_by(voice)[0].product == Product("inworld", "inworld-tts-1.5-max")
        await other.close()
        body = await server.requests[0].json()
    assert (body["voiceId"], body["modelId"]) == ("Dennis", "inworld-tts-1.5-max")


async def test_an_unknown_voice_is_refused_in_inworlds_words() -> None:
    async with InworldServer().running() as server:
        provider = InworldTTS("key-0123", voice="no one", url=server.url)
        try:
            with pytest.raises(ProviderError, match="Unknown voice: no one not found!"):
                await spoken(await provider.open(), "Hello.")
        finally:
            await provider.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"voice": "Ashley", "voice_id": "Dennis"},
        {"temperature": 0.0},
        {"temperature": 2.1},
        {"speaking_rate": 1.6},
        {"delivery_mode": "EXPRESSIVE"},
        {"format": AudioFormat("mulaw", 16_000)},
        {"format": AudioFormat("pcm16", 96_000)},
        {"url": "wss://api.inworld.ai"},
    ],
)
def test_what_cannot_work_is_told_when_the_provider_is_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        InworldTTS("key-0123", **wrong)
