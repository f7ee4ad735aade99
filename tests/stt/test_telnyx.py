"""Speech to text by way of Telnyx."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from getpatter.audio.format import LINE, AudioFormat
from getpatter.clock import Clock
from getpatter.connections.faults import Faults
from getpatter.connections.vendors import TELNYX
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.stt.base import HeardWord, SpeechHints, SpeechToText, Transcript
from getpatter.stt.deepgram import CLOSE, FINALIZE, KEEP_ALIVE
from getpatter.stt.telnyx import TelnyxDialect, TelnyxSTT
from getpatter.testing.contracts.stt import SttContract
from getpatter.testing.vendors.telnyx_listen import TelnyxListenServer

HALF_SECOND = b"\x7f" * 4000


class TestTelnyx(SttContract):
    key_variable = "TELNYX_API_KEY"
    keep_alive_s = 4.0

    def server(self, *utterances: str, key: str = "") -> TelnyxListenServer:
        return TelnyxListenServer(*utterances, key=key)

    def provider(self, url: str, *, api_key: str, clock: Clock) -> SpeechToText:
        return TelnyxSTT(api_key, url=url, clock=clock)


def dialect(engine: str = "Deepgram") -> TelnyxDialect:
    return TelnyxDialect(Faults("telnyx", TELNYX), engine)


def result(text: str, *, final: bool = True, **more: Any) -> str:
    return json.dumps({"transcript": text, "is_final": final, "confidence": 0.9, **more})


# -- results


def test_interim_results_are_interim_and_their_confidence_means_nothing() -> None:
    assert list(dialect().receive(result("Hello", final=False))) == [Transcript("Hello", final=False)]


def test_the_next_final_result_answers_a_request() -> None:
    ours = dialect()
    assert list(ours.receive(result("Before."))) == [Transcript("Before.", final=True, confidence=0.9)]
    assert list(ours.finalize()) == [FINALIZE]
    assert list(ours.receive(result("After."))) == [
        Transcript("After.", final=True, confidence=0.9, from_finalize=True)
    ]
    assert list(ours.receive(result("And on."))) == [Transcript("And on.", final=True, confidence=0.9)]


def test_an_empty_final_result_is_an_answer_where_one_is_due() -> None:
    ours = dialect()
    assert list(ours.receive(result(""))) == []
    ours.finalize()
    assert list(ours.receive(result(""))) == [Transcript("", final=True, from_finalize=True)]


def test_the_end_of_an_utterance_is_no_answer() -> None:
    ours = dialect()
    ours.finalize()
    assert list(ours.receive('{"transcript":"","is_final":true,"utterance_end":true}')) == []


def test_words_have_their_times_where_they_are_told() -> None:
    words = [{"word": "Hi", "start": 0.1, "end": 0.2, "confidence": None}]
    (transcript,) = dialect().receive(result("Hi", words=words))
    assert isinstance(transcript, Transcript)
    assert transcript.words == (HeardWord("Hi", 0.1, 0.2),)


@pytest.mark.parametrize(("code", "retryable"), [("40002", False), ("50001", True)])
def test_an_error_ends_the_session(code: str, retryable: bool) -> None:
    error = {"code": code, "title": "Title", "detail": "What is wrong", "source": {"parameter": "input_format"}}
    (failed,) = dialect().receive(json.dumps({"errors": [error]}))
    assert isinstance(failed, ProviderError)
    assert f"What is wrong ({code})" in failed.message
    assert failed.retryable is retryable


def test_an_error_may_be_a_text() -> None:
    (failed,) = dialect().receive('{"type":"error","error":"No luck."}')
    assert isinstance(failed, ProviderError)
    assert "No luck." in failed.message


@pytest.mark.parametrize("message", ["{}", '{"type":"something"}', '{"errors":[]}'])
def test_what_does_not_concern_us_is_passed_over(message: str) -> None:
    assert list(dialect().receive(message)) == []


# -- engines


def test_engines_are_told_what_they_understand() -> None:
    assert list(dialect().keep_alive()) == [KEEP_ALIVE]
    assert list(dialect().end()) == [CLOSE]
    assert list(dialect("Soniox").finalize()) == []
    assert list(dialect("Soniox").end()) == [CLOSE]
    assert list(dialect("Azure").end()) == []


async def asked_for(provider: TelnyxSTT, server: TelnyxListenServer, hints: SpeechHints) -> dict[str, list[str]]:
    """The parameters with which a call was opened."""
    recognition = await provider.open(hints)
    recognition.send(HALF_SECOND)
    session = await server.connected()
    await recognition.close()
    assert session.socket.request is not None
    return parse_qs(urlsplit(session.socket.request.path).query)


async def test_deepgram_gets_the_line_s_own_audio_and_key_terms() -> None:
    async with TelnyxListenServer().running() as server:
        provider = TelnyxSTT("key", keyterm=["Patter"], url=server.url)
        query = await asked_for(provider, server, SpeechHints("de-DE", ("Guten Tag, hier",)))
    assert provider.format == LINE
    assert query == {
        "transcription_engine": ["Deepgram"],
        "input_format": ["mulaw"],
        "sample_rate": ["8000"],
        "interim_results": ["true"],
        "endpointing": ["1000"],
        "language": ["de"],
        "keyterm": ["Patter", "Guten Tag  hier"],
    }


async def test_another_engine_gets_what_every_engine_takes() -> None:
    async with TelnyxListenServer().running() as server:
        provider = TelnyxSTT("key", transcription_engine="Azure", model="azure/fast", url=server.url)
        query = await asked_for(provider, server, SpeechHints("de-DE", ("Guten Tag",)))
    assert provider.format == AudioFormat("pcm16", 16_000)
    assert query == {
        "transcription_engine": ["Azure"],
        "model": ["azure/fast"],
        "input_format": ["linear16"],
        "sample_rate": ["16000"],
        "interim_results": ["true"],
        "language": ["de-DE"],
    }


async def test_an_engine_that_cannot_be_asked_answers_when_it_is_ready() -> None:
    async with TelnyxListenServer("Hello.").running() as server:
        recognition = await TelnyxSTT("key", transcription_engine="Google", url=server.url).open(SpeechHints())
        assert server.sessions == []
        recognition.send(HALF_SECOND)
        recognition.finalize()
        session = await server.connected()
        await server.until(lambda: server.heard(session) == HALF_SECOND)
        await server.finish(session)
        assert await anext(recognition.transcripts()) == Transcript(
            "Hello.", final=True, confidence=0.98, from_finalize=True
        )
        assert session.told == []
        await recognition.close()


async def test_what_the_engine_cannot_take_is_told_in_telnyx_s_words() -> None:
    async with TelnyxListenServer().running() as server:
        recognition = await TelnyxSTT("key", transcription_engine="Google", format=LINE, url=server.url).open(
            SpeechHints()
        )
        recognition.send(HALF_SECOND)
        with pytest.raises(ProviderError, match="'mulaw' is not supported by engine 'Google'") as failure:
            await anext(recognition.transcripts())
        assert not failure.value.retryable
        await recognition.close()


@pytest.mark.parametrize(
    "wrong", [{"transcription_engine": "Whisper"}, {"keyterm": "a"}, {"endpointing": -1}, {"url": "ftp://telnyx"}]
)
def test_settings_that_cannot_work_are_told_at_once(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        TelnyxSTT("key", **wrong)
