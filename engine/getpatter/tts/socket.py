"""A voice over a WebSocket, whichever vendor's: one socket a call, opened while it rings, and a sentence a context."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AsyncExitStack, aclosing
from itertools import count
from typing import Final

from getpatter.audio.format import AudioFormat
from getpatter.clock import Clock, TimerHandle, deadline
from getpatter.connections.faults import Faults
from getpatter.connections.messages import sendable
from getpatter.connections.websocket import ABNORMAL, Address, WebSocket, closed
from getpatter.errors import ProviderError
from getpatter.metering import Product, Used
from getpatter.tts.base import SpeechChunk
from getpatter.tts.dialect import Done, Failed, Happening, Part, Ready, SocketDialect, Terms

READY_S: Final = 10.0
"""Longest that a vendor may take from the open socket to its readiness."""
FIRST_AUDIO_S: Final = 10.0
NEXT_AUDIO_S: Final = 5.0
"""Nobody stays on a silent line for longer."""


class SocketVoice:
    """One call's; a `Voice` and `Metered`.  `open` it first.

    A socket that is lost between sentences, as vendors do with one that is idle, is opened anew for the next.  Some
    close it just as a sentence is sent: one of which nothing was heard yet is sent once more, on a new socket; one of
    which something was heard fails.
    """

    def __init__(
        self,
        address: Address,
        dialect: Callable[[], SocketDialect],
        terms: Terms,
        *,
        format: AudioFormat,
        product: Product,
        faults: Faults,
        clock: Clock,
    ) -> None:
        """`dialect` makes one for each socket."""
        self._address = address
        self._new_dialect = dialect
        self._terms = terms
        self._faults = faults
        self._clock = clock
        self._bytes_per_second = format.bytes_per_second
        self._used = Used(product)
        self._line: _Line | None = None
        self._next: asyncio.Task[_Line] | None = None
        """A socket that is being opened ahead."""
        self._taking = asyncio.Lock()
        """One sentence at a time looks for a socket, or several would open one each."""
        self._names = count(1)
        self._speaking = asyncio.Lock()
        """One sentence at a time, where the vendor does not tell them apart."""
        self._closed = False

    @property
    def used(self) -> tuple[Used, ...]:
        return (self._used,)

    async def open(self) -> None:
        """Raises `ProviderError`."""
        self._line = await self._opened()

    async def synthesize(self, text: str) -> AsyncGenerator[SpeechChunk]:
        """See `Voice.synthesize`."""
        text = sendable(text)
        if not text.strip():
            return
        async with AsyncExitStack() as turn:
            if not self._terms.contexts:
                await turn.enter_async_context(self._speaking)
            line = await self._ready_line()
            self._used = self._used.plus(Used(self._used.product, characters=len(text)))
            give_up = self._clock.now() + FIRST_AUDIO_S
            heard = False
            try:
                async with aclosing(self._spoken(line, text, give_up)) as parts:
                    async for part in parts:
                        heard = True
                        yield part
                return
            except ProviderError as error:
                if heard or not error.retryable or error is not line.broke_off:
                    raise
            async with aclosing(self._spoken(await self._ready_line(), text, give_up)) as parts:
                async for part in parts:
                    yield part

    async def close(self) -> None:
        self._closed = True
        line, self._line = self._line, None
        opening, self._next = self._next, None
        try:
            if line is not None:
                await line.close()
        finally:
            if opening is not None:
                opening.cancel()
                opening.add_done_callback(_abort)
        if opening is not None:
            await asyncio.wait({opening})

    async def _spoken(self, line: _Line, text: str, give_up: float) -> AsyncGenerator[SpeechChunk]:
        """A sentence on one socket, whose first part is not waited for beyond `give_up`."""
        context = f"s{next(self._names)}"
        parts = line.speak(context, text)
        complete = False
        try:
            wait_s = max(0.0, give_up - self._clock.now())
            while (part := await self._part(line, parts, wait_s)) is not None:
                seconds = len(part.audio) / self._bytes_per_second
                self._used = self._used.plus(Used(self._used.product, seconds=seconds))
                yield part
                wait_s = NEXT_AUDIO_S
            complete = True
        finally:
            self._let_go(line, context, complete=complete)

    async def _part(
        self, line: _Line, parts: asyncio.Queue[SpeechChunk | ProviderError | None], wait_s: float
    ) -> SpeechChunk | None:
        """The next part of a sentence; None after the last."""
        try:
            async with deadline(self._clock, self._clock.now() + wait_s):
                part = await parts.get()
        except TimeoutError:
            error = self._faults.late(wait_s)
            line.fail(error)  # what is silent now would be silent for the next sentence, too
            raise error from None
        if isinstance(part, ProviderError):
            raise part
        return part

    def _let_go(self, line: _Line, context: str, *, complete: bool) -> None:
        """A sentence is over; have a socket for the next."""
        kept = line.forget(context, complete=complete)
        if kept and not line.is_worn:
            return
        if line is self._line:
            self._line = None
        line.abort()
        if not self._closed and self._next is None:
            self._open_next()

    async def _ready_line(self) -> _Line:
        async with self._taking:
            while not self._closed:
                if self._line is not None and self._line.is_usable():
                    return self._line
                self._line = await self._taken()
            raise self._faults.closed()

    async def _taken(self) -> _Line | None:
        """The socket that is being opened ahead, or else a new one; None where what was tried ahead had failed.  Where
        this is cancelled the opening goes on, for the next sentence."""
        ahead = self._next is not None and self._next.done()
        if self._next is None:
            self._open_next()
        opening = self._next
        assert opening is not None
        await asyncio.wait({opening})
        if self._closed:
            return None  # `close` has it
        self._next = None
        try:
            return opening.result()
        except ProviderError:
            if not ahead:
                raise
            return None

    def _open_next(self) -> None:
        self._next = asyncio.create_task(self._opened(), name=f"{self._faults.name} opening")

    async def _opened(self) -> _Line:
        line = _Line(self._address, self._new_dialect(), self._terms, self._faults, self._clock)
        try:
            await line.open()
        except BaseException:
            line.abort()
            raise
        return line


def _abort(opening: asyncio.Task[_Line]) -> None:
    """Drop a socket that was opened for nobody."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().abort()


class _Line:
    """One socket, and the sentences under way on it."""

    def __init__(self, address: Address, dialect: SocketDialect, terms: Terms, faults: Faults, clock: Clock) -> None:
        self._dialect = dialect
        self._terms = terms
        self._faults = faults
        self._clock = clock
        self._socket = WebSocket(address, self, faults, clock)
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sentences: dict[str, asyncio.Queue[SpeechChunk | ProviderError | None]] = {}
        self._said_at = 0.0
        self._keep_alive_timer: TimerHandle | None = None
        self._spoken = 0
        """Sentences that were begun."""
        self.is_lost = False
        self.broke_off: ProviderError | None = None
        """What is told of the vendor's having closed the socket."""

    def is_usable(self) -> bool:
        """A vendor that has said goodbye takes nothing any more, though the connection may stand a while longer: then
        what is under way on it is told that it is lost."""
        if not self.is_lost and not self._socket.is_open:
            self.on_closed(ABNORMAL, "")
        return not self.is_lost

    @property
    def is_worn(self) -> bool:
        """It has spoken all the sentences that it may."""
        return self._terms.max_sentences is not None and self._spoken >= self._terms.max_sentences

    async def open(self) -> None:
        await self._socket.open()
        self._say(self._dialect.begin())
        # A refusal may come in one piece with the handshake.
        if self._terms.waits_for_ready or self.is_lost:
            try:
                async with deadline(self._clock, self._clock.now() + READY_S):
                    await self._ready
            except TimeoutError:
                raise self._faults.late(READY_S) from None
        if self._terms.keep_alive_s is not None:
            self._keep_alive_in(self._terms.keep_alive_s)

    def speak(self, context: str, text: str) -> asyncio.Queue[SpeechChunk | ProviderError | None]:
        name = context if self._terms.contexts else ""
        parts = self._sentences[name] = asyncio.Queue()
        self._spoken += 1
        self._say(self._dialect.speak(context, text))
        return parts

    def forget(self, context: str, *, complete: bool) -> bool:
        """A sentence is over, or is to be: whether the socket can be used for the next."""
        self._sentences.pop(context if self._terms.contexts else "", None)
        if self.is_lost:
            return False
        if complete:
            return True
        if self._terms.cancels:
            self._say(self._dialect.cancel(context))
        return self._terms.cancels

    async def close(self) -> None:
        self._stop()
        self._tell(self._faults.closed())
        self._say(self._dialect.end())
        await self._socket.close()

    def abort(self) -> None:
        self._stop()
        self._socket.abort()

    def fail(self, error: ProviderError) -> None:
        """Give the socket up, and with it the sentences under way."""
        self._stop()
        self._socket.abort()
        if not self._ready.done():
            self._ready.set_exception(error)
            self._ready.exception()  # looked at, should nobody wait for the readiness
        self._tell(error)

    def _tell(self, error: ProviderError) -> None:
        """The sentences under way."""
        for sentence in self._sentences.values():
            sentence.put_nowait(error)

    # -- what comes; see `connections.websocket.Sink`

    def on_message(self, message: str | bytes) -> None:
        try:
            happenings = list(self._dialect.receive(message))
        except ValueError as error:
            self.fail(self._faults.nonsense(str(error)))
            return
        for happening in happenings:
            self._take(happening)

    def on_closed(self, code: int, reason: str) -> None:
        why = self._dialect.closed(code, reason)
        if isinstance(why, Done):
            self._take(why)
        self.broke_off = why if isinstance(why, ProviderError) else closed(self._faults, code, reason)
        self.fail(self.broke_off)

    def _take(self, happening: Happening) -> None:
        match happening:
            case Part(chunk, context):
                self._give(context, chunk)
            case Done(context):
                self._give(context, None)
            case Failed(error, context):
                self._give(context, error)
            case ProviderError():
                self.fail(happening)
            case Ready():
                if not self._ready.done():
                    self._ready.set_result(None)

    def _give(self, context: str, item: SpeechChunk | ProviderError | None) -> None:
        """To the sentence that waits for it; what comes of one that was cancelled is nobody's."""
        sentence = self._sentences.get(context)
        if sentence is not None:
            sentence.put_nowait(item)

    # -- saying

    def _say(self, messages: Iterable[str | bytes]) -> None:
        for message in messages:
            self._said_at = self._clock.now()
            self._socket.send(message)

    def _keep_alive_in(self, seconds: float) -> None:
        self._keep_alive_timer = self._clock.call_at(self._clock.now() + seconds, self._keep_alive)

    def _keep_alive(self) -> None:
        assert self._terms.keep_alive_s is not None
        silent_s = self._clock.now() - self._said_at
        if silent_s >= self._terms.keep_alive_s:
            self._say(self._dialect.keep_alive())
            silent_s = 0.0
        self._keep_alive_in(self._terms.keep_alive_s - silent_s)

    def _stop(self) -> None:
        self.is_lost = True
        if self._keep_alive_timer is not None:
            self._keep_alive_timer.cancel()
            self._keep_alive_timer = None
