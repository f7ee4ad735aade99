"""Deepgram's Flux models (`/v2/listen`), which judge by what was said whether somebody has finished.

A class of its own, because the protocol and nearly all options differ from those of the Nova models.  It is that of the
`deepgram-sdk` and of developers.deepgram.com.
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
from getpatter.stt.deepgram import CLOSE, ENCODINGS, URL, key_terms
from getpatter.stt.dialect import Happening, Terms
from getpatter.stt.socket import SocketRecognition

RATES: Final = (8000, 16_000, 24_000, 44_100, 48_000)
"""Hz."""
LANGUAGES: Final = frozenset(("de", "en", "es", "fr", "hi", "it", "ja", "nl", "pt", "ru"))
"""What `flux-general-multi` knows."""
FORCE_END: Final = '{"type":"ForceEndTurn"}'

_TERMS: Final = Terms(bills="audio", piece_s=0.08, finalize_s=1.0, stands_idle=False)
"""It has no message that keeps a connection without audio open.  Pieces of 80 ms are what Deepgram advises."""


class DeepgramFluxSTT(HostedModel):
    """One model, for any number of calls.

    It ends turns of its own accord (`Transcript.end_of_turn`), as sure as `eot_threshold` (0.5 to 1; 1 leaves it to
    the engine) and at the latest after `eot_timeout_ms` of silence (500 to 60 000).  With `eager_eot_threshold` (0.3 to
    0.9) it tells a likely end early, as an interim result.  A request for the final transcript ends the turn at once,
    with what was understood so far.  What is None is left to Deepgram.

    `language` is for `flux-general-multi`: where it is empty, each call's own language is expected, where Flux knows
    it.  A call's phrases become key terms, after those in `keyterm`.  Raises `ConfigurationError`.
    """

    FACTS: ClassVar = Facts(
        vendor="Deepgram",
        key_variable=DEEPGRAM.key_variable,
        transport="WebSocket",
        formats=("mulaw 8000", "pcm16 8000", "pcm16 16000", "pcm16 24000", "pcm16 44100", "pcm16 48000"),
        models=("flux-general-en", "flux-general-multi"),
        features=("interims", "finalize", "end of turn", "early end of turn", "word times", "key terms", "languages"),
        billing="audio",
        tested_with="deepgram-sdk",
        unconfirmed=(
            "whether ForceEndTurn waits for audio that was sent before it and is not transcribed yet",
            "how long a connection without audio is kept: it is opened with the first audio",
        ),
    )

    def __init__(
        self,
        api_key: SecretStr | str = "",
        *,
        model: str = "flux-general-en",
        language: str = "",
        format: AudioFormat = LINE,
        eot_threshold: float | None = None,
        eager_eot_threshold: float | None = None,
        eot_timeout_ms: int | None = None,
        keyterm: Sequence[str] = (),
        numerals: bool = False,
        profanity_filter: bool = False,
        mip_opt_out: bool = False,
        url: str = "",
        clock: Clock | None = None,
    ) -> None:
        if not model.startswith("flux"):
            raise ConfigurationError(f"{model} is no Flux model.", next_step="Use DeepgramSTT.")
        if isinstance(keyterm, str):
            raise ConfigurationError("`keyterm` is a list of terms.")
        if format.rate not in RATES:
            raise ConfigurationError(f"Flux takes {', '.join(map(str, RATES))} Hz, not {format.rate}.")
        _check_thresholds(eot_threshold, eager_eot_threshold, eot_timeout_ms)
        self._key = DEEPGRAM.key(api_key)
        self._model = model
        self._language = language
        self._format = format
        self._keyterm = tuple(keyterm)
        self._url = service_url(url, URL)
        self._clock = clock or SystemClock()
        self._faults = Faults(self.name, DEEPGRAM, (self._key,), self._model)
        numbers = {
            "eot_threshold": eot_threshold,
            "eager_eot_threshold": eager_eot_threshold,
            "eot_timeout_ms": eot_timeout_ms,
        }
        switches = {"numerals": numerals, "profanity_filter": profanity_filter, "mip_opt_out": mip_opt_out}
        self._options = [
            ("model", model),
            ("encoding", ENCODINGS[format.encoding]),
            ("sample_rate", str(format.rate)),
            *((name, f"{number:g}") for name, number in numbers.items() if number is not None),
            *((name, "true") for name, on in switches.items() if on),
        ]

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
                f"{self._url}/v2/listen?{urlencode(self._query(hints))}",
                {"Authorization": f"Token {self._key.get_secret_value()}"},
            ),
            FluxDialect(self._faults),
            _TERMS,
            format=self._format,
            product=Product(DEEPGRAM.billed_as, self._model),
            faults=self._faults,
            clock=self._clock,
        )
        await recognition.open()
        return recognition

    def _query(self, hints: SpeechHints) -> list[tuple[str, str]]:
        query = [*self._options, *(("keyterm", term) for term in key_terms(self._keyterm, hints.phrases))]
        language = self._language or hints.language.partition("-")[0].lower()
        if self._model.endswith("-multi") and (self._language or language in LANGUAGES):
            query.append(("language_hint", language))
        return query


class FluxDialect:
    """See `stt.dialect.Dialect`."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._asked = False
        """The turn was to be ended, and no turn has ended since."""

    def begin(self) -> Iterable[str | bytes]:
        return ()

    def audio(self, audio: bytes) -> str | bytes:
        return audio

    def finalize(self) -> Iterable[str | bytes]:
        self._asked = True
        return (FORCE_END,)

    def give_up(self) -> Iterable[Happening]:
        return ()

    def keep_alive(self) -> Iterable[str | bytes]:
        return ()

    def end(self) -> Iterable[str | bytes]:
        return (CLOSE,)

    def receive(self, message: str | bytes) -> Iterable[Happening]:
        read = _read(message)
        if read.type == "TurnInfo":
            return self._turn(read)
        if read.type == "Error":
            return (self._faults.failed(f"reports {read.code or 'an error'}: {read.description}"),)
        return ()

    def closed(self, code: int, reason: str) -> ProviderError | None:
        return None

    def _turn(self, turn: _Message) -> Iterable[Happening]:
        ended = turn.event == "EndOfTurn"
        # A turn that ended while the request was on its way answers it: a request without a turn is passed over.
        answers = ended and self._asked
        if ended:
            self._asked = False
        text = turn.transcript.strip()
        if not (text or answers):
            return ()
        transcript = Transcript(
            text,
            final=ended,
            from_finalize=answers,
            end_of_turn=ended and turn.trigger != "manual",
            words=tuple(
                HeardWord(word.word, word.start, word.end)
                for word in turn.words
                if word.start is not None and word.end is not None
            ),
            language=turn.languages[0] if turn.languages else "",
        )
        return (transcript,)


def _check_thresholds(sure: float | None, eager: float | None, timeout_ms: int | None) -> None:
    if sure is not None and not 0.5 <= sure <= 1.0:
        raise ConfigurationError("`eot_threshold` is between 0.5 and 1.")
    if eager is not None and not 0.3 <= eager <= min(0.9, 1.0 if sure is None else sure):
        raise ConfigurationError("`eager_eot_threshold` is between 0.3 and 0.9, and not above `eot_threshold`.")
    if timeout_ms is not None and not 500 <= timeout_ms <= 60_000:
        raise ConfigurationError("`eot_timeout_ms` is between 500 and 60000.")


class _Word(msgspec.Struct):
    word: str = ""
    start: float | None = None
    end: float | None = None


class _Message(msgspec.Struct):
    """Of any kind."""

    type: str = ""
    event: str | None = None
    transcript: str = ""
    words: list[_Word] = []
    languages: list[str] | None = None
    trigger: str | None = None
    code: str | None = None
    description: str | None = None


_read: Final = MessageReader(_Message)
