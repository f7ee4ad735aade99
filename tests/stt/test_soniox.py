from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from soniox.types.realtime import RealtimeSTTConfig

from getpatter.audio.format import AudioFormat
from getpatter.clock import Clock
from getpatter.connections.faults import Faults
from getpatter.connections.vendors import SONIOX
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.stt.base import HeardWord, SpeechHints, Transcript
from getpatter.stt.dialect import Happening
from getpatter.stt.soniox import KEEP_ALIVE_S, SonioxDialect, SonioxSTT
from getpatter.testing.contracts.stt import KEY, SttContract, answer, speech
from getpatter.testing.vendors.soniox import SonioxServer


class TestSoniox(SttContract):
    key_variable = "SONIOX_API_KEY"
    bills_sessions = True
    keep_alive_s = KEEP_ALIVE_S

    def server(self, *utterances: str, key: str = "") -> SonioxServer:
        return SonioxServer(*utterances, key=key)

    def provider(self, url: str, *, api_key: str, clock: Clock) -> SonioxSTT:
        return SonioxSTT(api_key, url=f"{url}/transcribe-websocket", clock=clock)

    async def test_the_vendors_own_type_knows_the_configuration(self) -> None:
        async with self._call("Hello.") as (provider, recognition, server):
            recognition.send(speech(provider, 0.5))
            recognition.finalize()
            await answer(recognition)
            session = server.sessions[0]
        configuration = json.loads(session.received[0])
        known = RealtimeSTTConfig.model_validate(configuration)
        assert known.model_dump(exclude_none=True) == configuration
        assert configuration == {
            "model": "stt-rt-v4",
            "audio_format": "mulaw",
            "sample_rate": 8000,
            "num_channels": 1,
            "enable_language_identification": True,
            "enable_endpoint_detection": True,
            "max_endpoint_delay_ms": 500,
            "language_hints": ["en"],
            "language_hints_strict": False,
        }
        assert session.headers["authorization"] == f"Bearer {KEY}"

    async def test_the_end_of_a_turn_is_told(self) -> None:
        async with self._call("Hello there.") as (provider, recognition, server):
            recognition.send(speech(provider, 0.5))
            session = await server.connected()
            await server.until(lambda: bool(server.heard(session)))
            assert isinstance(server, SonioxServer)
            await server.utter(session, "<end>")
            transcripts = recognition.transcripts()
            interim, final = await anext(transcripts), await anext(transcripts)
        assert interim == Transcript("Hello there.", final=False)
        assert final.confidence == pytest.approx(0.9)
        assert replace(final, confidence=None) == Transcript(
            "Hello there.",
            final=True,
            end_of_turn=True,
            words=(HeardWord("Hello", 0.0, 0.24), HeardWord("there.", 0.24, 0.48)),
            language="en",
        )

    async def test_the_session_is_ended_with_a_word(self) -> None:
        async with self._call("Hello.") as (provider, recognition, server):
            recognition.send(speech(provider, 0.5))
            session = await server.connected()
            await server.until(lambda: bool(server.heard(session)))
            await recognition.close()
            await server.quiet()
            assert session.received[-1] == ""


async def configured(hints: SpeechHints | None = None, **settings: Any) -> dict[str, Any]:
    """What these settings tell the vendor first."""
    async with SonioxServer("Hello.").running() as server:
        provider = SonioxSTT(KEY, url=f"{server.url}/transcribe-websocket", **settings)
        recognition = await provider.open(hints or SpeechHints())
        recognition.send(speech(provider, 0.5))
        recognition.finalize()
        assert await answer(recognition) == "Hello."
        await recognition.close()
        first: dict[str, Any] = json.loads(server.sessions[0].received[0])
        return first


@pytest.mark.parametrize(
    ("own", "calls", "hints"),
    [
        ("", "de-AT", ["de"]),
        ("fr", "de-AT", ["fr"]),
        ("", "nb-NO", ["no"]),
        ("", "fil-PH", ["tl"]),
        ("", "gsw-CH", None),
    ],
)
async def test_the_language_is_a_hint(own: str, calls: str, hints: list[str] | None) -> None:
    assert (await configured(SpeechHints(calls), language=own)).get("language_hints") == hints


async def test_phrases_are_terms_beside_those_that_were_given() -> None:
    context = {"general": [{"key": "domain", "value": "Telephony"}], "terms": ["Twilio"]}
    told = await configured(SpeechHints(phrases=("Patter",)), context=context)
    assert told["context"] == {**context, "terms": ["Twilio", "Patter"]}
    assert context["terms"] == ["Twilio"]


async def test_phrases_are_left_out_where_there_is_no_room() -> None:
    told = await configured(SpeechHints(phrases=("x" * 6000, "y" * 6000)))
    assert told["context"] == {"terms": ["x" * 6000]}


async def test_options_are_passed_on_by_the_vendors_names() -> None:
    told = await configured(
        model="stt-rt-v5",
        format=AudioFormat("pcm16", 16000),
        language_hints_strict=True,
        enable_language_identification=False,
        max_endpoint_delay_ms=800,
        endpoint_sensitivity=0.5,
        client_reference_id="call 1",
    )
    assert told == {
        "model": "stt-rt-v5",
        "audio_format": "pcm_s16le",
        "sample_rate": 16000,
        "num_channels": 1,
        "enable_language_identification": False,
        "enable_endpoint_detection": True,
        "max_endpoint_delay_ms": 800,
        "endpoint_sensitivity": 0.5,
        "client_reference_id": "call 1",
        "language_hints": ["en"],
        "language_hints_strict": True,
    }


async def test_without_endpoints_their_delay_is_not_told() -> None:
    assert "max_endpoint_delay_ms" not in await configured(enable_endpoint_detection=False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_endpoint_delay_ms": 100},
        {"endpoint_sensitivity": 2.0},
        {"trailing_silence_ms": -1},
        {"client_reference_id": "x" * 257},
        {"url": "https://stt-rt.soniox.com"},
    ],
)
def test_what_cannot_work_is_told_when_the_provider_is_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        SonioxSTT(KEY, **wrong)


# -- the dialect


def dialect(**settings: Any) -> SonioxDialect:
    return SonioxDialect({}, Faults("m at acme.example", SONIOX), **settings)


def told(dialect: SonioxDialect, *tokens: tuple[str, bool], **fields: object) -> list[Happening]:
    """Tokens with whether they are final."""
    message = {"tokens": [{"text": text, "is_final": final} for text, final in tokens], **fields}
    return list(dialect.receive(json.dumps(message)))


def test_interims_are_what_is_final_and_what_may_change() -> None:
    soniox = dialect()
    assert told(soniox, ("How", False)) == [Transcript("How", final=False)]
    assert told(soniox, ("How", True), (" a", False)) == [Transcript("How a", final=False)]
    assert told(soniox, (" are", True), (" you", False)) == [Transcript("How are you", final=False)]


def test_an_interim_that_says_nothing_new_is_passed_over() -> None:
    soniox = dialect()
    told(soniox, ("How", False))
    assert told(soniox, ("How", True)) == []
    assert told(soniox) == []


def test_a_transcript_holds_what_came_since_the_last() -> None:
    soniox = dialect()
    (one,) = told(soniox, ("One.", True), ("<end>", True))
    (two,) = told(soniox, (" Two.", True), ("<fin>", True))
    assert one == Transcript("One.", final=True, end_of_turn=True)
    assert two == Transcript("Two.", final=True, from_finalize=True)


def test_what_follows_the_end_of_a_turn_is_of_the_next() -> None:
    assert told(dialect(), ("One.", True), ("<end>", True), (" Two", False)) == [
        Transcript("One.", final=True, end_of_turn=True),
        Transcript("Two", final=False),
    ]


def test_a_request_behind_the_end_of_a_turn_is_answered_with_nothing() -> None:
    assert told(dialect(), ("<fin>", True)) == [Transcript("", final=True, from_finalize=True)]


def test_translations_are_not_what_was_said() -> None:
    soniox = dialect()
    token = {"text": "Hola", "is_final": True, "translation_status": "translation"}
    assert list(soniox.receive(json.dumps({"tokens": [token]}))) == []


def test_parts_of_a_word_are_one_word() -> None:
    soniox = dialect()
    texts = ["Beau", "ti", "ful", ",", " my", " ", "friend"]
    tokens = [
        {"text": text, "is_final": True, "start_ms": 100 * at, "end_ms": 100 * at + 100}
        for at, text in enumerate(texts)
    ]
    soniox.receive(json.dumps({"tokens": tokens}))
    (transcript,) = told(soniox, ("<fin>", True))
    assert isinstance(transcript, Transcript)
    assert transcript.words == (
        HeardWord("Beautiful,", 0.0, 0.4),
        HeardWord("my", 0.4, 0.5),
        HeardWord("friend", 0.6, 0.7),
    )


def test_the_language_is_that_of_most_tokens() -> None:
    soniox = dialect()
    tokens = [{"text": "a", "is_final": True, "language": language} for language in ("de", "en", "en")]
    soniox.receive(json.dumps({"tokens": tokens}))
    (transcript,) = told(soniox, ("<fin>", True))
    assert isinstance(transcript, Transcript)
    assert transcript.language == "en"


def test_the_silence_before_a_request_is_told_where_it_is_known() -> None:
    assert list(dialect().finalize()) == ['{"type":"finalize"}']
    assert list(dialect(trailing_silence_ms=300).finalize()) == ['{"type":"finalize","trailing_silence_ms":300}']


@pytest.mark.parametrize(
    ("code", "retryable", "words"),
    [
        (401, False, "refused the key (HTTP 401)"),
        (402, False, "has no credit left for this key (HTTP 402): Why."),
        (429, True, "is asked too often (HTTP 429): Why."),
        (503, True, "failed (HTTP 503): Why."),
    ],
)
def test_an_error_ends_the_session(code: int, retryable: bool, words: str) -> None:
    (error,) = told(dialect(), error_code=code, error_message="Why.")
    assert isinstance(error, ProviderError)
    assert (error.message, error.retryable) == (f"m at acme.example {words}", retryable)


@pytest.mark.parametrize("message", ["", "[]", '{"tokens": 1}', '{"tokens": [{"text": 5}]}'])
def test_what_cannot_be_read_is_refused(message: str) -> None:
    with pytest.raises(ValueError, match="none"):
        dialect().receive(message)
