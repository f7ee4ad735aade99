"""OpenAI's official client, and Groq's, speak to the stand-in for transcriptions of whole utterances."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from getpatter.stt.utterance import wav_of
from getpatter.testing.vendors.openai_transcriptions import MAX_FILE, OpenAITranscriptionsServer

openai = pytest.importorskip("openai", reason="the official client is not installed")

SECOND = wav_of(b"\x55\x12" * 8000, 8000)


@pytest.fixture(autouse=True)
async def _patience() -> AsyncIterator[None]:
    async with asyncio.timeout(60):
        yield


async def transcribed(server: OpenAITranscriptionsServer, key: str = "k", **wanted: Any) -> Any:
    """The answer, which has to be valid by the client's types."""
    wanted = {"model": "gpt-4o-transcribe", "file": ("audio.wav", SECOND)} | wanted
    async with openai.AsyncOpenAI(api_key=key, base_url=server.base_url, max_retries=0) as client:
        answer = await client.audio.transcriptions.create(**wanted)
    return type(answer).model_validate(answer.model_dump())


async def test_a_file_is_transcribed() -> None:
    async with OpenAITranscriptionsServer("Hello there.", key="k").running() as server:
        answer = await transcribed(server, language="en", prompt="A menu.", temperature=0.2)
        (utterance,) = server.utterances
    assert answer.text == "Hello there."
    assert answer.usage.input_token_details.audio_tokens == 12
    assert (utterance.seconds, utterance.rate) == (1.0, 8000)
    assert utterance.fields["prompt"] == ["A menu."]


async def test_lists_are_named_as_the_client_names_them() -> None:
    async with OpenAITranscriptionsServer("Hello.", key="k").running() as server:
        answer = await transcribed(server, model="gpt-transcribe", languages=["en", "es"], keywords=["Patter", "Nova"])
        (utterance,) = server.utterances
    assert utterance.fields["languages[]"] == ["en", "es"]
    assert utterance.fields["keywords[]"] == ["Patter", "Nova"]
    assert answer.usage.seconds == 1
    assert [language.code for language in answer.languages] == ["en"]


async def test_whisper_tells_segments_and_words() -> None:
    async with OpenAITranscriptionsServer("Hello there.", key="k").running() as server:
        answer = await transcribed(
            server, model="whisper-1", response_format="verbose_json", timestamp_granularities=["word", "segment"]
        )
    assert (answer.text, answer.duration, answer.language) == ("Hello there.", 1.0, "english")
    assert [(word.word, word.start, word.end) for word in answer.words] == [("Hello", 0.0, 0.5), ("there", 0.5, 1.0)]
    (segment,) = answer.segments
    assert (segment.text, segment.no_speech_prob) == (" Hello there.", 0.01)
    assert answer.usage.seconds == 1


@pytest.mark.parametrize(
    ("wanted", "error", "code"),
    [
        ({"key": "another"}, "AuthenticationError", "invalid_api_key"),
        ({"model": "gpt-9"}, "NotFoundError", "model_not_found"),
        ({"response_format": "verbose_json"}, "BadRequestError", "unsupported_value"),
        ({"timestamp_granularities": ["word"]}, "BadRequestError", "unsupported_value"),
        ({"keywords": ["Patter"]}, "BadRequestError", "unsupported_value"),
        ({"languages": ["en"]}, "BadRequestError", "unsupported_value"),
        ({"language": "english"}, "BadRequestError", "unsupported_value"),
        ({"temperature": 2}, "BadRequestError", "unsupported_value"),
        ({"model": "gpt-4o-transcribe-diarize", "prompt": "A menu."}, "BadRequestError", "unsupported_value"),
        ({"extra_body": {"wisdom": "true"}}, "BadRequestError", "unsupported_value"),
        ({"file": ("audio.wav", wav_of(b"\0" * 160, 8000))}, "BadRequestError", "audio_too_short"),
        ({"file": ("audio.wav", b"nonsense")}, "BadRequestError", None),
        ({"file": ("audio.txt", SECOND)}, "BadRequestError", None),
        ({"file": ("audio.wav", b"\0" * (MAX_FILE + 1))}, "APIStatusError", None),
    ],
)
async def test_it_refuses_as_openai_does(wanted: dict[str, Any], error: str, code: str | None) -> None:
    async with OpenAITranscriptionsServer(key="k").running() as server:
        with pytest.raises(vars(openai)[error]) as refused:
            await transcribed(server, **wanted)
    assert refused.value.code == code


async def test_groqs_client_reads_the_same() -> None:
    groq = pytest.importorskip("groq", reason="the official client is not installed")
    async with (
        OpenAITranscriptionsServer("Hello.", key="k").running() as server,
        groq.AsyncGroq(api_key="k", base_url=server.url, max_retries=0) as client,
    ):
        answer = await client.audio.transcriptions.create(model="whisper-1", file=("audio.wav", SECOND))
    assert answer.text == "Hello."
