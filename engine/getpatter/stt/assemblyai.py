"""AssemblyAI's streaming recognisers (`/v3/ws`).

The protocol is that of the `assemblyai` package and of www.assemblyai.com/docs/streaming.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
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
from getpatter.connections.vendors import ASSEMBLYAI
from getpatter.connections.websocket import Address
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.language.words import primary_language
from getpatter.metering import Product
from getpatter.stt.base import HeardWord, Recognition, SpeechHints, Transcript
from getpatter.stt.dialect import Happening, Terms
from getpatter.stt.socket import SocketRecognition

URL: Final = "wss://streaming.assemblyai.com"
PATH: Final = "/v3/ws"
FAMILY: Final = "universal-streaming"
ENGLISH: Final = f"{FAMILY}-english"
MULTILINGUAL: Final = f"{FAMILY}-multilingual"
ENCODINGS: Final = {"mulaw": "pcm_mulaw", "pcm16": "pcm_s16le"}
RATES: Final = range(8000, 96_001)
"""Hz."""
MAX_KEYTERMS: Final = 100
MAX_KEYTERM: Final = 50
"""Characters; longer ones are passed over, and more than `MAX_KEYTERMS` are an error."""

MAX_ENDED: Final = 16
"""Turns that are remembered; formatting takes less time than one of them."""

FORCE_ENDPOINT: Final = '{"type":"ForceEndpoint"}'
KEEP_ALIVE: Final = '{"type":"KeepAlive"}'
TERMINATE: Final = '{"type":"Terminate"}'

# The whole time for which a session is open is charged, silent or not.  Messages of less than 50 or more than 1000 ms
# end it (3007); 60 ms is a multiple of the frames of carriers.
TERMS: Final = Terms(bills="session", shortest_s=0.05, piece_s=0.06, longest_s=1.0, finalize_s=1.0)

_LANGUAGES_OF: Final = {ENGLISH: {"en"}, MULTILINGUAL: {"de", "en", "es", "fr", "it", "pt"}}
"""Of those that know few."""
_ANOTHER_MODEL: Final = "Pass a `model` of AssemblyAI's that knows it, or use another recogniser for this language."
_NAMES_LANGUAGES: Final = "universal-3"
"""Models whose names begin so take the languages that are spoken."""
_PUNCTUATES: Final = (_NAMES_LANGUAGES, "u3-")
"""Those end a turn by its punctuation, in all their languages, and format what they give without being asked to."""
_KEY_CODES: Final = frozenset({1008, 4001, 4002, 4003})
"""The key or the account: unknown, without balance, disabled."""
_BUSY_CODES: Final = frozenset({3009, 4102})
"""More sessions at once than the account may have."""
_FINAL_CODES: Final = frozenset({1007, 3006, 3007, 4000, 4033, 4034, 4100, 4101})
"""What was sent is wrong, and would be again."""


class AssemblyAISTT(HostedModel):
    """A session a call, opened with its first audio, since its whole time is billed; the telephone's µ-law goes as it
    came.

    Without a `model`, a call in English has `universal-streaming-english`, one in German, Spanish, French, Italian or
    Portuguese `universal-streaming-multilingual`, which costs the same; other languages need a model that knows them.
    `language` (BCP 47) is the call's where it is empty.

    AssemblyAI ends turns of its own accord (`Transcript.end_of_turn`): after `min_turn_silence` (ms) where it is as
    sure as `end_of_turn_confidence_threshold` (0 to 1; the `universal-streaming` models alone), and at the latest
    after `max_turn_silence` (ms).  With `format_turns` those models write a turn anew with punctuation, numbers and
    capitals, and its words are final only then.  `keyterms_prompt` are up to 100 terms of up to 50
    characters, without which those of the call's phrases are taken that fit; with any, `universal-streaming` costs
    0.04 USD an hour more, and `()` has none.  `prompt` and `mode` are for the models whose names begin with
    `universal-3` or `u3`.  What is None is left to AssemblyAI.

    Raises `ConfigurationError`.
    """

    FACTS: ClassVar = Facts(
        vendor="AssemblyAI",
        key_variable=ASSEMBLYAI.key_variable,
        transport="WebSocket",
        formats=("mulaw 8000", "pcm16 8000 to 96000"),
        models=(ENGLISH, MULTILINGUAL, "universal-3-6-pro", "universal-3-5-pro", "u3-rt-pro", "whisper-rt"),
        features=("interims", "finalize", "end of turn", "word times", "key terms", "languages", "formatting"),
        billing="session",
        tested_with="assemblyai",
        unconfirmed=(
            "whether a ForceEndpoint that finds no words is answered: we take silence for an empty answer",
            "whether audio may come faster than it is spoken, and for how long, after a connection was lost",
            "whether language_codes keep other languages from being understood",
        ),
    )

    def __init__(
        self,
        api_key: SecretStr | str = "",
        *,
        model: str = "",
        language: str = "",
        format: AudioFormat = LINE,
        format_turns: bool = False,
        end_of_turn_confidence_threshold: float | None = None,
        min_turn_silence: int | None = None,
        max_turn_silence: int | None = None,
        vad_threshold: float | None = None,
        keyterms_prompt: Sequence[str] | None = None,
        language_detection: bool | None = None,
        filter_profanity: bool = False,
        prompt: str = "",
        mode: str = "",
        domain: str = "",
        url: str = "",
        clock: Clock | None = None,
    ) -> None:
        if format.rate not in RATES:
            raise ConfigurationError(f"AssemblyAI takes 8000 to 96000 Hz, not {format.rate}.")
        _check(end_of_turn_confidence_threshold, min_turn_silence, max_turn_silence, vad_threshold)
        if language and not _knows(model or default_model(language), language):
            raise ConfigurationError(f"{model or FAMILY} knows no {language}.", next_step=_ANOTHER_MODEL)
        self._key = ASSEMBLYAI.key(api_key)
        self._model = model
        self._language = language
        self._format = format
        self._keyterms = None if keyterms_prompt is None else _checked_keyterms(keyterms_prompt)
        self._formats = format_turns
        self._detects = language_detection
        self._url = service_url(url, URL)
        self._clock = clock or SystemClock()
        self._options = _written(
            {
                "sample_rate": format.rate,
                "encoding": ENCODINGS[format.encoding],
                "format_turns": format_turns or None,
                "end_of_turn_confidence_threshold": end_of_turn_confidence_threshold,
                "min_turn_silence": min_turn_silence,
                "max_turn_silence": max_turn_silence,
                "vad_threshold": vad_threshold,
                "filter_profanity": filter_profanity or None,
                "prompt": prompt or None,
                "mode": mode or None,
                "domain": domain or None,
            }
        )

    @classmethod
    def for_twilio(cls, api_key: SecretStr | str = "", *, model: str = "", language: str = "") -> AssemblyAISTT:
        """With the audio that Twilio's media streams carry, which is the default anyway."""
        return cls(api_key, model=model, language=language, format=LINE)

    @property
    def name(self) -> str:
        return f"{self._model or FAMILY} at {host_of(self._url)}"

    @property
    def format(self) -> AudioFormat:
        return self._format

    @property
    def continuous(self) -> bool:
        return True

    async def open(self, hints: SpeechHints) -> Recognition:
        """See `SpeechToText.open`; a call in a language that the model does not know is an error, too."""
        language = primary_language(self._language or hints.language)
        model = self._model or default_model(language)
        faults = Faults(f"{model} at {host_of(self._url)}", ASSEMBLYAI, (self._key,), model)
        if not _knows(model, language):
            raise faults.failed(f"knows no {language}", retryable=False, next_step=_ANOTHER_MODEL)
        recognition = SocketRecognition(
            Address(
                f"{self._url}{PATH}?{urlencode(self._query(model, language, hints.phrases))}",
                {"Authorization": self._key.get_secret_value()},
            ),
            AssemblyAIDialect(faults, self._format, formats=self._formats),
            TERMS,
            format=self._format,
            product=Product(ASSEMBLYAI.billed_as, model),
            faults=faults,
            clock=self._clock,
        )
        await recognition.open()
        return recognition

    def _query(self, model: str, language: str, phrases: Sequence[str]) -> list[tuple[str, str]]:
        query = [("speech_model", model), *self._options]
        detects = self._detects
        if detects is None:
            detects = model == MULTILINGUAL or model.startswith(_PUNCTUATES)
        if detects:
            query.append(("language_detection", "true"))
        if language and model.startswith(_NAMES_LANGUAGES):
            query.append(("language_codes", _json([language])))
        terms = self._keyterms
        if terms is None:
            terms = tuple(phrase for phrase in phrases if 0 < len(phrase) <= MAX_KEYTERM)[:MAX_KEYTERMS]
        if terms:
            query.append(("keyterms_prompt", _json(terms)))
        return query


class AssemblyAIDialect:
    """A `stt.dialect.Dialect`."""

    def __init__(self, faults: Faults, format: AudioFormat, *, formats: bool = False) -> None:
        self._faults = faults
        self._bytes_per_second = format.bytes_per_second
        self._formats = formats
        self._sent_bytes = 0
        self._asked_s: float | None = None
        """The audio that was sent when a turn was to be ended that has not."""
        self._ended: deque[int] = deque(maxlen=MAX_ENDED)
        """The turns whose ends were told last: they come twice where they are formatted, and then sometimes after the
        next one's."""

    def begin(self) -> Iterable[str]:
        return ()

    def audio(self, audio: bytes) -> bytes:
        self._sent_bytes += len(audio)
        return audio

    def finalize(self) -> Iterable[str]:
        self._asked_s = self._sent_bytes / self._bytes_per_second
        return (FORCE_ENDPOINT,)

    def give_up(self) -> Iterable[Happening]:
        return ()

    def keep_alive(self) -> Iterable[str]:
        return (KEEP_ALIVE,)

    def end(self) -> Iterable[str]:
        return (TERMINATE,)

    def receive(self, message: str | bytes) -> Iterable[Happening]:
        told = _read(message)
        if told.type == "Turn":
            return self._turn(told)
        if told.error is not None:
            return (self._failed(told.error_code, told.error),)
        return ()

    def closed(self, code: int, reason: str) -> ProviderError | None:
        return self._failed(code, reason) if code in _KNOWN_CODES else None

    def _turn(self, turn: _Message) -> Iterable[Happening]:
        if turn.turn_order in self._ended:
            return ()
        if not (turn.end_of_turn and (turn.turn_is_formatted or not self._formats)):
            text = _so_far(turn)
            return (Transcript(text, final=False),) if text else ()
        if turn.turn_order is not None:
            self._ended.append(turn.turn_order)
        asked = self._answers(turn)
        self._asked_s = None
        text = turn.transcript.strip()
        if not (text or asked):
            return ()
        return (
            Transcript(
                text,
                final=True,
                confidence=sum(word.confidence for word in turn.words) / len(turn.words) if turn.words else None,
                from_finalize=asked,
                end_of_turn=not asked,
                words=tuple(HeardWord(word.text, word.start / 1000, word.end / 1000) for word in turn.words),
                language=turn.language_code or "",
            ),
        )

    def _answers(self, turn: _Message) -> bool:
        """A turn that ended while the request was on its way answers it: a request without a turn is passed over.  One
        that began after the request does not."""
        if self._asked_s is None:
            return False
        return not turn.words or turn.words[0].start / 1000 <= self._asked_s

    def _failed(self, code: int | None, words: str) -> ProviderError:
        said = f": {words}" if words else ""
        number = f" ({code})" if code is not None else ""
        if code in _KEY_CODES:
            return self._faults.failed(
                f"refused the key or its account{number}{said}",
                retryable=False,
                next_step=f"Look at the key in {ASSEMBLYAI.key_variable}, and at the balance of its account.",
            )
        if code in _BUSY_CODES:
            return self._faults.failed(
                f"has too many sessions open for this key{number}{said}", next_step="Try again in a moment."
            )
        return self._faults.failed(f"reports an error{number}{said}", retryable=code not in _FINAL_CODES)


_KNOWN_CODES: Final = _KEY_CODES | _BUSY_CODES | _FINAL_CODES | {3005, 3008}
"""Of which AssemblyAI says what they mean; 3005 is a fault of its own, with 3008 a session has lasted its three
hours."""


def default_model(language: str) -> str:
    """The cheaper of the models for this language (BCP 47)."""
    return ENGLISH if primary_language(language) == "en" else MULTILINGUAL


def _knows(model: str, language: str) -> bool:
    known = _LANGUAGES_OF.get(model)
    return known is None or primary_language(language) in known


def _so_far(turn: _Message) -> str:
    """What was said of a turn that goes on.  Models whose words become final one by one have the final ones alone in
    the transcript; the others have them all there, and none that is final."""
    text = turn.transcript.strip()
    coming = [word.text for word in turn.words if not word.word_is_final]
    if text and len(coming) == len(turn.words):
        return text
    return " ".join((*text.split(), *coming))


def _checked_keyterms(terms: Sequence[str]) -> tuple[str, ...]:
    if isinstance(terms, str):
        raise ConfigurationError("`keyterms_prompt` is a list of terms.")
    if len(terms) > MAX_KEYTERMS or not all(0 < len(term) <= MAX_KEYTERM for term in terms):
        raise ConfigurationError(
            f"AssemblyAI takes up to {MAX_KEYTERMS} key terms of up to {MAX_KEYTERM} characters each."
        )
    return tuple(terms)


def _check(sure: float | None, least_ms: int | None, most_ms: int | None, voice: float | None) -> None:
    for name, share in (("end_of_turn_confidence_threshold", sure), ("vad_threshold", voice)):
        if share is not None and not 0.0 <= share <= 1.0:
            raise ConfigurationError(f"`{name}` is between 0 and 1.")
    for name, silence_ms in (("min_turn_silence", least_ms), ("max_turn_silence", most_ms)):
        if silence_ms is not None and silence_ms < 0:
            raise ConfigurationError(f"`{name}` is a time in ms.")
    if least_ms is not None and most_ms is not None and least_ms > most_ms:
        raise ConfigurationError("`min_turn_silence` is not longer than `max_turn_silence`.")


def _written(options: Mapping[str, str | float | bool | None]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name, str(value).lower() if isinstance(value, bool) else str(value))
        for name, value in options.items()
        if value is not None
    )


def _json(items: Sequence[str]) -> str:
    return msgspec.json.encode(items).decode()


class _Word(msgspec.Struct):
    text: str = ""
    start: float = 0.0
    end: float = 0.0
    """Both ms."""
    confidence: float = 0.0
    word_is_final: bool = False


class _Message(msgspec.Struct):
    """Of any kind."""

    type: str = ""
    turn_order: int | None = None
    turn_is_formatted: bool = False
    end_of_turn: bool = False
    transcript: str = ""
    words: list[_Word] = []
    language_code: str | None = None
    error_code: int | None = None
    error: str | None = None


_read: Final = MessageReader(_Message)
