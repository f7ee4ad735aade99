"""A recognition over a WebSocket, whichever vendor's: the connection, pieces of audio, and requests that are answered.

Vendors differ in what they say (`stt.dialect`); here is what they have in common.  A connection that is lost ends the
recognition: `stt.fallback` opens another and lets it hear again what was not answered.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from typing import Final

from getpatter.audio.format import AudioFormat
from getpatter.clock import Clock, TimerHandle
from getpatter.connections.faults import Faults
from getpatter.connections.websocket import Address, WebSocket, closed
from getpatter.errors import ProviderError
from getpatter.metering import Product, Used
from getpatter.stt.base import Transcript
from getpatter.stt.dialect import Dialect, Happening, Ready, Terms

MAX_GIVEN_UP: Final = 16
"""So many requests without an answer are remembered; many vendors answer none that found no words."""

_NOTHING: Final = Transcript("", final=True, from_finalize=True)


class SocketRecognition:
    """One call's; a `Recognition` and `Metered`.  `open` it first.

    `finalize` is answered exactly once: by the vendor, at once where it was sent nothing since the last answer, and
    with an empty transcript where the vendor stays silent for `Terms.finalize_s`.
    """

    def __init__(
        self,
        address: Address,
        dialect: Dialect,
        terms: Terms,
        *,
        format: AudioFormat,
        product: Product,
        faults: Faults,
        clock: Clock,
    ) -> None:
        self._dialect = dialect
        self._terms = terms
        self._faults = faults
        self._clock = clock
        self._bytes_per_second = format.bytes_per_second
        self._piece = int(terms.piece_s * format.bytes_per_second)
        self._shortest = max(1, int(terms.shortest_s * format.bytes_per_second))
        self._longest = int(terms.longest_s * format.rate) * (format.bytes_per_second // format.rate)
        self._socket = WebSocket(address, self, faults, clock)
        self._audio = bytearray()
        """Not a whole piece yet."""
        self._waiting: list[str | bytes] | None = []
        """What is to be said once the vendor is ready; None from then on."""
        self._opening: asyncio.Task[None] | None = None
        self._out: asyncio.Queue[Transcript | ProviderError | None] = asyncio.Queue()
        self._asked: deque[float] = deque()
        """Requests for a final transcript that were not answered: after how many seconds of audio each came."""
        self._given_up: deque[float] = deque(maxlen=MAX_GIVEN_UP)
        """The same of those that we answered ourselves, and to which an answer may still come."""
        self._unanswered_audio = False
        """Audio was sent since the last request."""
        self._answer_timer: TimerHandle | None = None
        self._watch_timer: TimerHandle | None = None
        self._told = Used(product)
        """What the vendor says that it counted."""
        self._sent_bytes = 0
        self._sent_at = 0.0
        self._is_ready = False
        """The vendor said so, perhaps in one piece with the handshake."""
        self._opened_at: float | None = None
        self._ended_at: float | None = None
        """When it was closed, or lost."""
        self._closed = False

    # -- life

    async def open(self) -> None:
        """Connect, as far as that costs nothing.  Raises `ProviderError`."""
        if self._terms.bills == "session" or not self._terms.stands_idle:
            await self._socket.reach()
            return
        try:
            await self._begin()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._end()
        self._out.put_nowait(None)
        try:
            if self._opening is not None:
                self._opening.cancel()
                await asyncio.gather(self._opening, return_exceptions=True)
            self._say(self._dialect.end())
            await self._socket.close()
        finally:
            self._socket.abort()

    async def _begin(self) -> None:
        await self._socket.open()
        if self._ended_at is not None:
            return  # a refusal came in one piece with the handshake
        self._opened_at = self._sent_at = self._clock.now()
        self._say(self._dialect.begin())
        if self._is_ready or not self._terms.waits_for_ready:
            self._ready()
            return
        self._watch_timer = self._clock.call_at(self._clock.now() + self._terms.ready_s, self._never_ready)

    async def _begin_late(self) -> None:
        try:
            await self._begin()
        except ProviderError as error:
            self._lost(error)

    # -- what is asked of it

    @property
    def name(self) -> str:
        return self._faults.name

    @property
    def used(self) -> tuple[Used, ...]:
        if self._opened_at is None:
            seconds = 0.0
        elif self._terms.bills == "session":
            seconds = (self._clock.now() if self._ended_at is None else self._ended_at) - self._opened_at
        else:
            seconds = self._sent_s if self._waiting is None else 0.0
        return (self._told.plus(Used(self._told.product, seconds=seconds)),)

    def send(self, audio: bytes) -> None:
        if self._ended_at is not None:
            return
        if self._opened_at is None and self._opening is None:
            self._opening = asyncio.create_task(self._begin_late(), name=f"{self.name} opening")
        self._audio += audio
        if len(self._audio) >= self._piece:
            self._flush()

    def finalize(self) -> None:
        if self._ended_at is not None:
            return
        self._flush()
        if not self._unanswered_audio and not self._asked:
            self._out.put_nowait(_NOTHING)
            return
        self._unanswered_audio = False
        self._asked.append(self._sent_s)
        self._say_when_ready(self._dialect.finalize())
        if self._waiting is None and self._answer_timer is None:
            self._await_answer()

    async def transcripts(self) -> AsyncIterator[Transcript]:
        while (item := await self._out.get()) is not None:
            if isinstance(item, ProviderError):
                raise item
            yield item

    @property
    def _sent_s(self) -> float:
        return self._sent_bytes / self._bytes_per_second

    def _flush(self) -> None:
        """Send what has gathered, but for a rest that is too short for a message."""
        if len(self._audio) < self._shortest:
            return
        audio, at = bytes(self._audio), 0
        while len(audio) - at >= self._shortest:
            piece = audio[at : at + self._longest]
            at += len(piece)
            self._say_when_ready((self._dialect.audio(piece),))
        del self._audio[:at]
        self._sent_bytes += at
        self._sent_at = self._clock.now()
        self._unanswered_audio = True

    def _say_when_ready(self, messages: Iterable[str | bytes]) -> None:
        if self._waiting is None:
            self._say(messages)
        else:
            self._waiting += messages

    def _say(self, messages: Iterable[str | bytes]) -> None:
        for message in messages:
            self._socket.send(message)

    # -- what comes; see `connections.websocket.Sink`

    def on_message(self, message: str | bytes) -> None:
        try:
            happenings = list(self._dialect.receive(message))
        except ValueError as error:
            self._lost(self._faults.nonsense(str(error)))
            return
        for happening in happenings:
            self._take(happening)

    def on_closed(self, code: int, reason: str) -> None:
        self._lost(self._dialect.closed(code, reason) or closed(self._faults, code, reason))

    def _take(self, happening: Happening) -> None:
        if isinstance(happening, Ready):
            self._is_ready = True
            if self._opened_at is not None:
                self._ready()
        elif isinstance(happening, ProviderError):
            self._lost(happening)
        elif isinstance(happening, Used):
            self._told = self._told.plus(happening)
        elif happening.from_finalize:
            self._answered(happening)
        else:
            self._out.put_nowait(happening)

    def _answered(self, transcript: Transcript) -> None:
        if self._asked and not self._is_late(transcript):
            self._asked.popleft()
            self._await_answer()
            self._out.put_nowait(transcript)
        elif transcript.text or transcript.end_of_turn:
            # It comes after we had given it up; its words are words all the same.
            self._out.put_nowait(replace(transcript, from_finalize=False))

    def _is_late(self, transcript: Transcript) -> bool:
        """Whether it answers a request that was given up, and not the one that waits: its words were said before."""
        end_s = max((word.end_s for word in transcript.words), default=0.0)
        if end_s <= 0.0:
            return False  # the vendor tells no times
        while self._given_up and end_s > self._given_up[0]:
            self._given_up.popleft()
        return bool(self._given_up)

    def _lost(self, error: ProviderError) -> None:
        if self._ended_at is not None:
            return
        self._end()
        self._socket.abort()
        self._out.put_nowait(error)

    def _end(self) -> None:
        if self._ended_at is None:
            self._ended_at = self._clock.now()
        self._stop_timers()

    # -- time

    def _ready(self) -> None:
        if self._waiting is None:
            return
        waiting, self._waiting = self._waiting, None
        self._say(waiting)
        if self._asked:
            self._await_answer()
        if self._watch_timer is not None:
            self._watch_timer.cancel()
            self._watch_timer = None
        if self._terms.keep_alive_s is not None:
            self._keep_alive_in(self._terms.keep_alive_s)

    def _never_ready(self) -> None:
        self._watch_timer = None
        self._lost(self._faults.late(self._terms.ready_s))

    def _await_answer(self) -> None:
        if self._answer_timer is not None:
            self._answer_timer.cancel()
            self._answer_timer = None
        if self._asked:
            self._answer_timer = self._clock.call_at(self._clock.now() + self._terms.finalize_s, self._unanswered)

    def _unanswered(self) -> None:
        self._answer_timer = None
        self._given_up.append(self._asked.popleft())
        self._await_answer()
        self._out.put_nowait(_NOTHING)
        for happening in self._dialect.give_up():
            self._take(happening)

    def _keep_alive_in(self, seconds: float) -> None:
        self._watch_timer = self._clock.call_at(self._clock.now() + seconds, self._keep_alive)

    def _keep_alive(self) -> None:
        assert self._terms.keep_alive_s is not None
        silent_s = self._clock.now() - self._sent_at
        if silent_s >= self._terms.keep_alive_s:
            self._sent_at = self._clock.now()
            self._say(self._dialect.keep_alive())
            silent_s = 0.0
        self._keep_alive_in(self._terms.keep_alive_s - silent_s)

    def _stop_timers(self) -> None:
        for timer in (self._answer_timer, self._watch_timer):
            if timer is not None:
                timer.cancel()
        self._answer_timer = self._watch_timer = None
