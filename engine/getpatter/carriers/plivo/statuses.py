"""How Plivo says what became of a call: https://www.plivo.com/docs/voice/troubleshooting/hangup-causes"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from getpatter.carriers.base import CarrierCall, CarrierStatus, Price
from getpatter.errors import CarrierError

_STATUSES: Final[Mapping[str, CarrierStatus]] = {
    "queued": "queued",
    "initiated": "queued",
    "ringing": "ringing",
    "in-progress": "in_progress",
    "completed": "completed",
    "busy": "busy",
    "rejected": "busy",
    "no-answer": "no_answer",
    "timeout": "no_answer",
    "cancel": "canceled",
    "canceled": "canceled",
    "cancelled": "canceled",
    "failed": "failed",
}
_BY_CODE: Final[Mapping[str, CarrierStatus]] = {
    "1000": "canceled",
    "3000": "no_answer",
    "3010": "busy",
    "3020": "busy",
    "3100": "busy",
    "3110": "busy",
    "6010": "no_answer",
}
"""Of calls that nobody answered; a call that was declined counts as busy."""

_MAX_CAUSE: Final = 100


def of_webhook(status: str, cause_code: str = "") -> CarrierStatus:
    """Raises `CarrierError` for a status that is not Plivo's.  A failure may be a busy line by its cause."""
    known = _STATUSES.get(status)
    if known is None:
        raise CarrierError(f"The webhook's CallStatus is not one of {', '.join(_STATUSES)}.")
    return _BY_CODE.get(cause_code, known) if known == "failed" else known


def of_record(record: Mapping[str, Any]) -> CarrierCall | None:
    """The call that a call detail record describes; None for one of a call that is not over yet."""
    if not record.get("end_time"):
        return None
    duration_s = _seconds(record.get("call_duration"))
    answered = bool(record.get("answer_time")) and duration_s > 0
    unanswered = _BY_CODE.get(str(record.get("hangup_cause_code", "")), "failed")
    return CarrierCall(
        status="completed" if answered else unanswered,
        cause=str(record.get("hangup_cause_name") or "")[:_MAX_CAUSE],
        duration_s=duration_s,
        price=_price(record.get("total_amount"), answered=answered),
    )


def of_live(call: Mapping[str, Any]) -> CarrierCall:
    """A call that is not over, as Plivo lists it."""
    status = _STATUSES.get(str(call.get("call_status", "")), "in_progress")
    return CarrierCall(status)


def _price(amount: object, *, answered: bool) -> Price | None:
    """Accounts are kept in US dollars.  An answered call is never free: nothing means that it was not priced yet."""
    try:
        charged = Decimal(str(amount))
    except InvalidOperation:
        return None
    if not charged.is_finite() or charged < 0 or (answered and not charged):
        return None
    return Price(charged, "USD")


def _seconds(value: object) -> float:
    try:
        seconds = float(value) if isinstance(value, str | int | float) else 0.0
    except ValueError:
        return 0.0
    return seconds if 0 <= seconds < 1e9 else 0.0
