"""What the events of a call amount to.  No I/O: the journal writes it, a live call shows it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from getpatter.events import (
    Amendment,
    BargeIn,
    CallAnswered,
    CallDialed,
    CallEnded,
    CallPlaced,
    CallPrepared,
    CallPriced,
    CallRinging,
    CarrierRecorded,
    DraftEnded,
    Event,
    FalseInterruption,
    FirstMessagePrepared,
    FirstToken,
    ProviderUsed,
    Recorded,
    RecordingStarted,
    SpeechEnded,
    SpeechStarted,
    ToolCalled,
    TranscriptInterim,
    Transferred,
    Turn,
    TurnLatency,
)
from getpatter.observability.latency import spreads
from getpatter.store import costs
from getpatter.store.tables import CallRow, TurnRow


def kept(event: Event) -> bool:
    """Whether the event belongs to the record of the call.

    Interim transcripts, first tokens and the edges of speech are for those who watch: they come several times a
    second, and the turn that follows holds the same words and times for good.
    """
    return not isinstance(event, TranscriptInterim | SpeechStarted | SpeechEnded | FirstToken)


def said(row: TurnRow) -> Turn:
    """The turn in a row, as far as the row tells: `seq` is 0."""
    return Turn(
        call_id=row.call_id,
        at=row.ended_at,
        index=row.index,
        role="agent" if row.role == "agent" else "caller",
        text=row.text,
        started_at=row.started_at,
        ended_at=row.ended_at,
        interrupted=row.interrupted,
        unheard=row.unheard,
        latency=msgspec.convert(row.latency, TurnLatency),
    )


_TRUST = ("", "estimate", "carrier")


def _weight(source: str, micros: int, currency: str) -> tuple[int, int, str]:
    """Orders prices by what they count: the carrier's word before our estimate, and of two from one source the higher,
    since a carrier bills a call's parts one after the other."""
    return _TRUST.index(source), micros, currency


class CallProjection:
    """One call so far.

    Events must be numbered (`EventBus.publish` does it).  One that was seen before changes nothing, and after the end
    none does but an `Amendment` that tells something new, so a record can be continued from its rows without knowing
    which events made them.  Amendments amount to the same in any order.
    """

    def __init__(self, row: CallRow, turns: Iterable[Turn] = ()) -> None:
        self.turns: dict[int, Turn] = {turn.index: turn for turn in turns}
        self._row = row
        self._measured = not self.turns

    @classmethod
    def begin(cls, placed: CallPlaced) -> CallProjection:
        """The call that this event makes."""
        return cls(
            CallRow(
                id=placed.call_id,
                idempotency_key=placed.key or None,
                direction=placed.direction,
                from_number=placed.from_number,
                to_number=placed.to_number,
                carrier=placed.carrier,
                carrier_call_id=placed.carrier_call_id,
                agent=placed.agent,
                goal=placed.goal,
                language_model=placed.language_model,
                speech_to_text=placed.speech_to_text,
                text_to_speech=placed.text_to_speech,
                notes=list(placed.notes),
                # An incoming call rings here from its first moment; our own waits for the carrier's word.
                status="ringing" if placed.direction == "inbound" else "queued",
                created_at=placed.at,
                updated_at=placed.at,
                last_seq=placed.seq,
            )
        )

    @property
    def row_so_far(self) -> CallRow:
        """The call's row; while the call lives its percentiles may be those of an earlier moment."""
        return self.row if self._row.status == "ended" else self._row

    @property
    def row(self) -> CallRow:
        """The call's row.  Percentiles are taken here, once after the turns that they are over have changed."""
        if not self._measured:
            self._measure()
        return self._row

    def apply(self, event: Event) -> bool:
        """Take one event in; False when it does not belong to the record."""
        row = self._row
        if not kept(event) or event.seq <= row.last_seq or (row.status == "ended") != isinstance(event, Amendment):
            return False
        if isinstance(event, Amendment) and not self._amend(event):
            return False
        row.last_seq = event.seq
        row.updated_at = max(row.updated_at, event.at)
        match event:
            case CallDialed():
                row.carrier_call_id = event.carrier_call_id
            case CallPrepared():
                row.speech_to_text = event.speech_to_text
            case CallRinging():
                # A carrier's callbacks may overtake each other: ringing never takes an answer back.
                if row.status == "queued":
                    row.status = "ringing"
            case CallAnswered():
                row.status = "in_progress"
                row.answered_at = event.at if row.answered_at is None else row.answered_at
            case Turn():
                self.turns[event.index] = event
                row.turns = len(self.turns)
                self._measured = False
            case BargeIn():
                row.interruptions += 1
            case FalseInterruption():
                counts = row.false_interruptions
                row.false_interruptions = {**counts, event.kind: counts.get(event.kind, 0) + 1}
            case ToolCalled():
                row.tool_calls += 1
            case DraftEnded(used=True):
                row.drafts_used += 1
            case DraftEnded():
                row.drafts_wasted += 1
            case FirstMessagePrepared(used=False, reused=False):
                row.first_message_wasted_s += event.audio_s
            case ProviderUsed():
                bill = costs.bill_of(row, event.kind).plus(event.cost_micros, estimated=event.used.estimated)
                costs.put(row, event.kind, bill)
                row.llm_saved_micros += event.saved_micros
            case Transferred():
                row.transferred_to = event.number
            case RecordingStarted() | Recorded():
                row.recording = event.path
            case CallEnded():
                self._end(event)
            case _:
                pass
        return True

    def _end(self, ended: CallEnded) -> None:
        row = self._row
        row.status = "ended"
        row.outcome = ended.outcome
        row.ended_by = ended.ended_by
        row.reason = ended.reason
        row.error_code = ended.error_code
        row.error = ended.error
        row.ended_at = ended.at
        row.duration_s = ended.duration_s
        if ended.outcome == "interrupted":
            costs.forget(row)
        costs.sum_up(row)

    def _amend(self, amendment: Amendment) -> bool:
        row = self._row
        match amendment:
            case CarrierRecorded():
                # Of several the same one is shown, whichever was fetched first; all are in the store.
                row.carrier_recording = max(row.carrier_recording, amendment.path)
            case CallPriced():
                told = (amendment.source, amendment.amount_micros, amendment.currency)
                if _weight(*told) <= _weight(
                    row.carrier_cost_source, row.carrier_cost_micros or 0, row.carrier_cost_currency
                ):
                    return False
                row.carrier_cost_source, row.carrier_cost_micros, row.carrier_cost_currency = told
                row.carrier_settled |= amendment.source == "carrier"
                costs.sum_up(row)
        return True

    def _measure(self) -> None:
        spoken = [turn.latency for turn in self.turns.values() if turn.role == "agent"]
        answers = [latency for latency in spoken if latency.response_ms is not None]
        found = spreads(answers)
        response = found.get("response_ms")
        row = self._row
        row.answers = len(answers)
        row.latency = {part: percentiles._asdict() for part, percentiles in found.items()}
        row.response_ms_p50, row.response_ms_p95 = (response.p50, response.p95) if response else (None, None)
        self._measured = True
