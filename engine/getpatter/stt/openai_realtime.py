"""OpenAI's recognisers by WebSocket: transcription sessions of the realtime API, as of its general availability.

The protocol is that of the `openai` client.  Nobody but us decides about turns, so what was said is committed when it
is asked for; the models other than `gpt-realtime-whisper` and `gpt-live-transcribe` begin only then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final, Literal

import msgspec
from pydantic import SecretStr

from getpatter.audio.format import LINE, SILENCE, AudioFormat
from getpatter.clock import Clock, SystemClock
from getpatter.connections.facts import Facts
from getpatter.connections.faults import Faults
from getpatter.connections.hosted_model import HostedModel
from getpatter.connections.messages import MessageReader
from getpatter.connections.vendor import service_url
from getpatter.connections.vendors import OPENAI
from getpatter.connections.websocket import Address
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.metering import Product
from getpatter.stt.base import Recognition, SpeechHints, Transcript
from getpatter.stt.commits import Commits
from getpatter.stt.dialect import Happening, Terms
from getpatter.stt.openai_answer import DetectedLanguage, TranscriptionUsage
from getpatter.stt.openai_guidance import check_prompt, guidance, language_code
from getpatter.stt.openai_wire import (
    COMMITTING,
    FORMATS,
    MIN_COMMIT_S,
    NO_SUCH_MODEL,
    NOTHING_SAID,
    TRANSCRIPT_S,
    NoiseReduction,
    append,
)
from getpatter.stt.plausible import could_be_said
from getpatter.stt.socket import SocketRecognition

URL: Final = "wss://api.openai.com/v1/realtime"
TUNABLE: Final = ("gpt-realtime-whisper", "gpt-live-transcribe")
"""Models that give words while somebody speaks, and take a `delay`."""

Delay = Literal["minimal", "low", "medium", "high", "xhigh"]

CONFIGURING: Final = "configure"
STAYING: Final = "stay"
"""Ids of our messages, which errors about them name."""
COMMIT: Final = f'{{"type":"input_audio_buffer.commit","event_id":"{COMMITTING}"}}'
STAY: Final = f'{{"type":"session.update","event_id":"{STAYING}","session":{{"type":"transcription"}}}}'

_TERMS: Final = Terms(bills="audio", keep_alive_s=3.0, finalize_s=TRANSCRIPT_S)
"""Sessions of this API that nothing is said to were seen to be closed after 6 to 7 s.  Commits are
answered, sooner or later."""
_PASSES: Final = frozenset({"server_error", "rate_limit_exceeded", "session_expired", "timeout"})
"""Types and codes of errors with which another session may not meet."""


class OpenAISTT(HostedModel):
    """One model, for any number of calls.

    It hears what is said and not the line's silence, since all that is committed is paid for.  `language` is an ISO
    639-1 code; where it is empty, each call's own language is used.  A call's phrases follow `prompt`, or become key
    words of the models that take them.  `delay` is for models that give words while somebody speaks: a longer one makes
    them surer.  `noise_reduction` is for `near_field` (a handset) or `far_field` (a room).

    Raises `ConfigurationError`.
    """

    FACTS: ClassVar[Facts] = Facts(
        vendor="OpenAI",
        key_variable=OPENAI.key_variable,
        transport="WebSocket",
        formats=("mulaw 8000", "pcm16 24000"),
        models=(
            *("gpt-transcribe", "gpt-4o-transcribe", "gpt-4o-mini-transcribe"),
            *("gpt-realtime-whisper", "gpt-live-transcribe", "whisper-1"),
        ),
        features=("interims", "finalize", "phrases", "key words", "languages", "noise reduction"),
        billing="tokens, or audio",
        tested_with="openai",
        unconfirmed=(
            "that idle sessions are closed after 6 to 7 s",
            "whether gpt-realtime-whisper and gpt-live-transcribe take µ-law",
            "whether audio is billed that is sent and never committed",
            "how many key words gpt-transcribe and gpt-live-transcribe take",
            "how long a transcript may take: after 4.5 s it counts as empty",
        ),
    )

    def __init__(
        self,
        api_key: SecretStr | str = "",
        *,
        model: str = "gpt-transcribe",
        language: str = "",
        format: AudioFormat = LINE,
        prompt: str = "",
        delay: Delay | None = None,
        noise_reduction: NoiseReduction | None = None,
        url: str = "",
        clock: Clock | None = None,
    ) -> None:
        check_prompt(model, prompt)
        if format not in FORMATS:
            raise ConfigurationError(
                f"OpenAI's realtime models take no {format.encoding} at {format.rate} Hz.",
                next_step="Pass LINE (G.711 µ-law) or pcm16 at 24000 Hz.",
            )
        if delay is not None and not model.startswith(TUNABLE):
            raise ConfigurationError(f"{model} takes no `delay`.", next_step=f"Use {' or '.join(TUNABLE)}.")
        self._key = OPENAI.key(api_key)
        self._model = model
        self._language = language
        self._format = format
        self._prompt = prompt
        self._delay = delay
        self._noise_reduction = noise_reduction
        self._url = service_url(url, URL)
        self._clock = clock or SystemClock()
        self._faults = Faults(self.name, OPENAI, (self._key,), self._model)

    @property
    def format(self) -> AudioFormat:
        return self._format

    @property
    def continuous(self) -> bool:
        return False

    async def open(self, hints: SpeechHints) -> Recognition:
        """See `SpeechToText.open`."""
        product = Product(OPENAI.billed_as, self._model)
        recognition = SocketRecognition(
            Address(
                f"{self._url}?intent=transcription",
                {"Authorization": f"Bearer {self._key.get_secret_value()}"},
            ),
            TranscriptionDialect(self._session(hints), format=self._format, product=product, faults=self._faults),
            _TERMS,
            format=self._format,
            product=product,
            faults=self._faults,
            clock=self._clock,
        )
        await recognition.open()
        return recognition

    def _session(self, hints: SpeechHints) -> dict[str, Any]:
        language = language_code(self._language, hints.language)
        transcription: dict[str, Any] = {
            "model": self._model,
            **guidance(self._model, language=language, prompt=self._prompt, phrases=hints.phrases),
        }
        if self._delay is not None:
            transcription["delay"] = self._delay
        heard = {
            "format": FORMATS[self._format],
            "transcription": transcription,
            "turn_detection": None,
            "noise_reduction": {"type": self._noise_reduction} if self._noise_reduction else None,
        }
        return {"type": "transcription", "audio": {"input": heard}}


class TranscriptionDialect:
    """See `stt.dialect.Dialect`."""

    def __init__(self, session: Mapping[str, Any], *, format: AudioFormat, product: Product, faults: Faults) -> None:
        self._session = session
        self._product = product
        self._faults = faults
        self._bytes_per_second = format.bytes_per_second
        self._silence = bytes([SILENCE]) if format.encoding == "mulaw" else b"\0"
        self._uncommitted = 0
        self._commits = Commits()
        self._item = ""
        """Whose words come at the moment."""
        self._words = ""

    def begin(self) -> Iterable[str | bytes]:
        update = {"type": "session.update", "event_id": CONFIGURING, "session": self._session}
        return (msgspec.json.encode(update).decode(),)

    def audio(self, audio: bytes) -> str | bytes:
        self._uncommitted += len(audio)
        return append(audio)

    def finalize(self) -> Iterable[str | bytes]:
        """A word that is shorter than what can be committed is followed by silence."""
        said_s = self._uncommitted / self._bytes_per_second
        missing = int(MIN_COMMIT_S * self._bytes_per_second) - self._uncommitted
        padding = (self.audio(self._silence * missing),) if missing > 0 else ()
        self._uncommitted = 0
        self._commits.add(said_s)
        return (*padding, COMMIT)

    def give_up(self) -> Iterable[Happening]:
        self._commits.give_up()
        return self._answers()

    def keep_alive(self) -> Iterable[str | bytes]:
        return (STAY,)

    def end(self) -> Iterable[str | bytes]:
        return ()

    def receive(self, message: str | bytes) -> Iterable[Happening]:
        match _read_kind(message).type:
            case "input_audio_buffer.committed":
                self._commits.named(_read_item(message).item_id)
                return self._answers()
            case "conversation.item.input_audio_transcription.delta":
                return self._interim(_read_item(message))
            case "conversation.item.input_audio_transcription.completed":
                return self._completed(_read_completed(message))
            case "conversation.item.input_audio_transcription.failed":
                return self._failed(_read_failed(message))
            case "error":
                return self._complained(_read_failed(message).error)
        return ()

    def closed(self, code: int, reason: str) -> ProviderError | None:
        return None

    def _interim(self, delta: _Item) -> Iterable[Happening]:
        if delta.item_id != self._item:
            self._item, self._words = delta.item_id, ""
        self._words += delta.delta or ""
        words = self._words.strip()
        # Models that do not wait for the commit name the item before it.
        is_due = self._commits.is_next(delta.item_id) or self._commits.none_is_due
        return (Transcript(words, final=False),) if words and is_due else ()

    def _completed(self, completed: _Completed) -> Iterable[Happening]:
        self._commits.understood(completed.item_id, completed.transcript.strip())
        language = completed.languages[0].code if completed.languages else ""
        used = () if completed.usage is None else (completed.usage.used(self._product),)
        return (*used, *self._answers(language))

    def _failed(self, failed: _Failed) -> Iterable[Happening]:
        if failed.error.code != NOTHING_SAID:
            return (self._lost(failed.error),)
        self._commits.understood(failed.item_id, "")
        return self._answers()

    def _complained(self, error: _Error) -> Iterable[Happening]:
        """The session survives what is wrong with one message; but without its configuration it is another one."""
        if error.event_id == COMMITTING:
            self._commits.refused()
            return self._answers()
        return () if error.event_id == STAYING else (self._lost(error),)

    def _answers(self, language: str = "") -> Iterable[Happening]:
        """The transcripts whose turn has come."""
        answers = []
        for understood in self._commits.take():
            said = understood.text if could_be_said(understood.text, understood.said_s) else ""
            if said or not understood.late:
                spoken = language if said else ""
                answers.append(Transcript(said, final=True, from_finalize=not understood.late, language=spoken))
        return answers

    def _lost(self, error: _Error) -> ProviderError:
        if error.code == "invalid_api_key":
            return self._faults.refused(401)
        retryable = bool(_PASSES & {error.code, error.type}) and error.code != "insufficient_quota"
        what = f"failed: {error.message or error.code or error.type}"
        next_step = self._faults.unknown_model() if error.code in NO_SUCH_MODEL else None
        return self._faults.failed(what, retryable=retryable, next_step=next_step)


class _Kind(msgspec.Struct):
    type: str = ""


class _Item(msgspec.Struct):
    item_id: str = ""
    delta: str | None = None


class _Completed(msgspec.Struct):
    item_id: str = ""
    transcript: str = ""
    languages: list[DetectedLanguage] | None = None
    usage: TranscriptionUsage | None = None


class _Error(msgspec.Struct):
    message: str | None = None
    type: str | None = None
    code: str | None = None
    event_id: str | None = None
    """Of the message that it is about."""


class _Failed(msgspec.Struct):
    item_id: str = ""
    error: _Error = msgspec.field(default_factory=_Error)


_read_kind: Final = MessageReader(_Kind)
_read_item: Final = MessageReader(_Item)
_read_completed: Final = MessageReader(_Completed)
_read_failed: Final = MessageReader(_Failed)
