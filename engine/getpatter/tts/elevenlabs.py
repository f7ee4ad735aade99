"""ElevenLabs' voices over a WebSocket: the multi-context endpoint of its text-to-speech API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Final
from urllib.parse import quote, urlencode

import msgspec
from pydantic import SecretStr

from getpatter.audio.format import LINE, AudioFormat
from getpatter.clock import Clock, SystemClock
from getpatter.connections.elevenlabs import ElevenLabsFaults
from getpatter.connections.facts import Facts
from getpatter.connections.messages import MessageReader
from getpatter.connections.vendor import service_url
from getpatter.connections.vendors import ELEVENLABS
from getpatter.connections.websocket import Address
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.metering import Product
from getpatter.tts.alignment import Alignment
from getpatter.tts.base import SpeechChunk, Voice, WordTime
from getpatter.tts.dialect import Done, Happening, Part, Terms
from getpatter.tts.elevenlabs_options import MODEL, Locator, Setting, SpeechOptions
from getpatter.tts.elevenlabs_speech import ElevenLabsSpeech
from getpatter.tts.elevenlabs_voices import DEFAULT_VOICE
from getpatter.tts.socket import SocketVoice
from getpatter.tts.voice_choice import chosen_voice

URL: Final = "wss://api.elevenlabs.io"
MAX_INACTIVITY_S: Final = 180
"""The most that `inactivity_timeout` may be; without it, ElevenLabs closes a context after 20 s."""
KEEP_ALIVE_S: Final = 15.0
"""Below those 20 s, should the socket as a whole have a shorter patience than its contexts."""
_IDLE: Final = "idle"
"""A context in which nothing is ever said, so that there is one to be kept alive."""

# A request to break off does not reach what is flushed, which every sentence of ours is from the start: ElevenLabs
# makes the rest of it.  Only without a listener does it stop.  So an interruption drops the socket, and another is
# opened while the caller speaks; nor do sentences that nobody hears fill the five places for contexts.
TERMS: Final = Terms(contexts=False, cancels=False)


class ElevenLabsTTS(ElevenLabsSpeech):
    """One socket a call, a context a sentence, with word times.

    The endpoint with contexts is used, and not `stream-input`: that one tells the end of a text only when it is
    closed, so each sentence would need a socket and its handshake.  What is billed are the characters of the texts;
    a sentence that is interrupted is paid for, those after it were never sent.

    `voice` is a name of a default voice, such as rachel, or an id; `voice_id` is the same.  `language` (BCP 47) is
    the call's where it is empty.  The others are ElevenLabs' own, by its names; `chunk_length_schedule` counts only
    without `auto_mode`.  Raises `ConfigurationError`.
    """

    FACTS: ClassVar[Facts] = Facts(
        vendor="ElevenLabs",
        key_variable="ELEVENLABS_API_KEY",
        transport="WebSocket",
        formats=("mulaw 8000", "pcm16 8000", "pcm16 16000", "pcm16 22050", "pcm16 24000", "pcm16 44100"),
        models=(MODEL, "eleven_turbo_v2_5", "eleven_multilingual_v2", "eleven_flash_v2"),
        features=("word times", "cancel", "pronunciation dictionaries"),
        billing="characters",
        tested_with="elevenlabs",
        unconfirmed=(
            "whether a sentence that is interrupted is billed whole",
            "how a wrong key is refused on this socket (both ways are understood)",
            "what word times are counted from in each piece (all three ways are understood)",
        ),
    )

    def __init__(
        self,
        api_key: SecretStr | str = "",
        *,
        voice: str = "",
        voice_id: str = "",
        model: str = MODEL,
        language: str = "",
        format: AudioFormat = LINE,
        voice_settings: Mapping[str, Setting] | None = None,
        auto_mode: bool = True,
        chunk_length_schedule: Sequence[int] = (),
        inactivity_timeout: int = MAX_INACTIVITY_S,
        apply_text_normalization: str = "",
        pronunciation_dictionary_locators: Sequence[Locator] = (),
        seed: int | None = None,
        enable_logging: bool | None = None,
        url: str = "",
        clock: Clock | None = None,
    ) -> None:
        self._key = ELEVENLABS.key(api_key)
        self._options = SpeechOptions(
            voice=chosen_voice(voice, voice_id, DEFAULT_VOICE),
            model=model,
            language=language,
            format=format,
            voice_settings=voice_settings or {},
            apply_text_normalization=apply_text_normalization,
            pronunciation_dictionary_locators=tuple(pronunciation_dictionary_locators),
            seed=seed,
        )
        self._query = _query(auto_mode, inactivity_timeout, enable_logging)
        self._terms = replace(TERMS, keep_alive_s=min(KEEP_ALIVE_S, 0.75 * inactivity_timeout))
        self._schedule = _schedule(chunk_length_schedule, auto_mode=auto_mode)
        self._url = service_url(url, URL)
        self._clock = clock or SystemClock()
        self._settle()

    async def open(self, language: str = "en-US") -> Voice:
        """See `TextToSpeech.open`."""
        faults = self._faults
        manner = self._options.manner
        if self._schedule:
            manner["generation_config"] = {"chunk_length_schedule": list(self._schedule)}
        bytes_per_second = self.format.bytes_per_second
        voice = SocketVoice(
            self._address(language),
            lambda: ElevenLabsDialect(manner, bytes_per_second, faults),
            self._terms,
            format=self.format,
            product=Product(ELEVENLABS.billed_as, self._options.model),
            faults=faults,
            clock=self._clock,
        )
        await voice.open()
        return voice

    def _settle(self) -> None:
        model = self._options.model
        if model.startswith("eleven_v3"):
            raise ConfigurationError(
                f"{model} is not to be had over this WebSocket.", next_step="Use ElevenLabsRestTTS for it."
            )

    def _address(self, language: str) -> Address:
        options = self._options
        query = {"model_id": options.model, "output_format": options.output_format, **self._query}
        if code := options.language_code(language):
            query["language_code"] = code
        if options.apply_text_normalization:
            query["apply_text_normalization"] = options.apply_text_normalization
        if options.seed is not None:
            query["seed"] = str(options.seed)
        path = f"/v1/text-to-speech/{quote(options.voice_id)}/multi-stream-input"
        return Address(f"{self._url}{path}?{urlencode(query)}", {"xi-api-key": self._key.get_secret_value()})


ElevenLabsWebSocketTTS = ElevenLabsTTS
"""The same, by the name that sets it apart from `ElevenLabsRestTTS`."""


def _query(auto_mode: bool, inactivity_timeout: int, enable_logging: bool | None) -> dict[str, str]:
    if not 1 <= inactivity_timeout <= MAX_INACTIVITY_S:
        raise ConfigurationError(f"`inactivity_timeout` is between 1 and {MAX_INACTIVITY_S} seconds.")
    query = {
        "auto_mode": str(auto_mode).lower(),
        "inactivity_timeout": str(inactivity_timeout),
        "sync_alignment": "true",
    }
    if enable_logging is not None:
        query["enable_logging"] = str(enable_logging).lower()
    return query


def _schedule(lengths: Sequence[int], *, auto_mode: bool) -> tuple[int, ...]:
    if lengths and auto_mode:
        raise ConfigurationError("`chunk_length_schedule` has no effect in `auto_mode`.", next_step="Pass one of them.")
    if not all(50 <= length <= 500 for length in lengths):
        raise ConfigurationError("The lengths in `chunk_length_schedule` are between 50 and 500 characters.")
    return tuple(lengths)


class _Times(msgspec.Struct):
    chars: list[str] | None = None
    charStartTimesMs: list[float] | None = None
    charDurationsMs: list[float] | None = None


class _Message(msgspec.Struct):
    audio: bytes | None = None
    alignment: _Times | None = None
    """Of the text as it was sent, which the heard text is made of, not of what numbers and such were read as."""
    isFinal: bool | None = None
    contextId: str | None = None
    error: str | None = None
    message: str | None = None


_read: Final = MessageReader(_Message)


class ElevenLabsDialect:
    """A `SocketDialect`.  `manner` goes along with the first message of each context."""

    def __init__(self, manner: Mapping[str, object], bytes_per_second: int, faults: ElevenLabsFaults) -> None:
        self._manner = manner
        self._bytes_per_second = bytes_per_second
        self._faults = faults
        self._context = ""
        self._alignment = Alignment()
        self._audio_bytes = 0
        """Of the sentence so far."""

    def begin(self) -> Iterable[str]:
        return (_json({"text": " ", "context_id": _IDLE, **self._manner}),)

    def speak(self, context: str, text: str) -> Iterable[str]:
        self._context = context
        self._alignment = Alignment()
        self._audio_bytes = 0
        return (
            _json({"text": f"{text} ", "context_id": context, **self._manner}),
            _json({"context_id": context, "flush": True}),
            # What is flushed is spoken to its end, and that there is an end is told of a closed context alone.
            _json({"context_id": context, "close_context": True}),
        )

    def cancel(self, context: str) -> Iterable[str]:
        return ()

    def keep_alive(self) -> Iterable[str]:
        return (_json({"text": "", "context_id": _IDLE}),)

    def end(self) -> Iterable[str]:
        return (_json({"close_socket": True}),)

    def receive(self, message: str | bytes) -> Iterable[Happening]:
        told = _read(message)
        if told.error:
            return (self._faults.complained(told.error, told.message or ""),)
        if not self._context or told.contextId != self._context:
            return ()
        happenings: list[Happening] = []
        if told.audio:
            happenings.append(Part(SpeechChunk(told.audio, self._words(told))))
        if told.isFinal:
            if words := self._alignment.rest():
                happenings.append(Part(SpeechChunk(b"", words)))
            happenings.append(Done())
            self._context = ""
        return happenings

    def closed(self, code: int, reason: str) -> ProviderError | None:
        return None

    def _words(self, told: _Message) -> tuple[WordTime, ...]:
        before_s = self._audio_bytes / self._bytes_per_second
        self._audio_bytes += len(told.audio or b"")
        times = told.alignment
        if times is None or not times.chars:
            return ()
        starts = [at / 1000 for at in times.charStartTimesMs or ()]
        ends = [start + length / 1000 for start, length in zip(starts, times.charDurationsMs or (), strict=False)]
        return self._alignment.take(times.chars, starts, ends, audio_s=before_s)


def _json(message: Mapping[str, object]) -> str:
    return msgspec.json.encode(message).decode()
