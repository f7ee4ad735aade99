"""What a call's row says of its cost, as bills, one for each kind of provider."""

from __future__ import annotations

from typing import get_args

from getpatter.events import UsedFor
from getpatter.pricing.bill import Bill, total
from getpatter.pricing.figures import BUILT_IN
from getpatter.pricing.telephony import costs_nothing
from getpatter.store.tables import CallRow

KINDS: tuple[UsedFor, ...] = get_args(UsedFor)


def bill_of(row: CallRow, kind: UsedFor) -> Bill:
    """Empty where nothing of the kind was used."""
    micros = {
        "stt": row.stt_cost_micros,
        "llm": row.llm_cost_micros,
        "tts": row.tts_cost_micros,
        "engine": row.engine_cost_micros,
    }
    return Bill(micros[kind], kind in row.costs_unknown, kind in row.costs_estimated)


def put(row: CallRow, kind: UsedFor, bill: Bill) -> None:
    """Write the bill into the row, and what all of them come to."""
    match kind:
        case "stt":
            row.stt_cost_micros = bill.micros
        case "llm":
            row.llm_cost_micros = bill.micros
        case "tts":
            row.tts_cost_micros = bill.micros
        case "engine":
            row.engine_cost_micros = bill.micros
    if bill.unknown and kind not in row.costs_unknown:
        row.costs_unknown = [*row.costs_unknown, kind]
    if bill.estimated and kind not in row.costs_estimated:
        row.costs_estimated = [*row.costs_estimated, kind]
    sum_up(row)


def telephony_of(row: CallRow) -> Bill:
    """US dollars alone are summed: what the carrier charges in another currency is no part that is known here."""
    if row.carrier_cost_micros is not None and row.carrier_cost_currency == "USD":
        return Bill(row.carrier_cost_micros, estimated=row.carrier_cost_source == "estimate")
    if costs_nothing(row.carrier, BUILT_IN):
        return Bill(0)
    return Bill(unknown=row.status == "ended")


def total_of(row: CallRow) -> Bill:
    return total([*(bill_of(row, kind) for kind in KINDS), telephony_of(row)])


def sum_up(row: CallRow) -> None:
    row.cost_micros = total_of(row).micros


def forget(row: CallRow) -> None:
    """The call broke off before its providers were asked what they had used."""
    engine = row.language_model != "" and row.language_model == row.text_to_speech
    kinds: tuple[UsedFor, ...] = ("engine",) if engine else ("stt", "llm", "tts")
    for kind in kinds:
        put(row, kind, bill_of(row, kind).plus(None))
