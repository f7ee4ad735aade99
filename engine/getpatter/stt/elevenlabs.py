"""ElevenLabs' recogniser, Scribe, over a WebSocket."""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Final, Literal
from urllib.parse import urlencode

import msgspec
from pydantic import SecretStr

from getpatter.audio.format import LINE, AudioFormat
from getpatter.clock import Clock, SystemClock
from getpatter.connections.elevenlabs import ElevenLabsFaults
from getpatter.connections.facts import Facts
from getpatter.connections.hosted_model import HostedModel
from getpatter.connections.messages import MessageReader
from getpatter.connections.vendor import service_url
from getpatter.connections.vendors import ELEVENLABS
from getpatter.connections.websocket import Address
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.language.words import primary_language
from getpatter.metering import Product
from getpatter.stt.base import HeardWord, Recognition, SpeechHints, Transcript
from getpatter.stt.dialect import READY, Happening, Terms
from getpatter.stt.socket import SocketRecognition

URL: Final = "wss://api.elevenlabs.io"
PATH: Final = "/v1/speech-to-text/realtime"
MODEL: Final = "scribe_v2_realtime"
MAX_KEYTERMS: Final = 50
MAX_KEYTERM: Final = 20
"""Characters."""
CommitStrategy = Literal["manual", "vad", "turn_prediction"]

_FORMATS: Final[Mapping[AudioFormat, str]] = {
    LINE: "ulaw_8000",
    **{AudioFormat("pcm16", rate): f"pcm_{rate}" for rate in (8000, 16000, 22050, 24000, 44100, 48000)},
}
_RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "vad_silence_threshold_secs": (0.3, 3.0),
    "vad_threshold": (0.1, 0.9),
    "min_speech_duration_ms": (50, 2000),
    "min_silence_duration_ms": (50, 2000),
}
_NOTICES: Final = frozenset({"commit_throttled", "insufficient_audio_activity"})
"""Errors by name, with which the session goes on: a commit of less than 0.3 s of audio is passed over, and its words
come with the next; a line on which nobody speaks is no fault.  Where it does not go on, the closed socket says so."""

# The service has no message for a pause, and ends sessions that give it no audio.
TERMS: Final = Terms(bills="audio", stands_idle=False)


class ElevenLabsSTT(HostedModel):
    """A session a call, opened with its first audio; the telephone's µ-law goes as it came.

    What is billed is the audio.  `keyterms` are up to 50 terms of up to 20 characters, without which those of the
    call's phrases are taken that fit; with any, ElevenLabs charges a fifth more, and `()` has none.
    `include_timestamps` asks for word times, which come in a second message: a final transcript waits for that.

    With the `commit_strategy` "manual" a transcript is final when the call's own judgement of turns asks for it; with
    "vad" and "turn_prediction" ElevenLabs gives final ones of its own accord, too, the latter at what it takes for the
    end of a turn.  Thresholds are for "vad".  `language` (BCP 47) is the call's where it is empty.  Raises
    `ConfigurationError`.
    """

    FACTS: ClassVar[Facts] = Facts(
        vendor="ElevenLabs",
        key_variable="ELEVENLABS_API_KEY",
        transport="WebSocket",
        formats=("mulaw 8000", *(f"pcm16 {rate}" for rate in (8000, 16000, 22050, 24000, 44100, 48000))),
        models=(MODEL, "scribe_v3_live"),
        features=("interims", "word times", "finalize", "end of turn", "keyterms"),
        billing="audio",
        tested_with="elevenlabs",
        unconfirmed=(
            "how a wrong key is refused (both ways are understood)",
            "whether a commit of audio without words is answered",
            "which complaints end a session",
        ),
    )

    def __init__(
        self,
        api_key: SecretStr | str = "",
        *,
        model: str = MODEL,
        language: str = "",
        format: AudioFormat = LINE,
        keyterms: Sequence[str] | None = None,
        include_timestamps: bool = False,
        include_language_detection: bool = False,
        no_verbatim: bool = False,
        commit_strategy: CommitStrategy = "manual",
        vad_silence_threshold_secs: float | None = None,
        vad_threshold: float | None = None,
        min_speech_duration_ms: int | None = None,
        min_silence_duration_ms: int | None = None,
        enable_logging: bool | None = None,
        url: str = "",
        clock: Clock | None = None,
    ) -> None:
        self._key = ELEVENLABS.key(api_key)
        if format not in _FORMATS:
            raise ConfigurationError(
                f"ElevenLabs takes no {format.encoding} at {format.rate} Hz.",
                next_step="Leave `format` out to have the telephone's own, or pass pcm16 at 16000.",
            )
        self._model = model
        self._language = language
        self._format = format
        self._keyterms = None if keyterms is None else _checked_keyterms(keyterms)
        self._strategy: CommitStrategy = commit_strategy
        self._timestamps = include_timestamps or include_language_detection
        self._query = _query(
            {
                "commit_strategy": commit_strategy,
                "include_timestamps": self._timestamps or None,
                "include_language_detection": include_language_detection or None,
                "no_verbatim": no_verbatim or None,
                "vad_silence_threshold_secs": vad_silence_threshold_secs,
                "vad_threshold": vad_threshold,
                "min_speech_duration_ms": min_speech_duration_ms,
                "min_silence_duration_ms": min_silence_duration_ms,
                "enable_logging": enable_logging,
            }
        )
        self._url = service_url(url, URL)
        self._clock = clock or SystemClock()

    @property
    def format(self) -> AudioFormat:
        return self._format

    @property
    def continuous(self) -> bool:
        return True

    async def open(self, hints: SpeechHints) -> Recognition:
        """See `SpeechToText.open`."""
        faults = ElevenLabsFaults(self.name, ELEVENLABS, [self._key], self._model)
        recognition = SocketRecognition(
            self._address(hints),
            ElevenLabsDialect(self._format.rate, self._strategy, faults, timestamps=self._timestamps),
            TERMS,
            format=self._format,
            product=Product(ELEVENLABS.billed_as, self._model),
            faults=faults,
            clock=self._clock,
        )
        await recognition.open()
        return recognition

    def _address(self, hints: SpeechHints) -> Address:
        query = [("model_id", self._model), ("audio_format", _FORMATS[self._format]), *self._query]
        if code := primary_language(self._language or hints.language):
            query.append(("language_code", code))
        terms = self._keyterms
        if terms is None:
            terms = tuple(phrase for phrase in hints.phrases if 0 < len(phrase) <= MAX_KEYTERM)[:MAX_KEYTERMS]
        query += (("keyterms", term) for term in terms)
        return Address(f"{self._url}{PATH}?{urlencode(query)}", {"xi-api-key": self._key.get_secret_value()})


def _checked_keyterms(terms: Sequence[str]) -> tuple[str, ...]:
    if isinstance(terms, str):
        raise ConfigurationError("`keyterms` is a list of terms.")
    if len(terms) > MAX_KEYTERMS or not all(0 < len(term) <= MAX_KEYTERM for term in terms):
        raise ConfigurationError(
            f"ElevenLabs takes up to {MAX_KEYTERMS} keyterms of up to {MAX_KEYTERM} characters each."
        )
    return tuple(terms)


def _query(options: Mapping[str, str | float | bool | None]) -> list[tuple[str, str]]:
    query = []
    for name, value in options.items():
        if value is None:
            continue
        if name in _RANGES and isinstance(value, int | float):
            low, high = _RANGES[name]
            if not low <= value <= high:
                raise ConfigurationError(f"`{name}` is between {low:g} and {high:g}.")
        query.append((name, str(value).lower() if isinstance(value, bool) else str(value)))
    return query


class _Word(msgspec.Struct):
    text: str | None = None
    start: float | None = None
    end: float | None = None
    type: str | None = None


class _Message(msgspec.Struct):
    message_type: str = ""
    text: str | None = None
    words: list[_Word] | None = None
    language_code: str | None = None
    error: str | None = None


_read: Final = MessageReader(_Message)


class ElevenLabsDialect:
    """A `stt.dialect.Dialect`."""

    def __init__(
        self, rate: int, strategy: CommitStrategy, faults: ElevenLabsFaults, *, timestamps: bool = False
    ) -> None:
        self._strategy = strategy
        self._faults = faults
        self._final = "committed_transcript_with_timestamps" if timestamps else "committed_transcript"
        """Both come where times were asked for, the plain one first."""
        self._asked = 0
        """Commits of ours that were not answered."""
        self._before = '{"message_type":"input_audio_chunk","audio_base_64":"'
        self._after = f'","commit":false,"sample_rate":{rate}}}'
        self._commit = f'{self._before}","commit":true,"sample_rate":{rate}}}'

    def begin(self) -> Iterable[str]:
        return ()

    def audio(self, audio: bytes) -> str:
        return self._before + binascii.b2a_base64(audio, newline=False).decode() + self._after

    def finalize(self) -> Iterable[str]:
        self._asked += 1
        return (self._commit,)

    def give_up(self) -> Iterable[Happening]:
        return ()

    def keep_alive(self) -> Iterable[str]:
        return ()

    def end(self) -> Iterable[str]:
        return ()

    def receive(self, message: str | bytes) -> Iterable[Happening]:
        told = _read(message)
        match told.message_type:
            case "partial_transcript":
                return (Transcript(told.text or "", final=False),) if told.text else ()
            case self._final:
                return (self._committed(told),)
            case "session_started":
                return (READY,)
            case "commit_throttled":
                return (self._committed(_Message()),)
        if told.error and told.message_type not in _NOTICES:
            return (self._faults.complained(told.message_type, told.error),)
        return ()

    def closed(self, code: int, reason: str) -> ProviderError | None:
        return None

    def _committed(self, told: _Message) -> Transcript:
        asked = self._asked > 0
        self._asked -= asked
        return Transcript(
            (told.text or "").strip(),
            final=True,
            from_finalize=asked,
            end_of_turn=self._strategy == "turn_prediction" and not asked,
            words=tuple(
                HeardWord(word.text, word.start, word.end)
                for word in told.words or ()
                if word.type == "word" and word.text and word.start is not None and word.end is not None
            ),
            language=told.language_code or "",
        )
