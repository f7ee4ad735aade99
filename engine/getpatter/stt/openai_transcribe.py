"""OpenAI's recognisers by HTTP, an utterance a request, and those of all who offer the same endpoint.

The protocol is that of the `openai` client: `POST /audio/transcriptions`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import ClassVar, Final

import msgspec
from pydantic import SecretStr

from getpatter.audio.format import LINE, AudioFormat
from getpatter.clock import Clock
from getpatter.connections.facts import Facts
from getpatter.connections.faults import Faults
from getpatter.connections.hosted_model import HostedModel
from getpatter.connections.http import HttpRequest, HttpService
from getpatter.connections.messages import MessageReader
from getpatter.connections.vendor import host_of, service_url
from getpatter.connections.vendors import OPENAI
from getpatter.errors import ConfigurationError
from getpatter.metering import Product
from getpatter.stt.base import HeardWord, Recognition, SpeechHints
from getpatter.stt.openai_answer import DetectedLanguage, TranscriptionUsage
from getpatter.stt.openai_guidance import Guidance, check_prompt, guidance, language_code
from getpatter.stt.plausible import Understood, could_be_said, plausible
from getpatter.stt.utterance import Hearing, UtteranceRecognition

URL: Final = "https://api.openai.com/v1"
RATES: Final = range(8000, 48_001)
"""Hz."""


class OpenAITranscribeSTT(HostedModel):
    """One model, for any number of calls, which share its connections.

    `language` is an ISO 639-1 code; where it is empty, each call's own language is used.  A call's phrases follow
    `prompt`, or become key words of the models that take them.  `temperature` is 0 to 1.  `url` may lead to another
    server with this endpoint, such as `https://api.groq.com/openai/v1`, whose key is then passed as `api_key`.

    Raises `ConfigurationError`.
    """

    FACTS: ClassVar[Facts] = Facts(
        vendor="OpenAI (transcriptions)",
        billed_as=OPENAI.billed_as,
        key_variable=OPENAI.key_variable,
        transport="HTTP",
        formats=("mulaw 8000", "pcm16 8000 to 48000"),
        models=("gpt-transcribe", "gpt-4o-transcribe", "gpt-4o-mini-transcribe"),
        features=("whole utterances", "finalize", "cancel", "phrases", "key words", "languages", "other servers"),
        billing="tokens, or audio",
        tested_with="openai",
        unconfirmed=(
            "whether an utterance is billed whose request is broken off",
            "how many key words gpt-transcribe takes",
        ),
    )
    default_model: ClassVar[str] = "gpt-transcribe"

    def __init__(
        self,
        api_key: SecretStr | str = "",
        *,
        model: str = "",
        language: str = "",
        format: AudioFormat = LINE,
        prompt: str = "",
        temperature: float | None = None,
        url: str = "",
        clock: Clock | None = None,
    ) -> None:
        self._model = model or self.default_model
        check_prompt(self._model, prompt)
        if format.rate not in RATES:
            raise ConfigurationError(f"OpenAI takes 8000 to 48000 Hz, not {format.rate}.")
        if temperature is not None and not 0 <= temperature <= 1:
            raise ConfigurationError("`temperature` is between 0 and 1.")
        self._key = OPENAI.key(api_key)
        self._language = language
        self._format = format
        self._prompt = prompt
        self._temperature = temperature
        self._url = service_url(url, URL)
        self._faults = Faults(self.name, OPENAI, (self._key,), self._model if self._url == URL else "")
        self._service = HttpService(self._faults, clock)

    @property
    def format(self) -> AudioFormat:
        return self._format

    @property
    def continuous(self) -> bool:
        return False

    async def open(self, hints: SpeechHints) -> Recognition:
        """See `SpeechToText.open`; there is no session, so nothing is paid for before somebody speaks."""
        await self._service.warm(self._url)
        product = Product(OPENAI.billed_as if self._url == URL else host_of(self._url), self._model)
        language = language_code(self._language, hints.language)
        told = guidance(self._model, language=language, prompt=self._prompt, phrases=hints.phrases)
        requests = TranscriptionRequests(
            f"{self._url}/audio/transcriptions",
            self._key,
            {**self._fields(), **told},
            product=product,
            # One phrase may be what was said, all of them are not.
            echo=told.get("prompt", "") if self._prompt or len(hints.phrases) > 1 else "",
        )
        return UtteranceRecognition(requests, self._service, format=self._format, product=product, faults=self._faults)

    async def close(self) -> None:
        """Close the connections that calls shared."""
        await self._service.close()

    def _fields(self) -> Guidance:
        fields: Guidance = {"model": self._model, "response_format": "json"}
        if self._temperature is not None:
            fields["temperature"] = f"{self._temperature:g}"
        return fields


class WhisperSTT(OpenAITranscribeSTT):
    """The same with Whisper models, which tell how sure they are, and with `word_times` when each word was said, for
    which they take longer."""

    FACTS: ClassVar[Facts] = Facts(
        vendor="OpenAI (Whisper)",
        billed_as=OPENAI.billed_as,
        key_variable=OPENAI.key_variable,
        transport="HTTP",
        formats=("mulaw 8000", "pcm16 8000 to 48000"),
        models=("whisper-1",),
        features=("whole utterances", "finalize", "cancel", "word times", "confidence", "phrases", "other servers"),
        billing="audio",
        tested_with="openai",
        unconfirmed=("whether an utterance is billed whose request is broken off",),
    )
    default_model: ClassVar[str] = "whisper-1"

    def __init__(
        self,
        api_key: SecretStr | str = "",
        *,
        model: str = "",
        language: str = "",
        format: AudioFormat = LINE,
        prompt: str = "",
        temperature: float | None = None,
        word_times: bool = False,
        url: str = "",
        clock: Clock | None = None,
    ) -> None:
        if model.startswith("gpt-"):
            raise ConfigurationError(f"{model} is no Whisper model.", next_step="Use OpenAITranscribeSTT.")
        super().__init__(
            api_key,
            model=model,
            language=language,
            format=format,
            prompt=prompt,
            temperature=temperature,
            url=url,
            clock=clock,
        )
        self._word_times = word_times

    def _fields(self) -> Guidance:
        fields = {**super()._fields(), "response_format": "verbose_json"}
        if self._word_times:
            fields["timestamp_granularities[]"] = ["word", "segment"]
        return fields


class TranscriptionRequests:
    """An `UtteranceDialect`.  `echo` is what nobody says: a model that hears nothing gives back what it was told."""

    def __init__(
        self, url: str, key: SecretStr, fields: Guidance, *, product: Product, echo: str | list[str] = ""
    ) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {key.get_secret_value()}"}
        # The client names lists so.
        self._fields = {f"{name}[]" if name in ("languages", "keywords") else name: fields[name] for name in fields}
        self._product = product
        self._echo = echo

    def request(self, wav: bytes) -> HttpRequest:
        return HttpRequest(
            url=self._url,
            headers=self._headers,
            data=self._fields,
            files={"file": ("audio.wav", wav, "audio/wav")},
        )

    def read(self, body: bytes, seconds: float) -> Hearing:
        answer = _read(body)
        used = None if answer.usage is None else answer.usage.used(self._product)
        segments = [segment for segment in answer.segments or () if segment.was_said(seconds)]
        text = answer.text.strip()
        if answer.segments and len(segments) < len(answer.segments):
            text = "".join(segment.text for segment in segments).strip()
        if not could_be_said(text, seconds) or text == self._echo:
            return Hearing("", used=used)
        return Hearing(
            text,
            confidence=_confidence(segments),
            words=tuple(_timed(answer.words or (), segments)),
            language=answer.languages[0].code if answer.languages else "",
            used=used,
        )


class _Segment(msgspec.Struct):
    text: str = ""
    start: float = 0.0
    end: float = 0.0
    avg_logprob: float = 0.0
    compression_ratio: float = 0.0
    no_speech_prob: float = 0.0

    def was_said(self, seconds: float) -> bool:
        return plausible(Understood(self.text, seconds, self.no_speech_prob, self.avg_logprob, self.compression_ratio))


class _Word(msgspec.Struct):
    word: str = ""
    start: float = 0.0
    end: float = 0.0


class _Answer(msgspec.Struct):
    text: str = ""
    segments: list[_Segment] | None = None
    words: list[_Word] | None = None
    languages: list[DetectedLanguage] | None = None
    usage: TranscriptionUsage | None = None


_read: Final = MessageReader(_Answer)


def _confidence(segments: list[_Segment]) -> float | None:
    """Of the least sure segment: the mean probability of its tokens."""
    return min((math.exp(min(0.0, segment.avg_logprob)) for segment in segments), default=None)


def _timed(words: Iterable[_Word], segments: list[_Segment]) -> Iterable[HeardWord]:
    for word in words:
        if not segments or any(segment.start <= word.start <= segment.end for segment in segments):
            yield HeardWord(word.word.strip(), word.start, word.end)
