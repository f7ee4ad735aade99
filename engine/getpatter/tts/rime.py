"""Rime's voices, over the WebSocket with JSON messages (`/ws3`).

The protocol is that of docs.rime.ai; there is no official client for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import ClassVar, Final
from urllib.parse import urlencode

import msgspec
from pydantic import SecretStr

from getpatter.audio.format import LINE, AudioFormat
from getpatter.clock import Clock, SystemClock
from getpatter.connections.facts import Facts
from getpatter.connections.faults import Faults
from getpatter.connections.messages import MessageReader
from getpatter.connections.vendor import service_url
from getpatter.connections.vendors import RIME
from getpatter.connections.websocket import Address
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.language.words import primary_language
from getpatter.metering import Product
from getpatter.tts.base import SpeechChunk, Voice, WordTime
from getpatter.tts.dialect import Done, Failed, Happening, Part, Terms
from getpatter.tts.hosted_voice import HostedVoiceModel
from getpatter.tts.socket import SocketVoice
from getpatter.tts.text_pieces import pieces_of
from getpatter.tts.voice_choice import chosen_voice

URL: Final = "wss://users-ws.rime.ai"
MODEL: Final = "coda"
VOICE: Final = "astra"
MIST_VOICE: Final = "cove"
ENCODINGS: Final = {"mulaw": "mulaw", "pcm16": "pcm"}
RATES: Final = (8000, 16_000, 22_050, 24_000, 44_100, 48_000, 96_000)
"""Hz."""
MAX_TEXT: Final = 1000
"""Characters of one message; more are refused with `text is too long`."""
FLUSH: Final = '{"operation":"flush"}'

# `clear` drops what was not flushed, and every sentence of ours is flushed from the start; Rime's own advice for a hard
# stop is to close the connection.  Nor does Rime keep contexts apart: it names the last one that it was given.
_TERMS: Final = Terms(contexts=False, cancels=False)
_CODES: Final = {
    "en": "eng",
    "es": "spa",
    "fr": "fra",
    "pt": "por",
    "de": "ger",
    "ja": "jpn",
    "ar": "ara",
    "hi": "hin",
}
"""Rime's longer codes, which all its models know."""
_STATUS: Final = re.compile(r"([45]\d\d): ?(.*)", re.DOTALL)


class RimeTTS(HostedVoiceModel):
    """One voice, for any number of calls, over a WebSocket a call.

    `voice` (or `voice_id`, or `speaker`) is a voice of the model's; each speaks one language.  `lang` is one of Rime's
    codes, e.g. `eng`, and the call's language where it is empty.  `speed_alpha` above 1 is faster, except with Mist v2,
    where it is slower.  Word times come in English and Spanish.  The others are Rime's own, in its meaning: those of
    sampling for Coda, those of brackets for Mist.

    Raises `ConfigurationError`.
    """

    FACTS: ClassVar = Facts(
        vendor="Rime",
        key_variable=RIME.key_variable,
        transport="WebSocket",
        formats=("mulaw 8000", *(f"pcm16 {rate}" for rate in RATES)),
        models=(MODEL, "mistv3", "mistv2"),
        features=("word times in English and Spanish", "cancel"),
        billing="characters",
        unconfirmed=(
            "whether 1000 characters are the limit of a message or of what is flushed (we cut messages)",
            "whether a sentence that is interrupted is billed whole",
            "the sampling options of coda, which the documentation of this endpoint does not list",
            "arcana is retired: Rime serves coda in its place",
        ),
    )

    def __init__(
        self,
        api_key: SecretStr | str = "",
        *,
        model: str = MODEL,
        voice: str = "",
        voice_id: str = "",
        speaker: str = "",
        lang: str = "",
        format: AudioFormat = LINE,
        speed_alpha: float | None = None,
        inline_speed_alpha: str = "",
        pause_between_brackets: bool = False,
        phonemize_between_brackets: bool = False,
        no_text_normalization: bool = False,
        repetition_penalty: float | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        max_tokens: int | None = None,
        url: str = "",
        clock: Clock | None = None,
    ) -> None:
        default = MIST_VOICE if model.startswith("mist") else VOICE
        self._voice = chosen_voice(chosen_voice(voice, voice_id, ""), speaker, default)
        _check(format, speed_alpha)
        self._key = RIME.key(api_key)
        self._model = model
        self._lang = lang
        self._format = format
        self._url = service_url(url, URL)
        self._clock = clock or SystemClock()
        numbers = {
            "speedAlpha": speed_alpha,
            "repetition_penalty": repetition_penalty,
            "temperature": temperature,
            "top_p": top_p,
            "max_tokens": max_tokens,
        }
        switches = {
            "pauseBetweenBrackets": pause_between_brackets,
            "phonemizeBetweenBrackets": phonemize_between_brackets,
            "noTextNormalization": no_text_normalization,
        }
        self._options = {
            **{name: str(value) for name, value in numbers.items() if value is not None},
            **{name: "true" for name, on in switches.items() if on},
            **({"inlineSpeedAlpha": inline_speed_alpha} if inline_speed_alpha else {}),
        }

    @property
    def format(self) -> AudioFormat:
        return self._format

    async def open(self, language: str = "en-US") -> Voice:
        """See `TextToSpeech.open`."""
        faults = Faults(self.name, RIME, (self._key,), self._model)
        voice = SocketVoice(
            Address(
                f"{self._url}/ws3?{urlencode(self._query(language))}",
                {"Authorization": f"Bearer {self._key.get_secret_value()}"},
            ),
            lambda: RimeDialect(faults),
            _TERMS,
            format=self._format,
            product=Product(RIME.billed_as, self._model),
            faults=faults,
            clock=self._clock,
        )
        await voice.open()
        return voice

    def _query(self, language: str) -> dict[str, str]:
        code = primary_language(language)
        return {
            "speaker": self._voice,
            "modelId": self._model,
            "audioFormat": ENCODINGS[self._format.encoding],
            "samplingRate": str(self._format.rate),
            "lang": self._lang or _CODES.get(code, code),
            # Nothing is spoken before it is flushed, and each flush is answered with one `done`.
            "segment": "never",
            **self._options,
        }


class RimeDialect:
    """See `tts.dialect.SocketDialect`."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._context = ""

    def begin(self) -> Iterable[str | bytes]:
        return ()

    def speak(self, context: str, text: str) -> Iterable[str | bytes]:
        self._context = context
        return (*(_text(piece, context) for piece in pieces_of(text, MAX_TEXT)), FLUSH)

    def cancel(self, context: str) -> Iterable[str | bytes]:
        return ()

    def keep_alive(self) -> Iterable[str | bytes]:
        return ()

    def end(self) -> Iterable[str | bytes]:
        return ()

    def receive(self, message: str | bytes) -> Iterable[Happening]:
        told = _read(message)
        if told.contextId and told.contextId != self._context:
            return ()  # of a sentence that failed
        match told.type:
            case "chunk":
                return (Part(SpeechChunk(told.data or b"")),)
            case "timestamps" if told.word_timestamps is not None:
                times = zip(told.word_timestamps.words, told.word_timestamps.start, strict=False)
                return (Part(SpeechChunk(b"", tuple(WordTime(word, start_s) for word, start_s in times))),)
            case "done":
                return (Done(),)
            case "error":
                return (Failed(self._faults.failed(f"complains: {told.message}", retryable=False)),)
        return ()

    def closed(self, code: int, reason: str) -> ProviderError | None:
        """What fails at Rime is told in the reason, most often with the status that HTTP has for it."""
        status = _STATUS.fullmatch(reason)
        return None if status is None else self._faults.refused(int(status[1]), status[2].encode())


def _text(piece: str, context: str) -> str:
    return msgspec.json.encode({"text": piece, "contextId": context}).decode()


def _check(format: AudioFormat, speed_alpha: float | None) -> None:
    if format.rate not in RATES or (format.encoding == "mulaw" and format.rate != LINE.rate):
        raise ConfigurationError(
            f"Rime speaks µ-law at 8000 Hz, and PCM at {', '.join(map(str, RATES))} Hz; "
            f"not {format.encoding} at {format.rate}."
        )
    if speed_alpha is not None and speed_alpha <= 0:
        raise ConfigurationError("`speed_alpha` is above 0.")


class _Times(msgspec.Struct):
    words: list[str] = []
    start: list[float] = []


class _Message(msgspec.Struct):
    type: str = ""
    data: bytes | None = None
    contextId: str | None = None
    word_timestamps: _Times | None = None
    message: str = ""


_read: Final = MessageReader(_Message)
