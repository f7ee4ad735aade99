"""Deepgram's Flux models."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from getpatter.audio.format import AudioFormat
from getpatter.clock import Clock
from getpatter.connections.faults import Faults
from getpatter.connections.vendors import DEEPGRAM
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.stt.base import HeardWord, SpeechHints, SpeechToText, Transcript
from getpatter.stt.deepgram_flux import FORCE_END, DeepgramFluxSTT, FluxDialect
from getpatter.testing.contracts.stt import SttContract
from getpatter.testing.vendors.deepgram import DeepgramFluxServer

HALF_SECOND = b"\x7f" * 4000


class TestDeepgramFlux(SttContract):
    key_variable = "DEEPGRAM_API_KEY"
    opens_late = True

    def server(self, *utterances: str, key: str = "") -> DeepgramFluxServer:
        return DeepgramFluxServer(*utterances, key=key)

    def provider(self, url: str, *, api_key: str, clock: Clock) -> SpeechToText:
        return DeepgramFluxSTT(api_key, url=url, clock=clock)


def dialect() -> FluxDialect:
    return FluxDialect(Faults("flux", DEEPGRAM))


def turn(event: str, text: str, **more: Any) -> str:
    return json.dumps({"type": "TurnInfo", "event": event, "transcript": text, "words": [], **more})


# -- turns


@pytest.mark.parametrize("event", ["StartOfTurn", "Update", "EagerEndOfTurn", "TurnResumed"])
def test_a_turn_that_goes_on_is_interim(event: str) -> None:
    assert list(dialect().receive(turn(event, "Hello there"))) == [Transcript("Hello there", final=False)]
    assert list(dialect().receive(turn(event, ""))) == []


@pytest.mark.parametrize("trigger", ["model", "timeout", "something new", None])
def test_flux_says_when_a_turn_has_ended(trigger: str | None) -> None:
    assert list(dialect().receive(turn("EndOfTurn", "Hello there.", trigger=trigger))) == [
        Transcript("Hello there.", final=True, end_of_turn=True)
    ]


def test_a_turn_that_we_end_is_not_flux_s_judgement() -> None:
    ours = dialect()
    assert list(ours.finalize()) == [FORCE_END]
    assert list(ours.receive(turn("EndOfTurn", "Hello there.", trigger="manual"))) == [
        Transcript("Hello there.", final=True, from_finalize=True)
    ]


def test_a_turn_that_ends_by_itself_while_we_ask_answers_us() -> None:
    ours = dialect()
    ours.finalize()
    assert list(ours.receive(turn("EndOfTurn", "Hello.", trigger="model"))) == [
        Transcript("Hello.", final=True, from_finalize=True, end_of_turn=True)
    ]
    assert list(ours.receive(turn("EndOfTurn", "And on.", trigger="model"))) == [
        Transcript("And on.", final=True, end_of_turn=True)
    ]


def test_words_have_times_where_flux_tells_them() -> None:
    words = [
        {"word": "Hello", "confidence": 0.9, "start": 0.1, "end": 0.4},
        {"word": "there.", "confidence": 0.9},
        {"word": "No", "confidence": 0.9, "start": None, "end": None},
    ]
    (transcript,) = dialect().receive(turn("EndOfTurn", "Hello there. No", words=words, languages=["es"]))
    assert isinstance(transcript, Transcript)
    assert transcript.words == (HeardWord("Hello", 0.1, 0.4),)
    assert transcript.language == "es"


# -- other messages


@pytest.mark.parametrize(
    "message",
    [
        '{"type":"Connected","request_id":"1","sequence_id":0}',
        '{"type":"Warning","code":"SOMETHING","description":"No matter."}',
        '{"type":"ConfigureSuccess","keyterms":["a"],"thresholds":{}}',
        '{"type":"SomethingNew"}',
    ],
)
def test_what_does_not_concern_us_is_passed_over(message: str) -> None:
    assert list(dialect().receive(message)) == []


def test_an_error_ends_the_session() -> None:
    (error,) = dialect().receive('{"type":"Error","code":"INTERNAL_SERVER_ERROR","description":"No luck."}')
    assert isinstance(error, ProviderError)
    assert "INTERNAL_SERVER_ERROR: No luck." in error.message


def test_what_cannot_be_read_is_told() -> None:
    with pytest.raises(ValueError, match="message that is none"):
        list(dialect().receive('{"type":"TurnInfo","transcript":7}'))


# -- settings


async def asked_for(provider: DeepgramFluxSTT, server: DeepgramFluxServer, hints: SpeechHints) -> dict[str, list[str]]:
    """The parameters with which a call was opened."""
    recognition = await provider.open(hints)
    recognition.send(HALF_SECOND)
    session = await server.connected()
    await recognition.close()
    assert session.socket.request is not None
    return parse_qs(urlsplit(session.socket.request.path).query)


async def test_the_call_s_language_is_a_hint_for_the_model_that_knows_several() -> None:
    async with DeepgramFluxServer().running() as server:
        provider = DeepgramFluxSTT("key", model="flux-general-multi", keyterm=["Patter"], url=server.url)
        query = await asked_for(provider, server, SpeechHints("es-MX", ("Buenos días",)))
    assert query["language_hint"] == ["es"]
    assert query["keyterm"] == ["Patter", "Buenos días"]


async def test_a_language_that_flux_does_not_know_is_no_hint() -> None:
    async with DeepgramFluxServer().running() as server:
        provider = DeepgramFluxSTT("key", model="flux-general-multi", url=server.url)
        assert "language_hint" not in await asked_for(provider, server, SpeechHints("fi-FI"))


async def test_the_english_model_gets_no_hint() -> None:
    async with DeepgramFluxServer().running() as server:
        provider = DeepgramFluxSTT("key", url=server.url)
        assert "language_hint" not in await asked_for(provider, server, SpeechHints("en-GB"))


async def test_every_option_is_one_that_deepgram_takes() -> None:
    async with DeepgramFluxServer().running() as server:
        provider = DeepgramFluxSTT(
            "key",
            format=AudioFormat("pcm16", 16_000),
            eot_threshold=0.8,
            eager_eot_threshold=0.4,
            eot_timeout_ms=60_000,
            numerals=True,
            profanity_filter=True,
            mip_opt_out=True,
            url=server.url,
        )
        query = await asked_for(provider, server, SpeechHints())
    assert query["eot_threshold"] == ["0.8"]
    assert query["eager_eot_threshold"] == ["0.4"]
    assert query["eot_timeout_ms"] == ["60000"]


async def test_a_turn_is_heard_from_its_first_word_to_its_end() -> None:
    async with DeepgramFluxServer("Good morning.").running() as server:
        recognition = await DeepgramFluxSTT("key", eager_eot_threshold=0.5, url=server.url).open(SpeechHints())
        recognition.send(HALF_SECOND)
        session = await server.connected()
        await server.until(lambda: len(server.heard(session)) > 0)
        await server.end_turn(session)
        heard = recognition.transcripts()
        seen = [await anext(heard) for _ in range(5)]
        assert [transcript.text for transcript in seen] == ["Good", *["Good morning."] * 4]
        assert [transcript.final for transcript in seen] == [False] * 4 + [True]
        assert seen[-1].end_of_turn
        await recognition.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": "nova-3"},
        {"keyterm": "a"},
        {"format": AudioFormat("pcm16", 22_050)},
        {"eot_threshold": 0.4},
        {"eot_threshold": 1.1},
        {"eager_eot_threshold": 0.2},
        {"eager_eot_threshold": 0.8, "eot_threshold": 0.7},
        {"eot_timeout_ms": 100},
    ],
)
def test_settings_that_cannot_work_are_told_at_once(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        DeepgramFluxSTT("key", **wrong)
