from __future__ import annotations

import json
from typing import Any

import pytest

from getpatter.clock import Clock
from getpatter.errors import ConfigurationError
from getpatter.testing.contracts.stt import KEY
from getpatter.testing.contracts.tts import TtsContract, joined, spoken
from getpatter.testing.vendors.elevenlabs import ElevenLabsRestServer
from getpatter.testing.vendors.speaker import sound
from getpatter.tts.base import SpeechChunk, WordTime
from getpatter.tts.elevenlabs_rest import ElevenLabsRestTTS, TimedAudio


class TestElevenLabsRest(TtsContract):
    key_variable = "ELEVENLABS_API_KEY"
    gives_word_times = True

    def server(self, *, key: str = "") -> ElevenLabsRestServer:
        return ElevenLabsRestServer(key=key)

    def provider(self, url: str, *, api_key: str, clock: Clock, voice: str = "") -> ElevenLabsRestTTS:
        return ElevenLabsRestTTS(api_key, voice=voice, url=url.replace("ws://", "http://"), clock=clock)

    async def test_what_is_asked_for_stands_in_the_request(self) -> None:
        async with ElevenLabsRestServer(key=KEY).running() as server:
            provider = ElevenLabsRestTTS(
                KEY,
                voice_id="21m00Tcm4TlvDq8ikWAM",
                model="eleven_v3",
                voice_settings={"stability": 0.5},
                optimize_streaming_latency=3,
                seed=7,
                url=server.url,
            )
            await spoken(await provider.open("de-DE"), "Hallo.")
            await provider.close()
            (request,) = server.requests
            body = await request.json()
        assert request.url.path == "/v1/text-to-speech/21m00Tcm4TlvDq8ikWAM/stream/with-timestamps"
        assert dict(request.query_params) == {"output_format": "ulaw_8000", "optimize_streaming_latency": "3"}
        assert body == {
            "text": "Hallo.",
            "model_id": "eleven_v3",
            "language_code": "de",
            "voice_settings": {"stability": 0.5},
            "seed": 7,
        }

    async def test_without_word_times_the_answer_is_sound_alone(self) -> None:
        async with ElevenLabsRestServer(key=KEY).running() as server:
            provider = ElevenLabsRestTTS(KEY, word_times=False, url=server.url)
            chunks = await spoken(await provider.open(), "Hello there.")
            await provider.close()
        assert joined(chunks) == sound("Hello there.", provider.format)
        assert not any(chunk.words for chunk in chunks)
        assert server.requests[0].url.path.endswith("/stream")

    async def test_another_voice_or_model_is_a_copy_with_connections_of_its_own(self) -> None:
        async with ElevenLabsRestServer(key=KEY).running() as server:
            provider = ElevenLabsRestTTS(KEY, url=server.url)
            other = provider.with_voice("rachel").with_model("eleven_v3")
            await provider.close()
            assert await spoken(await other.open(), "Hello.")
            await other.close()
            (request,) = server.requests
            assert (await request.json())["model_id"] == "eleven_v3"
        assert "21m00Tcm4TlvDq8ikWAM" in request.url.path


# -- the answer with times


def line(audio: str, characters: str, *starts: float) -> bytes:
    times = {
        "characters": list(characters),
        "character_start_times_seconds": starts,
        "character_end_times_seconds": [start + 0.1 for start in starts],
    }
    return json.dumps({"audio_base64": audio, "alignment": times, "normalized_alignment": None}).encode() + b"\n"


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_lines_are_read_however_they_are_cut(size: int) -> None:
    body = line("AAEC", "Oh ", 0.0, 0.1, 0.2) + b"\n" + line("AwQ=", "no.", 0.3, 0.4, 0.5)
    decoder = TimedAudio(8000)
    chunks = [chunk for at in range(0, len(body), size) for chunk in decoder.feed(body[at : at + size])]
    assert [*chunks, *decoder.close()] == [
        SpeechChunk(b"\0\1\2", (WordTime("Oh", 0.0),)),
        SpeechChunk(b"\3\4"),
        SpeechChunk(b"", (WordTime("no.", 0.3),)),
    ]


def test_a_last_line_may_lack_its_end() -> None:
    decoder = TimedAudio(8000)
    assert decoder.feed(b'{"audio_base64": "AAEC", "alignment": null}') == []
    assert decoder.close() == [SpeechChunk(b"\0\1\2")]


@pytest.mark.parametrize("body", [b"<html>\n", b'{"audio_base64": "@"}\n', b"[]\n"])
def test_what_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="none"):
        TimedAudio(8000).feed(body)


def test_an_answer_that_breaks_off_in_a_line_is_refused() -> None:
    decoder = TimedAudio(8000)
    decoder.feed(b'{"audio_base64": "AA')
    with pytest.raises(ValueError, match="none"):
        decoder.close()


@pytest.mark.parametrize(
    "wrong",
    [{"voice": "rachel", "voice_id": "adam"}, {"optimize_streaming_latency": 5}, {"url": "wss://api.elevenlabs.io"}],
)
def test_what_cannot_work_is_told_when_the_provider_is_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        ElevenLabsRestTTS(KEY, **wrong)
