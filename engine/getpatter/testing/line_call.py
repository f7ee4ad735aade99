"""One simulated call, from the first ring to the last status callback."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

from getpatter.errors import CarrierError
from getpatter.testing.detection import Detection
from getpatter.testing.doing import Doing
from getpatter.testing.far_end import FarEnd, Listener
from getpatter.testing.far_end_stream import StreamEnd
from getpatter.testing.happenings import (
    OVER,
    Announced,
    Happening,
    KeyPressed,
    Progressed,
    RecordingSaved,
    Status,
    Verdict,
)
from getpatter.testing.parties import Party
from getpatter.testing.recordings import Recording
from getpatter.testing.room import Conference, wait_alone
from getpatter.testing.speech import Utterances
from getpatter.testing.verbs import (
    DialNumber,
    RejectCall,
    Verb,
)
from getpatter.testing.webhooks import Reports, Webhooks
from getpatter.testing.wire import Legs, Wire

Program = Callable[[], Awaitable[Sequence[Verb]]]
"""Gives what is to be done once the call is answered; raises `CarrierError` when nobody says."""


class Exchange(Protocol):
    """What calls of one network share."""

    @property
    def webhooks(self) -> Webhooks: ...

    @property
    def listener(self) -> Listener: ...

    @property
    def longest_key_wait_s(self) -> float:
        """Longest that a key is waited for, whatever the engine asks for."""

    def conference(self, name: str) -> Conference:
        """The one of this name, made where there is none yet."""

    async def dial_onward(self, call: LineCall, verb: DialNumber, room: str) -> LineCall:
        """Ring somebody else, who joins `room` when they answer."""

    async def announcement(self, text: str) -> bytes:
        """`text` as µ-law, in the carrier's own voice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a call is placed or taken."""

    ring_timeout_s: float = 60.0
    max_duration_s: float = 4 * 3600.0
    verdict: Verdict | None = None
    """What detection of answering machines says; None where nobody asked for it."""
    detection_timeout_s: float = 30.0
    detection_first: Literal["", "recognised", "greeting_ended"] = ""
    """How much has to be known of whoever took the call before anything is done with it."""


class LineCall:
    """A call with a party at its far end, or with nobody where the number is nobody's.

    Run `dial` or `receive` once; `hang_up` ends either at any time, `do` has it do something else.
    """

    def __init__(
        self, exchange: Exchange, legs: Legs, wire: Wire, party: Party | None, utterances: Utterances | None
    ) -> None:
        self.legs = legs
        self.wire = wire
        self.party = party
        self.statuses: list[Status] = []
        self.far_end: FarEnd | None = None
        """There from the answer on."""
        self.verdict: Verdict | None = None
        """Who took the call, once that was detected."""
        self.recordings: list[Recording] = []
        self.announcements: list[str] = []
        """What the carrier's own voice was to say."""
        self.streams: list[StreamEnd] = []
        """How its media streams ended."""
        self.refusal: CarrierError | None = None
        """What could not be done: a stream that the engine did not take, a document that it did not give."""
        self.rejection = ""
        """How the engine turned the call away, if it did."""
        self.onward_call: LineCall | None = None
        """Whom the party was connected to last."""
        self.answered = asyncio.Event()
        self.streaming = asyncio.Event()
        """An engine has taken a media stream of it, which may be over since."""
        self.ended = asyncio.Event()
        """The call is over and its callbacks are delivered, lost or held back."""
        self._exchange = exchange
        self._utterances = utterances
        self._hung_up = asyncio.Event()
        self._doing: Doing | None = None
        self._detection: Detection | None = None
        self._limit: asyncio.TimerHandle | None = None
        self._reports = Reports(exchange.webhooks)
        self.began_at = time.time()
        self.answered_at = 0.0
        self.ended_at = 0.0
        """All three in seconds since the Unix epoch; 0 as long as it did not happen."""

    @property
    def talked_s(self) -> float:
        """Since its answer, or until its end."""
        return (self.ended_at or time.time()) - self.answered_at if self.answered_at else 0.0

    @property
    def status(self) -> Status:
        return self.statuses[-1] if self.statuses else "initiated"

    @property
    def is_live(self) -> bool:
        """It is being talked in."""
        return self.far_end is not None and self.status == "in-progress" and not self._hung_up.is_set()

    @property
    def is_streaming(self) -> bool:
        """A media stream of it is open, or about to be."""
        return self._doing is not None and self._doing.is_streaming

    @property
    def onward(self) -> FarEnd | None:
        """Whom the party was connected to, from their answer on."""
        return self.onward_call.far_end if self.onward_call is not None else None

    @property
    def end(self) -> StreamEnd:
        """How an answered call ended."""
        if self.far_end is not None and self.far_end.hung_up:
            return StreamEnd("party")
        if self.streams and not self._hung_up.is_set():
            return self.streams[-1]
        return StreamEnd("carrier")

    # -- what may be done with it at any time

    def hang_up(self) -> None:
        """End the call as its owner, through the carrier."""
        self._hung_up.set()
        if self._doing is not None:
            self._doing.stop()

    def do(self, verbs: Iterable[Verb]) -> None:
        """Stop what is being done and do this instead.  Raises `CarrierError` for a call that is not talked in."""
        if self._doing is None or not self.is_live:
            raise self._not_in_progress()
        self._doing.instead(verbs)

    def limit(self, seconds: float) -> None:
        """Have it last this long from its answer on, whatever was its limit before, if it is talked in."""
        if self._limit is not None:
            self._limit.cancel()
        if self.is_live:
            left_s = max(0.0, seconds - self.talked_s)
            self._limit = asyncio.get_running_loop().call_later(left_s, self.hang_up)

    def stop_stream(self) -> None:
        """End the media stream, if there is one, and go on with what follows it."""
        if self._doing is not None:
            self._doing.stop_stream()

    def cut_stream(self) -> None:
        """Drop the media stream's connection as a failing network does."""
        if self._doing is not None:
            self._doing.cut_stream()

    def press(self, digits: str) -> None:
        """Press keys for the engine; pauses among them are passed over."""
        if self.far_end is not None:
            self.far_end.press(digits.replace("w", "").replace("W", ""))

    def record(self, channels: int) -> Recording:
        """Record from now on; raises `CarrierError` for a call that is not talked in."""
        if self.far_end is None or not self.is_live:
            raise self._not_in_progress()
        self.recordings.append(Recording(self.far_end, channels))
        return self.recordings[-1]

    def stop_recording(self, recording: Recording) -> None:
        if not recording.is_over:
            recording.stop()
            self.tell(RecordingSaved(recording))

    async def announce(self, text: str) -> None:
        """Say something beside whatever is being done, and tell when it was heard.

        Raises `CarrierError` for a call that is not talked in.
        """
        over = await self.say(text)
        await over.wait()
        self.tell(Announced("done" if self.is_live else "call_over"))

    async def say(self, text: str) -> asyncio.Event:
        """The same without telling; the event is set once it was heard."""
        if self._doing is None or not self.is_live:
            raise self._not_in_progress()
        self.announcements.append(text)
        return await self._doing.announce(text)

    def tell(self, happened: Happening) -> None:
        """Report it to the engine as the carrier does."""
        for callback in self.wire.tell(self, happened):
            self._reports.send(callback)

    def _not_in_progress(self) -> CarrierError:
        return CarrierError(f"The call {self.legs.call_id} is not in progress.", carrier_code="not_in_progress")

    # -- its course

    async def dial(self, program: Program, terms: Terms) -> None:
        """Ring the party, and do with those who answer what the program says."""
        async with self._reporting():
            if await self._is_answered(terms):
                await self._talk(program, terms)

    async def receive(self, program: Program, terms: Terms) -> None:
        """The party rings the engine, which says by `program` what is to be done; `reject` among it turns it away."""
        async with self._reporting():
            self._progress("ringing")
            try:
                verbs = await program()
            except CarrierError as refused:
                self.refusal = refused
                return self._progress("failed")
            if verbs and isinstance(verbs[0], RejectCall):
                self.rejection = verbs[0].reason
                return self._progress("busy" if self.rejection == "busy" else "canceled")

            async def known() -> Sequence[Verb]:
                return verbs

            return await self._talk(known, terms)

    @asynccontextmanager
    async def _reporting(self) -> AsyncIterator[None]:
        delivering = asyncio.create_task(self._reports.deliver(), name=f"reports of {self.legs.call_id}")
        try:
            yield
            self._reports.finish()
            await delivering
        finally:
            delivering.cancel()
            self.ended.set()

    async def _is_answered(self, terms: Terms) -> bool:
        party = self.party
        self._progress("initiated")
        if party is None or party.answers == "busy":
            self._progress("failed" if party is None else "busy")
            return False
        self._progress("ringing")
        rings_s = party.rings * party.ring_s
        if await self._is_hung_up_within(min(rings_s, terms.ring_timeout_s)):
            self._progress("canceled")
            return False
        if not party.picks_up or rings_s > terms.ring_timeout_s:
            self._progress("no-answer")
            return False
        return True

    async def _is_hung_up_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._hung_up.wait()
        except TimeoutError:
            return False
        return True

    def _progress(self, status: Status) -> None:
        if status in OVER:
            self.ended_at = time.time()
        self.statuses.append(status)
        self.tell(Progressed(status))

    async def _talk(self, program: Program, terms: Terms) -> None:
        assert self.party is not None
        assert self._utterances is not None
        self.answered_at = time.time()
        far_end = self.far_end = FarEnd(self.party, self._utterances, None, self._exchange.listener)
        far_end.on_key = self._on_key
        doing = self._doing = Doing(self, self._exchange, far_end)
        self._progress("in-progress")
        self.answered.set()
        self.limit(terms.max_duration_s)
        giving_up: asyncio.TimerHandle | None = None
        if terms.verdict is not None:
            detection = self._detection = Detection(far_end, terms.verdict, self._on_detected)
            giving_up = asyncio.get_running_loop().call_later(terms.detection_timeout_s, detection.give_up)
        try:
            if terms.detection_first:
                await wait_alone(far_end, lambda: self._is_known(terms.detection_first) or self._hung_up.is_set())
            await doing.carry_out(program)
        except CarrierError as refused:
            # As with Twilio, a call for which nobody says what to do is over.
            self.refusal = refused
        finally:
            for timer in (self._limit, giving_up):
                if timer is not None:
                    timer.cancel()
            far_end.close()
        self._progress("completed")
        for recording in self.recordings:
            self.stop_recording(recording)

    def _on_key(self, digit: str) -> None:
        self.tell(KeyPressed(digit))
        if self._doing is not None:
            self._doing.on_key(digit)

    def _is_known(self, enough: str) -> bool:
        detection = self._detection
        return detection is None or detection.is_over or (enough == "recognised" and detection.verdict is not None)

    def _on_detected(self, happened: Happening) -> None:
        if self._detection is not None:
            self.verdict = self._detection.verdict
        self.tell(happened)
