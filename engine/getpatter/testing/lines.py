"""All lines of a simulated network: who is called, what they say, and which calls there are."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from getpatter.audio.vad import VoiceActivityModel
from getpatter.conversation.listening import Listening
from getpatter.errors import CarrierError, ConfigurationError, ProviderError
from getpatter.testing.line_call import LineCall, Terms
from getpatter.testing.parties import Directory, Party
from getpatter.testing.room import Conference
from getpatter.testing.speech import Utterances, announcement, prepare
from getpatter.testing.verbs import DialNumber, HangUpCall, JoinRoom, Verb
from getpatter.testing.webhooks import Webhooks
from getpatter.testing.wire import Legs, Wire
from getpatter.tts.base import TextToSpeech

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RingResult:
    """How a call to the engine went.  `ended_by` is None when it was turned away, for which `reason` has the words."""

    carrier_call_id: str
    ended_by: Literal["party", "carrier", "engine", "lost"] | None
    reason: str
    spoken: tuple[str, ...] = ()
    """What the party said."""

    @property
    def answered(self) -> bool:
        return self.ended_by is not None


class Lines:
    """Belongs to one event loop; `close` it.  Implements `line_call.Exchange`."""

    def __init__(
        self,
        directory: Directory,
        *,
        tts: TextToSpeech | None = None,
        listening: Listening | None = None,
        kept_calls: int,
    ) -> None:
        """`tts` speaks for parties that have no clips; `listening`, already started, is made here when not given."""
        self.directory = directory
        self.webhooks = Webhooks()
        self.longest_key_wait_s = math.inf
        """Set it where a test is not to wait as long for a key as the engine asks."""
        self._tts = tts
        self._listening = listening
        self._own_listening: Listening | None = None
        self._making_listening = asyncio.Lock()
        self._utterances: dict[str, Utterances] = {}
        self._conferences: dict[str, Conference] = {}
        self._live: dict[str, LineCall] = {}
        self._past: deque[LineCall] = deque(maxlen=kept_calls)
        self._tasks: set[asyncio.Task[None]] = set()

    # -- calls

    async def call(self, legs: Legs, wire: Wire) -> LineCall:
        """A new call with whoever has the number, or with nobody; it goes nowhere by itself.

        Raises `CarrierError` for a party that has no voice.
        """
        party = self.directory.get(legs.party_number)
        utterances = await self._utterances_of(party) if party is not None else None
        await self._hear()
        return LineCall(self, legs, wire, party, utterances)

    def start(self, call: LineCall, course: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Let a call take its course, `dial` or `receive`; what becomes of the task is seen to here."""
        call_id = call.legs.call_id
        self._live[call_id] = call
        task = asyncio.create_task(course, name=f"simulated call {call_id}")
        self._tasks.add(task)

        def over(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            self._past.append(self._live.pop(call_id))
            if not task.cancelled() and (error := task.exception()) is not None:
                log.error("simulated call %s failed", call_id, exc_info=error)

        task.add_done_callback(over)
        return task

    def see_to(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside the calls; given up at `close`."""
        task = asyncio.create_task(work, name="simulated carrier")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def find(self, call_id: str) -> LineCall | None:
        """A live call, or one of the last few that ended."""
        return self._live.get(call_id) or next((c for c in self._past if c.legs.call_id == call_id), None)

    @property
    def calls(self) -> Iterator[LineCall]:
        """Live and past ones."""
        yield from self._live.values()
        yield from self._past

    def result(self, call: LineCall) -> RingResult:
        """How an inbound call went that is over; raises `CarrierError` for one that the engine did not take."""
        if call.refusal is not None:
            raise call.refusal
        if call.far_end is None:
            return RingResult(call.legs.call_id, None, call.rejection)
        return RingResult(call.legs.call_id, call.end.by, call.end.reason, tuple(call.far_end.spoken))

    async def close(self) -> None:
        """Drop all calls without a further word.  May be called twice."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._own_listening is not None:
            await self._own_listening.stop()
        await self.webhooks.close()

    # -- what calls share

    @property
    def listener(self) -> Listening:
        listening = self._listening or self._own_listening
        assert listening is not None, "made before the first call"
        return listening

    def conference(self, name: str) -> Conference:
        if name not in self._conferences or self._conferences[name].is_over:
            self._conferences[name] = Conference()
        return self._conferences[name]

    async def dial_onward(self, call: LineCall, verb: DialNumber, room: str) -> LineCall:
        legs, wire = call.wire.onward(call, verb)
        other = await self.call(legs, wire)

        async def joins() -> list[Verb]:
            return [JoinRoom(room, closes=True), HangUpCall()]

        self.start(other, other.dial(joins, Terms(ring_timeout_s=verb.timeout_s)))
        return other

    async def announcement(self, text: str) -> bytes:
        return await announcement(text, self._tts)

    async def _hear(self) -> None:
        async with self._making_listening:
            if self._listening is None and self._own_listening is None:
                self._own_listening = Listening(await asyncio.to_thread(VoiceActivityModel))
                self._own_listening.start()

    async def _utterances_of(self, party: Party) -> Utterances:
        if party.number not in self._utterances:
            try:
                self._utterances[party.number] = await prepare(party, self._tts)
            except (ConfigurationError, ProviderError) as unusable:
                raise CarrierError(
                    f"{party.name} ({party.number}) cannot be called: {unusable.message}",
                    carrier_code="party_unusable",
                    next_step=unusable.next_step,
                ) from unusable
        return self._utterances[party.number]
