"""ElevenLabs' voices by HTTP, a request a sentence: for models that its WebSocket does not have, such as Eleven v3."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Final
from urllib.parse import quote

import msgspec
from pydantic import SecretStr

from getpatter.audio.format import LINE, AudioFormat
from getpatter.clock import Clock
from getpatter.connections.facts import Facts
from getpatter.connections.http import HttpRequest, HttpService
from getpatter.connections.lines import Lines
from getpatter.connections.messages import MessageReader
from getpatter.connections.vendor import service_url
from getpatter.connections.vendors import ELEVENLABS
from getpatter.errors import ConfigurationError
from getpatter.metering import Product
from getpatter.tts.alignment import Alignment
from getpatter.tts.base import SpeechChunk, Voice, WordTime
from getpatter.tts.dialect import Decoder, RawAudio
from getpatter.tts.elevenlabs_options import MODEL, Locator, Setting, SpeechOptions
from getpatter.tts.elevenlabs_speech import ElevenLabsSpeech
from getpatter.tts.elevenlabs_voices import DEFAULT_VOICE
from getpatter.tts.http import HttpVoice
from getpatter.tts.voice_choice import chosen_voice

URL: Final = "https://api.elevenlabs.io"


class ElevenLabsRestTTS(ElevenLabsSpeech):
    """Calls share its connections; leaving a sentence closes the request, which stops ElevenLabs' work.

    What is billed are the characters of the texts.  `word_times` asks for the times of characters along with the
    sound, which makes the answer a third longer.  `optimize_streaming_latency` is 0 to 4.  `voice`, `voice_id` and
    `language` are as in `ElevenLabsTTS`, the others ElevenLabs' own.  Raises `ConfigurationError`.
    """

    FACTS: ClassVar[Facts] = Facts(
        vendor="ElevenLabs (REST)",
        billed_as=ELEVENLABS.billed_as,
        key_variable="ELEVENLABS_API_KEY",
        transport="HTTP",
        formats=("mulaw 8000", "pcm16 8000", "pcm16 16000", "pcm16 22050", "pcm16 24000", "pcm16 44100"),
        models=(MODEL, "eleven_v3", "eleven_turbo_v2_5", "eleven_multilingual_v2"),
        features=("word times", "cancel", "pronunciation dictionaries"),
        billing="characters",
        tested_with="elevenlabs",
        unconfirmed=("whether a sentence that is interrupted is billed whole",),
    )

    def __init__(
        self,
        api_key: SecretStr | str = "",
        *,
        voice: str = "",
        voice_id: str = "",
        model: str = MODEL,
        language: str = "",
        format: AudioFormat = LINE,
        voice_settings: Mapping[str, Setting] | None = None,
        word_times: bool = True,
        optimize_streaming_latency: int | None = None,
        apply_text_normalization: str = "",
        pronunciation_dictionary_locators: Sequence[Locator] = (),
        seed: int | None = None,
        enable_logging: bool | None = None,
        url: str = "",
        clock: Clock | None = None,
    ) -> None:
        self._key = ELEVENLABS.key(api_key)
        self._options = SpeechOptions(
            voice=chosen_voice(voice, voice_id, DEFAULT_VOICE),
            model=model,
            language=language,
            format=format,
            voice_settings=voice_settings or {},
            apply_text_normalization=apply_text_normalization,
            pronunciation_dictionary_locators=tuple(pronunciation_dictionary_locators),
            seed=seed,
        )
        self._word_times = word_times
        self._query = _query(optimize_streaming_latency, enable_logging)
        self._url = service_url(url, URL)
        self._clock = clock
        self._settle()

    async def open(self, language: str = "en-US") -> Voice:
        """See `TextToSpeech.open`."""
        await self._service.warm(self._url)
        options = self._options
        voice_path = f"{self._url}/v1/text-to-speech/{quote(options.voice_id)}/stream"
        body: dict[str, object] = {"model_id": options.model, **options.manner}
        if code := options.language_code(language):
            body["language_code"] = code
        if options.apply_text_normalization:
            body["apply_text_normalization"] = options.apply_text_normalization
        if options.seed is not None:
            body["seed"] = options.seed
        dialect = ElevenLabsRestDialect(
            HttpRequest(
                url=f"{voice_path}/with-timestamps" if self._word_times else voice_path,
                headers={"xi-api-key": self._key.get_secret_value()},
                params={"output_format": options.output_format, **self._query},
                json=body,
            ),
            self.format.bytes_per_second if self._word_times else None,
        )
        product = Product(ELEVENLABS.billed_as, options.model)
        return HttpVoice(dialect, self._service, format=self.format, product=product, faults=self._faults)

    async def close(self) -> None:
        """Close the connections that calls shared."""
        await self._service.close()

    def _settle(self) -> None:
        self._service = HttpService(self._faults, self._clock)


def _query(optimize_streaming_latency: int | None, enable_logging: bool | None) -> dict[str, str]:
    query = {}
    if optimize_streaming_latency is not None:
        if not 0 <= optimize_streaming_latency <= 4:
            raise ConfigurationError("`optimize_streaming_latency` is between 0 and 4.")
        query["optimize_streaming_latency"] = str(optimize_streaming_latency)
    if enable_logging is not None:
        query["enable_logging"] = str(enable_logging).lower()
    return query


class ElevenLabsRestDialect:
    """An `HttpDialect`.  `request` lacks the text; with `bytes_per_second` of the sound it is for word times."""

    def __init__(self, request: HttpRequest, bytes_per_second: int | None) -> None:
        self._request = request
        self._bytes_per_second = bytes_per_second

    def request(self, text: str) -> HttpRequest:
        return replace(self._request, json={**self._request.json, "text": text})

    def decoder(self) -> Decoder:
        return RawAudio() if self._bytes_per_second is None else TimedAudio(self._bytes_per_second)


class _Times(msgspec.Struct):
    characters: list[str] | None = None
    character_start_times_seconds: list[float] | None = None
    character_end_times_seconds: list[float] | None = None


class _Piece(msgspec.Struct):
    audio_base64: bytes = b""
    alignment: _Times | None = None


_read: Final = MessageReader(_Piece)


class TimedAudio:
    """A `Decoder` of the answer with times: a line of JSON for each piece of sound."""

    def __init__(self, bytes_per_second: int) -> None:
        self._bytes_per_second = bytes_per_second
        self._alignment = Alignment()
        self._audio_bytes = 0
        self._lines = Lines()

    def feed(self, data: bytes) -> Iterable[SpeechChunk]:
        return [chunk for line in self._lines.feed(data) for chunk in self._line(line)]

    def close(self) -> Iterable[SpeechChunk]:
        chunks = [chunk for line in self._lines.rest() for chunk in self._line(line)]
        if words := self._alignment.rest():
            chunks.append(SpeechChunk(b"", words))
        return chunks

    def _line(self, line: bytes) -> list[SpeechChunk]:
        piece = _read(line)
        words = self._words(piece.alignment)
        self._audio_bytes += len(piece.audio_base64)
        return [SpeechChunk(piece.audio_base64, words)] if piece.audio_base64 or words else []

    def _words(self, times: _Times | None) -> tuple[WordTime, ...]:
        if times is None:
            return ()
        return self._alignment.take(
            times.characters or (),
            times.character_start_times_seconds or (),
            times.character_end_times_seconds or (),
            audio_s=self._audio_bytes / self._bytes_per_second,
        )
