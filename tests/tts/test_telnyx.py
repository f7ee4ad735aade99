"""Telnyx's voices."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from getpatter.audio.format import LINE, AudioFormat
from getpatter.clock import Clock
from getpatter.connections.faults import Faults
from getpatter.connections.vendors import TELNYX
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.testing.contracts.tts import TtsContract, joined, spoken
from getpatter.testing.vendors.speaker import sound
from getpatter.testing.vendors.telnyx_speak import TelnyxSpeakServer
from getpatter.tts.base import SpeechChunk, TextToSpeech
from getpatter.tts.dialect import Done, Part
from getpatter.tts.telnyx import TelnyxDialect, TelnyxTTS, is_packed


class TestTelnyx(TtsContract):
    key_variable = "TELNYX_API_KEY"

    def server(self, *, key: str = "") -> TelnyxSpeakServer:
        return TelnyxSpeakServer(key=key)

    def provider(self, url: str, *, api_key: str, clock: Clock, voice: str = "") -> TextToSpeech:
        return TelnyxTTS(api_key, voice=voice, url=url, clock=clock)


def dialect(**settings: float) -> TelnyxDialect:
    return TelnyxDialect(Faults("telnyx", TELNYX), settings)


def frame(audio: bytes) -> str:
    return json.dumps({"audio": base64.b64encode(audio).decode(), "text": None, "isFinal": False, "cached": False})


FINAL = '{"audio":null,"text":"","isFinal":true}'


# -- sentences


def test_the_greeting_holds_the_settings() -> None:
    assert list(dialect().begin()) == ['{"text":" "}']
    assert list(dialect(voice_speed=1.2).begin()) == ['{"text":" ","voice_settings":{"voice_speed":1.2}}']


def test_a_sentence_is_said_and_ended() -> None:
    assert list(dialect().speak("s1", "Grüß Gott.")) == ['{"text":"Grüß Gott."}', '{"text":""}']


def test_sound_is_taken_out_of_its_wrapping() -> None:
    assert list(dialect().receive(frame(b"\x01\x00"))) == [Part(SpeechChunk(b"\x01\x00"))]


def test_a_final_frame_within_a_text_does_not_end_it() -> None:
    ours = dialect()
    assert list(ours.receive(FINAL)) == []
    assert list(ours.receive(frame(b"\x01\x00"))) == [Part(SpeechChunk(b"\x01\x00"))]


def test_the_end_of_the_socket_is_the_end_of_the_sentence() -> None:
    ours = dialect()
    ours.receive(frame(b"\x01\x00"))
    assert ours.closed(1000, "") == Done()
    ours.receive(FINAL)
    assert ours.closed(1006, "") == Done()


def test_a_socket_that_ends_without_a_sound_or_breaks_is_no_end_of_a_sentence() -> None:
    ours = dialect()
    assert ours.closed(1000, "inactivity") is None
    ours.receive(frame(b"\x01\x00"))
    assert ours.closed(1006, "") is None


def test_an_error_loses_the_socket() -> None:
    (error,) = dialect().receive('{"error":"Error in audio response"}')
    assert isinstance(error, ProviderError)
    assert error.retryable


@pytest.mark.parametrize("audio", [b"ID3\x04", b"RIFF\x00\x00", b"OggS", b"\xff\xfb\x90\x64", b"\xff\xf3\x84\xc4"])
def test_a_file_is_not_taken_for_sound(audio: bytes) -> None:
    assert is_packed(audio)
    (error,) = dialect().receive(frame(audio))
    assert isinstance(error, ProviderError)
    assert not error.retryable


@pytest.mark.parametrize("audio", [b"", b"\xff", b"\x00\x00\x01\x00", b"\xff\xff\xff\xff", b"\xff\xfb\x00\x00"])
def test_sound_is_not_taken_for_a_file(audio: bytes) -> None:
    assert not is_packed(audio)


def test_only_the_beginning_is_looked_at() -> None:
    ours = dialect()
    ours.receive(frame(b"\x00\x00"))
    assert list(ours.receive(frame(b"ID3\x04"))) == [Part(SpeechChunk(b"ID3\x04"))]


def test_what_is_no_base64_cannot_be_read() -> None:
    with pytest.raises(ValueError, match="base64"):
        list(dialect().receive('{"audio":"A"}'))


# -- on the wire


async def test_each_sentence_has_a_socket_that_was_opened_ahead() -> None:
    async with TelnyxSpeakServer().running() as server:
        voice = await TelnyxTTS("key", url=server.url).open()
        for count, text in enumerate(("One.", "Two."), start=1):
            await spoken(voice, text)
            await server.connected(count + 1)
        assert [len(session.told) for session in server.sessions[:2]] == [3, 3]
        await voice.close()


async def test_every_option_is_one_that_telnyx_takes() -> None:
    async with TelnyxSpeakServer().running() as server:
        provider = TelnyxTTS(
            "key",
            voice_id="azure.en-US-AvaMultilingualNeural",
            format=LINE,
            language="en-US",
            voice_settings={"effect": "eq_telecomhp8k"},
            disable_cache=True,
            url=server.url,
        )
        voice = await provider.open()
        assert joined(await spoken(voice, "Hello.")) == sound("Hello.", LINE)
        session = server.sessions[0]
        assert session.query == {
            "voice": "azure.en-US-AvaMultilingualNeural",
            "audio_format": "mulaw",
            "sample_rate": "8000",
            "language": "en-US",
            "disable_cache": "true",
        }
        assert session.told[0] == {"text": " ", "voice_settings": {"effect": "eq_telecomhp8k"}}
        await voice.close()


async def test_a_voice_that_answers_with_mp3_is_told_apart() -> None:
    async with TelnyxSpeakServer().running() as server:
        voice = await TelnyxTTS("key", voice="Telnyx.KokoroTTS.af_heart", url=server.url).open()
        with pytest.raises(ProviderError, match="file") as failure:
            await spoken(voice, "Hello.")
        assert "NaturalHD" in str(failure.value.next_step)
        await voice.close()


async def test_telnyx_says_why_it_refuses() -> None:
    async with TelnyxSpeakServer().running() as server:
        with pytest.raises(ProviderError, match="Invalid parameters") as refused:
            await TelnyxTTS("key", format=LINE, url=server.url).open()
    assert not refused.value.retryable


# -- settings


def test_the_default_needs_no_resampling() -> None:
    assert TelnyxTTS("key").format == AudioFormat("pcm16", 8000)


def test_another_voice_is_another_provider() -> None:
    assert TelnyxTTS("key").with_voice("Telnyx.NaturalHD.luna").name.startswith("Telnyx.NaturalHD.luna")


@pytest.mark.parametrize(
    "wrong", [{"voice": "Telnyx.Ultra.aura"}, {"voice": "astra"}, {"voice": "a.b", "voice_id": "c.d"}]
)
def test_settings_that_cannot_work_are_told_at_once(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        TelnyxTTS("key", **wrong)
    with pytest.raises(ConfigurationError):
        TelnyxTTS("key").with_voice("Telnyx.Ultra.aura")
