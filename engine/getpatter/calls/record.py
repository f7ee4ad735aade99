"""One call as its events tell it, shown as the switchboard shows calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from getpatter.calls.views import (
    CallCost,
    CallView,
    Cost,
    CostPart,
    LatencySummary,
    Percentiles,
    Status,
    TranscriptPage,
    TurnView,
)
from getpatter.events import CallPlaced, CostSource, Direction, DismissedAs, EndedBy, Event, Outcome, Turn
from getpatter.observability.latency import observed
from getpatter.observability.stages import slowest
from getpatter.pricing.bill import Bill, total
from getpatter.store.costs import KINDS, bill_of, telephony_of
from getpatter.store.projection import CallProjection, said
from getpatter.store.tables import CallRow, TurnRow

MICROS = 1_000_000


class CallRecord:
    """The record of one call, living or rebuilt.

    `apply` and `view` are cheap: percentiles are taken anew only by the first `view` after a turn.
    """

    def __init__(self, projection: CallProjection) -> None:
        self._projection = projection

    @classmethod
    def from_events(cls, events: Iterable[Event]) -> CallRecord:
        """The record that numbered events make; the first must be the call's `CallPlaced`."""
        rest = iter(events)
        placed = next(rest, None)
        if not isinstance(placed, CallPlaced):
            raise ValueError(f"a call begins with CallPlaced, not with {type(placed).__name__}")
        record = cls(CallProjection.begin(placed))
        for event in rest:
            record.apply(event)
        return record

    @classmethod
    def from_rows(cls, call: CallRow, turns: Iterable[TurnRow]) -> CallRecord:
        """The record in the store: the call's row and all of its turns."""
        return cls(CallProjection(call, map(said, turns)))

    def apply(self, event: Event) -> bool:
        """Take a numbered event of this call in; False when it changes nothing (see `store.projection`)."""
        return self._projection.apply(event)

    def view(self, now: float) -> CallView:
        """The call at `now`, Unix seconds."""
        return call_view(self._projection.row, now)

    def transcript(self, after: int = -1, limit: int = 50) -> TranscriptPage:
        """At most `limit` turns with an index above `after`."""
        turns = self._projection.turns
        wanted = sorted(index for index in turns if index > after)[: limit + 1]
        return _page(self._projection.row, [turns[index] for index in wanted], limit)


def call_view(row: CallRow, now: float) -> CallView:
    """The call in a row at `now`, Unix seconds."""
    return CallView(
        call_id=row.id,
        # The columns are text; only events, whose values are checked, fill them.
        direction=cast(Direction, row.direction),
        status=cast(Status, row.status),
        outcome=cast(Outcome | None, row.outcome),
        ended_by=cast(EndedBy | None, row.ended_by),
        from_number=row.from_number,
        to_number=row.to_number,
        carrier=row.carrier,
        reason=row.reason,
        error_code=row.error_code,
        error=row.error,
        transferred_to=row.transferred_to,
        goal=row.goal,
        agent=row.agent,
        language_model=row.language_model,
        speech_to_text=row.speech_to_text,
        text_to_speech=row.text_to_speech,
        notes=tuple(row.notes),
        created_at=row.created_at,
        answered_at=row.answered_at,
        ended_at=row.ended_at,
        duration_s=_duration(row, now),
        turns=row.turns,
        interruptions=row.interruptions,
        false_interruptions=cast(dict[DismissedAs, int], row.false_interruptions),
        tool_calls=row.tool_calls,
        drafts_used=row.drafts_used,
        drafts_wasted=row.drafts_wasted,
        first_message_wasted_s=row.first_message_wasted_s,
        latency=_latency(row),
        recording=row.recording,
        carrier_recording=row.carrier_recording,
        carrier_cost=_carrier_cost(row),
        cost=_cost(row),
        last_seq=row.last_seq,
    )


def transcript_page(row: CallRow, turns: Sequence[TurnRow], limit: int) -> TranscriptPage:
    """A page of turns from the store; ask it for `limit + 1` of them, so that the page knows whether there are more."""
    return _page(row, [said(turn) for turn in turns], limit)


def _page(row: CallRow, turns: Sequence[Turn], limit: int) -> TranscriptPage:
    began = row.created_at if row.answered_at is None else row.answered_at
    shown = turns[:limit]
    return TranscriptPage(
        call_id=row.id,
        status=cast(Status, row.status),
        outcome=cast(Outcome | None, row.outcome),
        turns=tuple(_turn_view(turn, began) for turn in shown),
        next_after=shown[-1].index if len(turns) > limit else None,
    )


def _turn_view(turn: Turn, began: float) -> TurnView:
    guilty = slowest(turn.latency)
    return TurnView(
        index=turn.index,
        role=turn.role,
        text=turn.text,
        at_s=max(0.0, turn.started_at - began),
        duration_s=max(0.0, turn.ended_at - turn.started_at),
        interrupted=turn.interrupted,
        unheard=turn.unheard,
        response_ms=turn.latency.response_ms,
        latency=observed(turn.latency),
        slowest=guilty and guilty[0],
        slowest_ms=guilty and guilty[1],
    )


def _duration(row: CallRow, now: float) -> float:
    if row.status == "in_progress" and row.answered_at is not None:
        return max(0.0, now - row.answered_at)
    return row.duration_s


def _carrier_cost(row: CallRow) -> Cost | None:
    if row.carrier_cost_micros is None:
        return None
    return Cost(
        amount=row.carrier_cost_micros / MICROS,
        currency=row.carrier_cost_currency,
        source=cast(CostSource, row.carrier_cost_source),
    )


def _cost(row: CallRow) -> CallCost:
    bills: dict[CostPart, Bill] = {kind: bill_of(row, kind) for kind in KINDS}
    bills["telephony"] = telephony_of(row)
    return CallCost(
        total=_dollars(total(bills.values()).micros),
        **{part: _dollars(bill.micros) for part, bill in bills.items()},
        cached_savings=row.llm_saved_micros / MICROS,
        unknown=tuple(part for part, bill in bills.items() if bill.unknown),
        estimated=tuple(part for part, bill in bills.items() if bill.estimated),
    )


def _dollars(micros: int | None) -> float | None:
    return None if micros is None else micros / MICROS


def _latency(row: CallRow) -> LatencySummary | None:
    if not row.answers:
        return None
    return LatencySummary(turns=row.answers, **{part: Percentiles(**found) for part, found in row.latency.items()})
