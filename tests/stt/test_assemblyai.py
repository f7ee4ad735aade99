"""AssemblyAI's streaming recognisers."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from assemblyai.streaming.v3 import RealTimeParameters

from getpatter.audio.format import LINE, AudioFormat
from getpatter.clock import Clock, SystemClock
from getpatter.connections.faults import Faults
from getpatter.connections.vendors import ASSEMBLYAI
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.metering import used_by
from getpatter.stt.assemblyai import (
    ENGLISH,
    FORCE_ENDPOINT,
    KEEP_ALIVE,
    MULTILINGUAL,
    TERMINATE,
    AssemblyAIDialect,
    AssemblyAISTT,
)
from getpatter.stt.base import HeardWord, SpeechHints, Transcript
from getpatter.stt.dialect import Happening
from getpatter.testing.contracts.stt import KEY, PATIENCE_S, SttContract, answer, speech
from getpatter.testing.vendors.assemblyai import AssemblyAIServer


class TestAssemblyAI(SttContract):
    key_variable = "ASSEMBLYAI_API_KEY"
    bills_sessions = True

    def server(self, *utterances: str, key: str = "") -> AssemblyAIServer:
        return AssemblyAIServer(*utterances, key=key)

    def provider(self, url: str, *, api_key: str, clock: Clock) -> AssemblyAISTT:
        return AssemblyAISTT(api_key, url=url, clock=clock)

    async def test_no_message_is_shorter_than_fifty_milliseconds(self) -> None:
        async with self._call("One.", "Two.") as (provider, recognition, server):
            recognition.send(speech(provider, 1.0)[:500])  # 60 ms are 480 bytes
            recognition.finalize()
            assert await answer(recognition) == "One."
            recognition.send(speech(provider, 1.0)[500:700])
            recognition.finalize()
            assert await answer(recognition) == ""  # it waits: so little of a pause is silence
            recognition.send(speech(provider, 1.0)[700:])
            recognition.finalize()
            assert await answer(recognition) == "Two."
            session = server.sessions[0]
            assert server.heard(session) == speech(provider, 1.0)
            assert {len(message) for message in session.received if isinstance(message, bytes)} == {500, 7500}

    async def test_a_rest_after_the_longest_message_waits_too(self) -> None:
        async with self._call("One.", "Two.") as (provider, recognition, server):
            audio = speech(provider, 1.5)
            recognition.send(audio[:8_399])
            recognition.finalize()
            assert await answer(recognition) == "One."
            assert server.heard(server.sessions[0]) == audio[:8_000]
            recognition.send(audio[8_399:])
            recognition.finalize()
            assert await answer(recognition) == "Two."
            assert server.heard(server.sessions[0]) == audio

    async def test_a_wrong_key_is_told_with_what_to_look_at(self) -> None:
        async with AssemblyAIServer(key=KEY).running() as server, asyncio.timeout(PATIENCE_S):
            recognition = await AssemblyAISTT("sk-wrong", url=server.url).open(SpeechHints())
            recognition.send(speech(AssemblyAISTT("sk-wrong"), 0.5))
            with pytest.raises(ProviderError, match="refused the key") as refused:
                await answer(recognition)
            await recognition.close()
        assert "ASSEMBLYAI_API_KEY" in str(refused.value.next_step)

    async def test_the_end_of_a_turn_is_told(self) -> None:
        async with self._call("Hello there.") as (provider, recognition, server):
            recognition.send(speech(provider, 0.5))
            session = await server.connected()
            await server.until(lambda: bool(server.heard(session)))
            assert isinstance(server, AssemblyAIServer)
            await server.end_turn(session)
            transcripts = recognition.transcripts()
            assert await anext(transcripts) == Transcript("Hello", final=False)
            ended = await anext(transcripts)
        assert (ended.text, ended.final, ended.end_of_turn, ended.from_finalize) == ("Hello there.", True, True, False)
        assert ended.words == (HeardWord("Hello", 0.0, 0.25), HeardWord("there.", 0.25, 0.5))

    async def test_the_session_is_ended_with_a_word(self) -> None:
        async with self._call("Hello.") as (provider, recognition, server):
            recognition.send(speech(provider, 0.5))
            session = await server.connected()
            await server.until(lambda: bool(server.heard(session)))
            await recognition.close()
            await server.quiet()
            assert session.received[-1] == TERMINATE


# -- parameters


async def asked_for(hints: SpeechHints | None = None, **settings: Any) -> dict[str, Any]:
    """The parameters of a call with these settings, which the vendor's own type has to know."""
    async with AssemblyAIServer("Hello.", key=KEY).running() as server, asyncio.timeout(PATIENCE_S):
        provider = AssemblyAISTT(KEY, url=server.url, **settings)
        recognition = await provider.open(hints or SpeechHints())
        recognition.send(speech(provider, 0.5))
        recognition.finalize()
        assert await answer(recognition) == "Hello."
        await recognition.close()
        query = server.sessions[0].query
    lists = {name: json.loads(query[name]) for name in ("keyterms_prompt", "language_codes") if name in query}
    known = RealTimeParameters.model_validate({**query, **lists})
    assert known.model_fields_set == query.keys()
    return known.model_dump(mode="json", exclude_unset=True)


async def test_a_call_in_english_asks_for_no_more_than_it_needs() -> None:
    assert await asked_for() == {"speech_model": ENGLISH, "sample_rate": 8000, "encoding": "pcm_mulaw"}


@pytest.mark.parametrize("language", ["de-AT", "es-MX", "fr", "it-IT", "pt_BR"])
async def test_a_call_in_another_language_has_the_model_that_knows_it(language: str) -> None:
    told = await asked_for(SpeechHints(language))
    assert (told["speech_model"], told["language_detection"]) == (MULTILINGUAL, True)


async def test_the_language_of_the_settings_wins() -> None:
    assert (await asked_for(SpeechHints("de-DE"), language="en-GB"))["speech_model"] == ENGLISH


@pytest.mark.parametrize("settings", [{}, {"model": ENGLISH}, {"model": MULTILINGUAL}])
async def test_a_language_that_the_model_does_not_know_is_told_before_there_is_a_session(
    settings: dict[str, Any],
) -> None:
    provider = AssemblyAISTT(KEY, url="ws://127.0.0.1:1", **settings)
    with pytest.raises(ProviderError, match="knows no pl") as refused:
        await provider.open(SpeechHints("pl-PL"))
    assert not refused.value.retryable


async def test_models_of_many_languages_are_told_which_is_spoken() -> None:
    told = await asked_for(SpeechHints("pl-PL"), model="universal-3-5-pro")
    assert (told["language_codes"], told["language_detection"]) == (["pl"], True)


async def test_phrases_that_fit_are_key_terms() -> None:
    hints = SpeechHints(phrases=("Patter", "x" * 51, "", *(f"term {number}" for number in range(120))))
    told = await asked_for(hints)
    assert told["keyterms_prompt"] == ["Patter", *(f"term {number}" for number in range(99))]


async def test_key_terms_of_the_settings_stand_alone_and_none_are_none() -> None:
    hints = SpeechHints(phrases=("Patter",))
    assert (await asked_for(hints, keyterms_prompt=["Twilio"]))["keyterms_prompt"] == ["Twilio"]
    assert "keyterms_prompt" not in await asked_for(hints, keyterms_prompt=())


async def test_options_are_passed_on_by_the_vendors_names() -> None:
    told = await asked_for(
        model="u3-rt-pro",
        format=AudioFormat("pcm16", 16_000),
        format_turns=True,
        end_of_turn_confidence_threshold=0.7,
        min_turn_silence=160,
        max_turn_silence=400,
        vad_threshold=0.3,
        language_detection=False,
        filter_profanity=True,
        prompt="A call to a pharmacy.",
        mode="min_latency",
        domain="medical-v1",
    )
    assert told == {
        "speech_model": "u3-rt-pro",
        "sample_rate": 16_000,
        "encoding": "pcm_s16le",
        "format_turns": True,
        "end_of_turn_confidence_threshold": 0.7,
        "min_turn_silence": 160,
        "max_turn_silence": 400,
        "vad_threshold": 0.3,
        "filter_profanity": True,
        "prompt": "A call to a pharmacy.",
        "mode": "min_latency",
        "domain": "medical-v1",
    }


async def test_the_model_that_a_call_led_to_is_named_and_paid_for() -> None:
    async with AssemblyAIServer("Hallo.").running() as server:
        provider = AssemblyAISTT(KEY, url=server.url)
        recognition = await provider.open(SpeechHints("de"))
        assert recognition.name.startswith(MULTILINGUAL)
        assert used_by(recognition)[0].product.model == MULTILINGUAL
        await recognition.close()
    assert provider.name.startswith("universal-streaming at ")


def test_twilio_s_audio_is_the_default() -> None:
    provider = AssemblyAISTT.for_twilio("key", language="de")
    assert provider.format == AssemblyAISTT("key").format == LINE
    assert provider.continuous


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": ENGLISH, "language": "de"},
        {"language": "pl"},
        {"end_of_turn_confidence_threshold": 1.5},
        {"vad_threshold": -0.1},
        {"min_turn_silence": -1},
        {"min_turn_silence": 500, "max_turn_silence": 400},
        {"keyterms_prompt": "Patter"},
        {"keyterms_prompt": ["x" * 51]},
        {"keyterms_prompt": ["x"] * 101},
        {"format": AudioFormat("pcm16", 192_000)},
        {"url": "https://streaming.assemblyai.com"},
    ],
)
def test_settings_that_cannot_work_are_told_at_once(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        AssemblyAISTT("key", clock=SystemClock(), **wrong)


# -- the dialect


def dialect(*, formats: bool = False) -> AssemblyAIDialect:
    return AssemblyAIDialect(Faults("m at acme.example", ASSEMBLYAI), LINE, formats=formats)


def told(ours: AssemblyAIDialect, transcript: str = "", **fields: Any) -> list[Happening]:
    return list(ours.receive(json.dumps({"type": "Turn", "transcript": transcript, **fields})))


def word(text: str, *, final: bool = False) -> dict[str, Any]:
    return {"text": text, "start": 1000, "end": 1500, "confidence": 0.8, "word_is_final": final}


def test_words_that_are_final_one_by_one_stand_before_those_that_may_change() -> None:
    ours = dialect()
    assert told(ours, "", words=[word("hi")]) == [Transcript("hi", final=False)]
    assert told(ours, "hi", words=[word("hi", final=True), word("my")]) == [Transcript("hi my", final=False)]
    assert told(ours, "hi my", words=[word("hi", final=True), word("my", final=True)]) == [
        Transcript("hi my", final=False)
    ]


def test_words_that_become_final_all_at_once_are_in_the_transcript_before() -> None:
    assert told(dialect(), "My name is—", words=[word("My"), word("name"), word("is—")]) == [
        Transcript("My name is—", final=False)
    ]


def test_a_turn_without_words_says_nothing() -> None:
    assert told(dialect()) == []
    assert told(dialect(), end_of_turn=True) == []


def test_a_turn_that_ends_by_itself_is_the_end_of_the_speakers() -> None:
    assert told(dialect(), "Hello.", end_of_turn=True, words=[word("Hello.", final=True)], language_code="en") == [
        Transcript(
            "Hello.",
            final=True,
            confidence=0.8,
            end_of_turn=True,
            words=(HeardWord("Hello.", 1.0, 1.5),),
            language="en",
        )
    ]


def test_a_turn_that_was_to_end_answers_once_and_says_nothing_of_the_speaker() -> None:
    ours = dialect()
    ours.finalize()
    assert told(ours, "One.", end_of_turn=True, turn_order=0) == [Transcript("One.", final=True, from_finalize=True)]
    assert told(ours, "Two.", end_of_turn=True, turn_order=1) == [Transcript("Two.", final=True, end_of_turn=True)]


def test_a_turn_that_began_after_the_request_does_not_answer_it() -> None:
    ours = dialect()
    ours.audio(b"\x7f" * 7_999)
    ours.finalize()
    (turn,) = told(ours, "Hello.", end_of_turn=True, words=[word("Hello.", final=True)])
    assert isinstance(turn, Transcript)
    assert (turn.from_finalize, turn.end_of_turn) == (False, True)


def test_a_turn_that_began_before_the_request_answers_it() -> None:
    ours = dialect()
    ours.audio(b"\x7f" * 8_000)
    ours.finalize()
    (turn,) = told(ours, "Hello.", end_of_turn=True, words=[word("Hello.", final=True)])
    assert isinstance(turn, Transcript)
    assert (turn.from_finalize, turn.end_of_turn) == (True, False)


def test_an_empty_turn_answers_too() -> None:
    ours = dialect()
    ours.finalize()
    assert told(ours, "", end_of_turn=True) == [Transcript("", final=True, from_finalize=True)]


def test_where_turns_are_formatted_their_words_are_final_only_then() -> None:
    ours = dialect(formats=True)
    ours.finalize()
    assert told(ours, "hi there", end_of_turn=True, turn_is_formatted=False, turn_order=0) == [
        Transcript("hi there", final=False)
    ]
    assert told(ours, "Hi there.", end_of_turn=True, turn_is_formatted=True, turn_order=0) == [
        Transcript("Hi there.", final=True, from_finalize=True)
    ]


def test_a_turn_that_is_told_again_after_its_end_is_passed_over() -> None:
    ours = dialect()
    assert told(ours, "hi there", end_of_turn=True, turn_order=0) != []
    assert told(ours, "Hi there.", end_of_turn=True, turn_is_formatted=True, turn_order=0) == []


def test_a_turn_is_given_once_though_its_formatted_end_comes_after_the_next_ones() -> None:
    ours = dialect()
    assert told(ours, "hi there", end_of_turn=True, turn_order=0) != []
    assert told(ours, "a table", end_of_turn=True, turn_order=1) != []
    assert told(ours, "Hi there.", end_of_turn=True, turn_is_formatted=True, turn_order=0) == []
    assert told(ours, "A table.", end_of_turn=True, turn_is_formatted=True, turn_order=1) == []


def test_a_formatted_turn_that_comes_after_the_next_one_is_given_all_the_same() -> None:
    ours = dialect(formats=True)
    texts = [
        transcript.text
        for order, words in ((1, "A table."), (0, "Hi there."))
        for transcript in told(ours, words, end_of_turn=True, turn_is_formatted=True, turn_order=order)
        if isinstance(transcript, Transcript)
    ]
    assert texts == ["A table.", "Hi there."]


@pytest.mark.parametrize(
    "message",
    [
        '{"type":"Begin","id":"1","expires_at":1772570132,"configuration":{"model":"u3-rt-pro"}}',
        '{"type":"SpeechStarted","timestamp":1216,"confidence":0.98}',
        '{"type":"Termination","audio_duration_seconds":1,"session_duration_seconds":1}',
        '{"type":"Warning","warning_code":1,"warning":"Beware."}',
        '{"type":"Heartbeat","realtime_factor":1.5}',
        '{"type":"SomethingNew"}',
        "{}",
    ],
)
def test_what_does_not_concern_us_is_passed_over(message: str) -> None:
    assert list(dialect().receive(message)) == []


@pytest.mark.parametrize(
    ("code", "retryable", "summary"),
    [
        (1008, False, "refused the key or its account (1008): Why."),
        (3005, True, "reports an error (3005): Why."),
        (3006, False, "reports an error (3006): Why."),
        (3007, False, "reports an error (3007): Why."),
        (3008, True, "reports an error (3008): Why."),
        (3009, True, "has too many sessions open for this key (3009): Why."),
        (4001, False, "refused the key or its account (4001): Why."),
        (None, True, "reports an error: Why."),
    ],
)
def test_an_error_ends_the_session(code: int | None, retryable: bool, summary: str) -> None:
    (error,) = dialect().receive(json.dumps({"type": "Error", "error_code": code, "error": "Why."}))
    assert isinstance(error, ProviderError)
    assert (error.message, error.retryable) == (f"m at acme.example {summary}", retryable)
    if code is not None:
        closed = dialect().closed(code, "Why.")
        assert closed is not None
        assert (closed.message, closed.retryable) == (error.message, error.retryable)


def test_other_closes_say_nothing_of_their_own() -> None:
    assert dialect().closed(1000, "") is None
    assert dialect().closed(1006, "") is None


@pytest.mark.parametrize("message", ["", "[]", '{"type":"Turn","words":1}', '{"type":"Turn","transcript":["Hi"]}'])
def test_what_cannot_be_read_is_told_without_repeating_it(message: str) -> None:
    with pytest.raises(ValueError, match="message that is none"):
        list(dialect().receive(message))


def test_what_is_said() -> None:
    ours = dialect()
    assert list(ours.begin()) == []
    assert ours.audio(b"\x7f") == b"\x7f"
    assert list(ours.finalize()) == [FORCE_ENDPOINT]
    assert list(ours.keep_alive()) == [KEEP_ALIVE]
    assert list(ours.end()) == [TERMINATE]
