"""LMNT's voices: a speech session over a WebSocket, or a request a sentence.

The protocol is that of the `lmnt` client.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

import msgspec
from pydantic import SecretStr

from getpatter.audio.format import LINE, AudioFormat
from getpatter.audio.wav_header import HeaderlessWav
from getpatter.clock import Clock, SystemClock
from getpatter.connections.facts import Facts
from getpatter.connections.faults import Faults
from getpatter.connections.http import HttpRequest, HttpService
from getpatter.connections.messages import MessageReader
from getpatter.connections.vendor import service_url
from getpatter.connections.vendors import LMNT
from getpatter.connections.websocket import Address
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.language.words import primary_language
from getpatter.metering import Product
from getpatter.tts.base import SpeechChunk, Voice
from getpatter.tts.dialect import Decoder, Done, Happening, Part, Terms
from getpatter.tts.hosted_voice import HostedVoiceModel
from getpatter.tts.http import HttpVoice
from getpatter.tts.socket import SocketVoice
from getpatter.tts.spoken_tokens import SpokenTokens
from getpatter.tts.voice_choice import chosen_voice

URL: Final = "https://api.lmnt.com"
VERSION: Final = "1.2"
"""Of the API, as its client tells it."""
MODEL: Final = "blizzard"
VOICE: Final = "leah"
FORMATS: Final = {"mulaw": "ulaw", "pcm16": "pcm_s16le"}
RATES: Final = (8000, 16_000, 24_000)
"""Hz."""
MAX_TEXT: Final = 5000
"""Characters of a request."""

# `reset` drops what was not flushed, and every sentence of ours is flushed from the start: to stop it, its socket is
# dropped.
_TERMS: Final = Terms(contexts=False, cancels=False)
_LANGUAGES: Final = frozenset(
    (
        *("ar", "as", "bn", "cs", "da", "de", "en", "es", "fi", "fr", "hi", "id", "it", "ja", "ko", "ml"),
        *("mr", "nl", "pl", "pt", "ru", "sk", "sv", "ta", "te", "th", "tr", "uk", "ur", "vi", "zh"),
    )
)
_STATUS: Final[Mapping[str, int]] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "payment_required_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "rate_limit_error": 429,
}


class LMNTTTS(HostedVoiceModel):
    """One voice, for any number of calls: over a WebSocket a call, or by requests over connections that calls share.

    Sessions on a WebSocket tell when words are spoken, but take neither `temperature` (0 or more), `top_p` (0 to 1) nor
    another model; where one of these is given, sentences are asked for by request.  `voice` (or `voice_id`) is a
    voice's id.  `language` (BCP 47) is the call's where it is empty; LMNT finds out for itself what it does not know.

    Raises `ConfigurationError`.
    """

    FACTS: ClassVar = Facts(
        vendor="LMNT",
        key_variable=LMNT.key_variable,
        transport="WebSocket",
        formats=("mulaw 8000", *(f"pcm16 {rate}" for rate in RATES)),
        models=(MODEL,),
        features=("word times", "cancel", "temperature and top_p by HTTP"),
        billing="characters",
        tested_with="lmnt",
        unconfirmed=(
            "whether a session sends the WAV header of µ-law once or with each sentence (both are understood)",
            "what a token of the word times is: a word or part of one (both are understood)",
            "whether a reset stops what is being spoken (an interruption drops the socket)",
            "how long a session may stand idle: one that was closed is opened anew",
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
        top_p: float | None = None,
        url: str = "",
        clock: Clock | None = None,
    ) -> None:
        self._voice = chosen_voice(voice, voice_id, VOICE)
        _check(format, temperature, top_p)
        self._key = LMNT.key(api_key)
        self._model = model
        self._language = language
        self._format = format
        given = {"temperature": temperature, "top_p": top_p}
        self._sampling = {name: value for name, value in given.items() if value is not None}
        self._url = service_url(url, URL)
        self._clock = clock or SystemClock()
        self._settle()

    @property
    def format(self) -> AudioFormat:
        return self._format

    async def open(self, language: str = "en-US") -> Voice:
        """See `TextToSpeech.open`."""
        if self._sampling or self._model != MODEL:
            return await self._requests(language)
        faults = self._faults
        init = self._session(language)
        voice = SocketVoice(
            Address(f"ws{self._url.removeprefix('http')}/v1/ai/speech/stream"),
            lambda: LmntDialect(init, faults),
            _TERMS,
            format=self._format,
            product=self._product,
            faults=faults,
            clock=self._clock,
        )
        await voice.open()
        return voice

    async def close(self) -> None:
        """Close the connections of requests.  May be called twice."""
        await self._service.close()

    def _settle(self) -> None:
        self._service = HttpService(self._faults, self._clock)

    @property
    def _faults(self) -> Faults:
        return Faults(self.name, LMNT, (self._key,), self._model)

    @property
    def _product(self) -> Product:
        return Product(LMNT.billed_as, self._model)

    def _sound(self, language: str) -> dict[str, Any]:
        """What session and request say alike."""
        code = primary_language(self._language or language)
        return {
            "voice": self._voice,
            "format": FORMATS[self._format.encoding],
            "sample_rate": self._format.rate,
            "language": code if code in _LANGUAGES else "auto",
        }

    def _session(self, language: str) -> str:
        key = self._key.get_secret_value()
        init = {"X-API-Key": key, "lmnt-version": VERSION, "return_timestamps": True, **self._sound(language)}
        return msgspec.json.encode(init).decode()

    async def _requests(self, language: str) -> Voice:
        await self._service.warm(self._url)
        dialect = LmntRequests(
            f"{self._url}/v1/ai/speech/bytes",
            {"X-API-Key": self._key.get_secret_value(), "lmnt-version": VERSION},
            {**self._sound(language), "model": self._model, **self._sampling},
        )
        return HttpVoice(
            dialect,
            self._service,
            format=self._format,
            product=self._product,
            faults=self._faults,
            max_text=MAX_TEXT,
        )


class LmntDialect:
    """See `tts.dialect.SocketDialect`.  `init` is the first message, which holds the key."""

    def __init__(self, init: str, faults: Faults) -> None:
        self._init = init
        self._faults = faults
        self._nonce = 0
        """Of the last flush."""
        self._wav = HeaderlessWav()
        self._tokens = SpokenTokens("")

    def begin(self) -> Iterable[str | bytes]:
        return (self._init,)

    def speak(self, context: str, text: str) -> Iterable[str | bytes]:
        self._nonce += 1
        self._wav = HeaderlessWav()
        self._tokens = SpokenTokens(text)
        return (
            msgspec.json.encode({"type": "text", "text": text}).decode(),
            msgspec.json.encode({"type": "flush", "nonce": self._nonce}).decode(),
        )

    def cancel(self, context: str) -> Iterable[str | bytes]:
        return ()

    def keep_alive(self) -> Iterable[str | bytes]:
        return ()

    def end(self) -> Iterable[str | bytes]:
        return ()

    def receive(self, message: str | bytes) -> Iterable[Happening]:
        if isinstance(message, bytes):
            audio = self._wav.feed(message)
            return (Part(SpeechChunk(audio)),) if audio else ()
        told = _read(message)
        match told.type:
            case "timestamps":
                times = (self._tokens.take(token.text, token.start) for token in told.timestamps or ())
                words = tuple(word for found in times for word in found)
                return (Part(SpeechChunk(b"", words)),) if words else ()
            case "flush_complete" if told.nonce == self._nonce:
                return (Done(),)
            case "error":
                return (self._faults.refused(_STATUS.get(told.error.type, 500), told.error.message.encode()),)
        return ()

    def closed(self, code: int, reason: str) -> ProviderError | None:
        return None


class LmntRequests:
    """See `tts.dialect.HttpDialect`.  `manner` is the body without the text."""

    def __init__(self, url: str, headers: Mapping[str, str], manner: Mapping[str, Any]) -> None:
        self._url = url
        self._headers = headers
        self._manner = manner

    def request(self, text: str) -> HttpRequest:
        return HttpRequest(url=self._url, headers=self._headers, json={**self._manner, "text": text})

    def decoder(self) -> Decoder:
        return WavAudio()


class WavAudio:
    """A `Decoder` of sound behind the header of a WAV file, or without one."""

    def __init__(self) -> None:
        self._wav = HeaderlessWav()

    def feed(self, data: bytes) -> Iterable[SpeechChunk]:
        audio = self._wav.feed(data)
        return (SpeechChunk(audio),) if audio else ()

    def close(self) -> Iterable[SpeechChunk]:
        return ()


def _check(format: AudioFormat, temperature: float | None, top_p: float | None) -> None:
    if format.rate not in RATES or (format.encoding == "mulaw" and format.rate != LINE.rate):
        raise ConfigurationError(
            f"LMNT speaks µ-law at 8000 Hz, and PCM at {', '.join(map(str, RATES))} Hz; "
            f"not {format.encoding} at {format.rate}."
        )
    if temperature is not None and temperature < 0:
        raise ConfigurationError("`temperature` is not negative.")
    if top_p is not None and not 0 <= top_p <= 1:
        raise ConfigurationError("`top_p` is between 0 and 1.")


class _Token(msgspec.Struct):
    text: str = ""
    start: float = 0.0


class _Error(msgspec.Struct):
    type: str = ""
    message: str = ""


class _Message(msgspec.Struct):
    type: str = ""
    nonce: int = 0
    timestamps: list[_Token] | None = None
    error: _Error = msgspec.field(default_factory=_Error)


_read: Final = MessageReader(_Message)
