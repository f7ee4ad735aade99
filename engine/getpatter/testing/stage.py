"""One conversation on a clock that the test moves, and a line that the test hears: whole talks in no time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from getpatter.agent import Agent
from getpatter.conversation.acting import Transfer
from getpatter.conversation.actions import Farewell
from getpatter.conversation.conversation import Conversation, Services
from getpatter.conversation.ears import VoiceLine
from getpatter.conversation.pacer import Pacer
from getpatter.conversation.persona import CallFacts
from getpatter.errors import PatterError
from getpatter.events import Event, Turn
from getpatter.testing.clock import ManualClock
from getpatter.tts.rendered import RenderedStore

WINDOW_S = 0.032


class ToldVoice:
    """Voice activity that the test decides."""

    def __init__(self, on_probability: Callable[[float], None]) -> None:
        self.hear = on_probability
        self.resets = 0
        self.closed = False

    def feed(self, ulaw: bytes) -> None:
        pass

    def reset(self) -> None:
        self.resets += 1

    def close(self) -> None:
        self.closed = True


class Stage:
    """One conversation, its line and its clock."""

    def __init__(
        self,
        agent: Agent,
        *,
        outbound: bool = False,
        transfer: Transfer | None = None,
        clock: ManualClock | None = None,
        rendered: RenderedStore | None = None,
    ) -> None:
        """`clock` is one that the agent's providers go by, too; `rendered` is shared with other stages."""
        self.clock = clock or ManualClock()
        self.events: list[Event] = []
        self.played = bytearray()
        self.marks: list[str] = []
        self.clears = 0
        self.ended: tuple[Farewell, PatterError | None] | None = None
        self.voices: list[ToldVoice] = []
        self.pacer = Pacer(self.clock)
        store = RenderedStore() if rendered is None else rendered
        services = Services(self, self.pacer, self.clock, rendered=store)
        self.talk = Conversation(
            CallFacts("call_1", outbound=outbound),
            agent,
            services,
            publish=self.events.append,
            hang_up=self.hang_up,
            transfer=transfer,
        )

    # what the conversation needs

    def open(self, on_probability: Callable[[float], None]) -> VoiceLine:
        self.voices.append(ToldVoice(on_probability))
        return self.voices[-1]

    def play(self, audio: bytes, plays_at: float) -> None:
        self.played += audio

    def mark(self, name: str) -> None:
        self.marks.append(name)

    def clear(self) -> None:
        self.clears += 1

    def hang_up(self, farewell: Farewell, error: PatterError | None) -> None:
        assert self.ended is None, "hung up twice"
        self.ended = (farewell, error)

    # what the test does

    async def start(self) -> None:
        await self.talk.prepare()
        self.talk.start(self)
        await self.settle()

    async def settle(self) -> None:
        """Let the tasks do all they can without time passing."""
        for _ in range(20):
            await asyncio.sleep(0)

    async def passes(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.02)):
            self.clock.advance(0.02)
            await self.settle()

    async def begins_to_speak(self) -> None:
        for _ in range(3):
            self.clock.advance(WINDOW_S)
            self.voices[0].hear(0.9)
        await self.settle()

    async def stops_speaking(self) -> None:
        for _ in range(16):  # half a second
            self.clock.advance(WINDOW_S)
            self.voices[0].hear(0.0)
        await self.settle()

    async def says(self) -> None:
        await self.begins_to_speak()
        await self.stops_speaking()

    def turns(self) -> list[tuple[str, str]]:
        return [(event.role, event.text) for event in self.events if isinstance(event, Turn)]

    def last_turn(self) -> Turn:
        return [event for event in self.events if isinstance(event, Turn)][-1]

    def happened(self, kind: type[Event]) -> bool:
        return any(isinstance(event, kind) for event in self.events)
