"""OpenAI's voices by HTTP, a request a sentence, and those of all who offer the same endpoint.

The protocol is that of the `openai` client: `POST /audio/speech`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar, Final, Literal

import msgspec
from pydantic import SecretStr

from getpatter.audio.format import AudioFormat
from getpatter.clock import Clock
from getpatter.connections.facts import Facts
from getpatter.connections.faults import Faults
from getpatter.connections.http import HttpRequest, HttpService
from getpatter.connections.messages import MessageReader
from getpatter.connections.sse import EventStreamParser
from getpatter.connections.vendor import host_of, service_url
from getpatter.connections.vendors import OPENAI
from getpatter.errors import ConfigurationError
from getpatter.metering import Product, Used
from getpatter.tts.base import SpeechChunk, Voice
from getpatter.tts.dialect import Decoder, RawAudio
from getpatter.tts.hosted_voice import HostedVoiceModel
from getpatter.tts.http import HttpVoice
from getpatter.tts.voice_choice import chosen_voice

URL: Final = "https://api.openai.com/v1"
PCM: Final = AudioFormat("pcm16", 24_000)
"""The only one that needs no decoder; the others are MP3, Opus, AAC, FLAC and WAV."""
SPEEDS: Final = (0.25, 4.0)
MAX_TEXT: Final = 4096
"""Characters of a request."""
TOKENS_PER_S: Final = 1250 / 60
"""Of sound: OpenAI's pages put a minute of gpt-4o-mini-tts at $0.015, and a million of its tokens at $12."""

StreamFormat = Literal["audio", "sse"]

_CUSTOM_VOICE: Final = "voice_"
"""With this the ids of custom voices begin, which are no names."""
_LAST: Final = "[DONE]"
"""With this some other servers end their streams."""
_OLD: Final = "tts-1"
"""What begins with it takes neither instructions nor event streams."""


class OpenAITTS(HostedVoiceModel):
    """Calls share its connections; leaving a sentence closes the request.

    `voice`, or `voice_id`, is one of OpenAI's voices, or the id of a custom one.  `instructions` say how to speak;
    `speed` is 0.25 to 4.  The language is that of the text.  With `stream_format="sse"` each answer tells what it is
    billed as, for a third more of traffic; else cost is reckoned by the characters of the texts.  `url` may lead to
    another server with this endpoint, whose key is then passed as `api_key`.  Raises `ConfigurationError`.
    """

    FACTS: ClassVar[Facts] = Facts(
        vendor="OpenAI",
        key_variable=OPENAI.key_variable,
        transport="HTTP",
        formats=("pcm16 24000",),
        models=("gpt-4o-mini-tts", "tts-1", "tts-1-hd"),
        features=("cancel", "instructions", "speed", "custom voices", "exact tokens", "other servers"),
        billing="tokens; characters (tts-1)",
        tested_with="openai",
        unconfirmed=(
            "whether a sentence that is interrupted is billed whole",
            "whether gpt-4o-mini-tts obeys speed",
            "how a failure is told in the middle of an event stream",
        ),
    )

    def __init__(
        self,
        api_key: SecretStr | str = "",
        *,
        voice: str = "",
        voice_id: str = "",
        model: str = "gpt-4o-mini-tts",
        instructions: str = "",
        speed: float | None = None,
        stream_format: StreamFormat = "audio",
        url: str = "",
        clock: Clock | None = None,
    ) -> None:
        if speed is not None and not SPEEDS[0] <= speed <= SPEEDS[1]:
            raise ConfigurationError(f"`speed` is between {SPEEDS[0]} and {SPEEDS[1]}.")
        if stream_format not in ("audio", "sse"):
            raise ConfigurationError("`stream_format` is `audio` or `sse`.")
        self._key = OPENAI.key(api_key)
        self._voice = chosen_voice(voice, voice_id, "alloy")
        self._model = model
        self._instructions = instructions
        self._speed = speed
        self._stream_format = stream_format
        self._url = service_url(url, URL)
        self._clock = clock
        self._settle()

    @property
    def format(self) -> AudioFormat:
        return PCM

    async def open(self, language: str = "en-US") -> Voice:
        """See `TextToSpeech.open`."""
        await self._service.warm(self._url)
        product = Product(OPENAI.billed_as if self._url == URL else host_of(self._url), self._model)
        dialect = SpeechRequests(self._request(), product if self._stream_format == "sse" else None, self._faults)
        return HttpVoice(dialect, self._service, format=PCM, product=product, faults=self._faults, max_text=MAX_TEXT)

    async def close(self) -> None:
        """Close the connections that calls shared."""
        await self._service.close()

    @property
    def _faults(self) -> Faults:
        return Faults(self.name, OPENAI, (self._key,), self._model if self._url == URL else "")

    def _request(self) -> HttpRequest:
        custom = self._voice.startswith(_CUSTOM_VOICE)
        body: dict[str, Any] = {
            "model": self._model,
            "voice": {"id": self._voice} if custom else self._voice,
            "response_format": "pcm",
        }
        if self._instructions:
            body["instructions"] = self._instructions
        if self._speed is not None:
            body["speed"] = self._speed
        if self._stream_format != "audio":
            body["stream_format"] = self._stream_format
        return HttpRequest(
            url=f"{self._url}/audio/speech",
            headers={"Authorization": f"Bearer {self._key.get_secret_value()}"},
            json=body,
        )

    def _settle(self) -> None:
        if self._model.startswith(_OLD) and (self._instructions or self._stream_format == "sse"):
            raise ConfigurationError(
                f"{self._model} takes neither `instructions` nor event streams.", next_step="Use gpt-4o-mini-tts."
            )
        self._service = HttpService(self._faults, self._clock)


class SpeechRequests:
    """An `HttpDialect`.  `request` lacks the text; `product` is given for answers that are event streams."""

    def __init__(self, request: HttpRequest, product: Product | None, faults: Faults) -> None:
        self._request = request
        self._product = product
        self._faults = faults

    def request(self, text: str) -> HttpRequest:
        return replace(self._request, json={**self._request.json, "input": text})

    def decoder(self) -> Decoder:
        return RawAudio() if self._product is None else EventAudio(self._product, self._faults)


class EventAudio:
    """A `Decoder`, and `Metered`: of event streams, whose last event tells what was counted.  Of a sentence that is
    left before, the tokens are estimated."""

    def __init__(self, product: Product, faults: Faults) -> None:
        self._parser = EventStreamParser()
        self._faults = faults
        self._told = Used(product)
        self._done = False
        self._audio_bytes = 0

    @property
    def used(self) -> tuple[Used, ...]:
        if self._done or not self._audio_bytes:
            return (self._told,)
        tokens = round(self._audio_bytes / PCM.bytes_per_second * TOKENS_PER_S)
        return (replace(self._told, output_tokens=tokens, output_audio_tokens=tokens, estimated=True),)

    def feed(self, data: bytes) -> Iterable[SpeechChunk]:
        chunks = []
        for event in self._parser.feed(data):
            if event.data == _LAST:
                self._done = True
                continue
            told = _read(event.data)
            match told.type or event.event:
                case "speech.audio.delta" if told.audio:
                    self._audio_bytes += len(told.audio)
                    chunks.append(SpeechChunk(told.audio))
                case "speech.audio.done":
                    self._finish(told.usage or _Usage())
                case "error" | "speech.audio.error":
                    raise self._faults.failed(f"failed: {told.error.message or told.error.type}")
        return chunks

    def close(self) -> Iterable[SpeechChunk]:
        if not self._done:
            raise ValueError("an event stream without its last event")
        return ()

    def _finish(self, usage: _Usage) -> None:
        self._done = True
        tokens = usage.output_tokens or 0
        self._told = replace(
            self._told, input_tokens=usage.input_tokens or 0, output_tokens=tokens, output_audio_tokens=tokens
        )


class _Usage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None


class _Error(msgspec.Struct):
    message: str | None = None
    type: str | None = None


class _Event(msgspec.Struct):
    type: str = ""
    audio: bytes = b""
    usage: _Usage | None = None
    error: _Error = msgspec.field(default_factory=_Error)


_read: Final = MessageReader(_Event)
