"""Rime's voices."""

from __future__ import annotations

import json
from typing import Any

import pytest

from getpatter.audio.format import LINE, AudioFormat
from getpatter.clock import Clock
from getpatter.connections.faults import Faults
from getpatter.connections.vendors import RIME
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.testing.contracts.tts import TtsContract, joined, spoken
from getpatter.testing.vendors.rime import RimeServer
from getpatter.testing.vendors.speaker import sound
from getpatter.tts.base import SpeechChunk, WordTime
from getpatter.tts.dialect import Done, Failed, Happening, Part
from getpatter.tts.rime import FLUSH, MAX_TEXT, RimeDialect, RimeTTS


class TestRime(TtsContract):
    key_variable = "RIME_API_KEY"
    gives_word_times = True

    def server(self, *, key: str = "") -> RimeServer:
        return RimeServer(key=key)

    def provider(self, url: str, *, api_key: str, clock: Clock, voice: str = "") -> RimeTTS:
        return RimeTTS(api_key, voice=voice, url=url, clock=clock)

    async def test_one_socket_serves_many_sentences(self) -> None:
        async with self._call() as (_, voice, server):
            assert isinstance(server, RimeServer)
            for _ in range(5):
                await spoken(voice, "Hello.")
            assert len(server.sessions) == 1

    async def test_a_text_longer_than_a_message_is_spoken_as_one(self) -> None:
        async with self._call() as (_, voice, server):
            text = "word " * 300
            assert joined(await spoken(voice, text)) == sound(text, LINE)
            assert server.orders.spoken == [text]

    async def test_other_languages_have_no_word_times(self) -> None:
        async with RimeServer().running() as server:
            voice = await RimeTTS("k", url=server.url).open("de-DE")
            chunks = await spoken(voice, "Guten Tag.")
            await voice.close()
        assert joined(chunks) == sound("Guten Tag.", LINE)
        assert not any(chunk.words for chunk in chunks)


def dialect() -> RimeDialect:
    return RimeDialect(Faults("coda", RIME))


def told(kind: str, **message: Any) -> list[Happening]:
    ours = dialect()
    ours.speak("s1", "Hello.")
    return list(ours.receive(json.dumps({"type": kind, "contextId": "s1", **message})))


# -- the dialect


def test_a_sentence_is_flushed_at_once() -> None:
    text, flush = dialect().speak("s1", "Hello.")
    assert json.loads(str(text)) == {"text": "Hello.", "contextId": "s1"}
    assert flush == FLUSH == '{"operation":"flush"}'


def test_a_long_sentence_is_sent_in_pieces_and_flushed_once() -> None:
    *texts, flush = dialect().speak("s1", "x" * (MAX_TEXT + 1))
    assert [len(json.loads(str(text))["text"]) for text in texts] == [MAX_TEXT, 1]
    assert flush == FLUSH


def test_sound_comes_in_base64() -> None:
    assert told("chunk", data="AAEC") == [Part(SpeechChunk(b"\0\1\2"))]
    assert told("chunk", data="AAEC", contextId=None) == [Part(SpeechChunk(b"\0\1\2"))]


def test_words_come_with_their_times() -> None:
    times = {"words": ["Hello", "there."], "start": [0, 0.4], "end": [0.4, 0.9]}
    assert told("timestamps", word_timestamps=times) == [
        Part(SpeechChunk(b"", (WordTime("Hello", 0.0), WordTime("there.", 0.4))))
    ]


def test_the_end_is_told() -> None:
    assert told("done") == [Done()]


def test_what_comes_of_another_sentence_is_passed_over() -> None:
    assert told("done", contextId="s0") == told("chunk", data="AAEC", contextId="s0") == []


def test_a_message_that_rime_cannot_read_fails_its_sentence() -> None:
    (failed,) = told("error", message="malformed message", contextId=None)
    assert isinstance(failed, Failed)
    assert failed.error.message == "coda complains: malformed message"


def test_other_messages_are_passed_over() -> None:
    assert told("metadata") == told("timestamps") == []


@pytest.mark.parametrize(
    ("reason", "words", "retryable"),
    [
        ("400: text is too long", "coda refused the request (HTTP 400): text is too long", False),
        ("429: slow down", "coda is asked too often (HTTP 429): slow down", True),
        ("500: internal error", "coda failed (HTTP 500): internal error", True),
    ],
)
def test_the_reason_of_a_close_tells_what_failed(reason: str, words: str, retryable: bool) -> None:
    error = dialect().closed(1011, reason)
    assert isinstance(error, ProviderError)
    assert (error.message, error.retryable) == (words, retryable)


@pytest.mark.parametrize("reason", ["", "Internal error", "200: fine"])
def test_other_reasons_are_left_to_what_all_have_in_common(reason: str) -> None:
    assert dialect().closed(1011, reason) is None


@pytest.mark.parametrize("message", ["", "[]", '{"type": "chunk", "data": "@"}', '{"type": 1}', b"\xff"])
def test_what_cannot_be_read_is_refused(message: str | bytes) -> None:
    with pytest.raises(ValueError, match="none"):
        list(dialect().receive(message))


# -- settings


async def asked(language: str = "en-US", /, **settings: Any) -> dict[str, str]:
    """The address's parameters."""
    async with RimeServer().running() as server:
        voice = await RimeTTS("k", url=server.url, **settings).open(language)
        await voice.close()
        return dict(server.sessions[0].query)


async def test_the_default_is_the_telephones_sound_in_the_calls_language() -> None:
    assert await asked("pt-BR") == {
        "speaker": "astra",
        "modelId": "coda",
        "audioFormat": "mulaw",
        "samplingRate": "8000",
        "lang": "por",
        "segment": "never",
    }


async def test_options_go_by_rimes_names() -> None:
    query = await asked(
        model="mistv2",
        lang="es",
        format=AudioFormat("pcm16", 16_000),
        speed_alpha=1.2,
        inline_speed_alpha="0.5, 2",
        pause_between_brackets=True,
        phonemize_between_brackets=True,
        no_text_normalization=True,
    )
    assert query == {
        "speaker": "cove",
        "modelId": "mistv2",
        "audioFormat": "pcm",
        "samplingRate": "16000",
        "lang": "es",
        "segment": "never",
        "speedAlpha": "1.2",
        "inlineSpeedAlpha": "0.5, 2",
        "pauseBetweenBrackets": "true",
        "phonemizeBetweenBrackets": "true",
        "noTextNormalization": "true",
    }
    query = await asked(repetition_penalty=1.5, temperature=0.5, top_p=0.9, max_tokens=1200)
    assert (query["repetition_penalty"], query["temperature"], query["top_p"], query["max_tokens"]) == (
        "1.5",
        "0.5",
        "0.9",
        "1200",
    )


@pytest.mark.parametrize("settings", [{"voice": "luna"}, {"voice_id": "luna"}, {"speaker": "luna"}])
async def test_a_voice_may_be_given_under_each_name(settings: dict[str, str]) -> None:
    assert (await asked(**settings))["speaker"] == "luna"


async def test_another_voice_or_model_is_a_copy() -> None:
    async with RimeServer().running() as server:
        ours = RimeTTS("k", url=server.url)
        for one in (ours, ours.with_voice("luna").with_model("mistv3")):
            await (await one.open()).close()
        asked_for = [(session.query["speaker"], session.query["modelId"]) for session in server.sessions]
    assert asked_for == [("astra", "coda"), ("luna", "mistv3")]


@pytest.mark.parametrize(
    "wrong",
    [
        {"voice": "luna", "voice_id": "astra"},
        {"voice": "luna", "speaker": "astra"},
        {"speed_alpha": 0.0},
        {"format": AudioFormat("mulaw", 16_000)},
        {"format": AudioFormat("pcm16", 11_025)},
        {"url": "https://users.rime.ai"},
    ],
)
def test_what_cannot_work_is_told_when_the_provider_is_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        RimeTTS("k", **wrong)
