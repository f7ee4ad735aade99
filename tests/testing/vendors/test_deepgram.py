"""The stand-ins are held honest by Deepgram's official client, which reads what they send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import httpx
import pytest

from getpatter.audio.format import LINE, AudioFormat
from getpatter.testing.vendors.deepgram import DeepgramFluxServer, DeepgramServer
from getpatter.testing.vendors.deepgram_speak import DeepgramRestSpeakServer, DeepgramSpeakServer
from getpatter.testing.vendors.speaker import sound

deepgram = pytest.importorskip("deepgram", reason="the official client is not installed")
environment = pytest.importorskip("deepgram.environment")
api_error = pytest.importorskip("deepgram.core.api_error")
listen_v1 = pytest.importorskip("deepgram.listen.v1.types")
listen_v2 = pytest.importorskip("deepgram.listen.v2.types")
speak_v1 = pytest.importorskip("deepgram.speak.v1.types")

pytestmark = [
    # It prefers the WebSocket library's old interface, which that library warns of.
    pytest.mark.filterwarnings("ignore:websockets.* is deprecated:DeprecationWarning"),
]

HALF_SECOND = b"\x7f" * 4000


def client(url: str, key: str = "k", **more: Any) -> Any:
    places = environment.DeepgramClientEnvironment(
        base=url.replace("ws:", "http:"), production=url.replace("http:", "ws:"), agent=url, agent_rest=url
    )
    return deepgram.AsyncDeepgramClient(api_key=key, environment=places, telemetry_opt_out=True, **more)


async def read(socket: Any, kind: Any) -> Any:
    """The next message, which has to be of this kind, with all that it requires."""
    message = await socket.recv()
    assert isinstance(message, kind)
    return kind.model_validate(message.model_dump())


@pytest.fixture(autouse=True)
async def _patience() -> AsyncIterator[None]:
    async with asyncio.timeout(60):
        yield


# -- Nova


async def test_nova_is_read_by_the_official_client() -> None:
    async with (
        DeepgramServer("Hello there.", key="k").running() as server,
        client(server.url).listen.v1.connect(
            model="nova-3", encoding="mulaw", sample_rate="8000", interim_results="true", keyterm=["Patter", "Nova"]
        ) as socket,
    ):
        await socket.send_keep_alive()
        await socket.send_media(HALF_SECOND)
        await socket.send_finalize()
        interim = await read(socket, listen_v1.ListenV1Results)
        final = await read(socket, listen_v1.ListenV1Results)
        assert (interim.is_final, final.is_final, final.from_finalize) == (False, True, True)
        (best,) = final.channel.alternatives
        assert best.transcript == "Hello there."
        assert [word.punctuated_word for word in best.words] == ["Hello", "there."]
        assert best.words[-1].end == final.start + final.duration == 0.5
        await socket.send_close_stream()
        await read(socket, listen_v1.ListenV1Results)
        metadata = await read(socket, listen_v1.ListenV1Metadata)
        assert metadata.duration == 0.5


async def test_nova_complains_of_messages_that_it_does_not_know() -> None:
    async with (
        DeepgramServer(key="k").running() as server,
        client(server.url).listen.v1.connect(model="nova-3", encoding="mulaw", sample_rate="8000") as socket,
    ):
        await socket.send_keep_alive(listen_v1.ListenV1KeepAlive(type="Unheard"))
        error = await read(socket, listen_v1.ListenV1Error)
        assert error.variant == "SchemaError"


@pytest.mark.parametrize(
    ("key", "wanted", "status"),
    [
        ("another", {"model": "nova-3"}, 401),
        ("k", {"model": "flux-general-en"}, 400),
        ("k", {"model": "nova-3", "keywords": "Patter"}, 400),
        ("k", {"model": "nova-2", "keyterm": "Patter"}, 400),
        ("k", {"model": "nova-3", "utterance_end_ms": "500", "interim_results": "true"}, 400),
        ("k", {"model": "nova-3", "language": "tlh"}, 400),
        ("k", {"model": "nova-3", "encoding": "mp3"}, 400),
        ("k", {"model": "nova-3", "smart_format": "perhaps"}, 400),
        ("k", {"model": "nova-3", "request_options": {"additional_query_parameters": {"wisdom": "true"}}}, 400),
    ],
)
async def test_nova_refuses_as_deepgram_does(key: str, wanted: dict[str, Any], status: int) -> None:
    async with DeepgramServer(key="k").running() as server:
        with pytest.raises(api_error.ApiError) as refused:
            async with client(server.url, key).listen.v1.connect(
                **({"encoding": "mulaw", "sample_rate": "8000"} | wanted)
            ):
                pass
    assert refused.value.status_code == status


# -- Flux


async def test_flux_is_read_by_the_official_client() -> None:
    async with (
        DeepgramFluxServer("Good morning.", "Bye.", key="k").running() as server,
        client(server.url).listen.v2.connect(
            model="flux-general-multi",
            encoding="mulaw",
            sample_rate="8000",
            eager_eot_threshold="0.4",
            language_hint=["en"],
        ) as socket,
    ):
        connected = await read(socket, listen_v2.ListenV2Connected)
        assert connected.sequence_id == 0
        await socket.send_media(HALF_SECOND)
        await socket.send_force_end_turn()
        turns = [await read(socket, listen_v2.ListenV2TurnInfo) for _ in range(3)]
        assert [turn.event for turn in turns] == ["StartOfTurn", "Update", "EndOfTurn"]
        assert turns[-1].trigger == "manual"
        assert [word.word for word in turns[-1].words] == ["Good", "morning."]
        await socket.send_media(HALF_SECOND)
        await server.until(lambda: len(server.heard(server.sessions[0])) == 2 * len(HALF_SECOND))
        await server.end_turn(server.sessions[0])
        turns = [await read(socket, listen_v2.ListenV2TurnInfo) for _ in range(5)]
        assert [turn.event for turn in turns[2:]] == ["EagerEndOfTurn", "TurnResumed", "EndOfTurn"]
        assert (turns[-1].trigger, turns[-1].turn_index, turns[-1].languages) == ("model", 1, ["en"])
        await socket.send_configure({"type": "Configure", "keyterms": ["Patter"]})
        assert (await socket.recv()).type == "ConfigureSuccess"


async def test_flux_passes_over_a_request_without_a_turn_and_fails_in_its_words() -> None:
    async with (
        DeepgramFluxServer(key="k").running() as server,
        client(server.url).listen.v2.connect(model="flux-general-en", encoding="mulaw", sample_rate="8000") as socket,
    ):
        await read(socket, listen_v2.ListenV2Connected)
        await socket.send_force_end_turn()
        await server.until(lambda: len(server.sessions[0].received) == 1)
        await server.complain(server.sessions[0])
        error = await read(socket, listen_v2.ListenV2FatalError)
        assert error.code == "INTERNAL_SERVER_ERROR"


@pytest.mark.parametrize(
    ("key", "wanted", "status"),
    [
        ("another", {"model": "flux-general-en"}, 401),
        ("k", {"model": "nova-3"}, 400),
        ("k", {"model": "flux-general-en", "eot_threshold": "0.4"}, 400),
        ("k", {"model": "flux-general-en", "eot_timeout_ms": "100"}, 400),
        ("k", {"model": "flux-general-en", "language_hint": "es"}, 400),
        ("k", {"model": "flux-general-en", "sample_rate": "11025"}, 400),
    ],
)
async def test_flux_refuses_as_deepgram_does(key: str, wanted: dict[str, Any], status: int) -> None:
    async with DeepgramFluxServer(key="k").running() as server:
        with pytest.raises(api_error.ApiError) as refused:
            async with client(server.url, key).listen.v2.connect(
                **({"encoding": "mulaw", "sample_rate": "8000"} | wanted)
            ):
                pass
    assert refused.value.status_code == status


# -- Aura


async def sentence(socket: Any) -> bytes:
    """The sound up to `Flushed`."""
    heard = b""
    while isinstance(message := await socket.recv(), bytes):
        heard += message
    assert speak_v1.SpeakV1Flushed.model_validate(message.model_dump()).type == "Flushed"
    return heard


async def test_aura_is_read_by_the_official_client() -> None:
    async with (
        DeepgramSpeakServer(key="k").running() as server,
        client(server.url).speak.v1.connect(model="aura-2-thalia-en", encoding="mulaw", sample_rate="8000") as socket,
    ):
        metadata = await read(socket, speak_v1.SpeakV1Metadata)
        assert metadata.model_name == "aura-2-thalia-en"
        for text in ("Hello there.", "And on."):
            await socket.send_text(speak_v1.SpeakV1Text(text=text))
            await socket.send_flush()
            assert await sentence(socket) == sound(text, LINE)
        await socket.send_close()
        await server.quiet()


async def test_aura_says_no_more_of_what_was_cleared() -> None:
    async with (
        DeepgramSpeakServer(key="k").running() as server,
        client(server.url).speak.v1.connect(model="aura-2-thalia-en", encoding="mulaw", sample_rate="8000") as socket,
    ):
        await read(socket, speak_v1.SpeakV1Metadata)
        server.orders.stall_after = 1
        await socket.send_text(speak_v1.SpeakV1Text(text="Words that nobody hears."))
        await socket.send_flush()
        assert isinstance(await socket.recv(), bytes)
        await socket.send_clear()
        # The client takes it for a `SpeakV1Flushed`: the types of both are open.
        cleared = speak_v1.SpeakV1Cleared.model_validate((await socket.recv()).model_dump())
        assert (cleared.type, cleared.sequence_id) == ("Cleared", 0)
        assert server.orders.cancelled == ["Words that nobody hears."]


async def test_aura_warns_of_too_many_flushes() -> None:
    async with (
        DeepgramSpeakServer(key="k").running() as server,
        client(server.url).speak.v1.connect(model="aura-2-thalia-en", encoding="mulaw", sample_rate="8000") as socket,
    ):
        await read(socket, speak_v1.SpeakV1Metadata)
        for _ in range(20):
            await socket.send_text(speak_v1.SpeakV1Text(text="Hi."))
            await socket.send_flush()
            await sentence(socket)
        await socket.send_flush()
        await read(socket, speak_v1.SpeakV1Warning)


@pytest.mark.parametrize(
    ("key", "wanted", "status"),
    [
        ("another", {}, 401),
        ("k", {"model": "thalia"}, 400),
        ("k", {"sample_rate": "24000"}, 400),
        ("k", {"encoding": "mp3"}, 400),
        ("k", {"speed": 3.0}, 400),
    ],
)
async def test_aura_refuses_as_deepgram_does(key: str, wanted: dict[str, Any], status: int) -> None:
    right = {"model": "aura-2-thalia-en", "encoding": "mulaw", "sample_rate": "8000"}
    async with DeepgramSpeakServer(key="k").running() as server:
        with pytest.raises(api_error.ApiError) as refused:
            async with client(server.url, key).speak.v1.connect(**(right | wanted)):
                pass
    assert refused.value.status_code == status


async def requested(url: str, key: str, text: str, **wanted: Any) -> bytes:
    """The sound of a text, by request."""
    async with httpx.AsyncClient(trust_env=False) as http:
        voice = client(url, key, httpx_client=http).speak.v1.audio
        async with aclosing(voice.generate(text=text, container="none", **wanted)) as speech:
            return b"".join([piece async for piece in speech])


async def test_requests_are_read_by_the_official_client() -> None:
    async with DeepgramRestSpeakServer(key="k").running() as server:
        heard = await requested(
            server.url, "k", "Hello there.", model="aura-2-thalia-en", encoding="linear16", sample_rate=16_000
        )
    assert heard == sound("Hello there.", AudioFormat("pcm16", 16_000))


@pytest.mark.parametrize(("key", "text", "status"), [("another", "Hello.", 401), ("k", "long " * 500, 400)])
async def test_requests_are_refused_as_deepgram_does(key: str, text: str, status: int) -> None:
    async with DeepgramRestSpeakServer(key="k").running() as server:
        with pytest.raises(api_error.ApiError) as refused:
            await requested(server.url, key, text, model="aura-2-thalia-en", encoding="mulaw", sample_rate=8000)
    assert refused.value.status_code == status
    assert refused.value.body["err_msg"]
