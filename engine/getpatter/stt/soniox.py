"""Soniox' recogniser, over a WebSocket."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final

import msgspec
from pydantic import SecretStr

from getpatter.audio.format import LINE, AudioFormat
from getpatter.clock import Clock, SystemClock
from getpatter.connections.facts import Facts
from getpatter.connections.faults import Faults
from getpatter.connections.hosted_model import HostedModel
from getpatter.connections.messages import MessageReader
from getpatter.connections.vendor import service_url
from getpatter.connections.vendors import SONIOX
from getpatter.connections.websocket import Address
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.language.words import primary_language
from getpatter.metering import Product
from getpatter.stt.base import HeardWord, Recognition, SpeechHints, Transcript
from getpatter.stt.dialect import Happening, Terms
from getpatter.stt.socket import SocketRecognition

URL: Final = "wss://stt-rt.soniox.com/transcribe-websocket"
MODEL: Final = "stt-rt-v4"
MAX_CONTEXT: Final = 10_000
"""Characters of context that Soniox takes, by its own estimate for 8000 tokens."""
KEEP_ALIVE_S: Final = 5.0
"""As its own client; a session that hears nothing for 20 s is closed."""

_END: Final = "<end>"
_FINALIZED: Final = "<fin>"
_TRANSLATION: Final = "translation"
_CODES: Final = {"nb": "no", "nn": "no", "fil": "tl", "iw": "he", "in": "id"}

# The whole time of a stream is charged, not only that of its audio.
TERMS: Final = Terms(bills="session", keep_alive_s=KEEP_ALIVE_S)


class SonioxSTT(HostedModel):
    """A session a call, opened with its first audio, since its whole time is billed; the telephone's µ-law goes as it
    came.

    `max_endpoint_delay_ms` (500 to 3000) is how long after the last word Soniox may take to find a turn complete;
    `endpoint_sensitivity` (-1 to 1) is for models from v5 on.  `trailing_silence_ms` says how much silence a request
    for a final transcript follows, so that Soniox need not add as much.  The call's phrases are put among the terms
    of `context`, which has Soniox' own form.  `language` (BCP 47) is the call's where it is empty, and a hint unless
    `language_hints_strict`.  Raises `ConfigurationError`.
    """

    FACTS: ClassVar[Facts] = Facts(
        vendor="Soniox",
        key_variable="SONIOX_API_KEY",
        transport="WebSocket",
        formats=("mulaw 8000", "pcm16 at any rate"),
        models=(MODEL, "stt-rt-v5"),
        features=("interims", "word times", "finalize", "end of turn", "language", "context", "keep-alive"),
        billing="session",
        tested_with="soniox",
        unconfirmed=(
            "how a wrong key in the handshake is refused (by HTTP and by message are understood)",
            "what is done with a context that is too long; ours is cut",
        ),
    )

    def __init__(
        self,
        api_key: SecretStr | str = "",
        *,
        model: str = MODEL,
        language: str = "",
        format: AudioFormat = LINE,
        language_hints_strict: bool = False,
        context: Mapping[str, Any] | None = None,
        enable_language_identification: bool = True,
        enable_endpoint_detection: bool = True,
        max_endpoint_delay_ms: int = 500,
        endpoint_sensitivity: float | None = None,
        trailing_silence_ms: int | None = None,
        client_reference_id: str = "",
        url: str = "",
        clock: Clock | None = None,
    ) -> None:
        self._key = SONIOX.key(api_key)
        _check(max_endpoint_delay_ms, endpoint_sensitivity, trailing_silence_ms, client_reference_id)
        self._model = model
        self._language = language
        self._format = format
        self._strict = language_hints_strict
        self._context = dict(context or {})
        self._trailing_silence_ms = trailing_silence_ms
        self._options: dict[str, Any] = {
            "enable_language_identification": enable_language_identification,
            "enable_endpoint_detection": enable_endpoint_detection,
        }
        if enable_endpoint_detection:
            self._options["max_endpoint_delay_ms"] = max_endpoint_delay_ms
            if endpoint_sensitivity is not None:
                self._options["endpoint_sensitivity"] = endpoint_sensitivity
        if client_reference_id:
            self._options["client_reference_id"] = client_reference_id
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
        faults = Faults(self.name, SONIOX, [self._key], self._model)
        recognition = SocketRecognition(
            # The key goes with the handshake: Soniox takes it in the first message until 15 January 2027 only.
            Address(self._url, {"Authorization": f"Bearer {self._key.get_secret_value()}"}),
            SonioxDialect(self._configuration(hints), faults, trailing_silence_ms=self._trailing_silence_ms),
            TERMS,
            format=self._format,
            product=Product(SONIOX.billed_as, self._model),
            faults=faults,
            clock=self._clock,
        )
        await recognition.open()
        return recognition

    def _configuration(self, hints: SpeechHints) -> dict[str, Any]:
        configuration: dict[str, Any] = {
            "model": self._model,
            "audio_format": "mulaw" if self._format.encoding == "mulaw" else "pcm_s16le",
            "sample_rate": self._format.rate,
            "num_channels": 1,
            **self._options,
        }
        code = primary_language(self._language or hints.language)
        code = _CODES.get(code, code)
        if len(code) == 2:
            configuration["language_hints"] = [code]
            configuration["language_hints_strict"] = self._strict
        if context := _with_terms(self._context, hints.phrases):
            configuration["context"] = context
        return configuration


def _check(delay_ms: int, sensitivity: float | None, silence_ms: int | None, reference: str) -> None:
    if not 500 <= delay_ms <= 3000:
        raise ConfigurationError("`max_endpoint_delay_ms` is between 500 and 3000.")
    if sensitivity is not None and not -1.0 <= sensitivity <= 1.0:
        raise ConfigurationError("`endpoint_sensitivity` is between -1 and 1.")
    if silence_ms is not None and silence_ms < 0:
        raise ConfigurationError("`trailing_silence_ms` is not negative.")
    if len(reference) > 256:
        raise ConfigurationError("`client_reference_id` has up to 256 characters.")


def _with_terms(context: Mapping[str, Any], phrases: Sequence[str]) -> dict[str, Any]:
    """The context with as many of the phrases among its terms as there is room for."""
    terms = list(context.get("terms", ()))
    room = MAX_CONTEXT - len(msgspec.json.encode(context))
    for phrase in phrases:
        room -= len(phrase)
        if room < 0:
            break
        terms.append(phrase)
    return {**context, "terms": terms} if terms else dict(context)


class _Token(msgspec.Struct):
    text: str = ""
    start_ms: float | None = None
    end_ms: float | None = None
    confidence: float | None = None
    is_final: bool | None = None
    language: str | None = None
    translation_status: str | None = None


class _Message(msgspec.Struct):
    tokens: list[_Token] | None = None
    error_code: int | None = None
    error_message: str | None = None


_read: Final = MessageReader(_Message)


class SonioxDialect:
    """A `stt.dialect.Dialect`.  Final tokens come once and are gathered; the others are said anew in each message."""

    def __init__(
        self, configuration: Mapping[str, Any], faults: Faults, *, trailing_silence_ms: int | None = None
    ) -> None:
        self._configuration = configuration
        self._faults = faults
        silence = {} if trailing_silence_ms is None else {"trailing_silence_ms": trailing_silence_ms}
        self._finalize = _json({"type": "finalize", **silence})
        self._tokens: list[_Token] = []
        """Final ones of the transcript that is being made."""
        self._shown = ""

    def begin(self) -> Iterable[str]:
        return (_json(self._configuration),)

    def audio(self, audio: bytes) -> bytes:
        return audio

    def finalize(self) -> Iterable[str]:
        return (self._finalize,)

    def give_up(self) -> Iterable[Happening]:
        return ()

    def keep_alive(self) -> Iterable[str]:
        return ('{"type":"keepalive"}',)

    def end(self) -> Iterable[str]:
        return ("",)

    def receive(self, message: str | bytes) -> Iterable[Happening]:
        told = _read(message)
        if told.error_code is not None:
            return (self._faults.refused(told.error_code, (told.error_message or "").encode()),)
        happenings: list[Happening] = []
        coming: list[_Token] = []
        for token in told.tokens or ():
            if token.text in (_END, _FINALIZED):
                happenings.append(self._transcript(end_of_turn=token.text == _END))
            elif token.translation_status != _TRANSLATION:
                (self._tokens if token.is_final else coming).append(token)
        text = _text([*self._tokens, *coming])
        if text and text != self._shown:
            self._shown = text
            happenings.append(Transcript(text, final=False))
        return happenings

    def closed(self, code: int, reason: str) -> ProviderError | None:
        return None

    def _transcript(self, *, end_of_turn: bool) -> Transcript:
        tokens, self._tokens, self._shown = self._tokens, [], ""
        known = [token.confidence for token in tokens if token.confidence is not None]
        languages = [token.language for token in tokens if token.language]
        return Transcript(
            _text(tokens),
            final=True,
            confidence=sum(known) / len(known) if known else None,
            from_finalize=not end_of_turn,
            end_of_turn=end_of_turn,
            words=_words(tokens),
            language=max(languages, key=languages.count) if languages else "",
        )


def _text(tokens: Iterable[_Token]) -> str:
    return "".join(token.text for token in tokens).strip()


def _words(tokens: Iterable[_Token]) -> tuple[HeardWord, ...]:
    """Tokens are parts of words; a new word's begins with a space, or one of its own stands before it."""
    words: list[HeardWord] = []
    new = True
    for token in tokens:
        part = token.text.strip()
        new = new or token.text[:1].isspace()
        if part and token.start_ms is not None and token.end_ms is not None:
            start_s, end_s = token.start_ms / 1000, token.end_ms / 1000
            if new or not words:
                words.append(HeardWord(part, start_s, end_s))
            else:
                words[-1] = HeardWord(words[-1].text + part, words[-1].start_s, end_s)
            new = False
        new = new or token.text[-1:].isspace()
    return tuple(words)


def _json(message: Mapping[str, Any]) -> str:
    return msgspec.json.encode(message).decode()
