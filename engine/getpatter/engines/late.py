"""A session that is opened with its first command, because the vendor counts the time for which it is open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

from getpatter.audio.format import AudioFormat
from getpatter.engines.base import EngineEvent, EngineSession
from getpatter.engines.socket import SocketSession
from getpatter.errors import ProviderError
from getpatter.llm.base import ToolSpec
from getpatter.metering import Used

GREETING_S: Final = 1.0
"""How much the caller may be heard before the words of an agent that speaks first are not waited for any more: what
stands before a voice may have refused them."""
MAX_WAITING_S: Final = 20.0
"""Audio that is kept while the session opens; more than that is as good as lost."""

Begin = Callable[[str], Awaitable[SocketSession]]
"""Opens the session; told what the agent is to say first, which may be nothing.  Raises `ProviderError`."""
LetGo = Callable[[], Awaitable[None]]

_Command = Callable[[EngineSession], None]


class LateSession:
    """One call's; an `EngineSession`, and `Metered`.

    Commands that come before it is open are carried out in their order once it is; `events` raises when it cannot be
    opened.  The agent's first words are not one of these: the vendor takes them with the opening.
    """

    def __init__(self, begin: Begin, let_go: LetGo, *, greets: bool, format: AudioFormat, name: str) -> None:
        """`let_go` closes what `begin` may have used, whether it did or not; `format` is that of `send`."""
        self._begin = begin
        self._let_go = let_go
        self._greets = greets
        self._name = name
        self._greeting_bytes = int(GREETING_S * format.bytes_per_second)
        self._max_waiting = int(MAX_WAITING_S * format.bytes_per_second)
        self._heard = 0
        """Bytes of audio that came before the session was open."""
        self._waiting: list[_Command] = []
        self._opening: asyncio.Task[None] | None = None
        self._session: SocketSession | None = None
        self._open = asyncio.Event()
        """The session is there, or never will be."""
        self._error: ProviderError | None = None
        self._closed = False

    # -- commands

    def send(self, audio: bytes) -> None:
        if self._session is None:
            self._heard += len(audio)
            if self._heard > self._max_waiting:
                return
        self._do(lambda session: session.send(audio), begins=not self._greets or self._heard >= self._greeting_bytes)

    def commit(self) -> None:
        """Nobody decides for such an engine what a turn is."""

    def tell(self, text: str) -> None:
        self._do(lambda session: session.tell(text))

    def respond(self) -> None:
        self._do(lambda session: session.respond())

    def say(self, text: str) -> None:
        if self._opening is None:
            self._start(text)
        else:
            self._do(lambda session: session.say(text))

    def cancel(self) -> None:
        if self._opening is not None:
            self._do(lambda session: session.cancel())

    def truncate(self, item_id: str, audio_end_ms: int) -> None:
        """Such an engine goes by its own ears in what was heard."""

    def tool_result(self, call_id: str, output: str) -> None:
        self._do(lambda session: session.tool_result(call_id, output))

    def configure(self, instructions: str, tools: Sequence[ToolSpec]) -> None:
        self._do(lambda session: session.configure(instructions, tools), begins=False)

    def _do(self, command: _Command, *, begins: bool = True) -> None:
        if self._session is not None:
            command(self._session)
            return
        self._waiting.append(command)
        if begins and self._opening is None:
            self._start("")

    # -- life

    @property
    def used(self) -> tuple[Used, ...]:
        return self._session.used if self._session is not None else ()

    async def events(self) -> AsyncIterator[EngineEvent]:
        await self._open.wait()
        if self._session is not None:
            async for event in self._session.events():
                yield event
        elif not self._closed:
            raise self._error or ProviderError(f"{self._name} could not be asked.", provider=self._name)

    async def close(self) -> None:
        self._closed = True
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        self._open.set()
        await self._let_go()

    def _start(self, words: str) -> None:
        if not self._closed:
            self._opening = asyncio.create_task(self._open_with(words), name=f"{self._name} opening")

    async def _open_with(self, words: str) -> None:
        try:
            session = await self._begin(words)
            waiting, self._waiting, self._session = self._waiting, [], session
            for command in waiting:
                command(session)
        except ProviderError as error:
            self._error = error
        finally:
            self._open.set()
