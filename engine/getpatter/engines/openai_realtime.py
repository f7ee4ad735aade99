"""OpenAI's realtime models, over a WebSocket a call."""

from __future__ import annotations

import asyncio
import copy
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from urllib.parse import quote, urlsplit

import msgspec
from pydantic import SecretStr
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException

from getpatter.audio.format import LINE, AudioFormat
from getpatter.clock import Clock, SystemClock, deadline
from getpatter.engines import openai_wire as wire
from getpatter.engines.base import AudioDelta, EngineConfig, EngineEvent, EngineSession, InputTranscript, ResponseDone
from getpatter.engines.commits import Commits
from getpatter.environment import variables
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.llm.base import TextDelta, ToolCall, ToolSpec

log = logging.getLogger(__name__)

URL = "wss://api.openai.com/v1/realtime"
OPEN_S = 15.0
"""Longest until the engine has taken the configuration."""
PING_S = 20.0
MAX_MESSAGE = 4 * 1024 * 1024
"""Bytes; a delta holds some tenths of a second, and transcripts of whole responses are sent again at their end."""

# The library logs the headers of the handshake, and with them the key, where debugging is on.
_socket_log = logging.getLogger(f"{__name__}.socket")
_socket_log.setLevel(logging.INFO)


class OpenAIRealtime:
    """One model, for any number of calls.

    By default audio passes as the telephone's µ-law, without being converted; `format` may be `PCM16`, which some
    compatible servers ask for.  `api_key` is the account's, and `OPENAI_API_KEY` where none is given.  Raises
    `ConfigurationError`.
    """

    def __init__(
        self,
        api_key: SecretStr | str = "",
        *,
        model: str = "gpt-realtime",
        voice: str = "marin",
        format: AudioFormat = LINE,
        transcription_model: str = "gpt-4o-mini-transcribe",
        noise_reduction: wire.NoiseReduction | None = None,
        max_output_tokens: int | None = None,
        url: str = URL,
        clock: Clock | None = None,
    ) -> None:
        if format not in wire.FORMATS:
            raise ConfigurationError(
                f"OpenAI's realtime models take no {format.encoding} at {format.rate} Hz.",
                next_step="Pass LINE (G.711 µ-law) or PCM16 (24 kHz).",
            )
        self._key = _clean_key(api_key)
        self._model = model
        self._url = _address(url)
        self._settings = wire.SessionSettings(
            voice=voice,
            input_format=format,
            output_format=format,
            transcription_model=transcription_model,
            noise_reduction=noise_reduction,
            max_output_tokens=max_output_tokens,
        )
        self._clock = clock or SystemClock()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    @property
    def name(self) -> str:
        return f"{self._model} at {urlsplit(self._url).netloc}"

    @property
    def input_format(self) -> AudioFormat:
        return self._settings.input_format

    @property
    def output_format(self) -> AudioFormat:
        return self._settings.output_format

    def with_voice(self, voice: str) -> OpenAIRealtime:
        """The same with another voice."""
        other = copy.copy(self)
        other._settings = replace(self._settings, voice=voice)
        return other

    def with_model(self, model: str) -> OpenAIRealtime:
        """The same with another model."""
        other = copy.copy(self)
        other._model = model
        return other

    async def open(self, config: EngineConfig) -> EngineSession:
        """See `RealtimeEngine.open`."""
        try:
            async with deadline(self._clock, self._clock.now() + OPEN_S):
                socket = await self._connect()
                session = _Session(socket, self.name, self._key.get_secret_value(), self.input_format)
                try:
                    await session.set_up(self._settings, config)
                except BaseException:
                    await session.close()
                    raise
        except TimeoutError:
            raise ProviderError(f"{self.name} did not answer in time", provider=self.name, retryable=True) from None
        return session

    async def close(self) -> None:
        """There is nothing that calls share."""

    async def _connect(self) -> ClientConnection:
        try:
            return await connect(
                f"{self._url}?model={quote(self._model, safe='')}",
                additional_headers={"Authorization": f"Bearer {self._key.get_secret_value()}"},
                compression=None,  # audio in base64 does not get smaller by what it costs
                max_size=MAX_MESSAGE,
                open_timeout=None,
                ping_interval=PING_S,
                logger=_socket_log,
            )
        except InvalidStatus as error:
            raise self._refused(error.response.status_code) from None
        except (InvalidHandshake, OSError) as error:
            raise ProviderError(
                f"{self.name} cannot be reached: {type(error).__name__}", provider=self.name, retryable=True
            ) from error

    def _refused(self, status: int) -> ProviderError:
        known = {401: "refused the key", 403: "refused access", 404: "has no such model", 429: "is asked too often"}
        return ProviderError(
            f"{self.name} {known.get(status, 'refused the connection')} (HTTP {status})",
            provider=self.name,
            retryable=status == 429 or status >= 500,
            next_step="Set OPENAI_API_KEY to a valid key." if status == 401 else None,
        )


class _Session:
    """One socket.  What is sent waits in a queue, so no command waits for the network."""

    def __init__(self, socket: ClientConnection, name: str, key: str, takes: AudioFormat) -> None:
        self._socket = socket
        self._name = name
        self._key = key
        self._outgoing: asyncio.Queue[wire.Json] = asyncio.Queue()
        self._incoming: asyncio.Queue[EngineEvent | ProviderError | None] = asyncio.Queue()
        self._tasks = [asyncio.create_task(self._send(), name=f"{name} sender")]
        self._commits = Commits()
        self._min_commit = int(wire.MIN_COMMIT_S * takes.bytes_per_second)
        self._uncommitted = 0
        self._partial = ""
        self._responding = False
        self._response = ""
        """The id of the response under way, once it has one."""
        self._cancelled = False

    async def set_up(self, settings: wire.SessionSettings, config: EngineConfig) -> None:
        """Raises `ProviderError` unless the session is as configured."""
        await self._expect("session.created")
        self._outgoing.put_nowait(wire.session_update(settings, config))
        await self._expect("session.updated")
        for item in wire.history(config.history):
            self._outgoing.put_nowait(item)
        self._tasks.append(asyncio.create_task(self._receive(), name=f"{self._name} receiver"))

    # -- commands

    def send(self, audio: bytes) -> None:
        self._uncommitted += len(audio)
        self._outgoing.put_nowait(wire.append(audio))

    def commit(self) -> None:
        if self._uncommitted < self._min_commit:
            self._commits.add_empty()
            self._give_transcripts()
            return
        self._uncommitted = 0
        self._commits.add()
        self._outgoing.put_nowait(wire.COMMIT)

    def tell(self, text: str) -> None:
        self._outgoing.put_nowait(wire.told(text))

    def respond(self) -> None:
        self._begin(wire.RESPOND)

    def say(self, text: str) -> None:
        self._begin(wire.say(text))

    def cancel(self) -> None:
        if self._responding and not self._cancelled:
            self._cancelled = True
            self._outgoing.put_nowait(wire.CANCEL)

    def truncate(self, item_id: str, audio_end_ms: int) -> None:
        self._outgoing.put_nowait(wire.truncate(item_id, audio_end_ms))

    def tool_result(self, call_id: str, output: str) -> None:
        self._outgoing.put_nowait(wire.tool_result(call_id, output))

    def configure(self, instructions: str, tools: Sequence[ToolSpec]) -> None:
        self._outgoing.put_nowait(wire.reconfigure(instructions, tools))

    def _begin(self, message: wire.Json) -> None:
        self._responding, self._cancelled, self._response = True, False, ""
        self._outgoing.put_nowait(message)

    # -- events

    async def events(self) -> AsyncIterator[EngineEvent]:
        while (event := await self._incoming.get()) is not None:
            if isinstance(event, ProviderError):
                raise event
            yield event

    async def close(self) -> None:
        self._incoming.put_nowait(None)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._socket.close()

    async def _send(self) -> None:
        try:
            while True:
                message = await self._outgoing.get()
                await self._socket.send(msgspec.json.encode(message), text=True)
        except WebSocketException:
            pass  # whoever reads learns of it

    async def _receive(self) -> None:
        try:
            while True:
                self._take(await self._next())
        except ProviderError as error:
            self._incoming.put_nowait(error)

    async def _expect(self, kind: str) -> None:
        while (event := await self._next()).type != kind:
            if event.type == "error":
                raise wire.complaint(event, self._name, self._key)

    async def _next(self) -> wire.ServerEvent:
        try:
            return wire.parse(await self._socket.recv())
        except WebSocketException as error:
            raise ProviderError(
                f"{self._name} broke off: {type(error).__name__}", provider=self._name, retryable=True
            ) from None
        except ValueError as error:
            raise self._nonsense(error) from None

    def _nonsense(self, error: ValueError) -> ProviderError:
        return ProviderError(f"{self._name} sent what cannot be read: {error}", provider=self._name, retryable=True)

    def _take(self, event: wire.ServerEvent) -> None:
        """One event of the API; most kinds tell us what we know."""
        match event.type:
            case "response.created":
                self._response = (event.response.id if event.response else None) or ""
            case "response.done":
                self._responding = False
                self._incoming.put_nowait(wire.response_done(event, self._name, self._key))
            case "error":
                self._complain(event)
            case kind if kind.startswith("response."):
                self._part_came(event)
            case _:
                self._caller_heard(event)

    def _part_came(self, event: wire.ServerEvent) -> None:
        """A piece of the response under way; what still comes of one that was cancelled is nobody's."""
        if self._cancelled or event.response_id != self._response:
            return
        match event.type:
            case "response.output_audio.delta":
                try:
                    audio = wire.audio(event)
                except ValueError as error:
                    raise self._nonsense(error) from None
                self._incoming.put_nowait(AudioDelta(event.item_id, audio))
            case "response.output_audio_transcript.delta":
                self._incoming.put_nowait(TextDelta(event.delta or ""))
            case "response.function_call_arguments.done":
                self._incoming.put_nowait(ToolCall(event.call_id, event.name, event.arguments))

    def _caller_heard(self, event: wire.ServerEvent) -> None:
        match event.type:
            case "input_audio_buffer.committed":
                self._commits.named(event.item_id)
            case "conversation.item.input_audio_transcription.delta":
                if self._commits.is_next(event.item_id) and event.delta:
                    self._partial += event.delta
                    self._incoming.put_nowait(InputTranscript(self._partial, final=False))
            case "conversation.item.input_audio_transcription.completed":
                self._commits.understood(event.item_id, event.transcript or "")
            case "conversation.item.input_audio_transcription.failed":
                self._commits.understood(event.item_id, "")
        self._give_transcripts()

    def _give_transcripts(self) -> None:
        for text in self._commits.take():
            self._partial = ""
            self._incoming.put_nowait(InputTranscript(text.strip(), final=True))

    def _complain(self, event: wire.ServerEvent) -> None:
        error = wire.complaint(event, self._name, self._key)
        if wire.is_fatal(event):
            raise error
        match event.error.event_id if event.error else None:
            case wire.RESPONDING:
                self._responding = False
                self._incoming.put_nowait(ResponseDone("failed", error=error))
            case wire.COMMITTING:
                self._commits.refused()
                self._give_transcripts()
            case _:
                # Races that are nobody's fault: a response that ended while it was cancelled or cut.
                log.info("%s", error.message)


def _clean_key(key: SecretStr | str) -> SecretStr:
    """Raises `ConfigurationError`."""
    given = key.get_secret_value() if isinstance(key, SecretStr) else key
    text = (given or variables().get("OPENAI_API_KEY", "")).strip()
    if not text:
        raise ConfigurationError(
            "OpenAI's realtime models need a key.", next_step="Pass it as `api_key`, or set OPENAI_API_KEY."
        )
    if not (text.isascii() and text.isprintable()):
        raise ConfigurationError(
            "The key for OpenAI holds characters that no key has.", next_step="Copy it again, without quotes."
        )
    return SecretStr(text)


def _address(url: str) -> str:
    """Raises `ConfigurationError` unless it can be shown and the model be added to it."""
    parts = urlsplit(url)
    if parts.scheme not in ("wss", "ws") or not parts.hostname or parts.username or parts.query:
        raise ConfigurationError(
            "The address of a realtime API must begin with wss://, and hold neither password nor query.",
            next_step=f"Leave it out to have {URL}.",
        )
    return url.rstrip("/")
