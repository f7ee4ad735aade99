"""What a carrier does with an answered call: verbs, one after the other, until there is something else to be done."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from getpatter.errors import CarrierError
from getpatter.testing.far_end import FarEnd
from getpatter.testing.far_end_stream import FarEndStream
from getpatter.testing.happenings import Gathered, StreamClosed, StreamOpened, StreamRefused
from getpatter.testing.room import wait_alone
from getpatter.testing.verbs import (
    ConnectStream,
    DialNumber,
    GatherKey,
    GoTo,
    HangUpCall,
    Hook,
    JoinRoom,
    PressKeys,
    RejectCall,
    SayText,
    Verb,
    Wait,
)

if TYPE_CHECKING:
    from getpatter.testing.line_call import Exchange, LineCall, Program

KEY_S = 0.1
PAUSE_S = 0.5
"""What a `w` among keys stands for."""


class Doing:
    """Of one call, from its answer on.  Run `carry_out` once; the others at any time."""

    def __init__(self, call: LineCall, exchange: Exchange, far_end: FarEnd) -> None:
        self._call = call
        self._exchange = exchange
        self._far_end = far_end
        self._program: deque[Verb] = deque()
        self._interrupt = asyncio.Event()
        """What is being done is to stop."""
        self._is_over = False
        self._stream: FarEndStream | None = None
        self._key = ""
        """That was pressed since one is being waited for."""

    @property
    def is_streaming(self) -> bool:
        return self._stream is not None

    def stop(self) -> None:
        """Do nothing more."""
        self._is_over = True
        self._interrupt.set()

    def instead(self, verbs: Iterable[Verb]) -> None:
        """Stop what is being done and do this."""
        self._program = deque(verbs)
        self._interrupt.set()

    def stop_stream(self) -> None:
        """End the media stream, and go on with what follows it."""
        if self._stream is not None:
            self._interrupt.set()

    def cut_stream(self) -> None:
        if self._stream is not None:
            self._stream.cut()

    def on_key(self, digit: str) -> None:
        """The party pressed a key."""
        self._key = self._key or digit

    async def announce(self, text: str) -> asyncio.Event:
        """Have the carrier's voice say this beside what is being done; the event is set once it was heard."""
        over = asyncio.Event()
        audio = await self._exchange.announcement(text)
        if self._is_over:
            over.set()
        else:
            self._far_end.announce(audio, over.set)
        return over

    async def carry_out(self, program: Program) -> None:
        """Do what the program says to its end.  Raises `CarrierError` when a document is asked for and not given."""
        self._follow(await program())
        while not (self._is_over or self._far_end.hung_up):
            self._interrupt.clear()
            if self._program:
                await self._carry_out(self._program.popleft())
            elif self._call.wire.parks:
                await wait_alone(self._far_end, self._interrupt.is_set)
            else:
                return

    async def _carry_out(self, verb: Verb) -> None:
        match verb:
            case ConnectStream():
                await self._connect(verb)
            case DialNumber():
                await self._dial(verb)
            case JoinRoom():
                await self._join(verb)
            case SayText(text):
                await self._say(text, self._interrupt.is_set)
            case GatherKey():
                await self._gather(verb)
            case PressKeys(digits):
                self._call.press(digits)
                await self._wait(len(digits) * KEY_S + digits.count("w") * (PAUSE_S - KEY_S))
            case Wait(seconds):
                await self._wait(seconds)
            case GoTo(hook):
                await self._ask(hook)
            case HangUpCall() | RejectCall():
                self._call.hang_up()

    def _follow(self, verbs: Sequence[Verb]) -> None:
        """Do this next, unless somebody was quicker who wants something else."""
        if not self._interrupt.is_set():
            self._program = deque(verbs)

    async def _ask(self, hook: Hook, fields: Sequence[tuple[str, str]] = ()) -> None:
        self._follow(await self._call.wire.follow(self._call, hook, fields))

    async def _say(self, text: str, until: Callable[[], bool]) -> None:
        over = await self._call.say(text)
        await wait_alone(self._far_end, lambda: over.is_set() or until())

    async def _wait(self, seconds: float, until: Callable[[], bool] | None = None) -> None:
        over, until = time.monotonic() + seconds, until or self._interrupt.is_set
        await wait_alone(self._far_end, lambda: time.monotonic() >= over or until())

    async def _gather(self, verb: GatherKey) -> None:
        """Ask for a key, and then what is to be done with whoever pressed one."""
        self._key = ""
        for _ in range(verb.times):
            for text in verb.prompts:
                if not self._has_answer():
                    await self._say(text, self._has_answer)
            if not self._has_answer():
                await self._wait(min(verb.timeout_s, self._exchange.longest_key_wait_s), self._has_answer)
        if self._interrupt.is_set() or self._far_end.hung_up:
            return self._call.tell(Gathered("", "call_over"))
        self._far_end.hush()
        self._call.tell(Gathered(self._key, "key" if self._key else "timeout"))
        if self._key and verb.then.url:
            await self._ask(verb.then, [("Digits", self._key)])
        return None

    def _has_answer(self) -> bool:
        """A key was pressed, or none is to be expected any more."""
        return bool(self._key) or self._interrupt.is_set() or self._far_end.hung_up

    async def _connect(self, verb: ConnectStream) -> None:
        call, wire = self._call, self._call.wire
        codec = wire.codec(call, verb)
        self._far_end.attach(codec)

        def opened() -> None:
            call.streaming.set()
            call.tell(StreamOpened(verb, codec.stream_id))

        self._stream = FarEndStream(
            self._far_end,
            verb.url,
            hang_up=self._interrupt,
            headers=wire.upgrade_headers(verb.url),
            on_open=opened,
        )
        try:
            call.streams.append(await self._stream.run())
        except CarrierError as refused:
            call.refusal = refused
            call.tell(StreamRefused(verb, codec.stream_id, refused.message))
        else:
            call.tell(StreamClosed(verb, codec.stream_id))
        finally:
            self._stream = None
            self._far_end.attach(None)

    async def _dial(self, verb: DialNumber) -> None:
        """Ring somebody else and let both talk, without the engine."""
        call = self._call
        room = f"{call.legs.call_id} to {verb.number}"
        other = call.onward_call = await self._exchange.dial_onward(call, verb, room)
        await wait_alone(
            self._far_end, lambda: other.answered.is_set() or other.ended.is_set() or self._interrupt.is_set()
        )
        if other.answered.is_set() and not self._interrupt.is_set():
            await self._join(JoinRoom(room, closes=True))
        other.hang_up()
        await other.ended.wait()
        if verb.then.url and not (self._interrupt.is_set() or self._far_end.hung_up):
            outcome = [
                ("DialCallStatus", other.status),
                ("DialCallSid", other.legs.call_id),
                ("DialCallDuration", str(round(other.talked_s))),
            ]
            await self._ask(verb.then, outcome)

    async def _join(self, verb: JoinRoom) -> None:
        conference = self._exchange.conference(verb.name)
        await conference.attend(self._far_end, verb, self._interrupt.is_set, self._call.tell)
