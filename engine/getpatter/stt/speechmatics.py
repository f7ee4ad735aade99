"""Speechmatics' realtime recogniser (`/v2`).

The protocol is that of the `speechmatics-rt` package and of docs.speechmatics.com/api-ref.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final, Literal, get_args

import msgspec
from pydantic import SecretStr

from getpatter.audio.format import LINE, AudioFormat
from getpatter.clock import Clock, SystemClock
from getpatter.connections.facts import Facts
from getpatter.connections.faults import Faults
from getpatter.connections.hosted_model import HostedModel
from getpatter.connections.messages import MessageReader
from getpatter.connections.vendor import service_url
from getpatter.connections.vendors import SPEECHMATICS
from getpatter.connections.websocket import Address
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.language.words import primary_language
from getpatter.metering import Product
from getpatter.stt.base import HeardWord, Recognition, SpeechHints, Transcript
from getpatter.stt.dialect import READY, Happening, Terms
from getpatter.stt.socket import SocketRecognition

URL: Final = "wss://eu2.rt.speechmatics.com/v2"
MODEL: Final = "enhanced"
ENCODINGS: Final = {"mulaw": "mulaw", "pcm16": "pcm_s16le"}
EndOfUtteranceMode = Literal["external", "fixed", "adaptive", "smart_turn"]
MaxDelayMode = Literal["flexible", "fixed"]
Vocabulary = Sequence[str | Mapping[str, Any]]

MAX_DELAYS_S: Final = (0.7, 4.0)
MAX_SILENCE_S: Final = 2.0
MAX_VOCABULARY: Final = 1000
"""Entries."""
MAX_ENTRY: Final = 6
"""Words of an entry; longer ones are dropped by Speechmatics."""

TERMS: Final = Terms(bills="audio", waits_for_ready=True, ready_s=20.0, finalize_s=1.0)
"""A vocabulary may take up to 15 s to be prepared.  Its own client waits a second for an end that it forced."""
_CODES: Final = {"fil": "tl", "nb": "no", "nn": "no", "zh": "cmn"}
_PACKS: Final = frozenset(("ar_en", "cmn_en", "cmn_en_ms_ta", "en_ms", "en_ta"))
_LOCALES: Final = {
    **{locale.lower(): locale for locale in ("en-AU", "en-GB", "en-US")},
    **{f"zh-{region}": "cmn-Hans" for region in ("hans", "cn", "sg")},
    **{f"zh-{region}": "cmn-Hant" for region in ("hant", "tw", "hk")},
}
"""In which spelling its words are written; the languages themselves are the same everywhere."""
_CLOSE_CODES: Final = {
    1003: "protocol_error",
    4001: "not_authorised",
    4003: "not_allowed",
    4004: "invalid_model",
    4005: "quota_exceeded",
    4006: "timelimit_exceeded",
    4013: "job_error",
}
_RETRYABLE: Final = frozenset(
    {"quota_exceeded", "job_error", "idle_timeout", "session_timeout", "internal_error", "unknown_error"}
)


class SpeechmaticsSTT(HostedModel):
    """A session a call; the telephone's µ-law goes as it came.

    `max_delay` (0.7 to 4 s) is how long after a word its transcript may become final without being asked for; a
    request makes final at once what was said.  In the `end_of_utterance_mode` "fixed" Speechmatics tells by itself
    that a turn has ended (`Transcript.end_of_turn`), after `end_of_utterance_silence_trigger` (up to 2 s) without a
    word.  In "external" it does not.  "adaptive" and "smart_turn" are what its client library adds to "external": a
    model of turns on this side that forces their ends; the engine's own does that here, so that all three are one.

    `additional_vocab` are words, or mappings of `content` and `sounds_like`; the call's phrases of up to six words are
    put after them.  A long list delays the start of a session.  `language` (BCP 47, or one of Speechmatics' codes such
    as `cmn_en`) is the call's where it is empty, and `output_locale` follows it.  Raises `ConfigurationError`.
    """

    FACTS: ClassVar = Facts(
        vendor="Speechmatics",
        key_variable=SPEECHMATICS.key_variable,
        transport="WebSocket",
        formats=("mulaw 8000", "pcm16 at any rate"),
        models=(MODEL, "standard"),
        features=("interims", "finalize", "end of turn", "word times", "vocabulary", "languages", "spelling"),
        billing="audio",
        tested_with="speechmatics-rt",
        unconfirmed=(
            "whether the time of an open session is billed that is sent no audio: it is open while the call rings",
            "whether a ForceEndOfUtterance that finds no words is answered: we take silence for an empty answer",
        ),
    )

    def __init__(
        self,
        api_key: SecretStr | str = "",
        *,
        model: str = MODEL,
        language: str = "",
        format: AudioFormat = LINE,
        end_of_utterance_mode: EndOfUtteranceMode = "external",
        end_of_utterance_silence_trigger: float = 0.5,
        max_delay: float = 2.0,
        max_delay_mode: MaxDelayMode = "flexible",
        enable_partials: bool = True,
        enable_entities: bool | None = None,
        additional_vocab: Vocabulary = (),
        punctuation_overrides: Mapping[str, Any] | None = None,
        output_locale: str = "",
        domain: str = "",
        url: str = "",
        clock: Clock | None = None,
    ) -> None:
        _check_choice("end_of_utterance_mode", end_of_utterance_mode, get_args(EndOfUtteranceMode))
        _check_choice("max_delay_mode", max_delay_mode, get_args(MaxDelayMode))
        fixed = end_of_utterance_mode == "fixed"
        _check_times(max_delay, end_of_utterance_silence_trigger if fixed else None)
        self._vocabulary = _checked_vocabulary(additional_vocab)
        self._key = SPEECHMATICS.key(api_key)
        self._model = model
        self._language = language
        self._format = format
        self._locale = output_locale
        self._url = service_url(url, URL)
        self._clock = clock or SystemClock()
        self._faults = Faults(self.name, SPEECHMATICS, (self._key,), self._model)
        trigger = {"end_of_utterance_silence_trigger": end_of_utterance_silence_trigger} if fixed else None
        self._options = {
            "model": model,
            "max_delay": max_delay,
            "max_delay_mode": max_delay_mode,
            "enable_partials": enable_partials,
            "enable_entities": enable_entities,
            "punctuation_overrides": None if punctuation_overrides is None else dict(punctuation_overrides),
            "domain": domain or None,
            "conversation_config": trigger,
        }

    @property
    def format(self) -> AudioFormat:
        return self._format

    @property
    def continuous(self) -> bool:
        return True

    async def open(self, hints: SpeechHints) -> Recognition:
        """See `SpeechToText.open`."""
        recognition = SocketRecognition(
            Address(self._url, {"Authorization": f"Bearer {self._key.get_secret_value()}"}),
            SpeechmaticsDialect(self._start(hints), self._faults, self._format),
            TERMS,
            format=self._format,
            product=Product(SPEECHMATICS.billed_as, self._model),
            faults=self._faults,
            clock=self._clock,
        )
        await recognition.open()
        return recognition

    def _start(self, hints: SpeechHints) -> dict[str, Any]:
        language = self._language or hints.language
        phrases = ({"content": phrase} for phrase in hints.phrases if 0 < len(phrase.split()) <= MAX_ENTRY)
        configuration = {
            "language": language_code(language),
            **self._options,
            "output_locale": self._locale or _LOCALES.get(language.replace("_", "-").lower()),
            "additional_vocab": [*self._vocabulary, *phrases][:MAX_VOCABULARY] or None,
        }
        return {
            "message": "StartRecognition",
            "audio_format": {
                "type": "raw",
                "encoding": ENCODINGS[self._format.encoding],
                "sample_rate": self._format.rate,
            },
            "transcription_config": {name: value for name, value in configuration.items() if value is not None},
        }


class SpeechmaticsDialect:
    """A `stt.dialect.Dialect`."""

    def __init__(self, start: Mapping[str, Any], faults: Faults, format: AudioFormat) -> None:
        self._start = start
        self._faults = faults
        self._bytes_per_second = format.bytes_per_second
        self._sent_bytes = 0
        self._sent_messages = 0
        self._asked_s: float | None = None
        """The audio that was sent when an utterance was to be ended that has not."""
        self._turn_has_words = False
        """Final words came since an utterance ended."""

    def begin(self) -> Iterable[str]:
        return (msgspec.json.encode(self._start).decode(),)

    def audio(self, audio: bytes) -> bytes:
        self._sent_bytes += len(audio)
        self._sent_messages += 1
        return audio

    def finalize(self) -> Iterable[str]:
        # Rounded down: a time that is still to come would be waited for.
        self._asked_s = 1000 * self._sent_bytes // self._bytes_per_second / 1000
        return (f'{{"message":"ForceEndOfUtterance","timestamp":{self._asked_s}}}',)

    def give_up(self) -> Iterable[Happening]:
        return ()

    def keep_alive(self) -> Iterable[str]:
        return ()

    def end(self) -> Iterable[str]:
        return (f'{{"message":"EndOfStream","last_seq_no":{self._sent_messages}}}',)

    def receive(self, message: str | bytes) -> Iterable[Happening]:
        told = _read(message)
        match told.message:
            case "AddPartialTranscript":
                return self._transcript(told, final=False)
            case "AddTranscript":
                return self._transcript(told, final=True)
            case "EndOfUtterance":
                return self._utterance_ended(told)
            case "RecognitionStarted":
                return (READY,)
            case "Error":
                return (self._failed(told.type or "unknown_error", told.reason or ""),)
        return ()

    def closed(self, code: int, reason: str) -> ProviderError | None:
        kind = _CLOSE_CODES.get(code)
        return None if kind is None else self._failed(kind, "" if reason == kind else reason)

    def _transcript(self, told: _Message, *, final: bool) -> Iterable[Happening]:
        text = told.metadata.transcript.strip()
        if not text:
            return ()
        if told.results and all(result.type == "punctuation" for result in told.results):
            return ()  # of words that are final already
        if not final:
            return (Transcript(text, final=False),)
        self._turn_has_words = True
        return (Transcript(text, final=True, confidence=_confidence(told.results), words=_words(told.results)),)

    def _utterance_ended(self, told: _Message) -> Iterable[Happening]:
        """Its words came before it.  One that ended while the request was on its way answers it: a silence has no
        second end."""
        answers = told.forced is True or (self._asked_s is not None and told.metadata.end_time <= self._asked_s)
        has_words, self._turn_has_words, self._asked_s = self._turn_has_words, False, None
        if answers or has_words:
            return (Transcript("", final=True, from_finalize=answers, end_of_turn=not answers),)
        return ()

    def _failed(self, kind: str, reason: str) -> ProviderError:
        said = f": {reason}" if reason else ""
        match kind:
            case "not_authorised":
                return self._faults.failed(
                    "refused the key",
                    retryable=False,
                    next_step=f"Set {SPEECHMATICS.key_variable} to a valid key of {SPEECHMATICS.name}.",
                )
            case "quota_exceeded":
                return self._faults.failed(
                    f"has too many sessions open for this key{said}", next_step="Try again in a moment."
                )
            case "timelimit_exceeded":
                return self._faults.failed(
                    f"gives this account no more time{said}",
                    retryable=False,
                    next_step=f"Look at the account's usage at {SPEECHMATICS.name}.",
                )
        return self._faults.failed(f"reports {kind}{said}", retryable=kind in _RETRYABLE)


def language_code(language: str) -> str:
    """Speechmatics' code for a BCP 47 tag; codes of its packs of languages, such as `cmn_en`, are left as they are."""
    if language in _PACKS:
        return language
    code = primary_language(language)
    return _CODES.get(code, code)


def _words(results: Iterable[_Result]) -> tuple[HeardWord, ...]:
    """Punctuation is told by itself, and belongs to the word before it or, as an opening mark, to the next."""
    words: list[HeardWord] = []
    opening = ""
    for result in results:
        content = result.alternatives[0].content if result.alternatives else ""
        if result.type != "punctuation":
            words.append(HeardWord(opening + content, result.start_time, result.end_time))
            opening = ""
        elif result.attaches_to == "next" or not words:
            opening += content
        else:
            last = words[-1]
            words[-1] = HeardWord(last.text + content, last.start_s, last.end_s)
    return tuple(words)


def _confidence(results: Iterable[_Result]) -> float | None:
    """That of the words, on average."""
    known = [
        result.alternatives[0].confidence for result in results if result.alternatives and result.type != "punctuation"
    ]
    return sum(known) / len(known) if known else None


def _checked_vocabulary(given: Vocabulary) -> list[dict[str, Any]]:
    if isinstance(given, str) or len(given) > MAX_VOCABULARY:
        raise ConfigurationError(f"`additional_vocab` is a list of up to {MAX_VOCABULARY} entries.")
    entries = [{"content": entry} if isinstance(entry, str) else dict(entry) for entry in given]
    for entry in entries:
        content = entry.get("content")
        if not isinstance(content, str) or not 0 < len(content.split()) <= MAX_ENTRY:
            raise ConfigurationError(f"An entry of `additional_vocab` has a `content` of one to {MAX_ENTRY} words.")
        if entry.keys() - {"content", "sounds_like"}:
            raise ConfigurationError("An entry of `additional_vocab` has `content` and `sounds_like`.")
    return entries


def _check_choice(name: str, given: str, known: Sequence[str]) -> None:
    if given not in known:
        raise ConfigurationError(f"`{name}` is one of {', '.join(known)}.")


def _check_times(max_delay_s: float, trigger_s: float | None) -> None:
    low, high = MAX_DELAYS_S
    if not low <= max_delay_s <= high:
        raise ConfigurationError(f"`max_delay` is between {low:g} and {high:g} s.")
    if trigger_s is None:
        return
    if not 0.0 < trigger_s <= MAX_SILENCE_S:
        raise ConfigurationError(f"`end_of_utterance_silence_trigger` is up to {MAX_SILENCE_S:g} s.")
    if trigger_s >= max_delay_s:
        raise ConfigurationError("`end_of_utterance_silence_trigger` is shorter than `max_delay`.")


class _Alternative(msgspec.Struct):
    content: str = ""
    confidence: float = 0.0


class _Result(msgspec.Struct):
    type: str = ""
    start_time: float = 0.0
    end_time: float = 0.0
    attaches_to: str | None = None
    alternatives: list[_Alternative] = []


class _Metadata(msgspec.Struct):
    transcript: str = ""
    end_time: float = 0.0


class _Message(msgspec.Struct):
    """Of any kind."""

    message: str = ""
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    results: list[_Result] = []
    forced: bool | None = None
    type: str | None = None
    reason: str | None = None


_read: Final = MessageReader(_Message)
