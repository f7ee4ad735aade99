"""Speechmatics' realtime recogniser."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from speechmatics.rt import AudioEncoding, ConversationConfig, Model, TranscriptionConfig
from speechmatics.rt import AudioFormat as TheirFormat
from speechmatics.rt._utils.message import build_start_recognition_message

from getpatter.audio.format import LINE, AudioFormat
from getpatter.clock import Clock, SystemClock
from getpatter.connections.faults import Faults
from getpatter.connections.vendors import SPEECHMATICS
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.stt.base import HeardWord, SpeechHints, Transcript
from getpatter.stt.dialect import READY, Happening
from getpatter.stt.speechmatics import SpeechmaticsDialect, SpeechmaticsSTT, language_code
from getpatter.testing.clock import SkippingClock
from getpatter.testing.contracts.stt import KEY, PATIENCE_S, SttContract, answer, speech
from getpatter.testing.vendors.speechmatics import SpeechmaticsServer


class TestSpeechmatics(SttContract):
    key_variable = "SPEECHMATICS_API_KEY"

    def server(self, *utterances: str, key: str = "") -> SpeechmaticsServer:
        return SpeechmaticsServer(*utterances, key=key)

    def provider(self, url: str, *, api_key: str, clock: Clock) -> SpeechmaticsSTT:
        return SpeechmaticsSTT(api_key, url=f"{url}/v2", clock=clock)

    async def test_words_that_were_final_before_the_request_are_not_lost(self) -> None:
        async with self._call("there.") as (provider, recognition, server):
            recognition.send(speech(provider, 0.5))
            session = await server.connected()
            await server.until(lambda: bool(server.heard(session)))
            assert isinstance(server, SpeechmaticsServer)
            await server.tell(session, "Hello")
            recognition.finalize()
            assert await answer(recognition) == "Hello there."

    async def test_an_utterance_that_ends_by_itself_ends_the_turn(self) -> None:
        async with self._call("Hello there.") as (provider, recognition, server):
            recognition.send(speech(provider, 0.5))
            session = await server.connected()
            await server.until(lambda: bool(server.heard(session)))
            assert isinstance(server, SpeechmaticsServer)
            await server.end_utterance(session)
            transcripts = recognition.transcripts()
            interim, final, end = [await anext(transcripts) for _ in range(3)]
        assert interim == Transcript("Hello", final=False)
        assert final.confidence == pytest.approx(0.9)
        assert replace(final, confidence=None) == Transcript(
            "Hello there.", final=True, words=(HeardWord("Hello", 0.0, 0.25), HeardWord("there.", 0.25, 0.5))
        )
        assert end == Transcript("", final=True, end_of_turn=True)

    async def test_a_vocabulary_may_take_long_to_be_prepared_but_not_for_ever(self) -> None:
        clock = SkippingClock()
        server = self.server("Hello.")
        server.begins = asyncio.Event()
        async with server.running(), asyncio.timeout(PATIENCE_S):
            recognition = await self.provider(server.url, api_key=KEY, clock=clock).open(SpeechHints())
            clock.skip(20.0)
            try:
                with pytest.raises(ProviderError, match="did not answer within 20 s") as late:
                    await answer(recognition)
            finally:
                server.begins.set()
                await recognition.close()
        assert late.value.retryable

    async def test_too_many_sessions_may_be_tried_again(self) -> None:
        server = self.server("Hello.")
        server.crowded = True
        async with server.running(), asyncio.timeout(PATIENCE_S):
            recognition = await self.provider(server.url, api_key=KEY, clock=SystemClock()).open(SpeechHints())
            with pytest.raises(ProviderError, match="too many sessions open") as crowded:
                await answer(recognition)
            await recognition.close()
        assert crowded.value.retryable

    async def test_the_session_is_ended_with_the_number_of_the_last_piece(self) -> None:
        async with self._call("Hello.") as (provider, recognition, server):
            for _ in range(2):
                recognition.send(speech(provider, 0.5))
            session = await server.connected()
            await server.until(lambda: len(server.heard(session)) == 8000)
            await recognition.close()
            await server.quiet()
            assert session.told[-1] == {"message": "EndOfStream", "last_seq_no": 2}


# -- the start


async def started(hints: SpeechHints | None = None, **settings: Any) -> dict[str, Any]:
    """How a call with these settings begins."""
    async with SpeechmaticsServer("Hello.", key=KEY).running() as server, asyncio.timeout(PATIENCE_S):
        provider = SpeechmaticsSTT(KEY, url=f"{server.url}/v2", **settings)
        recognition = await provider.open(hints or SpeechHints())
        recognition.send(speech(provider, 0.5))
        recognition.finalize()
        assert await answer(recognition) == "Hello."
        await recognition.close()
        return server.sessions[0].told[0]


async def configured(hints: SpeechHints | None = None, **settings: Any) -> dict[str, Any]:
    configuration: dict[str, Any] = (await started(hints, **settings))["transcription_config"]
    return configuration


async def test_a_call_begins_as_with_the_vendors_own_client() -> None:
    theirs = build_start_recognition_message(
        TranscriptionConfig(
            language="en",
            model=Model.ENHANCED,
            output_locale="en-US",
            enable_partials=True,
            max_delay=2.0,
            max_delay_mode="flexible",
            additional_vocab=[{"content": "gnocchi", "sounds_like": ["nyohki"]}, {"content": "Patter"}],
            conversation_config=ConversationConfig(end_of_utterance_silence_trigger=0.7),
        ),
        TheirFormat(encoding=AudioEncoding.MULAW, sample_rate=8000),
    )
    ours = await started(
        SpeechHints(phrases=("Patter",)),
        end_of_utterance_mode="fixed",
        end_of_utterance_silence_trigger=0.7,
        additional_vocab=[{"content": "gnocchi", "sounds_like": ["nyohki"]}],
    )
    assert ours == json.loads(json.dumps(theirs))


@pytest.mark.parametrize("mode", ["external", "adaptive", "smart_turn"])
async def test_ends_of_utterances_are_told_in_the_fixed_mode_alone(mode: str) -> None:
    assert "conversation_config" not in await configured(end_of_utterance_mode=mode)


async def test_options_are_passed_on_by_the_vendors_names() -> None:
    told = await started(
        model="standard",
        language="es",
        format=AudioFormat("pcm16", 16_000),
        max_delay=0.7,
        max_delay_mode="fixed",
        enable_partials=False,
        enable_entities=False,
        punctuation_overrides={"sensitivity": 0.4},
        domain="bilingual-en",
    )
    assert told == {
        "message": "StartRecognition",
        "audio_format": {"type": "raw", "encoding": "pcm_s16le", "sample_rate": 16_000},
        "transcription_config": {
            "language": "es",
            "model": "standard",
            "max_delay": 0.7,
            "max_delay_mode": "fixed",
            "enable_partials": False,
            "enable_entities": False,
            "punctuation_overrides": {"sensitivity": 0.4},
            "domain": "bilingual-en",
        },
    }


@pytest.mark.parametrize(
    ("own", "calls", "language", "locale"),
    [
        ("", "en-GB", "en", "en-GB"),
        ("", "en-IN", "en", None),
        ("", "zh-TW", "cmn", "cmn-Hant"),
        ("fr", "en-GB", "fr", None),
        ("cmn_en", "en-US", "cmn_en", None),
    ],
)
async def test_the_language_and_its_spelling_are_the_calls_or_the_settings(
    own: str, calls: str, language: str, locale: str | None
) -> None:
    told = await configured(SpeechHints(calls), language=own)
    assert (told["language"], told.get("output_locale")) == (language, locale)


async def test_the_spelling_of_the_settings_wins() -> None:
    assert (await configured(SpeechHints("en-US"), output_locale="en-AU"))["output_locale"] == "en-AU"


@pytest.mark.parametrize(
    ("tag", "code"),
    [("de-AT", "de"), ("pt_BR", "pt"), ("nb-NO", "no"), ("fil", "tl"), ("yue-HK", "yue"), ("cmn_en_ms_ta",) * 2],
)
def test_codes_are_those_of_speechmatics(tag: str, code: str) -> None:
    assert language_code(tag) == code


async def test_phrases_that_fit_follow_the_vocabulary_of_the_settings() -> None:
    hints = SpeechHints(phrases=("one two three four five six", "one two three four five six seven", " "))
    told = await configured(hints, additional_vocab=["Twilio"])
    assert told["additional_vocab"] == [{"content": "Twilio"}, {"content": "one two three four five six"}]
    many = await configured(SpeechHints(phrases=tuple(f"term {n}" for n in range(1200))), additional_vocab=["Twilio"])
    assert len(many["additional_vocab"]) == 1000


async def test_a_language_that_it_does_not_know_is_refused_with_its_words() -> None:
    async with SpeechmaticsServer().running() as server, asyncio.timeout(PATIENCE_S):
        recognition = await SpeechmaticsSTT(KEY, url=f"{server.url}/v2", language="tlh").open(SpeechHints())
        with pytest.raises(ProviderError, match="invalid_language: The language tlh") as refused:
            await answer(recognition)
        await recognition.close()
    assert not refused.value.retryable


@pytest.mark.parametrize(
    "wrong",
    [
        {"end_of_utterance_mode": "sometimes"},
        {"end_of_utterance_mode": "fixed", "end_of_utterance_silence_trigger": 0.0},
        {"end_of_utterance_mode": "fixed", "end_of_utterance_silence_trigger": 2.5, "max_delay": 4.0},
        {"end_of_utterance_mode": "fixed", "end_of_utterance_silence_trigger": 1.0, "max_delay": 1.0},
        {"max_delay": 0.5},
        {"max_delay": 5.0},
        {"max_delay_mode": "rigid"},
        {"additional_vocab": "Patter"},
        {"additional_vocab": [""]},
        {"additional_vocab": ["one two three four five six seven"]},
        {"additional_vocab": [{"word": "Patter"}]},
        {"additional_vocab": [{"content": "Patter", "weight": 2}]},
        {"additional_vocab": ["Patter"] * 1001},
        {"url": "https://eu2.rt.speechmatics.com/v2"},
    ],
)
def test_settings_that_cannot_work_are_told_at_once(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        SpeechmaticsSTT("key", clock=SystemClock(), **wrong)


def test_the_silence_of_the_fixed_mode_does_not_concern_the_others() -> None:
    assert SpeechmaticsSTT("key", max_delay=0.7, end_of_utterance_silence_trigger=1.0).continuous


# -- the dialect


def dialect() -> SpeechmaticsDialect:
    return SpeechmaticsDialect({"message": "StartRecognition"}, Faults("m at acme.example", SPEECHMATICS), LINE)


def told(ours: SpeechmaticsDialect, message: str, **fields: Any) -> list[Happening]:
    return list(ours.receive(json.dumps({"message": message, **fields})))


def final(ours: SpeechmaticsDialect, text: str, *results: dict[str, Any]) -> list[Happening]:
    return told(ours, "AddTranscript", metadata={"transcript": text}, results=list(results))


def result(content: str, at: float, kind: str = "word", **more: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "start_time": at,
        "end_time": at + 0.5,
        "alternatives": [{"content": content, "confidence": 0.5}],
        **more,
    }


def test_transcripts_come_without_the_space_after_them() -> None:
    ours = dialect()
    assert told(ours, "AddPartialTranscript", metadata={"transcript": "Hello "}) == [Transcript("Hello", final=False)]
    assert final(ours, "Hello. ") == [Transcript("Hello.", final=True)]


def test_transcripts_without_words_say_nothing() -> None:
    assert told(dialect(), "AddPartialTranscript", metadata={"transcript": ""}) == []
    assert final(dialect(), "") == []


def test_marks_belong_to_their_words() -> None:
    (transcript,) = final(
        dialect(),
        "Bien. ¿Qué tal?",
        result("Bien", 0.0),
        result(".", 0.5, "punctuation", attaches_to="previous"),
        result("¿", 1.0, "punctuation", attaches_to="next"),
        result("Qué", 1.0),
        result("tal", 1.5),
        result("?", 2.0, "punctuation", attaches_to="previous"),
    )
    assert isinstance(transcript, Transcript)
    assert transcript.words == (HeardWord("Bien.", 0.0, 0.5), HeardWord("¿Qué", 1.0, 1.5), HeardWord("tal?", 1.5, 2.0))
    assert transcript.confidence == 0.5


def test_a_mark_alone_is_no_word() -> None:
    ours = dialect()
    assert final(ours, ". ", result(".", 2.0, "punctuation", attaches_to="previous")) == []
    assert told(ours, "EndOfUtterance", metadata={"end_time": 2.0}) == []


def test_a_forced_end_answers_after_its_words() -> None:
    ours = dialect()
    ours.finalize()
    assert final(ours, "Hello.") == [Transcript("Hello.", final=True)]
    assert told(ours, "EndOfUtterance", forced=True, metadata={"end_time": 0.1}) == [
        Transcript("", final=True, from_finalize=True)
    ]


def test_an_end_of_its_own_while_the_request_was_on_its_way_answers_it() -> None:
    ours = dialect()
    ours.audio(b"\x7f" * 8000)
    ours.finalize()
    final(ours, "Hello.")
    assert told(ours, "EndOfUtterance", metadata={"end_time": 0.9}) == [Transcript("", final=True, from_finalize=True)]


def test_an_end_of_its_own_that_came_after_the_request_does_not_answer_it() -> None:
    ours = dialect()
    ours.audio(b"\x7f" * 8000)
    ours.finalize()
    final(ours, "Hello.")
    assert told(ours, "EndOfUtterance", metadata={"end_time": 1.1}) == [Transcript("", final=True, end_of_turn=True)]


def test_an_end_without_words_says_nothing() -> None:
    ours = dialect()
    final(ours, "Hello.")
    assert told(ours, "EndOfUtterance") == [Transcript("", final=True, end_of_turn=True)]
    assert told(ours, "EndOfUtterance") == []


def test_audio_may_come_once_the_recognition_has_started() -> None:
    assert told(dialect(), "RecognitionStarted", id="1") == [READY]


@pytest.mark.parametrize(
    "message",
    [
        '{"message":"AudioAdded","seq_no":1}',
        '{"message":"Info","type":"concurrent_session_usage","reason":"1 of 2","usage":1,"quota":2}',
        '{"message":"Warning","type":"idle_timeout","reason":"Session will timeout in 15m due to inactivity"}',
        '{"message":"EndOfTranscript"}',
        '{"message":"AudioEventStarted","event":{"type":"music","start_time":1.0,"confidence":0.9}}',
        '{"message":"SomethingNew"}',
        "{}",
    ],
)
def test_what_does_not_concern_us_is_passed_over(message: str) -> None:
    assert list(dialect().receive(message)) == []


@pytest.mark.parametrize(
    ("kind", "code", "retryable", "summary"),
    [
        ("not_authorised", 4001, False, "refused the key"),
        ("not_allowed", 4003, False, "reports not_allowed: Why."),
        ("invalid_model", 4004, False, "reports invalid_model: Why."),
        ("quota_exceeded", 4005, True, "has too many sessions open for this key: Why."),
        ("timelimit_exceeded", 4006, False, "gives this account no more time: Why."),
        ("job_error", 4013, True, "reports job_error: Why."),
        ("protocol_error", 1003, False, "reports protocol_error: Why."),
        ("session_timeout", None, True, "reports session_timeout: Why."),
    ],
)
def test_an_error_ends_the_session(kind: str, code: int | None, retryable: bool, summary: str) -> None:
    (error,) = told(dialect(), "Error", type=kind, reason="Why.")
    assert isinstance(error, ProviderError)
    assert (error.message, error.retryable) == (f"m at acme.example {summary}", retryable)
    if code is not None:
        closed = dialect().closed(code, "Why.")
        assert closed is not None
        assert (closed.message, closed.retryable) == (error.message, error.retryable)


def test_a_close_whose_reason_is_the_type_does_not_say_it_twice() -> None:
    closed = dialect().closed(4013, "job_error")
    assert closed is not None
    assert closed.message == "m at acme.example reports job_error"
    assert dialect().closed(1006, "") is None


@pytest.mark.parametrize("message", ["", "[]", '{"message":"AddTranscript","metadata":"Hi"}', '{"message":1}'])
def test_what_cannot_be_read_is_told_without_repeating_it(message: str) -> None:
    with pytest.raises(ValueError, match="message that is none"):
        list(dialect().receive(message))


def test_what_is_said() -> None:
    ours = dialect()
    assert list(ours.begin()) == ['{"message":"StartRecognition"}']
    assert ours.audio(b"\x7f" * 4009) == b"\x7f" * 4009
    assert list(ours.finalize()) == ['{"message":"ForceEndOfUtterance","timestamp":0.501}']
    assert list(ours.keep_alive()) == []
    assert list(ours.end()) == ['{"message":"EndOfStream","last_seq_no":1}']
