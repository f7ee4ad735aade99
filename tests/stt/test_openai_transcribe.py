"""OpenAI's recognisers by HTTP, an utterance a request."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import SecretStr

from getpatter.audio.format import AudioFormat
from getpatter.clock import Clock
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.metering import Product, Used, used_by
from getpatter.stt.base import HeardWord, SpeechHints, SpeechToText, Transcript
from getpatter.stt.openai_transcribe import OpenAITranscribeSTT, TranscriptionRequests, WhisperSTT
from getpatter.stt.utterance import Hearing
from getpatter.testing.contracts.stt import answer, speech
from getpatter.testing.contracts.utterance import UtteranceContract
from getpatter.testing.vendors.openai_transcriptions import OpenAITranscriptionsServer

PRODUCT = Product("openai", "whisper-1")


class TestOpenAITranscribe(UtteranceContract):
    key_variable = "OPENAI_API_KEY"

    def server(self, *utterances: str, key: str = "") -> OpenAITranscriptionsServer:
        return OpenAITranscriptionsServer(*utterances, key=key)

    def provider(self, url: str, *, api_key: str, clock: Clock) -> SpeechToText:
        return OpenAITranscribeSTT(api_key, url=f"{url.replace('ws:', 'http:')}/v1", clock=clock)


class TestWhisper(UtteranceContract):
    key_variable = "OPENAI_API_KEY"

    def server(self, *utterances: str, key: str = "") -> OpenAITranscriptionsServer:
        return OpenAITranscriptionsServer(*utterances, key=key)

    def provider(self, url: str, *, api_key: str, clock: Clock) -> SpeechToText:
        return WhisperSTT(api_key, word_times=True, url=f"{url.replace('ws:', 'http:')}/v1", clock=clock)


def requests(echo: str = "") -> TranscriptionRequests:
    return TranscriptionRequests(
        "https://api.openai.com/v1/audio/transcriptions", SecretStr("k"), {}, product=PRODUCT, echo=echo
    )


def segment(text: str, start: float = 0.0, end: float = 2.0, **more: float) -> dict[str, Any]:
    sure = {"avg_logprob": -0.2, "compression_ratio": 0.9, "no_speech_prob": 0.01}
    return {"text": text, "start": start, "end": end} | sure | more


def read(told: dict[str, Any], *, seconds: float = 2.0, echo: str = "") -> Hearing:
    return requests(echo).read(json.dumps(told).encode(), seconds)


# -- what stands and what falls


def test_a_text_is_what_was_heard() -> None:
    assert read({"text": " A table for four. "}) == Hearing("A table for four.")


@pytest.mark.parametrize("text", ["Thank you for watching!", "...", "Bye. " * 60])
def test_what_no_caller_says_falls(text: str) -> None:
    assert read({"text": text}).text == ""


def test_what_the_model_was_told_falls_where_it_gives_it_back() -> None:
    assert read({"text": "Yes, please. No, thanks."}, echo="Yes, please. No, thanks.").text == ""
    assert read({"text": "Yes, please."}, echo="Yes, please. No, thanks.").text == "Yes, please."


def test_segments_in_which_nobody_spoke_fall_with_their_words() -> None:
    said, made_up = segment(" Hello there."), segment(" You", 2.0, 4.0, avg_logprob=-1.5, no_speech_prob=0.9)
    words = [{"word": "Hello", "start": 0.2, "end": 0.5}, {"word": "You", "start": 2.4, "end": 2.6}]
    hearing = read({"text": "Hello there. You", "segments": [said, made_up], "words": words}, seconds=4.0)
    assert hearing.text == "Hello there."
    assert hearing.words == (HeardWord("Hello", 0.2, 0.5),)


def test_it_is_as_sure_as_its_least_sure_segment() -> None:
    sure, unsure = segment("Hello", avg_logprob=0.0), segment(" there.", avg_logprob=-0.7)
    assert read({"text": "Hello there.", "segments": [sure, unsure]}).confidence == pytest.approx(0.497, abs=0.001)


def test_words_without_segments_keep_their_times() -> None:
    hearing = read({"text": "Hi.", "words": [{"word": " Hi", "start": 0.1, "end": 0.4}]})
    assert hearing.words == (HeardWord("Hi", 0.1, 0.4),)


def test_the_language_that_was_spoken_is_told() -> None:
    assert read({"text": "Hola.", "languages": [{"code": "es"}, {"code": "en"}]}).language == "es"


def test_tokens_are_counted_and_seconds_are_not() -> None:
    usage = {"type": "tokens", "input_tokens": 14, "output_tokens": 5, "input_token_details": {"audio_tokens": 12}}
    counted = Used(PRODUCT, input_tokens=14, output_tokens=5, input_audio_tokens=12)
    assert read({"text": "Hi.", "usage": usage}).used == counted
    assert read({"text": "", "usage": usage}).used == counted
    assert read({"text": "Hi.", "usage": {"type": "duration", "seconds": 3}}).used == Used(PRODUCT)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"text": 1}', b"[" * 100_000])
def test_what_cannot_be_read_is_told_without_repeating_it(body: bytes) -> None:
    with pytest.raises(ValueError, match="message that is none"):
        requests().read(body, 1.0)


# -- what is asked for


async def asked_for(provider: OpenAITranscribeSTT, server: OpenAITranscriptionsServer, hints: SpeechHints) -> Any:
    """The fields of a call's first request, but the file."""
    recognition = await provider.open(hints)
    recognition.send(speech(provider, 0.5))
    recognition.finalize()
    await answer(recognition)
    await recognition.close()
    await provider.close()
    return server.utterances[-1].fields


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ("gpt-4o-transcribe", {"language": ["pt"], "prompt": ["Bom dia Até logo"]}),
        ("gpt-transcribe", {"languages[]": ["pt"], "keywords[]": ["Bom dia", "Até logo"]}),
        ("gpt-4o-transcribe-diarize", {"language": ["pt"]}),
    ],
)
async def test_each_model_is_told_language_and_phrases_in_its_way(model: str, fields: dict[str, Any]) -> None:
    async with OpenAITranscriptionsServer().running() as server:
        provider = OpenAITranscribeSTT("key", model=model, url=server.base_url)
        assert await asked_for(provider, server, SpeechHints("pt-BR", ("Bom dia", "Até logo"))) == {
            "model": [model],
            "response_format": ["json"],
            **fields,
        }


async def test_the_language_of_the_settings_wins() -> None:
    async with OpenAITranscriptionsServer().running() as server:
        provider = OpenAITranscribeSTT("key", language="fr", temperature=0.2, url=server.base_url)
        fields = await asked_for(provider, server, SpeechHints("de-DE"))
    assert (fields["languages[]"], fields["temperature"]) == (["fr"], ["0.2"])


async def test_whisper_tells_words_and_their_times_over_all_pieces() -> None:
    async with OpenAITranscriptionsServer("Hello there.", "Bye.").running() as server:
        provider = WhisperSTT("key", word_times=True, format=AudioFormat("pcm16", 16_000), url=server.base_url)
        recognition = await provider.open(SpeechHints())
        finals: list[Transcript] = []
        for _ in range(2):
            recognition.send(speech(provider, 1.0))
            recognition.finalize()
            finals.append(await anext(recognition.transcripts()))
        assert server.utterances[0].rate == 16_000
        await recognition.close()
        await provider.close()
    assert finals[0].words == (HeardWord("Hello", 0.0, 0.5), HeardWord("there", 0.5, 1.0))
    assert finals[1].words == (HeardWord("Bye", 1.0, 2.0),)
    assert finals[0].confidence is not None


async def test_what_whisper_doubts_itself_was_not_said() -> None:
    async with OpenAITranscriptionsServer("Thank you.").running() as server:
        server.silent = True
        provider = WhisperSTT("key", url=server.base_url)
        recognition = await provider.open(SpeechHints())
        recognition.send(speech(provider, 0.5))
        recognition.finalize()
        assert await answer(recognition) == ""
        await recognition.close()
        await provider.close()


async def test_tokens_are_counted_along_with_the_seconds() -> None:
    async with OpenAITranscriptionsServer("Hello.").running() as server:
        provider = OpenAITranscribeSTT("key", model="gpt-4o-transcribe", url=server.base_url)
        recognition = await provider.open(SpeechHints())
        recognition.send(speech(provider, 0.5))
        recognition.finalize()
        await answer(recognition)
        (used,) = used_by(recognition)
        assert (used.seconds, used.input_tokens, used.input_audio_tokens, used.output_tokens) == (0.5, 14, 12, 5)
        await recognition.close()
        await provider.close()


async def test_another_server_is_not_paid_as_openai() -> None:
    async with OpenAITranscriptionsServer("Hello.").running() as server:
        provider = WhisperSTT("key", url=server.base_url)
        recognition = await provider.open(SpeechHints())
        assert used_by(recognition)[0].product.vendor == server.url.removeprefix("http://")
        await recognition.close()
        await provider.close()


def test_it_hears_what_is_said_and_no_silence() -> None:
    provider = WhisperSTT("key")
    assert provider.name == "whisper-1 at api.openai.com"
    assert not provider.continuous


async def test_an_unknown_model_is_refused_with_openais_words() -> None:
    async with OpenAITranscriptionsServer().running() as server:
        provider = OpenAITranscribeSTT("key", model="gpt-9-transcribe", url=server.base_url)
        with pytest.raises(ProviderError, match="`gpt-9-transcribe` does not exist") as refused:
            await asked_for(provider, server, SpeechHints())
        await provider.close()
    assert not refused.value.retryable


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": "gpt-4o-transcribe-diarize", "prompt": "A menu."},
        {"temperature": 1.5},
        {"format": AudioFormat("pcm16", 96_000)},
        {"url": "wss://api.openai.com/v1"},
    ],
)
def test_settings_that_cannot_work_are_told_at_once(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        OpenAITranscribeSTT("key", **wrong)


def test_models_of_the_other_kind_are_pointed_to_their_class() -> None:
    with pytest.raises(ConfigurationError) as wrong:
        WhisperSTT("key", model="gpt-4o-transcribe")
    assert "OpenAITranscribeSTT" in str(wrong.value.next_step)
