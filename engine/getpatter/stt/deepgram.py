"""Deepgram's Nova models (`/v1/listen`).  Those that judge ends of turns are in `stt.deepgram_flux`.

The protocol is that of the `deepgram-sdk` and of developers.deepgram.com.
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
from getpatter.connections.vendor import service_url
from getpatter.connections.vendors import DEEPGRAM
from getpatter.connections.websocket import Address
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.metering import Product
from getpatter.stt.base import HeardWord, Recognition, SpeechHints, Transcript
from getpatter.stt.dialect import Happening, Terms
from getpatter.stt.socket import SocketRecognition

URL: Final = "wss://api.deepgram.com"
ENCODINGS: Final = {"mulaw": "mulaw", "pcm16": "linear16"}
RATES: Final = range(8000, 48_001)
"""Hz."""
KEYTERM_BYTES: Final = 1000
"""Of all the key terms that are made of a call's phrases.  More than 500 tokens are refused, together with the
connection; no tokenizer is known, and two bytes a token is the least that any makes of words."""
MIN_UTTERANCE_END_MS: Final = 1000
"""Gaps are looked for in the interim results, which come once a second."""
COVERED_S: Final = 0.02
"""A result that ends so short of the audio's end covers it: times are rounded to hundredths."""

_TERMS: Final = Terms(bills="audio", keep_alive_s=4.0, finalize_s=1.0)
"""The connection is closed after 10 s with neither audio nor `KeepAlive`, which is to be sent every 3 to 5 s."""
_REGIONS: Final = (
    *("da-DK", "de-CH", "en-AU", "en-GB", "en-IN", "en-NZ", "en-US", "es-419", "fr-CA", "ko-KR", "nl-BE"),
    *("pt-BR", "pt-PT", "sv-SE", "zh-CN", "zh-HK", "zh-TW", "zh-Hans", "zh-Hant"),
)
"""Languages that it knows by region; of others it knows the language alone."""
_BY_TAG: Final = {code.lower(): code for code in _REGIONS}

FINALIZE: Final = '{"type":"Finalize"}'
KEEP_ALIVE: Final = '{"type":"KeepAlive"}'
CLOSE: Final = '{"type":"CloseStream"}'


class DeepgramSTT(HostedModel):
    """One model, for any number of calls.

    `language` is one of Deepgram's codes, or `multi` for several languages in one call; where it is empty, each call's
    own language is used.  A call's phrases become key terms of the Nova-3 models, after those in `keyterm`; older
    models take `keywords` instead.  `endpointing_ms` is the silence after which a result becomes final without being
    asked for (0: never); it is longer than the pause after which the engine asks, since only words that are not final
    yet are certain to be answered with.  `utterance_end_ms` (0: off) ends a turn when no words came for so long, though
    the line is not silent.  `vad_events` are passed over: the engine hears for itself when somebody speaks.

    Raises `ConfigurationError`.
    """

    FACTS: ClassVar = Facts(
        vendor="Deepgram",
        key_variable=DEEPGRAM.key_variable,
        transport="WebSocket",
        formats=("mulaw 8000", "pcm16 8000 to 48000"),
        models=("nova-3", "nova-3-medical", "nova-2", "nova-2-phonecall"),
        features=("interims", "finalize", "word times", "key terms", "keywords", "languages", "utterance end"),
        billing="audio",
        tested_with="deepgram-sdk",
        unconfirmed=(
            "no_delay is documented, but the official client does not know it",
            "whether a Finalize that finds nothing to transcribe is answered: we take silence for an empty answer",
        ),
    )

    def __init__(
        self,
        api_key: SecretStr | str = "",
        *,
        model: str = "nova-3",
        language: str = "",
        format: AudioFormat = LINE,
        interim_results: bool = True,
        endpointing_ms: int = 1000,
        utterance_end_ms: int = 0,
        vad_events: bool = False,
        smart_format: bool = False,
        punctuate: bool = True,
        numerals: bool = False,
        profanity_filter: bool = False,
        no_delay: bool = True,
        keyterm: Sequence[str] = (),
        keywords: Sequence[str] = (),
        mip_opt_out: bool = False,
        url: str = "",
        clock: Clock | None = None,
    ) -> None:
        _check_model(model, keyterm=keyterm, keywords=keywords)
        _check_times(endpointing_ms, utterance_end_ms, interim_results=interim_results)
        if format.rate not in RATES:
            raise ConfigurationError(f"Deepgram takes 8000 to 48000 Hz, not {format.rate}.")
        self._key = DEEPGRAM.key(api_key)
        self._model = model
        self._language = language
        self._format = format
        self._keyterm = tuple(keyterm)
        self._url = service_url(url, URL)
        self._clock = clock or SystemClock()
        self._faults = Faults(self.name, DEEPGRAM, (self._key,), self._model)
        switches = {
            "interim_results": interim_results,
            "punctuate": punctuate,
            "smart_format": smart_format,
            "numerals": numerals,
            "profanity_filter": profanity_filter,
            "vad_events": vad_events,
            "no_delay": no_delay and smart_format,  # it is formatting that waits for more words
            "mip_opt_out": mip_opt_out,
        }
        self._options = [
            ("model", model),
            ("encoding", ENCODINGS[format.encoding]),
            ("sample_rate", str(format.rate)),
            ("channels", "1"),
            ("endpointing", str(endpointing_ms) if endpointing_ms else "false"),
            *((name, "true") for name, on in switches.items() if on),
            *(("keywords", word) for word in keywords),
        ]
        if utterance_end_ms:
            self._options.append(("utterance_end_ms", str(utterance_end_ms)))

    @classmethod
    def for_twilio(cls, api_key: SecretStr | str = "", *, model: str = "nova-3", language: str = "") -> DeepgramSTT:
        """With the audio that Twilio's media streams carry, which is the default anyway."""
        return cls(api_key, model=model, language=language, format=LINE)

    @property
    def format(self) -> AudioFormat:
        return self._format

    @property
    def continuous(self) -> bool:
        return True

    async def open(self, hints: SpeechHints) -> Recognition:
        """See `SpeechToText.open`."""
        language = self._language or language_code(hints.language)
        recognition = SocketRecognition(
            Address(
                f"{self._url}/v1/listen?{urlencode(self._query(language, hints.phrases))}",
                {"Authorization": f"Token {self._key.get_secret_value()}"},
            ),
            NovaDialect(self._faults, self._format),
            _TERMS,
            format=self._format,
            product=_product(self._model, language),
            faults=self._faults,
            clock=self._clock,
        )
        await recognition.open()
        return recognition

    def _query(self, language: str, phrases: Iterable[str]) -> list[tuple[str, str]]:
        terms = key_terms(self._keyterm, phrases) if _has_key_terms(self._model) else ()
        return [*self._options, ("language", language), *(("keyterm", term) for term in terms)]


class NovaDialect:
    """See `stt.dialect.Dialect`."""

    def __init__(self, faults: Faults, format: AudioFormat) -> None:
        self._faults = faults
        self._bytes_per_second = format.bytes_per_second
        self._sent_s = 0.0
        self._asked_s: float | None = None
        """The audio that was sent when a final transcript was asked for that has not come."""
        self._turn_has_words = False
        """Final words came that nobody asked for."""

    def begin(self) -> Iterable[str | bytes]:
        return ()

    def audio(self, audio: bytes) -> str | bytes:
        self._sent_s += len(audio) / self._bytes_per_second
        return audio

    def finalize(self) -> Iterable[str | bytes]:
        self._asked_s = self._sent_s
        return (FINALIZE,)

    def give_up(self) -> Iterable[Happening]:
        return ()

    def keep_alive(self) -> Iterable[str | bytes]:
        return (KEEP_ALIVE,)

    def end(self) -> Iterable[str | bytes]:
        return (CLOSE,)

    def receive(self, message: str | bytes) -> Iterable[Happening]:
        match _read_kind(message).type:
            case "Results":
                return self._results(_read_results(message))
            case "UtteranceEnd" if self._turn_has_words:
                self._turn_has_words = False
                return (Transcript("", final=True, end_of_turn=True),)
            case "Error":
                return (self._failed(_read_error(message)),)
        return ()

    def closed(self, code: int, reason: str) -> ProviderError | None:
        return None

    def _results(self, results: _Results) -> Iterable[Happening]:
        alternatives = results.channel.alternatives
        best = alternatives[0] if alternatives else _Alternative()
        text = best.transcript.strip()
        final = results.is_final is True
        answers = final and self._answers(results)
        if answers:
            self._asked_s = None
            self._turn_has_words = False
        elif not text:
            return ()
        elif final:
            self._turn_has_words = True
        transcript = Transcript(
            text,
            final=final,
            confidence=best.confidence if text else None,
            from_finalize=answers,
            words=tuple(HeardWord(word.punctuated_word or word.word, word.start, word.end) for word in best.words),
            language=best.languages[0] if best.languages else "",
        )
        return (transcript,)

    def _answers(self, results: _Results) -> bool:
        """Deepgram marks its answers; but a result that was final of its own accord when the request came is none, and
        when nothing is left after it, none follows."""
        if results.from_finalize:
            return True
        return self._asked_s is not None and results.start + results.duration >= self._asked_s - COVERED_S

    def _failed(self, error: _Error) -> ProviderError:
        return self._faults.failed(
            f"reports {error.variant or 'an error'}: {error.description}", retryable=error.variant != "SchemaError"
        )


def language_code(language: str) -> str:
    """Deepgram's code for a BCP 47 tag."""
    return _BY_TAG.get(language.lower()) or language.partition("-")[0].lower()


def key_terms(given: Iterable[str], phrases: Iterable[str], limit: int = KEYTERM_BYTES) -> tuple[str, ...]:
    """Those that were given, and as many of a call's phrases as `limit`, in bytes of all of them, leaves room for."""
    terms = list(given)
    size = sum(len(term.encode()) for term in terms)
    for phrase in phrases:
        size += len(phrase.encode())
        if size > limit:
            break
        terms.append(phrase)
    return tuple(dict.fromkeys(term for term in terms if term.strip()))


def _has_key_terms(model: str) -> bool:
    return model.startswith("nova-3")


def _check_model(model: str, *, keyterm: Sequence[str], keywords: Sequence[str]) -> None:
    if model.startswith("flux"):
        raise ConfigurationError(f"{model} speaks another protocol.", next_step="Use DeepgramFluxSTT.")
    if isinstance(keyterm, str) or isinstance(keywords, str):
        raise ConfigurationError("`keyterm` and `keywords` are lists of words.")
    if keyterm and not _has_key_terms(model):
        raise ConfigurationError(f"{model} has no key terms.", next_step="Pass `keywords`, or use nova-3.")
    if keywords and _has_key_terms(model):
        raise ConfigurationError(f"{model} has no keywords.", next_step="Pass `keyterm`.")


def _check_times(endpointing_ms: int, utterance_end_ms: int, *, interim_results: bool) -> None:
    if endpointing_ms < 0:
        raise ConfigurationError("`endpointing_ms` is a time in ms, or 0.")
    if not utterance_end_ms:
        return
    if utterance_end_ms < MIN_UTTERANCE_END_MS or not interim_results:
        raise ConfigurationError(f"`utterance_end_ms` is {MIN_UTTERANCE_END_MS} or more, and needs `interim_results`.")


def _product(model: str, language: str) -> Product:
    several = _has_key_terms(model) and language == "multi"
    return Product(DEEPGRAM.billed_as, "nova-3-multilingual" if several else model)


class _Kind(msgspec.Struct):
    type: str = ""


class _Word(msgspec.Struct):
    word: str = ""
    start: float = 0.0
    end: float = 0.0
    punctuated_word: str | None = None


class _Alternative(msgspec.Struct):
    transcript: str = ""
    confidence: float | None = None
    words: list[_Word] = []
    languages: list[str] | None = None


class _Channel(msgspec.Struct):
    alternatives: list[_Alternative] = []


class _Results(msgspec.Struct):
    channel: _Channel = msgspec.field(default_factory=_Channel)
    start: float = 0.0
    duration: float = 0.0
    is_final: bool | None = None
    from_finalize: bool | None = None


class _Error(msgspec.Struct):
    variant: str | None = None
    description: str | None = None


_read_kind: Final = MessageReader(_Kind)
_read_results: Final = MessageReader(_Results)
_read_error: Final = MessageReader(_Error)
