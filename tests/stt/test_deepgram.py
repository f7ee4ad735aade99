"""Deepgram's Nova models."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from getpatter.audio.format import LINE, AudioFormat
from getpatter.clock import Clock, SystemClock
from getpatter.connections.faults import Faults
from getpatter.connections.vendors import DEEPGRAM
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.metering import used_by
from getpatter.stt.base import HeardWord, SpeechHints, SpeechToText, Transcript
from getpatter.stt.deepgram import CLOSE, FINALIZE, KEEP_ALIVE, DeepgramSTT, NovaDialect, key_terms, language_code
from getpatter.testing.contracts.stt import SttContract
from getpatter.testing.vendors.deepgram import DeepgramServer

HALF_SECOND = b"\x7f" * 4000


class TestDeepgram(SttContract):
    key_variable = "DEEPGRAM_API_KEY"
    keep_alive_s = 4.0

    def server(self, *utterances: str, key: str = "") -> DeepgramServer:
        return DeepgramServer(*utterances, key=key)

    def provider(self, url: str, *, api_key: str, clock: Clock) -> SpeechToText:
        return DeepgramSTT(api_key, url=url, clock=clock)


def dialect() -> NovaDialect:
    return NovaDialect(Faults("nova-3", DEEPGRAM), LINE)


def results(text: str, *, start: float = 0.0, duration: float = 0.5, **more: Any) -> str:
    alternative = {"transcript": text, "confidence": 0.9, "words": []} | more.pop("alternative", {})
    return json.dumps(
        {"type": "Results", "start": start, "duration": duration, "channel": {"alternatives": [alternative]}, **more}
    )


# -- results


def test_interim_results_are_interim() -> None:
    assert list(dialect().receive(results("Hello", is_final=False))) == [
        Transcript("Hello", final=False, confidence=0.9)
    ]


def test_interim_results_without_words_say_nothing() -> None:
    assert list(dialect().receive(results("", is_final=False))) == []


def test_what_is_final_of_its_own_accord_answers_nothing() -> None:
    (transcript,) = dialect().receive(results("Hello.", is_final=True, speech_final=True))
    assert transcript == Transcript("Hello.", final=True, confidence=0.9)


def test_silence_that_is_final_of_its_own_accord_says_nothing() -> None:
    assert list(dialect().receive(results("", is_final=True))) == []


def test_an_answer_is_marked_by_deepgram() -> None:
    (transcript,) = dialect().receive(results("", is_final=True, from_finalize=True))
    assert transcript == Transcript("", final=True, from_finalize=True)


def test_a_result_that_crosses_the_request_and_covers_all_audio_answers_it() -> None:
    ours = dialect()
    ours.audio(HALF_SECOND)
    ours.finalize()
    (transcript,) = ours.receive(results("Hello.", is_final=True, duration=0.49))
    assert transcript == Transcript("Hello.", final=True, confidence=0.9, from_finalize=True)


def test_a_result_that_crosses_the_request_and_leaves_audio_does_not_answer_it() -> None:
    ours = dialect()
    ours.audio(HALF_SECOND)
    ours.finalize()
    (early,) = ours.receive(results("Hello", is_final=True, duration=0.3))
    (answer,) = ours.receive(results("there.", is_final=True, start=0.3, duration=0.2, from_finalize=True))
    assert [early, answer] == [
        Transcript("Hello", final=True, confidence=0.9),
        Transcript("there.", final=True, confidence=0.9, from_finalize=True),
    ]


def test_words_have_their_times_and_their_punctuation() -> None:
    words = [
        {"word": "hello", "punctuated_word": "Hello,", "start": 0.1, "end": 0.3, "confidence": 0.9},
        {"word": "there", "start": 0.3, "end": 0.5, "confidence": 0.8},
    ]
    (transcript,) = dialect().receive(results("Hello, there", is_final=True, alternative={"words": words}))
    assert isinstance(transcript, Transcript)
    assert transcript.words == (HeardWord("Hello,", 0.1, 0.3), HeardWord("there", 0.3, 0.5))


def test_the_language_that_was_spoken_is_told() -> None:
    (transcript,) = dialect().receive(results("Hola", is_final=True, alternative={"languages": ["es", "en"]}))
    assert isinstance(transcript, Transcript)
    assert transcript.language == "es"


def test_nulls_are_as_good_as_nothing() -> None:
    (transcript,) = dialect().receive(
        results("Hi.", is_final=True, from_finalize=None, alternative={"languages": None, "confidence": None})
    )
    assert transcript == Transcript("Hi.", final=True)


# -- other messages


def test_the_end_of_an_utterance_ends_the_turn_once() -> None:
    ours = dialect()
    list(ours.receive(results("Hello.", is_final=True)))
    end = json.dumps({"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": 0.4})
    assert list(ours.receive(end)) == [Transcript("", final=True, end_of_turn=True)]
    assert list(ours.receive(end)) == []


def test_the_end_of_an_utterance_that_was_answered_already_is_passed_over() -> None:
    ours = dialect()
    list(ours.receive(results("Hello.", is_final=True, from_finalize=True)))
    assert list(ours.receive('{"type":"UtteranceEnd","channel":[0,1],"last_word_end":0.4}')) == []


@pytest.mark.parametrize(
    "message",
    [
        '{"type":"Metadata","duration":1.5,"channels":1}',
        '{"type":"SpeechStarted","channel":[0,1],"timestamp":0.1}',
        '{"type":"ConfigureSuccess","request_id":"1"}',
        '{"type":"SomethingNew","channel":"two"}',
        "{}",
    ],
)
def test_what_does_not_concern_us_is_passed_over(message: str) -> None:
    assert list(dialect().receive(message)) == []


@pytest.mark.parametrize(("variant", "retryable"), [("SchemaError", False), ("InternalError", True)])
def test_an_error_ends_the_session(variant: str, retryable: bool) -> None:
    (error,) = dialect().receive(json.dumps({"type": "Error", "variant": variant, "description": "No luck."}))
    assert isinstance(error, ProviderError)
    assert "No luck." in error.message
    assert error.retryable is retryable


@pytest.mark.parametrize("message", ["", "nonsense", '{"type":"Results","channel":[0,1]}', "[" * 100_000])
def test_what_cannot_be_read_is_told_without_repeating_it(message: str) -> None:
    with pytest.raises(ValueError, match="message that is none"):
        list(dialect().receive(message))


def test_what_is_said() -> None:
    ours = dialect()
    assert list(ours.begin()) == []
    assert ours.audio(HALF_SECOND) == HALF_SECOND
    assert list(ours.finalize()) == [FINALIZE]
    assert list(ours.keep_alive()) == [KEEP_ALIVE]
    assert list(ours.end()) == [CLOSE]


# -- languages and terms


@pytest.mark.parametrize(
    ("tag", "code"),
    [("en-US", "en-US"), ("en-gb", "en-GB"), ("de-DE", "de"), ("de", "de"), ("es-MX", "es"), ("pt-BR", "pt-BR")],
)
def test_regions_are_kept_where_deepgram_knows_them(tag: str, code: str) -> None:
    assert language_code(tag) == code


def test_key_terms_are_those_given_and_then_phrases_while_there_is_room() -> None:
    assert key_terms(["Nova"], ["one", "two", "three"], limit=10) == ("Nova", "one", "two")
    assert key_terms(["Nova"] * 2, [" ", "Nova"]) == ("Nova",)
    assert key_terms(["Given terms are never left out."], ["one"], limit=3) == ("Given terms are never left out.",)
    assert key_terms([], ["東京東京"], limit=11) == ()


# -- settings


async def asked_for(provider: DeepgramSTT, server: DeepgramServer, hints: SpeechHints) -> dict[str, list[str]]:
    """The parameters with which a call was opened."""
    recognition = await provider.open(hints)
    session = server.sessions[-1]
    await recognition.close()
    assert session.socket.request is not None
    return parse_qs(urlsplit(session.socket.request.path).query)


async def test_a_call_is_opened_with_its_language_and_its_phrases() -> None:
    async with DeepgramServer().running() as server:
        provider = DeepgramSTT("key", keyterm=["Patter"], url=server.url)
        query = await asked_for(provider, server, SpeechHints("pt-BR", ("Bom dia", "Até logo")))
    assert query["language"] == ["pt-BR"]
    assert query["keyterm"] == ["Patter", "Bom dia", "Até logo"]
    assert (query["model"], query["encoding"], query["sample_rate"]) == (["nova-3"], ["mulaw"], ["8000"])


async def test_the_language_of_the_settings_wins_and_several_cost_more() -> None:
    async with DeepgramServer().running() as server:
        provider = DeepgramSTT("key", language="multi", url=server.url)
        assert (await asked_for(provider, server, SpeechHints("de-DE")))["language"] == ["multi"]
        recognition = await provider.open(SpeechHints())
        assert used_by(recognition)[0].product.model == "nova-3-multilingual"
        await recognition.close()


async def test_older_models_have_keywords_and_no_key_terms() -> None:
    async with DeepgramServer().running() as server:
        provider = DeepgramSTT("key", model="nova-2-phonecall", keywords=["Patter:2"], url=server.url)
        query = await asked_for(provider, server, SpeechHints(phrases=("Good morning",)))
    assert query["keywords"] == ["Patter:2"]
    assert "keyterm" not in query


async def test_every_option_is_one_that_deepgram_takes() -> None:
    async with DeepgramServer().running() as server:
        provider = DeepgramSTT(
            "key",
            format=AudioFormat("pcm16", 16_000),
            endpointing_ms=0,
            utterance_end_ms=1000,
            vad_events=True,
            smart_format=True,
            numerals=True,
            profanity_filter=True,
            mip_opt_out=True,
            url=server.url,
        )
        query = await asked_for(provider, server, SpeechHints())
    assert query["endpointing"] == ["false"]
    assert query["utterance_end_ms"] == ["1000"]
    assert query["encoding"] == ["linear16"]
    assert all(query[name] == ["true"] for name in ("smart_format", "no_delay", "vad_events", "mip_opt_out"))


async def test_a_language_that_the_model_does_not_know_is_refused_with_deepgrams_words() -> None:
    async with DeepgramServer().running() as server:
        with pytest.raises(ProviderError, match="No such language") as refused:
            await DeepgramSTT("key", language="tlh", url=server.url).open(SpeechHints())
    assert not refused.value.retryable


async def test_an_utterance_that_ended_is_heard_to_have() -> None:
    async with DeepgramServer("Hello.").running() as server:
        recognition = await DeepgramSTT("key", utterance_end_ms=1000, url=server.url).open(SpeechHints())
        recognition.send(HALF_SECOND)
        session = server.sessions[0]
        await server.until(lambda: len(server.heard(session)) >= 3840)
        await server.finish(session, from_finalize=False)
        await server.tell(session, {"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": 0.4})
        heard = recognition.transcripts()
        seen = [await anext(heard) for _ in range(3)]
        assert [(transcript.text, transcript.final, transcript.end_of_turn) for transcript in seen] == [
            ("Hello.", False, False),
            ("Hello.", True, False),
            ("", True, True),
        ]
        await recognition.close()


def test_twilio_s_audio_is_the_default() -> None:
    provider = DeepgramSTT.for_twilio("key", language="de")
    assert provider.format == DeepgramSTT("key").format == LINE
    assert provider.continuous


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": "flux-general-en"},
        {"model": "nova-2", "keyterm": ["a"]},
        {"keywords": ["a"]},
        {"keyterm": "a"},
        {"endpointing_ms": -1},
        {"utterance_end_ms": 500},
        {"utterance_end_ms": 1000, "interim_results": False},
        {"format": AudioFormat("pcm16", 96_000)},
        {"url": "https://api.deepgram.com"},
    ],
)
def test_settings_that_cannot_work_are_told_at_once(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        DeepgramSTT("key", clock=SystemClock(), **wrong)
