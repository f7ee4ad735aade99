"""Inworld's voices, a request a sentence whose answer is a stream of JSON lines (`/tts/v1/voice:stream`).

The protocol is that of docs.inworld.ai; there is no official client for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

import msgspec
from pydantic import SecretStr

from getpatter.audio.format import LINE, AudioFormat
from getpatter.audio.wav_header import sound_at
from getpatter.clock import Clock
from getpatter.connections.facts import Facts
from getpatter.connections.faults import Faults
from getpatter.connections.http import HttpRequest, HttpService
from getpatter.connections.lines import Lines
from getpatter.connections.messages import MessageReader
from getpatter.connections.vendor import service_url
from getpatter.connections.vendors import INWORLD
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.metering import Product
from getpatter.tts.base import SpeechChunk, Voice, WordTime
from getpatter.tts.dialect import Decoder
from getpatter.tts.hosted_voice import HostedVoiceModel
from getpatter.tts.http import HttpVoice
from getpatter.tts.voice_choice import chosen_voice

URL: Final = "https://api.inworld.ai"
PATH: Final = "/tts/v1/voice:stream"
MODEL: Final = "inworld-tts-2"
VOICE: Final = "Ashley"
ENCODINGS: Final = {"mulaw": "MULAW", "pcm16": "PCM"}
RATES: Final = range(8000, 48_001)
"""Hz."""
MAX_TEXT: Final = 2000
"""Characters of a request."""
DELIVERY_MODES: Final = ("STABLE", "BALANCED", "CREATIVE")

_HTTP_STATUS: Final[Mapping[int, int]] = {
    3: 400,  # INVALID_ARGUMENT
    4: 504,  # DEADLINE_EXCEEDED
    5: 404,  # NOT_FOUND
    7: 403,  # PERMISSION_DENIED
    8: 429,  # RESOURCE_EXHAUSTED
    9: 400,  # FAILED_PRECONDITION
    11: 400,  # OUT_OF_RANGE
    12: 501,  # UNIMPLEMENTED
    14: 503,  # UNAVAILABLE
    16: 401,  # UNAUTHENTICATED
}
"""Of gRPC's status codes (google.rpc.Code), with which a stream tells of failures."""


class InworldTTS(HostedVoiceModel):
    """One voice, for any number of calls, over connections that calls share; leaving a sentence closes its request,
    which is the way to stop it: over Inworld's WebSocket nothing that was asked for can be taken back.

    `api_key` is the Base64 credential as Inworld shows it.  `voice` (or `voice_id`) is a voice's name.  `language`
    (BCP 47) is the call's where it is empty and the model is of the second generation.  `temperature` is above 0 and
    up to 2, `speaking_rate` 0.5 to 1.5; `delivery_mode` is `STABLE`, `BALANCED` or `CREATIVE`.
    `apply_text_normalization` is left to Inworld where it is None.  Word times come after their sound, which waits
    for nothing; they are made for English, and tried for other languages.

    Raises `ConfigurationError`.
    """

    FACTS: ClassVar = Facts(
        vendor="Inworld",
        key_variable=INWORLD.key_variable,
        transport="HTTP",
        formats=("mulaw 8000", "pcm16 8000 to 48000"),
        models=(MODEL, "inworld-tts-1.5-max", "inworld-tts-1.5-mini"),
        features=("word times", "cancel", "speaking rate", "delivery mode"),
        billing="characters",
        unconfirmed=(
            "whether µ-law has a WAV header (both are understood); that PCM has none is documented",
            "with which codes a stream tells of failures: those of gRPC and of HTTP are understood",
            "whether a sentence that is interrupted is billed whole",
            "which models take a language",
        ),
    )

    def __init__(
        self,
        api_key: SecretStr | str = "",
        *,
        model: str = MODEL,
        voice: str = "",
        voice_id: str = "",
        language: str = "",
        format: AudioFormat = LINE,
        temperature: float | None = None,
        speaking_rate: float | None = None,
        delivery_mode: str = "",
        apply_text_normalization: bool | None = None,
        word_times: bool = True,
        url: str = "",
        clock: Clock | None = None,
    ) -> None:
        self._voice = chosen_voice(voice, voice_id, VOICE)
        _check(format, temperature, speaking_rate, delivery_mode)
        self._key = INWORLD.key(api_key)
        self._model = model
        self._language = language
        self._format = format
        self._url = service_url(url, URL)
        self._clock = clock
        audio: dict[str, Any] = {"audioEncoding": ENCODINGS[format.encoding], "sampleRateHertz": format.rate}
        if speaking_rate is not None:
            audio["speakingRate"] = speaking_rate
        self._manner: dict[str, Any] = {"audioConfig": audio}
        if temperature is not None:
            self._manner["temperature"] = temperature
        if delivery_mode:
            self._manner["deliveryMode"] = delivery_mode
        if apply_text_normalization is not None:
            self._manner["applyTextNormalization"] = "ON" if apply_text_normalization else "OFF"
        if word_times:
            self._manner |= {"timestampType": "WORD", "timestampTransportStrategy": "ASYNC"}
        self._settle()

    @property
    def format(self) -> AudioFormat:
        return self._format

    async def open(self, language: str = "en-US") -> Voice:
        """See `TextToSpeech.open`."""
        await self._service.warm(self._url)
        faults = self._faults
        dialect = InworldDialect(
            f"{self._url}{PATH}",
            {"Authorization": f"Basic {self._key.get_secret_value()}"},
            self._order(language),
            faults,
        )
        product = Product(INWORLD.billed_as, self._model)
        return HttpVoice(dialect, self._service, format=self._format, product=product, faults=faults, max_text=MAX_TEXT)

    async def close(self) -> None:
        """Close the connections that calls shared.  May be called twice."""
        await self._service.close()

    def _settle(self) -> None:
        self._service = HttpService(self._faults, self._clock)

    @property
    def _faults(self) -> Faults:
        return Faults(self.name, INWORLD, (self._key,), self._model)

    def _order(self, language: str) -> dict[str, Any]:
        order = {"voiceId": self._voice, "modelId": self._model, **self._manner}
        spoken = self._language or (language if self._model.startswith("inworld-tts-2") else "")
        return {**order, "language": spoken} if spoken else order


class InworldDialect:
    """See `tts.dialect.HttpDialect`.  `order` is the body without the text."""

    def __init__(self, url: str, headers: Mapping[str, str], order: Mapping[str, Any], faults: Faults) -> None:
        self._url = url
        self._headers = headers
        self._order = order
        self._faults = faults

    def request(self, text: str) -> HttpRequest:
        return HttpRequest(url=self._url, headers=self._headers, json={**self._order, "text": text})

    def decoder(self) -> Decoder:
        return SpokenLines(self._faults)


class SpokenLines:
    """A `Decoder` of the answer's lines."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._lines = Lines()

    def feed(self, data: bytes) -> Iterable[SpeechChunk]:
        return self._chunks(self._lines.feed(data))

    def close(self) -> Iterable[SpeechChunk]:
        return self._chunks(self._lines.rest())

    def _chunks(self, lines: Iterable[bytes]) -> Iterable[SpeechChunk]:
        for line in lines:
            told = _read(line)
            if told.error is not None:
                raise self._failed(told.error)
            audio = told.result.audioContent or b""
            audio = audio[sound_at(audio) or 0 :]
            words = told.result.words
            if audio or words:
                yield SpeechChunk(audio, words)

    def _failed(self, error: _Error) -> ProviderError:
        status = error.code if error.code >= 400 else _HTTP_STATUS.get(error.code, 500)
        return self._faults.refused(status, error.message.encode())


def _check(format: AudioFormat, temperature: float | None, speaking_rate: float | None, delivery_mode: str) -> None:
    if format.rate not in RATES or (format.encoding == "mulaw" and format.rate != LINE.rate):
        raise ConfigurationError(
            f"Inworld speaks µ-law at 8000 Hz, and PCM at 8000 to 48000 Hz; not {format.encoding} at {format.rate}."
        )
    if temperature is not None and not 0 < temperature <= 2:
        raise ConfigurationError("`temperature` is above 0 and up to 2.")
    if speaking_rate is not None and not 0.5 <= speaking_rate <= 1.5:
        raise ConfigurationError("`speaking_rate` is between 0.5 and 1.5.")
    if delivery_mode and delivery_mode not in DELIVERY_MODES:
        raise ConfigurationError(f"`delivery_mode` is one of {', '.join(DELIVERY_MODES)}.")


class _Alignment(msgspec.Struct):
    words: list[str] = []
    wordStartTimeSeconds: list[float] = []


class _Timestamps(msgspec.Struct):
    wordAlignment: _Alignment | None = None


class _Result(msgspec.Struct):
    audioContent: bytes | None = None
    timestampInfo: _Timestamps | None = None

    @property
    def words(self) -> tuple[WordTime, ...]:
        alignment = self.timestampInfo.wordAlignment if self.timestampInfo is not None else None
        if alignment is None:
            return ()
        times = zip(alignment.words, alignment.wordStartTimeSeconds, strict=False)
        return tuple(WordTime(word, start_s) for word, start_s in times)


class _Error(msgspec.Struct):
    code: int = 0
    message: str = ""


class _Line(msgspec.Struct):
    result: _Result = msgspec.field(default_factory=_Result)
    error: _Error | None = None


_read: Final = MessageReader(_Line)
