"""Cartesia's Ink models."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from getpatter.audio.format import AudioFormat
from getpatter.clock import Clock
from getpatter.connections.faults import Faults
from getpatter.connections.vendors import CARTESIA
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.metering import Product, used_by
from getpatter.stt.base import HeardWord, SpeechHints, Transcript
from getpatter.stt.cartesia import CLOSE, FINALIZE, MAX_KEYTERMS, CartesiaSTT, InkDialect, key_terms
from getpatter.stt.dialect import Happening
from getpatter.testing.contracts.stt import SttContract
from getpatter.testing.vendors.cartesia import CartesiaServer


class TestCartesia(SttContract):
    key_variable = "CARTESIA_API_KEY"

    def server(self, *utterances: str, key: str = "") -> CartesiaServer:
        return CartesiaServer(*utterances, key=key)

    def provider(self, url: str, *, api_key: str, clock: Clock) -> CartesiaSTT:
        return CartesiaSTT(api_key, url=url, clock=clock)


def dialect() -> InkDialect:
    return InkDialect(Faults("ink-whisper", CARTESIA))


def told(dialect: InkDialect, kind: str, **message: Any) -> list[Happening]:
    return list(dialect.receive(json.dumps({"type": kind, "request_id": "r", **message})))


# -- words


def test_words_are_final_when_cartesia_says_that_it_is_done() -> None:
    ours = dialect()
    assert told(ours, "transcript", text="Hel", is_final=False) == [Transcript("Hel", final=False)]
    assert told(ours, "transcript", text="Hello", is_final=True) == [Transcript("Hello", final=False)]
    assert told(ours, "flush_done") == [Transcript("Hello", final=True, from_finalize=True)]


def test_parts_are_joined_as_they_are() -> None:
    ours = dialect()
    told(ours, "transcript", text="Good mor", is_final=True)
    assert told(ours, "transcript", text="ning, ", is_final=False) == [Transcript("Good morning,", final=False)]
    told(ours, "transcript", text="ning, sir.", is_final=True)
    assert told(ours, "flush_done") == [Transcript("Good morning, sir.", final=True, from_finalize=True)]


def test_what_was_answered_with_is_not_said_again() -> None:
    ours = dialect()
    told(ours, "transcript", text="Hello.", is_final=True)
    told(ours, "flush_done")
    assert told(ours, "flush_done") == [Transcript("", final=True, from_finalize=True)]


def test_an_interim_text_is_shown_once() -> None:
    ours = dialect()
    told(ours, "transcript", text="Hello", is_final=False)
    assert told(ours, "transcript", text="Hello ", is_final=True) == []
    assert told(ours, "transcript", text="", is_final=False) == []


def test_words_have_their_times_and_the_text_its_language() -> None:
    ours = dialect()
    words = [{"word": "Guten", "start": 0.1, "end": 0.3}, {"word": " Tag", "start": 0.3, "end": 0.6}]
    told(ours, "transcript", text="Guten Tag", is_final=False, words=words[:1])
    told(ours, "transcript", text="Guten", is_final=True, language="de", words=words[:1])
    told(ours, "transcript", text=" Tag", is_final=True, words=words[1:])
    assert told(ours, "flush_done") == [
        Transcript(
            "Guten Tag",
            final=True,
            from_finalize=True,
            words=(HeardWord("Guten", 0.1, 0.3), HeardWord("Tag", 0.3, 0.6)),
            language="de",
        )
    ]


def test_words_may_come_in_lists() -> None:
    ours = dialect()
    lists = [
        {"words": ["Good", " day"], "start": [0, 0.3], "end": [0.3, 0.6]},
        {"words": ["lost"], "start": 1, "end": []},
    ]
    told(ours, "transcript", text="Good day", is_final=True, words=lists)
    (answer,) = told(ours, "flush_done")
    assert isinstance(answer, Transcript)
    assert answer.words == (HeardWord("Good", 0.0, 0.3), HeardWord("day", 0.3, 0.6))


def test_nulls_are_as_good_as_nothing() -> None:
    ours = dialect()
    told(ours, "transcript", text="Hi.", is_final=True, words=None, language=None, duration=None)
    assert told(ours, "flush_done") == [Transcript("Hi.", final=True, from_finalize=True)]


def test_commands_are_bare_words() -> None:
    assert (list(dialect().finalize()), list(dialect().end())) == ([FINALIZE], [CLOSE]) == (["finalize"], ["close"])


# -- failures


def test_an_error_ends_the_session_in_cartesias_words() -> None:
    (error,) = told(
        dialect(), "error", status_code=429, title="Too many requests", message="Concurrency limit reached."
    )
    assert isinstance(error, ProviderError)
    assert error.message == "ink-whisper is asked too often (HTTP 429): Concurrency limit reached."
    assert error.retryable


def test_an_error_may_say_nothing() -> None:
    (error,) = told(dialect(), "error")
    assert isinstance(error, ProviderError)
    assert error.retryable


def test_unknown_messages_are_passed_over() -> None:
    assert told(dialect(), "done") == told(dialect(), "turn.start") == []


@pytest.mark.parametrize("message", ["", "[]", "{", '{"type": "transcript", "text": 1}', b"\xff"])
def test_what_cannot_be_read_is_refused(message: str | bytes) -> None:
    with pytest.raises(ValueError, match="none"):
        list(dialect().receive(message))


# -- what is asked for


async def asked(hints: SpeechHints | None = None, **settings: Any) -> dict[str, list[str]]:
    """The address's parameters."""
    async with CartesiaServer().running() as server:
        recognition = await CartesiaSTT("k", url=server.url, **settings).open(hints or SpeechHints())
        await recognition.close()
        request = server.sessions[0].socket.request
        assert request is not None
        return parse_qs(request.path.partition("?")[2])


async def test_the_telephones_audio_goes_as_it_came_in_the_calls_language() -> None:
    assert await asked(SpeechHints("de-AT", phrases=("Patter",))) == {
        "model": ["ink-whisper"],
        "encoding": ["pcm_mulaw"],
        "sample_rate": ["8000"],
        "language": ["de"],
    }


@pytest.mark.parametrize(("language", "code"), [("nb-NO", "no"), ("fil-PH", "tl"), ("pt-BR", "pt"), ("yue", "yue")])
async def test_languages_have_cartesias_codes(language: str, code: str) -> None:
    assert (await asked(SpeechHints(language)))["language"] == [code]
    assert (await asked(SpeechHints("en"), language=language))["language"] == [code]


async def test_whispers_own_options_and_other_formats_may_be_had() -> None:
    query = await asked(format=AudioFormat("pcm16", 16_000), max_silence_duration_secs=0.8, min_volume=0.15)
    assert (query["encoding"], query["sample_rate"]) == (["pcm_s16le"], ["16000"])
    assert (query["max_silence_duration_secs"], query["min_volume"]) == (["0.8"], ["0.15"])


async def test_phrases_become_key_terms_of_ink_2() -> None:
    query = await asked(SpeechHints(phrases=("Acme Inc.", "Patter")), model="ink-2", keyterm=("Patter",))
    assert query["keyterm"] == ["Patter", "Acme Inc."]


def test_key_terms_have_limits() -> None:
    assert len(key_terms((), (f"term {n}" for n in range(500)))) == MAX_KEYTERMS
    assert key_terms(("a" * 600,), ("b" * 600, "c")) == ("a" * 600, "b" * 600)
    assert key_terms((" a ",), ("a", " ", "b")) == ("a", "b")


async def test_the_key_and_the_version_stand_in_headers() -> None:
    async with CartesiaServer(key="k").running() as server:
        recognition = await CartesiaSTT("k", url=server.url).open(SpeechHints())
        await recognition.close()
        (session,) = server.sessions
        assert session.headers["authorization"] == "Bearer k"
        assert session.headers["cartesia-version"] == "2026-08-14"
        assert used_by(recognition)[0].product == Product("cartesia", "ink-whisper")


@pytest.mark.parametrize(
    "wrong",
    [
        {"keyterm": ("Patter",)},
        {"model": "ink-2", "keyterm": "Patter"},
        {"model": "ink-2", "keyterm": ["a"] * 101},
        {"model": "ink-2", "keyterm": ["a" * 1201]},
        {"model": "ink-2", "min_volume": 0.1},
        {"max_silence_duration_secs": -1.0},
        {"url": "https://api.cartesia.ai"},
    ],
)
def test_what_cannot_work_is_told_when_the_provider_is_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        CartesiaSTT("k", **wrong)
