"""Cartesia's Sonic voices, over the WebSocket with contexts (`/tts/websocket`).

The protocol is that of the `cartesia` client and of docs.cartesia.ai.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final
from uuid import uuid4

import msgspec
from pydantic import SecretStr

from getpatter.audio.format import LINE, AudioFormat
from getpatter.clock import Clock, SystemClock
from getpatter.connections.cartesia import ENCODINGS, URL, Complaint, handshake
from getpatter.connections.facts import Facts
from getpatter.connections.faults import Faults
from getpatter.connections.messages import MessageReader
from getpatter.connections.vendor import service_url
from getpatter.connections.vendors import CARTESIA
from getpatter.connections.websocket import Address
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.language.words import primary_language
from getpatter.metering import Product
from getpatter.tts.base import SpeechChunk, Voice, WordTime
from getpatter.tts.dialect import Done, Failed, Happening, Part, Terms
from getpatter.tts.hosted_voice import HostedVoiceModel
from getpatter.tts.socket import SocketVoice
from getpatter.tts.voice_choice import chosen_voice

MODEL: Final = "sonic-3"
VOICE: Final = "f786b574-daa5-4673-aa0c-cbe3e8534c02"
"""Katie."""
RATES: Final = (8000, 16_000, 22_050, 24_000, 44_100, 48_000)
"""Hz."""
SPEEDS: Final = (0.6, 1.5)
VOLUMES: Final = (0.5, 2.0)

_CODES: Final = {"nb": "no", "nn": "no", "fil": "tl", "iw": "he", "in": "id"}
_TERMS: Final = Terms(contexts=True, cancels=True)


class CartesiaTTS(HostedVoiceModel):
    """One voice, for any number of calls, over a WebSocket a call; a sentence is a context.

    `voice` (or `voice_id`) is a voice's id.  `language` (BCP 47) is the call's where it is empty.  `speed` (0.6 to
    1.5), `volume` (0.5 to 2) and `emotion` (e.g. `calm`) are for Sonic 3 and later.  An interrupted sentence is
    cancelled by its context; what Cartesia has begun to make of it may still come, and is passed over.

    Raises `ConfigurationError`.
    """

    FACTS: ClassVar = Facts(
        vendor="Cartesia",
        key_variable=CARTESIA.key_variable,
        transport="WebSocket",
        formats=("mulaw 8000", *(f"pcm16 {rate}" for rate in RATES)),
        models=(MODEL, "sonic-3.5", "sonic-2", "sonic-turbo"),
        features=("word times", "cancel", "speed, volume, emotion", "pronunciation dictionaries"),
        billing="characters",
        tested_with="cartesia",
        unconfirmed=(
            "whether cancelling stops a sentence that is being made: the client says so, the documentation does not",
            "whether µ-law is made at rates other than 8000 Hz (it is refused here)",
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
        speed: float | None = None,
        volume: float | None = None,
        emotion: str = "",
        pronunciation_dict_id: str = "",
        url: str = "",
        clock: Clock | None = None,
    ) -> None:
        self._voice = chosen_voice(voice, voice_id, VOICE)
        _check(format, speed, volume)
        self._key = CARTESIA.key(api_key)
        self._model = model
        self._language = language
        self._format = format
        self._url = service_url(url, URL)
        self._clock = clock or SystemClock()
        given = {"speed": speed, "volume": volume, "emotion": emotion or None}
        self._manner: dict[str, Any] = {}
        if config := {name: value for name, value in given.items() if value is not None}:
            self._manner["generation_config"] = config
        if pronunciation_dict_id:
            self._manner["pronunciation_dict_id"] = pronunciation_dict_id

    @classmethod
    def for_twilio(cls, api_key: SecretStr | str = "", *, model: str = MODEL, voice: str = "") -> CartesiaTTS:
        """With the sound that Twilio's media streams carry, which is the default anyway."""
        return cls(api_key, model=model, voice=voice, format=LINE)

    @classmethod
    def for_telnyx(cls, api_key: SecretStr | str = "", *, model: str = MODEL, voice: str = "") -> CartesiaTTS:
        """With the sound that Telnyx's media streams carry, which is the default anyway."""
        return cls(api_key, model=model, voice=voice, format=LINE)

    @property
    def format(self) -> AudioFormat:
        return self._format

    async def open(self, language: str = "en-US") -> Voice:
        """See `TextToSpeech.open`."""
        faults = Faults(self.name, CARTESIA, (self._key,), self._model)
        manner = self._order(language)
        voice = SocketVoice(
            Address(f"{self._url}/tts/websocket", handshake(self._key)),
            lambda: SonicDialect(manner, faults, name=uuid4().hex),
            _TERMS,
            format=self._format,
            product=Product(CARTESIA.billed_as, self._model),
            faults=faults,
            clock=self._clock,
        )
        await voice.open()
        return voice

    def _order(self, language: str) -> dict[str, Any]:
        code = primary_language(self._language or language)
        return {
            "model_id": self._model,
            "voice": {"mode": "id", "id": self._voice},
            "output_format": {
                "container": "raw",
                "encoding": ENCODINGS[self._format.encoding],
                "sample_rate": self._format.rate,
            },
            "language": _CODES.get(code, code),
            "add_timestamps": True,
            # The heard text is made of the text as it was sent, not of how numbers and such were read.
            "use_normalized_timestamps": False,
            **self._manner,
        }


class SonicDialect:
    """See `tts.dialect.SocketDialect`.

    `manner` goes along with each sentence.  `name` sets the contexts of this socket apart from those of others, should
    Cartesia tell contexts apart within an account and not within a socket.
    """

    def __init__(self, manner: Mapping[str, Any], faults: Faults, *, name: str) -> None:
        self._manner = dict(manner)
        self._faults = faults
        self._prefix = f"{name}-"

    def begin(self) -> Iterable[str | bytes]:
        return ()

    def speak(self, context: str, text: str) -> Iterable[str | bytes]:
        order = {"context_id": self._prefix + context, "transcript": text, "continue": False, **self._manner}
        return (msgspec.json.encode(order).decode(),)

    def cancel(self, context: str) -> Iterable[str | bytes]:
        return (msgspec.json.encode({"context_id": self._prefix + context, "cancel": True}).decode(),)

    def keep_alive(self) -> Iterable[str | bytes]:
        return ()

    def end(self) -> Iterable[str | bytes]:
        return ()

    def receive(self, message: str | bytes) -> Iterable[Happening]:
        told = _read(message)
        context = (told.context_id or "").removeprefix(self._prefix)
        match told.type:
            case "chunk":
                return (Part(SpeechChunk(told.data or b""), context),)
            case "timestamps" if told.word_timestamps is not None:
                return (Part(SpeechChunk(b"", told.word_timestamps.words_with_times), context),)
            case "done":
                return (Done(context),)
            case "error":
                error = _read_complaint(message).told(self._faults)
                return (Failed(error, context) if context else error,)
        return ()

    def closed(self, code: int, reason: str) -> ProviderError | None:
        return None


def _check(format: AudioFormat, speed: float | None, volume: float | None) -> None:
    if format.rate not in RATES or (format.encoding == "mulaw" and format.rate != LINE.rate):
        raise ConfigurationError(
            f"Cartesia speaks µ-law at 8000 Hz, and PCM at {', '.join(map(str, RATES))} Hz; "
            f"not {format.encoding} at {format.rate}."
        )
    for name, value, (low, high) in (("speed", speed, SPEEDS), ("volume", volume, VOLUMES)):
        if value is not None and not low <= value <= high:
            raise ConfigurationError(f"`{name}` is between {low:g} and {high:g}.")


class _Times(msgspec.Struct):
    words: list[str] = []
    start: list[float] = []

    @property
    def words_with_times(self) -> tuple[WordTime, ...]:
        return tuple(WordTime(word, start_s) for word, start_s in zip(self.words, self.start, strict=False))


class _Message(msgspec.Struct):
    type: str = ""
    context_id: str | None = None
    data: bytes | None = None
    word_timestamps: _Times | None = None


_read: Final = MessageReader(_Message)
_read_complaint: Final = MessageReader(Complaint)
