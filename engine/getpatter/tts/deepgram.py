"""Deepgram's Aura voices, over a WebSocket (`/v1/speak`) or a request a sentence.

The protocol is that of the `deepgram-sdk` and of developers.deepgram.com.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final
from urllib.parse import urlencode

import msgspec
from pydantic import SecretStr

from getpatter.audio.format import LINE, AudioFormat
from getpatter.clock import Clock, SystemClock
from getpatter.connections.facts import Facts
from getpatter.connections.faults import Faults
from getpatter.connections.http import HttpRequest, HttpService
from getpatter.connections.messages import MessageReader
from getpatter.connections.vendor import host_of, service_url
from getpatter.connections.vendors import DEEPGRAM
from getpatter.connections.websocket import Address
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.metering import Product
from getpatter.tts.base import SpeechChunk, Voice
from getpatter.tts.dialect import Decoder, Done, Failed, Happening, Part, RawAudio, Terms
from getpatter.tts.hosted_voice import HostedVoice
from getpatter.tts.http import HttpVoice
from getpatter.tts.socket import SocketVoice
from getpatter.tts.text_pieces import pieces_of
from getpatter.tts.voice_choice import chosen_voice

SOCKET_URL: Final = "wss://api.deepgram.com"
REST_URL: Final = "https://api.deepgram.com"
VOICE: Final = "aura-2-thalia-en"
ENCODINGS: Final = {"mulaw": "mulaw", "pcm16": "linear16"}
RATES: Final = {"mulaw": (8000, 16_000), "pcm16": (8000, 16_000, 24_000, 32_000, 48_000)}
"""Hz."""
MAX_TEXT: Final = 2000
"""Characters of one message or request."""
MAX_FLUSHES: Final = 20
"""In a minute, on one connection; a sentence is one."""

FLUSH: Final = '{"type":"Flush"}'
CLEAR: Final = '{"type":"Clear"}'
CLOSE: Final = '{"type":"Close"}'

_TERMS: Final = Terms(contexts=False, cancels=True, max_sentences=MAX_FLUSHES)


class DeepgramTTS(HostedVoice):
    """One voice, for any number of calls, over a WebSocket a call.

    `voice` (or `voice_id`, or `model`: with Deepgram they are the same) is e.g. `aura-2-thalia-en`, whose last part is
    the language that it speaks.  `speed` is between 0.7 and 1.5.  Raises `ConfigurationError`.
    """

    FACTS: ClassVar = Facts(
        vendor="Deepgram",
        key_variable=DEEPGRAM.key_variable,
        transport="WebSocket",
        formats=("mulaw 8000", "mulaw 16000", *(f"pcm16 {rate}" for rate in RATES["pcm16"])),
        models=(VOICE, "aura-2-*", "aura-*"),
        features=("cancel",),
        billing="characters",
        tested_with="deepgram-sdk",
        unconfirmed=(
            "whether 20 flushes a minute are counted for a connection or for a project",
            "the longest text of one message: 2000 characters are documented for requests",
        ),
    )

    def __init__(
        self,
        api_key: SecretStr | str = "",
        *,
        model: str = "",
        voice: str = "",
        voice_id: str = "",
        format: AudioFormat = LINE,
        speed: float | None = None,
        mip_opt_out: bool = False,
        url: str = "",
        clock: Clock | None = None,
    ) -> None:
        self._voice = chosen_voice(voice, voice_id, model or VOICE)
        self._options = _options(format, speed, mip_opt_out=mip_opt_out)
        self._key = DEEPGRAM.key(api_key)
        self._format = format
        self._url = service_url(url, SOCKET_URL)
        self._clock = clock or SystemClock()

    @property
    def name(self) -> str:
        return f"{self._voice} at {host_of(self._url)}"

    @property
    def format(self) -> AudioFormat:
        return self._format

    async def open(self, language: str = "en-US") -> Voice:
        """See `TextToSpeech.open`.  The voice says the language."""
        faults = Faults(self.name, DEEPGRAM, (self._key,), self._voice)
        voice = SocketVoice(
            Address(
                f"{self._url}/v1/speak?{urlencode({'model': self._voice, **self._options})}", _authorisation(self._key)
            ),
            lambda: AuraDialect(faults),
            _TERMS,
            format=self._format,
            product=Product(DEEPGRAM.billed_as, self._voice),
            faults=faults,
            clock=self._clock,
        )
        await voice.open()
        return voice


class DeepgramRestTTS(HostedVoice):
    """The same voices with a request a sentence, over connections that calls share; arguments as of `DeepgramTTS`."""

    FACTS: ClassVar = Facts(
        vendor="Deepgram",
        key_variable=DEEPGRAM.key_variable,
        transport="HTTP",
        formats=DeepgramTTS.FACTS.formats,
        models=DeepgramTTS.FACTS.models,
        features=("cancel",),
        billing="characters",
        tested_with="deepgram-sdk",
    )

    def __init__(
        self,
        api_key: SecretStr | str = "",
        *,
        model: str = "",
        voice: str = "",
        voice_id: str = "",
        format: AudioFormat = LINE,
        speed: float | None = None,
        mip_opt_out: bool = False,
        url: str = "",
        clock: Clock | None = None,
    ) -> None:
        self._voice = chosen_voice(voice, voice_id, model or VOICE)
        self._options = {**_options(format, speed, mip_opt_out=mip_opt_out), "container": "none"}
        self._key = DEEPGRAM.key(api_key)
        self._format = format
        self._url = service_url(url, REST_URL)
        self._clock = clock or SystemClock()
        self._settle()

    @property
    def name(self) -> str:
        return f"{self._voice} at {host_of(self._url)}"

    @property
    def format(self) -> AudioFormat:
        return self._format

    async def open(self, language: str = "en-US") -> Voice:
        """See `TextToSpeech.open`.  The voice says the language."""
        await self._service.warm(self._url)
        dialect = AuraRequests(f"{self._url}/v1/speak", {"model": self._voice, **self._options}, self._key)
        product = Product(DEEPGRAM.billed_as, self._voice)
        return HttpVoice(
            dialect,
            self._service,
            format=self._format,
            product=product,
            faults=self._faults(),
            max_text=MAX_TEXT,
        )

    async def close(self) -> None:
        """Close the connections.  May be called twice."""
        await self._service.close()

    def _settle(self) -> None:
        self._service = HttpService(self._faults(), self._clock)

    def _faults(self) -> Faults:
        return Faults(self.name, DEEPGRAM, (self._key,), self._voice)


class AuraDialect:
    """See `tts.dialect.SocketDialect`."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._clearing = 0
        """Sentences that were cancelled, whose sound may still come: until `Cleared`."""

    def begin(self) -> Iterable[str | bytes]:
        return ()

    def speak(self, context: str, text: str) -> Iterable[str | bytes]:
        return (*(_speak(piece) for piece in pieces_of(text, MAX_TEXT)), FLUSH)

    def cancel(self, context: str) -> Iterable[str | bytes]:
        self._clearing += 1
        return (CLEAR,)

    def keep_alive(self) -> Iterable[str | bytes]:
        return ()

    def end(self) -> Iterable[str | bytes]:
        return (CLOSE,)

    def receive(self, message: str | bytes) -> Iterable[Happening]:
        if isinstance(message, bytes):
            return () if self._clearing else (Part(SpeechChunk(message)),)
        read = _read(message)
        if read.type == "Error":
            return (self._faults.failed(f"reports an error: {read.description or read.message}"),)
        if read.type == "Cleared" and self._clearing:
            self._clearing -= 1
        elif read.type == "Flushed" and not self._clearing:
            return (Done(),)
        elif read.type == "Warning" and not self._clearing:
            # What it warns of, too many flushes or a text that it cannot take, leaves the sentence without an end.
            return (Failed(self._faults.failed(f"warns: {read.description} ({read.code})")),)
        return ()

    def closed(self, code: int, reason: str) -> ProviderError | None:
        return None


class AuraRequests:
    """See `tts.dialect.HttpDialect`."""

    def __init__(self, url: str, params: dict[str, str], key: SecretStr) -> None:
        self._url = url
        self._params = params
        self._headers = _authorisation(key)

    def request(self, text: str) -> HttpRequest:
        return HttpRequest(url=self._url, params=self._params, headers=self._headers, json={"text": text})

    def decoder(self) -> Decoder:
        return RawAudio()


def _speak(text: str) -> str:
    return msgspec.json.encode({"type": "Speak", "text": text}).decode()


def _authorisation(key: SecretStr) -> dict[str, str]:
    return {"Authorization": f"Token {key.get_secret_value()}"}


def _options(format: AudioFormat, speed: float | None, *, mip_opt_out: bool) -> dict[str, str]:
    if format.rate not in RATES[format.encoding]:
        rates = ", ".join(map(str, RATES[format.encoding]))
        raise ConfigurationError(f"Deepgram speaks {format.encoding} at {rates} Hz, not at {format.rate}.")
    if speed is not None and not 0.7 <= speed <= 1.5:
        raise ConfigurationError("`speed` is between 0.7 and 1.5.")
    options = {"encoding": ENCODINGS[format.encoding], "sample_rate": str(format.rate)}
    if speed is not None:
        options["speed"] = f"{speed:g}"
    if mip_opt_out:
        options["mip_opt_out"] = "true"
    return options


class _Message(msgspec.Struct):
    """Of any kind."""

    type: str = ""
    description: str | None = None
    message: str | None = None
    code: str | None = None


_read: Final = MessageReader(_Message)
