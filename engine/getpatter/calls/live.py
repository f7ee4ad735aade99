"""One call while it lives: from its first event to its last."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from getpatter.calls.answer_watch import AnswerWatch
from getpatter.calls.carrier_leg import CarrierLeg
from getpatter.calls.carrier_recording import CarrierRecording
from getpatter.calls.ending import Ending, failed
from getpatter.calls.hang_ups import HangUps
from getpatter.calls.leaving import Leaving
from getpatter.calls.legs import Legs
from getpatter.calls.machine import MachineNews
from getpatter.calls.opening import Dial, Opening, PickUp, Setup
from getpatter.calls.own_recording import OwnRecording
from getpatter.calls.preparing import prepared
from getpatter.calls.record import CallRecord
from getpatter.calls.recording import Recorder
from getpatter.calls.session import MediaStream
from getpatter.calls.status import CarrierStatusTrack
from getpatter.calls.step import guarded
from getpatter.calls.transferring import Transferring
from getpatter.carriers.base import (
    CallRenamed,
    Carrier,
    CarrierEvent,
    MachineDetection,
    StatusChanged,
    StreamFailed,
    StreamStarted,
)
from getpatter.clock import Clock
from getpatter.conversation.actions import Farewell
from getpatter.conversation.conversation import Conversation
from getpatter.errors import CarrierError, MediaError, PatterError
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
    Problem,
    TransferMode,
)
from getpatter.observability.bus import EventBus

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What the calls of one engine share."""

    carrier: Carrier
    legs: Legs
    hang_ups: HangUps
    bus: EventBus
    clock: Clock
    recorder: Recorder | None
    carrier_records: bool
    """The carrier is to record, too."""


class LiveCall:
    """`run` is the call's whole life.  Whatever ends it calls `end`, the first wins, and `run` cleans up once."""

    def __init__(
        self,
        placed: CallPlaced,
        setup: Setup,
        office: Office,
        *,
        webhooks_url: str,
        conversation: Callable[[LiveCall], Conversation],
    ) -> None:
        self.call_id = setup.call_id
        self.ended = False
        """The end was told."""
        self._office = office
        carrier, clock = office.carrier, office.clock
        self._clock = clock
        self._leg = CarrierLeg(carrier, clock, webhooks_url)
        self._recording = OwnRecording(
            self.call_id, office.recorder, clock, publish=self.publish, problem=self._tell_problem
        )
        self._stream: MediaStream | None = None
        self._answered_at: float | None = None
        self._over: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._prepared = False
        self._talking = False
        self._changed = asyncio.Event()
        self._carrier_recording = CarrierRecording(self._leg, wanted=office.carrier_records, problem=self._tell_problem)
        self._status = CarrierStatusTrack(setup.direction)
        self._watch = AnswerWatch(carrier, clock, setup.direction, self.end)
        self.transferring = Transferring(
            self,
            carrier,
            clock,
            office.legs,
            office.hang_ups,
            from_number=setup.from_number if setup.direction == "outbound" else setup.to_number,
            language=setup.agent.language,
            webhooks_url=webhooks_url,
        )
        self._conversation = conversation(self)
        self._machine = MachineNews(self._conversation, self.hang_up_now)
        self._leaving = Leaving(
            self.call_id,
            self._leg,
            office.hang_ups,
            self._machine,
            clock,
            agent=setup.agent,
            outbound=setup.direction == "outbound",
            problem=self._tell_problem,
        )
        # Told last: whoever hears of a call can count on its end.
        self.record = CallRecord.from_events([office.bus.publish(placed)])
        # Until the carrier has named it, a call that we place is known by our own name.
        if setup.carrier_call_id:
            self._leg.named(setup.carrier_call_id)
            self._claim(setup.carrier_call_id)
        else:
            self._claim(self.call_id)

    # -- telling

    def publish(self, event: Event) -> None:
        """Every event of the call goes through here, to the bus and into the call's own view; after the end, none."""
        if self.ended:
            return
        self.ended = isinstance(event, CallEnded)
        if isinstance(event, MachineDetected):
            self._machine.detected(event)
        self.record.apply(self._office.bus.publish(event))
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    @property
    def carrier_call_id(self) -> str:
        """The carrier's name for the call, once it has told us."""
        return self._leg.id

    @property
    def parameters(self) -> dict[str, str]:
        """What the carrier's stream must bring along; nothing once it came."""
        return self._leg.stream_pass.parameters

    def admits(self, started: StreamStarted) -> bool:
        """Whether the stream is this call's."""
        if not self._leg.stream_pass.redeem(started.parameters.get("token", ""), started.carrier_call_id):
            return False
        if not self._leg.id:  # it was quicker than the carrier's answer to us
            self._named(started.carrier_call_id)
        return True

    @property
    def talking(self) -> bool:
        """Somebody is on the line and the agent talks to them."""
        return self._talking and not self._over.done()

    @property
    def changed(self) -> asyncio.Event:
        """Set at the next event."""
        return self._changed

    # -- life

    async def run(self, opening: Opening) -> None:
        """Dial or pick up, talk, end.  Never raises but for cancellation."""
        try:
            await self._prepare(await self._begun(opening))
            ending = await self._over
        except PatterError as error:
            self._tell_problem(error)
            ending = self._ended_already() or failed(error)
        except Exception as error:  # our own fault ends this call and no other
            log.exception("call %s broke", self.call_id)
            ending = self._ended_already() or failed(PatterError(f"The engine failed: {type(error).__name__}."))
        finally:
            self._watch.stop()
        await self._finish(ending)

    async def _begun(self, opening: Opening) -> tuple[str, ...]:
        """Have it rung, or pick it up; the sentences that the far end is likely to say."""
        ring_timeout_s = 0.0
        match opening:
            case Dial(request):
                name, phrases = await self._leg.dial(request)
                self._named(name)
                ring_timeout_s = request.ring_timeout_s
            case PickUp(command, phrases):
                if command is not None:
                    await self._leg.pick_up(command)
        if self._stream is None and not self._over.done():
            self._watch.start(lambda: self._leg.id, ring_timeout_s)
        return phrases

    def _named(self, carrier_call_id: str) -> None:
        """The carrier says what it calls the call; it may have reported on it before it told us."""
        if self._leg.named(carrier_call_id):
            self.publish(CallDialed(call_id=self.call_id, at=self._clock.wall(), carrier_call_id=carrier_call_id))
            self._claim(carrier_call_id)

    def _claim(self, name: str) -> None:
        self._office.legs.claim(name, self.hear_carrier)

    async def _prepare(self, expected_phrases: tuple[str, ...]) -> None:
        """Open the providers while it rings, unless the call is over first."""
        if not await prepared(self._conversation.prepare(expected_phrases), self._over, self._clock):
            return
        self._prepared = True
        recogniser = self._conversation.recogniser
        self.publish(CallPrepared(call_id=self.call_id, at=self._clock.wall(), speech_to_text=recogniser))
        self._begin()

    def _begin(self) -> None:
        """Start talking once there are both a stream and a prepared conversation."""
        if self._stream is not None and self._prepared and not self._over.done():
            self._talking = True
            self._conversation.start(self._stream)
            self._machine.talking()

    def end(self, ending: Ending) -> None:
        """The call is over for this reason; later reasons are not heard."""
        if not self._over.done():
            self._over.set_result(ending)

    def _ended_already(self) -> Ending | None:
        return self._over.result() if self._over.done() else None

    async def _finish(self, ending: Ending) -> None:
        """The one place where calls end.  Whatever fails on the way, the rest is let go of and the end is told."""
        self._leg.stream_pass.revoke()
        self.transferring.abandon()
        answered, ended_at = self._answered_at, self._clock.now()
        # A tool that is under way may finish; the line does not wait for it.
        _, ending = await asyncio.gather(
            guarded(self.call_id, self._conversation.close(), self._clock),
            self._leaving.leave(ending, self._close_stream),
        )
        await self._carrier_recording.close()
        await guarded(self.call_id, self._recording.close(), self._clock)
        self.publish(
            CallEnded(
                call_id=self.call_id,
                at=self._clock.wall(),
                outcome="voicemail" if self._machine.took and ending.outcome == "answered" else ending.outcome,
                ended_by=ending.ended_by,
                reason=ending.reason,
                duration_s=round(ended_at - answered, 3) if answered is not None else 0.0,
                error_code=ending.error.code if ending.error else "",
                error=ending.error.message if ending.error else "",
            )
        )
        self._office.legs.release(self.hear_carrier)

    def _close_stream(self) -> None:
        if self._stream is not None:
            self._stream.close()

    def _tell_problem(self, error: PatterError) -> None:
        self.publish(Problem(call_id=self.call_id, at=self._clock.wall(), code=error.code, message=error.message))

    # -- from the conversation

    def hang_up(self, farewell: Farewell, error: PatterError | None) -> None:
        """The conversation is over."""
        self.end(Ending("failed" if error else "answered", farewell.ended_by, farewell.reason, error))

    async def press(self, digits: str) -> bool:
        """Have the carrier press keys; False where they must sound in our own audio.  Raises `CarrierError`."""
        return self._stream is not None and await self._leg.press(digits, self._stream.press)

    # -- from the media stream

    def connected(self, stream: MediaStream) -> Callable[[bytes], None]:
        self._watch.stop()
        self._stream = stream
        self._answered_at = self._clock.now()
        self.publish(CallAnswered(call_id=self.call_id, at=self._clock.wall()))
        self._recording.begin(stream)
        self._carrier_recording.begin()
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
        self.transferring.stream_over(Ending("answered", "caller", "the other side hung up", stream_ended=True))

    def lost(self, error: MediaError) -> None:
        self.transferring.stream_over(failed(error, ended_by="carrier"))

    # -- from the carrier

    def hear_carrier(self, event: CarrierEvent) -> None:
        """A webhook about this call; they may be late, doubled or out of order."""
        match event:
            case StatusChanged():
                self._on_status(event)
            case MachineDetection(_, classification, _, raw):
                self.publish(
                    MachineDetected(call_id=self.call_id, at=self._clock.wall(), classification=classification, raw=raw)
                )
                self._machine.told(event)
            case CallRenamed(_, new_id):
                self._named(new_id)
            case StreamFailed(_, cause):
                self._stream_failed(cause)
            case _:
                pass

    def _on_status(self, change: StatusChanged) -> None:
        news = self._status.change(change, answered=self._answered_at is not None)
        if news == "ringing":
            self._watch.rang()
            self.publish(CallRinging(call_id=self.call_id, at=self._clock.wall()))
        elif isinstance(news, Ending):
            self.transferring.stream_over(news)

    def _stream_failed(self, cause: str) -> None:
        error = CarrierError(
            f"The carrier could not open the call's media stream: {cause}.",
            next_step="It must reach us by wss at the public URL: `getpatter doctor` tries it.",
        )
        if self._answered_at is None:
            self.end(failed(error, ended_by="carrier"))
        else:  # a stream that breaks later shows at its socket
            self._tell_problem(error)

    # -- from above

    def hang_up_now(self, reason: str, *, ended_by: EndedBy = "assistant") -> None:
        """End the call, whatever is being said."""
        self.end(Ending("canceled" if self._answered_at is None else "answered", ended_by, reason))

    async def transfer(self, number: str, summary: str, *, mode: TransferMode) -> None:
        """Have somebody else take the far end, who is on hold meanwhile.  Raises `CarrierError`."""
        await self._conversation.give_away(partial(self.transferring.transfer, number, summary, mode=mode))

    async def send_dtmf(self, digits: str) -> None:
        """Press keys as soon as what is being said was heard.  Raises `CarrierError`, and `ToolError` when the caller
        speaks first; only for a call that is `talking`."""
        await self._conversation.send_dtmf(digits)

    def shut_down(self) -> None:
        """The engine stops: say goodbye if anybody listens, else end."""
        if self._talking:
            self._conversation.shut_down()
        else:
            self.hang_up_now("the engine was stopped", ended_by="engine")
