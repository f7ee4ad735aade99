"""A switchboard without telephones: whoever holds it decides what happens on the line."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from dataclasses import dataclass, field

from getpatter.calls.views import (
    CallQuery,
    CallView,
    InboundView,
    LatencySummary,
    Percentiles,
    PlaceCall,
    ServeInbound,
    TranscriptPage,
    TurnView,
)
from getpatter.clock import Clock, SystemClock
from getpatter.errors import CallEnded as CallIsOver
from getpatter.errors import CallNotFound, PatterError
from getpatter.events import (
    CallAnswered,
    CallEnded,
    CallPlaced,
    CallRinging,
    DtmfPressed,
    EndedBy,
    Event,
    Outcome,
    Role,
    TransferMode,
    Transferred,
    Turn,
    TurnLatency,
)
from getpatter.observability.bus import EventBus
from getpatter.observability.latency import spread

CARRIER = "memory"
OWN_NUMBER = "+12025550199"


@dataclass(eq=False)
class _Call:
    """One call, and the signal that something happened in it."""

    view: CallView
    turns: list[TurnView] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class MemorySwitchboard:
    """A `calls.switchboard.Switchboard` that keeps calls in memory and lets a test play the far end.

    A placed call stays queued until `ring`, `answer`, `say` and `end` move it on.  What happens goes through `bus` as
    the events of a real call do.
    """

    def __init__(self, *, bus: EventBus | None = None, clock: Clock | None = None, notes: tuple[str, ...] = ()) -> None:
        self.bus = bus or EventBus()
        self.refusal: PatterError | None = None
        """Raised by `place`, when set."""
        self._clock = clock or SystemClock()
        self._notes = notes
        self._calls: dict[str, _Call] = {}
        self._keys: dict[str, str] = {}
        self._ids = (f"call_{n}" for n in itertools.count(1))

    async def place(self, request: PlaceCall) -> CallView:
        if self.refusal is not None:
            raise self.refusal
        if request.key in self._keys:
            return self._shown(self._calls[self._keys[request.key]])
        call_id = next(self._ids)
        if request.key:
            self._keys[request.key] = call_id
        return self._begin(
            CallPlaced(
                call_id=call_id,
                at=self._clock.wall(),
                direction="outbound",
                from_number=OWN_NUMBER,
                to_number=request.to_number,
                carrier=CARRIER,
                goal=request.goal,
                notes=self._notes,
            )
        )

    async def wait(self, call_id: str, *, timeout_s: float, after_seq: int | None = None) -> CallView:
        call = self._call(call_id)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not call.view.ended and (after_seq is None or call.view.last_seq <= after_seq):
                    await call.changed.wait()
        return self._shown(call)

    async def get(self, call_id: str) -> CallView:
        return self._shown(self._call(call_id))

    async def list(self, query: CallQuery) -> list[CallView]:
        newest_first = (self._shown(call) for call in reversed(self._calls.values()))
        return list(itertools.islice((view for view in newest_first if _matches(view, query)), query.limit))

    async def transcript(self, call_id: str, *, after: int = -1, limit: int = 50) -> TranscriptPage:
        call = self._call(call_id)
        turns = [turn for turn in call.turns if turn.index > after]
        page = turns[:limit]
        return TranscriptPage(
            call_id=call_id,
            status=call.view.status,
            outcome=call.view.outcome,
            turns=tuple(page),
            next_after=page[-1].index if len(turns) > limit else None,
        )

    async def hang_up(self, call_id: str, *, reason: str = "") -> CallView:
        view = self._call(call_id).view
        if view.ended:
            return view
        outcome: Outcome = "answered" if view.answered_at is not None else "canceled"
        return self.end(call_id, outcome, ended_by="assistant", reason=reason)

    async def transfer(self, call_id: str, number: str, *, mode: TransferMode = "cold", summary: str = "") -> CallView:
        self._talked_in(call_id)
        given = Transferred(call_id=call_id, at=self._clock.wall(), number=number, mode=mode, summary=summary)
        self._happen(given, transferred_to=number)
        return self.end(call_id, "answered", ended_by="agent", reason=f"transferred to {number}")

    async def send_dtmf(self, call_id: str, digits: str) -> CallView:
        self._talked_in(call_id)
        for digit in digits.replace("w", ""):
            self._happen(DtmfPressed(call_id=call_id, at=self._clock.wall(), role="agent", digit=digit))
        return await self.get(call_id)

    def _talked_in(self, call_id: str) -> None:
        if self._call(call_id).view.status != "in_progress":
            raise CallIsOver(f"Nobody is on the line of call {call_id}.")

    async def serve_inbound(self, request: ServeInbound) -> InboundView:
        return InboundView(
            enabled=request.enabled,
            phone_number=OWN_NUMBER,
            carrier=CARRIER,
            goal=request.goal,
            how_to_try="call `incoming` on the switchboard",
        )

    def incoming(self, from_number: str) -> CallView:
        """Somebody rings our number."""
        return self._begin(
            CallPlaced(
                call_id=next(self._ids),
                at=self._clock.wall(),
                direction="inbound",
                from_number=from_number,
                to_number=OWN_NUMBER,
                carrier=CARRIER,
                notes=self._notes,
            )
        )

    def ring(self, call_id: str) -> CallView:
        """The far end's telephone rings."""
        return self._happen(CallRinging(call_id=call_id, at=self._clock.wall()), status="ringing")

    def answer(self, call_id: str) -> CallView:
        """Somebody picks up."""
        now = self._clock.wall()
        return self._happen(CallAnswered(call_id=call_id, at=now), status="in_progress", answered_at=now)

    def say(self, call_id: str, role: Role, text: str, *, response_ms: float | None = None) -> CallView:
        """One side says `text`."""
        call, now = self._call(call_id), self._clock.wall()
        index = len(call.turns)
        at_s = now - (call.view.answered_at or now)
        call.turns.append(
            TurnView(index=index, role=role, text=text, at_s=at_s, duration_s=0.0, response_ms=response_ms)
        )
        latency = TurnLatency(response_ms=response_ms)
        turn = Turn(
            call_id=call_id,
            at=now,
            index=index,
            role=role,
            text=text,
            started_at=now,
            ended_at=now,
            latency=latency,
        )
        return self._happen(turn, turns=index + 1, latency=_summary(call.turns))

    def end(
        self, call_id: str, outcome: Outcome = "answered", *, ended_by: EndedBy = "caller", reason: str = ""
    ) -> CallView:
        """The call is over."""
        view, now = self._call(call_id).view, self._clock.wall()
        duration_s = now - view.answered_at if view.answered_at is not None else 0.0
        ended = CallEnded(
            call_id=call_id, at=now, outcome=outcome, ended_by=ended_by, reason=reason, duration_s=duration_s
        )
        return self._happen(
            ended,
            status="ended",
            outcome=outcome,
            ended_by=ended_by,
            reason=reason,
            ended_at=now,
            duration_s=duration_s,
        )

    def _call(self, call_id: str) -> _Call:
        try:
            return self._calls[call_id]
        except KeyError:
            raise CallNotFound(
                f"There is no call {call_id!r}.", next_step="List the calls to find the right call_id."
            ) from None

    def _begin(self, placed: CallPlaced) -> CallView:
        self._calls[placed.call_id] = _Call(
            CallView(
                call_id=placed.call_id,
                direction=placed.direction,
                from_number=placed.from_number,
                to_number=placed.to_number,
                carrier=placed.carrier,
                status="queued",
                goal=placed.goal,
                notes=placed.notes,
                created_at=placed.at,
            )
        )
        return self._happen(placed)

    def _happen(self, event: Event, **changes: object) -> CallView:
        call = self._call(event.call_id)
        seq = self.bus.publish(event).seq
        call.view = call.view.model_copy(update={**changes, "last_seq": seq})
        changed, call.changed = call.changed, asyncio.Event()
        changed.set()
        return self._shown(call)

    def _shown(self, call: _Call) -> CallView:
        """The call as of now: while it lives, its duration grows."""
        view = call.view
        if view.status != "in_progress" or view.answered_at is None:
            return view
        return view.model_copy(update={"duration_s": self._clock.wall() - view.answered_at})


def _summary(turns: list[TurnView]) -> LatencySummary | None:
    found = spread(turn.response_ms for turn in turns if turn.response_ms is not None)
    if found is None:
        return None
    answers = sum(turn.response_ms is not None for turn in turns)
    return LatencySummary(turns=answers, response_ms=Percentiles(**found._asdict()))


def _matches(view: CallView, query: CallQuery) -> bool:
    return (
        (query.status is None or view.status == query.status)
        and (query.direction is None or view.direction == query.direction)
        and (query.outcome is None or view.outcome == query.outcome)
        and (query.number in view.from_number or query.number in view.to_number)
        and (query.before is None or view.created_at < query.before)
    )
