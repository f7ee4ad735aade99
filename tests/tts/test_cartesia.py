"""Cartesia's Sonic voices."""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import Any

import pytest

from getpatter.audio.format import AudioFormat
from getpatter.clock import Clock
from getpatter.connections.faults import Faults
from getpatter.connections.vendors import CARTESIA
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.testing.contracts.tts import TtsContract, joined, spoken
from getpatter.testing.vendors.cartesia_speak import CartesiaSpeakServer
from getpatter.testing.vendors.speaker import sound
from getpatter.tts.base import SpeechChunk, WordTime
from getpatter.tts.cartesia import VOICE, CartesiaTTS, SonicDialect
from getpatter.tts.dialect import Done, Failed, Happening, Part


class TestCartesia(TtsContract):
    key_variable = "CARTESIA_API_KEY"
    gives_word_times = True

    def server(self, *, key: str = "") -> CartesiaSpeakServer:
        return CartesiaSpeakServer(key=key)

    def provider(self, url: str, *, api_key: str, clock: Clock, voice: str = "") -> CartesiaTTS:
        return CartesiaTTS(api_key, voice=voice, url=url, clock=clock)

    async def test_one_socket_serves_a_call_also_after_interruptions(self) -> None:
        async with self._call() as (provider, voice, server):
            assert isinstance(server, CartesiaSpeakServer)
            for _ in range(3):
                async with aclosing(voice.synthesize("A sentence that is cut.")) as speech:
                    await anext(speech)
                assert joined(await spoken(voice, "Hello.")) == sound("Hello.", provider.format)
            assert len(server.sessions) == 1

    async def test_a_refused_sentence_leaves_the_socket_as_it_was(self) -> None:
        async with self._call() as (_, voice, server):
            assert isinstance(server, CartesiaSpeakServer)
            server.orders.complain_after = 0
            with pytest.raises(ProviderError, match="Please try again"):
                await spoken(voice, "Something that it cannot say.")
            server.orders.complain_after = None
            assert await spoken(voice, "Hello.")
            assert len(server.sessions) == 1


def dialect(**manner: Any) -> SonicDialect:
    return SonicDialect(manner, Faults("sonic-3", CARTESIA), name="call")


def told(kind: str, **message: Any) -> list[Happening]:
    return list(dialect().receive(json.dumps({"type": kind, "context_id": "call-s1", **message})))


# -- the dialect


def test_a_sentence_is_a_context_that_nothing_follows() -> None:
    (order,) = dialect(model_id="sonic-3").speak("s1", "Hello.")
    assert json.loads(order) == {
        "context_id": "call-s1",
        "transcript": "Hello.",
        "continue": False,
        "model_id": "sonic-3",
    }


def test_a_sentence_is_cancelled_by_its_context() -> None:
    (cancel,) = dialect().cancel("s1")
    assert json.loads(cancel) == {"context_id": "call-s1", "cancel": True}


def test_sound_comes_in_base64() -> None:
    assert told("chunk", data="AAEC", done=False, status_code=206) == [Part(SpeechChunk(b"\0\1\2"), "s1")]


def test_words_come_with_their_times() -> None:
    times = {"words": ["Hello", "there."], "start": [0.0, 0.4], "end": [0.4, 0.9]}
    assert told("timestamps", word_timestamps=times) == [
        Part(SpeechChunk(b"", (WordTime("Hello", 0.0), WordTime("there.", 0.4))), "s1")
    ]


def test_the_end_is_the_contexts() -> None:
    assert told("done", done=True, status_code=200) == [Done("s1")]


def test_what_fails_is_the_context_or_else_the_socket() -> None:
    (failed,) = told("error", status_code=400, title="Invalid request", message="The voice is unknown.")
    assert isinstance(failed, Failed)
    assert (failed.context, failed.error.retryable) == ("s1", False)
    assert failed.error.message == "sonic-3 refused the request (HTTP 400): The voice is unknown."
    (error,) = told("error", context_id=None, status_code=500, title="Internal error")
    assert isinstance(error, ProviderError)
    assert error.message == "sonic-3 failed (HTTP 500): Internal error"


def test_other_messages_are_passed_over() -> None:
    assert told("flush_done", flush_done=True, flush_id=1) == told("phoneme_timestamps") == told("timestamps") == []


@pytest.mark.parametrize("message", ["", "[]", '{"type": "chunk", "data": "@"}', '{"type": 1}', b"\xff"])
def test_what_cannot_be_read_is_refused(message: str | bytes) -> None:
    with pytest.raises(ValueError, match="none"):
        list(dialect().receive(message))


# -- settings


async def asked(language: str = "en-US", /, **settings: Any) -> dict[str, Any]:
    """What goes along with a sentence."""
    async with CartesiaSpeakServer().running() as server:
        voice = await CartesiaTTS("k", url=server.url, **settings).open(language)
        assert await spoken(voice, "Hello.")
        await voice.close()
        (order,) = server.sessions[0].told
    return dict(order)


async def test_the_default_is_the_telephones_sound_in_the_calls_language() -> None:
    order = await asked("de-AT")
    assert order.pop("context_id").endswith("-s1")
    assert order == {
        "transcript": "Hello.",
        "continue": False,
        "model_id": "sonic-3",
        "voice": {"mode": "id", "id": VOICE},
        "output_format": {"container": "raw", "encoding": "pcm_mulaw", "sample_rate": 8000},
        "language": "de",
        "add_timestamps": True,
        "use_normalized_timestamps": False,
    }


async def test_the_manner_of_speaking_may_be_chosen() -> None:
    order = await asked(speed=1.2, volume=0.8, emotion="calm", pronunciation_dict_id="pd_1", language="nb-NO")
    assert order["generation_config"] == {"speed": 1.2, "volume": 0.8, "emotion": "calm"}
    assert (order["pronunciation_dict_id"], order["language"]) == ("pd_1", "no")


async def test_other_formats_may_be_had() -> None:
    output = (await asked(format=AudioFormat("pcm16", 24_000)))["output_format"]
    assert output == {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 24_000}


@pytest.mark.parametrize("settings", [{"voice": "v1"}, {"voice_id": "v1"}, {"voice": "v1", "voice_id": "v1"}])
async def test_a_voice_may_be_given_under_either_name(settings: dict[str, str]) -> None:
    assert (await asked(**settings))["voice"]["id"] == "v1"


async def test_sockets_do_not_share_names_of_contexts() -> None:
    assert (await asked())["context_id"] != (await asked())["context_id"]


def test_another_voice_or_model_is_a_copy() -> None:
    ours = CartesiaTTS("k", voice="v1")
    other = ours.with_voice("v2").with_model("sonic-turbo")
    assert (ours.name, other.name) == ("sonic-3 at api.cartesia.ai", "sonic-turbo at api.cartesia.ai")


def test_what_carriers_send_is_the_default() -> None:
    assert CartesiaTTS.for_twilio("k").format == CartesiaTTS.for_telnyx("k").format == CartesiaTTS("k").format


@pytest.mark.parametrize(
    "wrong",
    [
        {"voice": "v1", "voice_id": "v2"},
        {"speed": 1.6},
        {"volume": 0.4},
        {"format": AudioFormat("mulaw", 16_000)},
        {"format": AudioFormat("pcm16", 11_025)},
        {"url": "https://api.cartesia.ai"},
    ],
)
def test_what_cannot_work_is_told_when_the_provider_is_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        CartesiaTTS("k", **wrong)
