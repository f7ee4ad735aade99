"""Speech to text by way of Telnyx, which hands the audio to an engine of one's choice.

The protocol is that of developers.telnyx.com and of the `telnyx` client.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Final
from urllib.parse import urlencode

import msgspec
from pydantic import SecretStr

from getpatter.audio.format import LINE, AudioFormat
from getpatter.clock import Clock, SystemClock
from getpatter.connections.facts import Facts
from getpatter.connections.faults import Faults
from getpatter.connections.hosted_model import HostedModel
from getpatter.connections.messages import MessageReader
from getpatter.connections.vendor import host_of, service_url
from getpatter.connections.vendors import TELNYX
from getpatter.connections.websocket import Address
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.metering import Product
from getpatter.stt.base import HeardWord, Recognition, SpeechHints, Transcript
from getpatter.stt.deepgram import CLOSE, FINALIZE, KEEP_ALIVE, key_terms, language_code
from getpatter.stt.dialect import Happening, Terms
from getpatter.stt.socket import SocketRecognition

URL: Final = "wss://api.telnyx.com"
PATH: Final = "/v2/speech-to-text/transcription"
ENGINES: Final = (
    *("Deepgram", "Telnyx", "Google", "Azure", "xAI", "AssemblyAI", "Speechmatics", "Soniox", "Parakeet", "Humain"),
    *("Reson8", "Cohere"),
)
FINALIZING: Final = "Deepgram"
"""The engine that gives final transcripts when it is asked, may be kept waiting, and takes telephone audio."""
CLOSING: Final = ("Deepgram", "Speechmatics", "Soniox")
"""Engines that are told of the end."""
WIDEBAND: Final = AudioFormat("pcm16", 16_000)
"""What every engine takes."""
ENDPOINTING_MS: Final = 1000
"""For the engine that is asked for final transcripts; see `DeepgramSTT`."""
INPUT_FORMATS: Final = {"mulaw": "mulaw", "pcm16": "linear16"}

_ASKED: Final = Terms(bills="audio", keep_alive_s=4.0, finalize_s=1.0)
_UNASKED: Final = Terms(bills="audio", stands_idle=False, finalize_s=2.0)
"""For engines that make transcripts final by themselves, some time after speech has ended."""


class TelnyxSTT(HostedModel):
    """One engine and model, for any number of calls.

    Only `Deepgram` can be asked for a final transcript; of other engines, the next that comes answers a request.
    `format` is the line's own for Deepgram, and PCM at 16 kHz for other engines, where None.  `endpointing` is the
    silence, in ms, after which a transcript becomes final without being asked for.  Where `model` is empty, Telnyx
    chooses; where `language` is, each call's own is used.  `keyterm` is for Deepgram's newer models, together with a
    call's phrases.  Raises `ConfigurationError`.
    """

    FACTS: ClassVar = Facts(
        vendor="Telnyx",
        key_variable=TELNYX.key_variable,
        transport="WebSocket",
        formats=("mulaw 8000", "pcm16 16000", "pcm16 8000 to 48000"),
        models=("deepgram/nova-3", "deepgram/nova-2", "speechmatics/standard", "soniox/stt-rt-v4", "xai/grok-stt"),
        features=("interims", "finalize with Deepgram", "key terms with Deepgram", "languages"),
        billing="audio",
        tested_with="telnyx",
        unconfirmed=(
            "mulaw is documented, but not among the official client's formats",
            "several key terms: the client repeats the parameter, the documentation separates them by commas",
            "final transcripts carry no mark of the request that they answer: the next one is taken for the answer",
        ),
    )

    def __init__(
        self,
        api_key: SecretStr | str = "",
        *,
        transcription_engine: str = FINALIZING,
        model: str = "",
        language: str = "",
        format: AudioFormat | None = None,
        interim_results: bool = True,
        endpointing: int | None = None,
        keyterm: Sequence[str] = (),
        redact: str = "",
        url: str = "",
        clock: Clock | None = None,
    ) -> None:
        if transcription_engine not in ENGINES:
            raise ConfigurationError(
                f"Telnyx has no transcription engine {transcription_engine!r}.", next_step=f"Use {', '.join(ENGINES)}."
            )
        if isinstance(keyterm, str):
            raise ConfigurationError("`keyterm` is a list of terms.")
        if endpointing is not None and endpointing < 0:
            raise ConfigurationError("`endpointing` is a time in ms, or 0 for never.")
        self._key = TELNYX.key(api_key)
        self._engine = transcription_engine
        self._model = model
        self._language = language
        self._format = format or (LINE if transcription_engine == FINALIZING else WIDEBAND)
        self._keyterm = tuple(keyterm)
        self._url = service_url(url, URL)
        self._clock = clock or SystemClock()
        self._faults = Faults(self.name, TELNYX, (self._key,), self._model)
        self._options = {
            "transcription_engine": transcription_engine,
            "input_format": INPUT_FORMATS[self._format.encoding],
            "sample_rate": str(self._format.rate),
            "interim_results": "true" if interim_results else "false",
        }
        if endpointing is None and transcription_engine == FINALIZING:
            endpointing = ENDPOINTING_MS
        if endpointing is not None:
            self._options["endpointing"] = str(endpointing) if endpointing else "false"
        if model:
            self._options["model"] = model
        if redact:
            self._options["redact"] = redact

    @property
    def name(self) -> str:
        return f"{self._model or self._engine} at {host_of(self._url)}"

    @property
    def format(self) -> AudioFormat:
        return self._format

    @property
    def continuous(self) -> bool:
        return True

    async def open(self, hints: SpeechHints) -> Recognition:
        """See `SpeechToText.open`."""
        recognition = SocketRecognition(
            Address(
                f"{self._url}{PATH}?{urlencode(self._query(hints))}",
                {"Authorization": f"Bearer {self._key.get_secret_value()}"},
            ),
            TelnyxDialect(self._faults, self._engine),
            _ASKED if self._engine == FINALIZING else _UNASKED,
            format=self._format,
            product=Product(TELNYX.billed_as, self._model or self._engine.lower()),
            faults=self._faults,
            clock=self._clock,
        )
        await recognition.open()
        return recognition

    def _query(self, hints: SpeechHints) -> list[tuple[str, str]]:
        own = language_code(hints.language) if self._engine == FINALIZING else hints.language
        query = [*self._options.items(), ("language", self._language or own)]
        if self._engine == FINALIZING and "nova-2" not in self._model:
            query += [("keyterm", term.replace(",", " ")) for term in key_terms(self._keyterm, hints.phrases)]
        return query


class TelnyxDialect:
    """See `stt.dialect.Dialect`."""

    def __init__(self, faults: Faults, engine: str) -> None:
        self._faults = faults
        self._engine = engine
        self._asked = 0
        """Requests for a final transcript since the last one came."""

    def begin(self) -> Iterable[str | bytes]:
        return ()

    def audio(self, audio: bytes) -> str | bytes:
        return audio

    def finalize(self) -> Iterable[str | bytes]:
        self._asked += 1
        return (FINALIZE,) if self._engine == FINALIZING else ()

    def give_up(self) -> Iterable[Happening]:
        return ()

    def keep_alive(self) -> Iterable[str | bytes]:
        return (KEEP_ALIVE,)

    def end(self) -> Iterable[str | bytes]:
        return (CLOSE,) if self._engine in CLOSING else ()

    def receive(self, message: str | bytes) -> Iterable[Happening]:
        read = _read(message)
        if read.errors or read.error:
            return (self._failed(read),)
        if read.transcript is None or read.utterance_end:
            return ()
        text = read.transcript.strip()
        final = read.is_final is True
        answers = final and self._asked > 0
        if answers:
            self._asked -= 1
        elif not text:
            return ()
        transcript = Transcript(
            text,
            final=final,
            confidence=read.confidence if final and text else None,
            from_finalize=answers,
            words=tuple(HeardWord(word.word, word.start, word.end) for word in read.words or ()),
        )
        return (transcript,)

    def closed(self, code: int, reason: str) -> ProviderError | None:
        return None

    def _failed(self, read: _Message) -> ProviderError:
        if not read.errors:
            return self._faults.failed(f"reports an error: {read.error}")
        error = read.errors[0]
        # The codes of requests that are wrong begin as the HTTP statuses for them do.
        return self._faults.failed(
            f"reports an error: {error.detail or error.title} ({error.code})", retryable=not error.code.startswith("4")
        )


class _Word(msgspec.Struct):
    word: str = ""
    start: float = 0.0
    end: float = 0.0


class _Error(msgspec.Struct):
    code: str = ""
    title: str | None = None
    detail: str | None = None


class _Message(msgspec.Struct):
    """Of any kind."""

    transcript: str | None = None
    is_final: bool | None = None
    confidence: float | None = None
    words: list[_Word] | None = None
    utterance_end: bool | None = None
    errors: list[_Error] | None = None
    error: str | None = None


_read: Final = MessageReader(_Message)
