"""Telnyx's voices, and those of others by way of Telnyx, over a WebSocket.

The protocol is that of developers.telnyx.com; the official client has none for it.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Mapping
from typing import ClassVar, Final
from urllib.parse import urlencode

import msgspec
from pydantic import SecretStr

from getpatter.audio.format import AudioFormat
from getpatter.clock import Clock, SystemClock
from getpatter.connections.facts import Facts
from getpatter.connections.faults import Faults
from getpatter.connections.messages import MessageReader
from getpatter.connections.vendor import host_of, service_url
from getpatter.connections.vendors import TELNYX
from getpatter.connections.websocket import Address
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.metering import Product
from getpatter.tts.base import SpeechChunk, Voice
from getpatter.tts.dialect import Done, Happening, Part, Terms
from getpatter.tts.hosted_voice import HostedVoice
from getpatter.tts.socket import SocketVoice
from getpatter.tts.voice_choice import chosen_voice

URL: Final = "wss://api.telnyx.com"
PATH: Final = "/v2/text-to-speech/speech"
VOICE: Final = "Telnyx.NaturalHD.astra"
NARROWBAND: Final = AudioFormat("pcm16", 8000)
"""Telnyx's own voices make no µ-law; at the line's rate, no more is lost than on the line itself."""
AUDIO_FORMATS: Final = {"mulaw": "mulaw", "pcm16": "linear16"}
REST_ONLY: Final = "Telnyx.Ultra."
NORMAL_CLOSURE: Final = 1000

_END: Final = '{"text":""}'
_TERMS: Final = Terms(contexts=False, cancels=False, max_sentences=1)
"""A socket a sentence: a final frame may follow each sentence within a text, so what ends it for certain is that the
socket is closed, as it is after `_END`."""

Setting = str | float | bool


class TelnyxTTS(HostedVoice):
    """One voice, for any number of calls.

    `voice` (or `voice_id`) is `Provider.Model.VoiceId`; `voice_settings` are that provider's own, e.g.
    `{"voice_speed": 1.2}`.  Which formats there are depends on the provider: `Telnyx.Natural` and `Telnyx.NaturalHD`
    have PCM at 8000, 16 000, 22 050, 24 000, 44 100, 48 000 and 96 000 Hz, `azure` has µ-law, too.
    `Telnyx.Ultra` voices cannot be had over a WebSocket.  Raises `ConfigurationError`.
    """

    FACTS: ClassVar = Facts(
        vendor="Telnyx",
        key_variable=TELNYX.key_variable,
        transport="WebSocket",
        formats=("pcm16 8000", "pcm16 16000", "pcm16 24000", "mulaw 8000 with azure"),
        models=(VOICE, "Telnyx.Natural.*", "aws.Polly.*", "azure.*"),
        features=("cancel",),
        billing="characters",
        unconfirmed=(
            "audio_format is linear16 in the documentation, but pcm in the official client's types",
            "Telnyx.KokoroTTS voices are said to answer with MP3 whatever is asked for, which is refused here",
            "how long a socket waits for text: 20 s are documented, after which the next sentence opens another",
        ),
    )

    def __init__(
        self,
        api_key: SecretStr | str = "",
        *,
        voice: str = "",
        voice_id: str = "",
        format: AudioFormat = NARROWBAND,
        language: str = "",
        voice_settings: Mapping[str, Setting] | None = None,
        disable_cache: bool = False,
        url: str = "",
        clock: Clock | None = None,
    ) -> None:
        self._voice = chosen_voice(voice, voice_id, VOICE)
        self._key = TELNYX.key(api_key)
        self._format = format
        self._settings = dict(voice_settings or {})
        self._url = service_url(url, URL)
        self._clock = clock or SystemClock()
        self._options = {"audio_format": AUDIO_FORMATS[format.encoding], "sample_rate": str(format.rate)}
        if language:
            self._options["language"] = language
        if disable_cache:
            self._options["disable_cache"] = "true"
        self._settle()

    @property
    def name(self) -> str:
        return f"{self._voice} at {host_of(self._url)}"

    @property
    def format(self) -> AudioFormat:
        return self._format

    def _settle(self) -> None:
        if self._voice.startswith(REST_ONLY):
            raise ConfigurationError(
                "The voices of Telnyx.Ultra cannot be had over a WebSocket.", next_step="Use one of Telnyx.NaturalHD."
            )
        if "." not in self._voice:
            raise ConfigurationError(f"{self._voice!r} is no voice of Telnyx.", next_step=f"Pass one such as {VOICE}.")

    async def open(self, language: str = "en-US") -> Voice:
        """See `TextToSpeech.open`.  The voice says the language."""
        faults = Faults(self.name, TELNYX, (self._key,), self._voice)
        voice = SocketVoice(
            Address(
                f"{self._url}{PATH}?{urlencode({'voice': self._voice, **self._options})}",
                {"Authorization": f"Bearer {self._key.get_secret_value()}"},
            ),
            lambda: TelnyxDialect(faults, self._settings),
            _TERMS,
            format=self._format,
            product=Product(TELNYX.billed_as, self._voice.rpartition(".")[0]),
            faults=faults,
            clock=self._clock,
        )
        await voice.open()
        return voice


class TelnyxDialect:
    """See `tts.dialect.SocketDialect`."""

    def __init__(self, faults: Faults, settings: Mapping[str, Setting]) -> None:
        self._faults = faults
        self._settings = settings
        self._has_sound = False
        self._has_final = False

    def begin(self) -> Iterable[str | bytes]:
        hello: dict[str, object] = {"text": " "}
        if self._settings:
            hello["voice_settings"] = self._settings
        return (msgspec.json.encode(hello).decode(),)

    def speak(self, context: str, text: str) -> Iterable[str | bytes]:
        return (msgspec.json.encode({"text": text}).decode(), _END)

    def cancel(self, context: str) -> Iterable[str | bytes]:
        return ()

    def keep_alive(self) -> Iterable[str | bytes]:
        return ()

    def end(self) -> Iterable[str | bytes]:
        return ()

    def receive(self, message: str | bytes) -> Iterable[Happening]:
        read = _read(message)
        if read.error:
            return (self._faults.failed(f"reports an error: {read.error}"),)
        if read.isFinal:
            self._has_final = True
        if not read.audio:
            return ()
        audio = binascii.a2b_base64(read.audio)
        if not self._has_sound and is_packed(audio):
            return (self._packed(),)
        self._has_sound = True
        return (Part(SpeechChunk(audio)),)

    def closed(self, code: int, reason: str) -> ProviderError | Done | None:
        complete = self._has_final or (code == NORMAL_CLOSURE and self._has_sound)
        return Done() if complete else None

    def _packed(self) -> ProviderError:
        return self._faults.failed(
            "sent a file where bare sound was asked for",
            retryable=False,
            next_step="Use a voice of Telnyx.NaturalHD, or another format.",
        )


def is_packed(audio: bytes) -> bool:
    """Whether sound begins as an MP3, WAV or Ogg file does, and not with samples."""
    if audio.startswith((b"ID3", b"RIFF", b"OggS")):
        return True
    # The header of an MPEG audio frame of layer III (ISO/IEC 11172-3 section 2.4.1.3).
    if len(audio) < 4 or audio[0] != 0xFF or audio[1] & 0xE6 != 0xE2:
        return False
    bit_rate, sample_rate = audio[2] >> 4, audio[2] >> 2 & 0b11
    return bit_rate not in (0, 15) and sample_rate != 3


class _Message(msgspec.Struct):
    """Of any kind."""

    audio: str | None = None
    isFinal: bool | None = None
    error: str | None = None


_read: Final = MessageReader(_Message)
