"""One call while it lives: from its first event to its last."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable

from getpatter.calls.ending import Ending, failed
from getpatter.calls.record import CallRecord
from getpatter.calls.recording import Recorder, Recording
from getpatter.calls.session import MediaStream
from getpatter.calls.transferring import Transferring
from getpatter.carriers.base import Carrier, DialRequest, MachineDetection, StatusChanged
from getpatter.clock import Clock, TimerHandle, deadline
from getpatter.conversation.actions import Farewell
from getpatter.conversation.conversation import Conversation
from getpatter.errors import CarrierError, MediaError, PatterError, ProviderError, StoreError
from getpatter.events import (
    CallAnswered,
    CallDialed,
    CallEnded,
    CallPlaced,
    CallPrepared,
    CallRinging,
    DtmfPressed,
    EndedBy,
    Event,
    MachineDetected,
    Outcome,
    Problem,
    Recorded,
    RecordingStarted,
)
from getpatter.observability.bus import EventBus

log = logging.getLogger(__name__)

CARRIER_S = 30.0
"""Longest that a carrier may take to accept a call."""
PREPARE_S = 20.0
"""Longest that recogniser and voice may take to open."""
STEP_S = 10.0
"""Longest that each step of a call's end may take."""
ANSWER_MARGIN_S = 10.0
"""How much later than the ring timeout a carrier may say that nobody answered."""

_UNANSWERED: dict[str, tuple[Outcome, str]] = {
    "busy": ("busy", "the line is busy"),
    "no_answer": ("no_answer", "nobody answered"),
    "canceled": ("canceled", "the call was cancelled before it was answered"),
    "failed": ("failed", "the carrier could not place the call"),
}


class LiveCall:
    """`run` is the call's whole life.  Whatever ends it calls `end`, the first wins, and `run` cleans up once."""

    def __init__(
        self,
        placed: CallPlaced,
        token: str,
        carrier: Carrier,
        *,
        bus: EventBus,
        clock: Clock,
        recorder: Recorder | None,
        conversation: Callable[[LiveCall], Conversation],
        named: Callable[[LiveCall], None],
    ) -> None:
        """`named` is told when the carrier has given the call its `carrier_call_id`."""
        self.call_id = placed.call_id
        self._outbound = placed.direction == "outbound"
        self.carrier_call_id = ""
        self.ended = False
        """The end was told."""
        self._token: str | None = token
        self._carrier = carrier
        self._bus = bus
        self._clock = clock
        self._recorder = recorder
        self._recording: Recording | None = None
        self._stream: MediaStream | None = None
        self._answered_at: float | None = None
        self._machine: MachineDetection | None = None
        self._voicemail = False
        self._over: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._rang = False
        self._prepared = False
        self._talking = False
        self._changed = asyncio.Event()
        self._deadline: TimerHandle | None = None
        self._named = named
        self.transferring = Transferring(
            self, carrier, clock, from_number=placed.from_number if self._outbound else placed.to_number
        )
        self._conversation = conversation(self)
        # Told last: whoever hears of a call can count on its end.
        self.record = CallRecord.from_events([bus.publish(placed)])

    @property
    def parameters(self) -> dict[str, str]:
        """What the media stream must bring along to be this call's; nothing once it came."""
        return {"token": self._token} if self._token is not None else {}

    # -- telling

    def publish(self, event: Event) -> None:
        """Every event of the call goes through here, to the bus and into the call's own view; after the end, none."""
        if self.ended:
            return
        self.ended = isinstance(event, CallEnded)
        if isinstance(event, MachineDetected):
            self._voicemail |= event.classification in ("machine", "fax")
        self.record.apply(self._bus.publish(event))
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    @property
    def changed(self) -> asyncio.Event:
        """Set at the next event."""
        return self._changed

    # -- life

    async def run(self, dial: DialRequest | None, expected_phrases: tuple[str, ...] = ()) -> None:
        """Dial (or, with None, wait for the carrier's stream), talk, end.  Never raises but for cancellation."""
        try:
            if dial is not None:
                expected_phrases = await self._dial(dial)
            self._expect_answer(dial.ring_timeout_s if dial else 0.0)
            await self._prepare(expected_phrases)
            ending = await self._over
        except PatterError as error:
            self._tell_problem(error)
            ending = self._ended_already() or failed(error)
        except Exception as error:  # our own fault ends this call and no other
            log.exception("call %s broke", self.call_id)
            ending = self._ended_already() or failed(PatterError(f"The engine failed: {type(error).__name__}."))
        finally:
            if self._deadline is not None:
                self._deadline.cancel()
        await self._finish(ending)

    async def _dial(self, request: DialRequest) -> tuple[str, ...]:
        try:
            async with deadline(self._clock, self._clock.now() + CARRIER_S):
                dialed = await self._carrier.dial(request)
        except TimeoutError:
            raise CarrierError(f"The carrier did not take the call within {CARRIER_S:g} s.") from None
        self.carrier_call_id = dialed.carrier_call_id
        self.publish(CallDialed(call_id=self.call_id, at=self._clock.wall(), carrier_call_id=dialed.carrier_call_id))
        self._named(self)
        return dialed.expected_phrases

    async def _prepare(self, expected_phrases: tuple[str, ...]) -> None:
        """Open the providers while it rings, unless the call is over first."""
        preparing = asyncio.create_task(self._conversation.prepare(expected_phrases))
        try:
            async with deadline(self._clock, self._clock.now() + PREPARE_S):
                await asyncio.wait((preparing, self._over), return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            raise ProviderError(f"Speech was not ready within {PREPARE_S:g} s.", retryable=True) from None
        finally:
            if not preparing.done():
                preparing.cancel()
                await asyncio.wait((preparing,))
        if preparing.cancelled():
            if self._over.done():
                return
            raise ProviderError("A speech provider broke off while it was opened.", retryable=True)
        preparing.result()
        self._prepared = True
        recogniser = self._conversation.recogniser
        self.publish(CallPrepared(call_id=self.call_id, at=self._clock.wall(), speech_to_text=recogniser))
        self._begin()

    def _expect_answer(self, ring_timeout_s: float) -> None:
        if self._answered_at is None:
            self._deadline = self._clock.call_at(
                self._clock.now() + ring_timeout_s + ANSWER_MARGIN_S, self._never_answered
            )

    def _never_answered(self) -> None:
        if self._outbound:
            error = CarrierError("The carrier never said whether the call was answered.")
            self.end(Ending("no_answer", "carrier", error.message, error))
        else:
            self.end(failed(CarrierError("The carrier never opened the call's media stream."), ended_by="carrier"))

    def _begin(self) -> None:
        """Start talking once there are both a stream and a prepared conversation."""
        if self._stream is not None and self._prepared and not self._over.done():
            self._talking = True
            self._conversation.start(self._stream)
            if self._machine is not None:
                self._tell_machine(self._machine)

    def end(self, ending: Ending) -> None:
        """The call is over for this reason; later reasons are not heard."""
        if not self._over.done():
            self._over.set_result(ending)

    def _ended_already(self) -> Ending | None:
        return self._over.result() if self._over.done() else None

    async def _finish(self, ending: Ending) -> None:
        """The one place where calls end.  Whatever fails on the way, the rest is let go of and the end is told."""
        self._token = None  # whoever picks up now is too late
        answered, ended_at = self._answered_at, self._clock.now()
        # A tool that is under way may finish; the line does not wait for it.
        await asyncio.gather(self._guarded(self._conversation.close()), self._leave_line(ending))
        if self._recording is not None:
            await self._guarded(self._keep(self._recording))
        self.publish(
            CallEnded(
                call_id=self.call_id,
                at=self._clock.wall(),
                outcome="voicemail" if self._voicemail and ending.outcome == "answered" else ending.outcome,
                ended_by=ending.ended_by,
                reason=ending.reason,
                duration_s=round(ended_at - answered, 3) if answered is not None else 0.0,
                error_code=ending.error.code if ending.error else "",
                error=ending.error.message if ending.error else "",
            )
        )

    async def _leave_line(self, ending: Ending) -> None:
        if self._stream is not None:
            self._stream.close()
        if self.carrier_call_id and not ending.carrier_knows:
            await self._guarded(self._carrier.hang_up(self.carrier_call_id))

    async def _guarded(self, step: Awaitable[None]) -> None:
        """A step of the end, which has its time and does not keep the next one from being done."""
        try:
            async with deadline(self._clock, self._clock.now() + STEP_S):
                await step
        except TimeoutError:
            log.warning("call %s: a step of its end took longer than %g s", self.call_id, STEP_S)
        except CarrierError as error:
            log.warning("call %s: the carrier did not hang up: %s", self.call_id, error.message)
        except Exception:  # our own fault must not leave a line open
            log.exception("call %s: a step of its end failed", self.call_id)

    async def _keep(self, recording: Recording) -> None:
        try:
            kept = await recording.close()
        except OSError as error:
            self._tell_problem(StoreError(f"The recording could not be written: {error.strerror}."))
            return
        self.publish(
            Recorded(
                call_id=self.call_id,
                at=self._clock.wall(),
                path=str(kept.path),
                duration_s=kept.duration_s,
                bytes=kept.bytes,
            )
        )

    def _tell_problem(self, error: PatterError) -> None:
        self.publish(Problem(call_id=self.call_id, at=self._clock.wall(), code=error.code, message=error.message))

    # -- from the conversation

    def hang_up(self, farewell: Farewell, error: PatterError | None) -> None:
        """The conversation is over."""
        self.end(Ending("failed" if error else "answered", farewell.ended_by, farewell.reason, error))

    # -- from the media stream

    def redeem(self, token: str) -> bool:
        """Whether this is the call's token; it is good once."""
        good = self._token is not None and _equal(token, self._token)
        if good:
            self._token = None
        return good

    def connected(self, stream: MediaStream) -> Callable[[bytes], None]:
        if self._deadline is not None:
            self._deadline.cancel()
        self._stream = stream
        self._answered_at = self._clock.now()
        self.publish(CallAnswered(call_id=self.call_id, at=self._clock.wall()))
        if self._recorder is not None:
            self._recording = self._recorder.open(self.call_id)
            stream.record(self._recording)
            path = str(self._recording.path)
            self.publish(RecordingStarted(call_id=self.call_id, at=self._clock.wall(), path=path))
        self._begin()
        return self._conversation.hear

    def mark_played(self, name: str) -> None:
        self._conversation.mark_played(name)

    def dtmf(self, digit: str) -> None:
        self.publish(DtmfPressed(call_id=self.call_id, at=self._clock.wall(), role="caller", digit=digit))
        self._conversation.press(digit)

    def broken_message(self, error: MediaError) -> None:
        self._tell_problem(error)

    def hung_up(self) -> None:
        self.transferring.stream_over(Ending("answered", "caller", "the other side hung up", carrier_knows=True))

    def lost(self, error: MediaError) -> None:
        self.end(failed(error, ended_by="carrier"))

    # -- from the carrier

    def on_status(self, change: StatusChanged) -> None:
        """A status callback; they may be late, doubled or out of order."""
        if change.status == "ringing":
            if self._answered_at is None and not self._rang:
                self._rang = True
                self.publish(CallRinging(call_id=self.call_id, at=self._clock.wall()))
        elif change.status in _UNANSWERED:
            outcome, words = _UNANSWERED[change.status]
            cause = f" ({change.cause})" if change.cause else ""
            error = CarrierError(f"{words.capitalize()}{cause}.") if outcome == "failed" else None
            self.end(Ending(outcome, "carrier", words + cause, error, carrier_knows=True))
        elif change.status == "completed":
            if self._answered_at is not None:
                self.hung_up()
            else:
                error = CarrierError("The call was answered and ended without a media stream.")
                self.end(Ending("failed", "carrier", error.message, error, carrier_knows=True))

    def on_machine_detection(self, result: MachineDetection) -> None:
        self.publish(
            MachineDetected(
                call_id=self.call_id, at=self._clock.wall(), classification=result.classification, raw=result.raw
            )
        )
        if result.classification in ("machine", "fax"):
            self._machine = result
            if self._talking:
                self._tell_machine(result)
        elif result.classification == "human":
            self._conversation.human_detected()

    def _tell_machine(self, result: MachineDetection) -> None:
        if result.classification == "fax":
            self.hang_up_now("a fax machine took the call", ended_by="agent")
        else:
            self._conversation.machine_detected(greeting_ended=result.greeting_ended)

    # -- from above

    def hang_up_now(self, reason: str, *, ended_by: EndedBy = "assistant") -> None:
        """End the call, whatever is being said."""
        self.end(Ending("canceled" if self._answered_at is None else "answered", ended_by, reason))

    def shut_down(self) -> None:
        """The engine stops: say goodbye if anybody listens, else end."""
        if self._talking:
            self._conversation.shut_down()
        else:
            self.hang_up_now("the engine was stopped", ended_by="engine")


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
