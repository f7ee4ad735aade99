"""Cartesia's Ink models, over the WebSocket on which the client says when it wants the words (`/stt/websocket`).

The protocol is that of the `cartesia` client and of docs.cartesia.ai.  On its other WebSocket, `/stt/turns/websocket`,
Ink 2 decides alone when words are final: nobody can ask it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Final
from urllib.parse import urlencode

import msgspec
from pydantic import SecretStr

from getpatter.audio.format import LINE, AudioFormat
from getpatter.clock import Clock, SystemClock
from getpatter.connections.cartesia import ENCODINGS, URL, Complaint, handshake
from getpatter.connections.facts import Facts
from getpatter.connections.faults import Faults
from getpatter.connections.hosted_model import HostedModel
from getpatter.connections.messages import MessageReader
from getpatter.connections.vendor import service_url
from getpatter.connections.vendors import CARTESIA
from getpatter.connections.websocket import Address
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.language.words import primary_language
from getpatter.metering import Product
from getpatter.stt.base import HeardWord, Recognition, SpeechHints, Transcript
from getpatter.stt.dialect import Happening, Terms
from getpatter.stt.socket import SocketRecognition

MODEL: Final = "ink-whisper"
MAX_KEYTERMS: Final = 100
MAX_KEYTERM_CHARACTERS: Final = 1200
"""Of all key terms."""
FINALIZE: Final = "finalize"
CLOSE: Final = "close"

_TERMS: Final = Terms(bills="audio", piece_s=0.1)
"""An idle connection is closed after three minutes, which is longer than any telephone rings; pieces of 100 ms are the
length that Cartesia recommends."""
_CODES: Final = {"nb": "no", "fil": "tl", "iw": "he", "in": "id"}


class CartesiaSTT(HostedModel):
    """One model, for any number of calls; the telephone's µ-law goes as it came.

    `language` (BCP 47) is the call's where it is empty; Ink 2 understands English alone.  A call's phrases become key
    terms of Ink 2, after those in `keyterm`.  `max_silence_duration_secs` and `min_volume` are Ink Whisper's own: the
    silence after which words become final without being asked for, and what counts as silence.

    Raises `ConfigurationError`.
    """

    FACTS: ClassVar = Facts(
        vendor="Cartesia",
        key_variable=CARTESIA.key_variable,
        transport="WebSocket",
        formats=("mulaw 8000", "pcm16 at any rate"),
        models=(MODEL, "ink-2"),
        features=("interims", "finalize", "word times", "language", "key terms with ink-2"),
        billing="audio",
        tested_with="cartesia",
        unconfirmed=(
            "how words and their times are told: an object a word is documented, lists are in the client's types (both "
            "are understood)",
            "whether word times are counted from the beginning of the session (we take them so)",
            "how long an idle connection is kept: three minutes are documented, 20 s were",
        ),
    )

    def __init__(
        self,
        api_key: SecretStr | str = "",
        *,
        model: str = MODEL,
        language: str = "",
        format: AudioFormat = LINE,
        keyterm: Sequence[str] = (),
        max_silence_duration_secs: float | None = None,
        min_volume: float | None = None,
        url: str = "",
        clock: Clock | None = None,
    ) -> None:
        _check(model, keyterm, max_silence_duration_secs, min_volume)
        self._key = CARTESIA.key(api_key)
        self._model = model
        self._language = language
        self._format = format
        self._keyterm = tuple(keyterm)
        self._url = service_url(url, URL)
        self._clock = clock or SystemClock()
        whispers = {"max_silence_duration_secs": max_silence_duration_secs, "min_volume": min_volume}
        self._options = [
            ("model", model),
            ("encoding", ENCODINGS[format.encoding]),
            ("sample_rate", str(format.rate)),
            *((name, f"{value:g}") for name, value in whispers.items() if value is not None),
        ]

    @property
    def format(self) -> AudioFormat:
        return self._format

    @property
    def continuous(self) -> bool:
        return True

    async def open(self, hints: SpeechHints) -> Recognition:
        """See `SpeechToText.open`."""
        faults = Faults(self.name, CARTESIA, (self._key,), self._model)
        recognition = SocketRecognition(
            Address(f"{self._url}/stt/websocket?{urlencode(self._query(hints))}", handshake(self._key)),
            InkDialect(faults),
            _TERMS,
            format=self._format,
            product=Product(CARTESIA.billed_as, self._model),
            faults=faults,
            clock=self._clock,
        )
        await recognition.open()
        return recognition

    def _query(self, hints: SpeechHints) -> list[tuple[str, str]]:
        language = primary_language(self._language or hints.language)
        terms = key_terms(self._keyterm, hints.phrases) if _has_key_terms(self._model) else ()
        return [
            *self._options,
            ("language", _CODES.get(language, language)),
            *(("keyterm", term) for term in terms),
        ]


class InkDialect:
    """See `stt.dialect.Dialect`.

    Final words come in parts that are to be joined as they are, since a part may end within a word; they are gathered
    until Cartesia says that it has done what it was asked for.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._text = ""
        """What is final and was not given."""
        self._words: list[HeardWord] = []
        self._language = ""
        self._shown = ""

    def begin(self) -> Iterable[str | bytes]:
        return ()

    def audio(self, audio: bytes) -> str | bytes:
        return audio

    def finalize(self) -> Iterable[str | bytes]:
        return (FINALIZE,)

    def give_up(self) -> Iterable[Happening]:
        return ()

    def keep_alive(self) -> Iterable[str | bytes]:
        return ()

    def end(self) -> Iterable[str | bytes]:
        return (CLOSE,)

    def receive(self, message: str | bytes) -> Iterable[Happening]:
        told = _read(message)
        match told.type:
            case "transcript":
                return self._heard(told)
            case "flush_done":
                return (self._answer(),)
            case "error":
                return (_read_complaint(message).told(self._faults),)
        return ()

    def closed(self, code: int, reason: str) -> ProviderError | None:
        return None

    def _heard(self, told: _Message) -> Iterable[Happening]:
        self._language = told.language or self._language
        text = self._text + told.text
        if told.is_final:
            self._text = text
            for words in told.words or ():
                self._words += words.heard
        shown = text.strip()
        if not shown or shown == self._shown:
            return ()
        self._shown = shown
        return (Transcript(shown, final=False),)

    def _answer(self) -> Transcript:
        text, self._text = self._text.strip(), ""
        words, self._words = tuple(self._words), []
        self._shown = ""
        language = self._language if text else ""
        return Transcript(text, final=True, from_finalize=True, words=words, language=language)


def key_terms(given: Iterable[str], phrases: Iterable[str]) -> tuple[str, ...]:
    """Those that were given, and as many of a call's phrases as Cartesia takes: all or none are taken of too many."""
    terms: list[str] = []
    room = MAX_KEYTERM_CHARACTERS
    for term in dict.fromkeys(term.strip() for term in (*given, *phrases)):
        room -= len(term)
        if room < 0 or len(terms) == MAX_KEYTERMS:
            break
        if term:
            terms.append(term)
    return tuple(terms)


def _has_key_terms(model: str) -> bool:
    return model.startswith("ink-2")


def _check(model: str, keyterm: Sequence[str], silence_s: float | None, volume: float | None) -> None:
    if isinstance(keyterm, str):
        raise ConfigurationError("`keyterm` is a list of words.")
    if keyterm and not _has_key_terms(model):
        raise ConfigurationError(f"{model} has no key terms.", next_step="Use ink-2.")
    if sum(map(len, keyterm)) > MAX_KEYTERM_CHARACTERS or len(keyterm) > MAX_KEYTERMS:
        raise ConfigurationError(
            f"`keyterm` has up to {MAX_KEYTERMS} terms, of {MAX_KEYTERM_CHARACTERS} characters altogether."
        )
    for value, option in ((silence_s, "max_silence_duration_secs"), (volume, "min_volume")):
        if value is None:
            continue
        if not model.startswith("ink-whisper"):
            raise ConfigurationError(f"{model} has no `{option}`.", next_step="Use ink-whisper.")
        if value < 0:
            raise ConfigurationError(f"`{option}` is not negative.")


class _Words(msgspec.Struct):
    """One word, as documented, or several in lists, as in the client's types."""

    word: str = ""
    words: list[str] = []
    start: float | list[float] = 0.0
    end: float | list[float] = 0.0

    @property
    def heard(self) -> tuple[HeardWord, ...]:
        if isinstance(self.start, list) and isinstance(self.end, list):
            each = zip(self.words, self.start, self.end, strict=False)
            return tuple(HeardWord(word.strip(), start, end) for word, start, end in each)
        if isinstance(self.start, float) and isinstance(self.end, float):
            return (HeardWord(self.word.strip(), self.start, self.end),)
        return ()


class _Message(msgspec.Struct):
    type: str = ""
    text: str = ""
    is_final: bool = False
    words: list[_Words] | None = None
    language: str | None = None


_read: Final = MessageReader(_Message)
_read_complaint: Final = MessageReader(Complaint)
