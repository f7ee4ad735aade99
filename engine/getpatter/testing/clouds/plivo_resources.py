"""What Plivo's API says of its resources: https://www.plivo.com/docs/voice/api/call/the-call-object"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from getpatter.testing.clouds.cloud import OwnNumber
from getpatter.testing.clouds.rest import Refused
from getpatter.testing.line_call import LineCall
from getpatter.testing.plivo_hangups import hangup_of
from getpatter.testing.plivo_wire import DOLLARS_A_MINUTE, billed_s, cost, talked_s, told_time

NOT_PRICED = "0.00000"


@dataclass(slots=True)
class Application:
    """Where the calls of numbers go."""

    id: str
    name: str
    answer_url: str = ""
    answer_method: str = "POST"
    hangup_url: str = ""
    hangup_method: str = "POST"


def said(**fields: Any) -> dict[str, Any]:
    """An answer, with the name of its request."""
    return {"api_id": str(uuid4()), **fields}


def refusal(refused: Refused) -> dict[str, Any]:
    return said(error=refused.message)


def page(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """All of them on one page."""
    meta = {"limit": 20, "next": None, "offset": 0, "previous": None, "total_count": len(items)}
    return said(meta=meta, objects=list(items))


def account(auth_id: str, *, is_trial: bool) -> dict[str, Any]:
    return said(
        account_type="developer" if is_trial else "standard",
        address="",
        auth_id=auth_id,
        auto_recharge=False,
        billing_mode="prepaid",
        cash_credits="25.00000",
        city="",
        name="Simulated account",
        resource_uri=f"/v1/Account/{auth_id}/",
        state="",
        timezone="UTC",
    )


def live_call(call: LineCall, status: str, request_id: str) -> dict[str, Any]:
    """Of a call that is not over."""
    legs = call.legs
    return said(
        call_status=status,
        call_uuid=legs.call_id,
        caller_name="",
        direction=legs.direction,
        request_uuid=request_id or legs.call_id,
        session_start=told_time(call.began_at),
        stir_verification="Not Applicable",
        **{"from": legs.from_number.removeprefix("+"), "to": legs.to_number.removeprefix("+")},
    )


def record(auth_id: str, call: LineCall, *, is_priced: bool) -> dict[str, Any]:
    """The call detail record of a call that is over."""
    legs, hangup = call.legs, hangup_of(call)
    seconds = talked_s(call)
    return said(
        answer_time=told_time(call.answered_at) or None,
        bill_duration=seconds,
        billed_duration=billed_s(call),
        call_direction=legs.direction,
        call_duration=seconds,
        call_uuid=legs.call_id,
        end_time=told_time(call.ended_at),
        from_number=legs.from_number.removeprefix("+"),
        hangup_cause_code=hangup.code,
        hangup_cause_name=hangup.name,
        hangup_source=hangup.source,
        initiation_time=told_time(call.began_at),
        parent_call_uuid=legs.parent_id or None,
        resource_uri=f"/v1/Account/{auth_id}/Call/{legs.call_id}/",
        stir_verification="Not Applicable",
        to_number=legs.to_number.removeprefix("+"),
        total_amount=cost(call) if is_priced else NOT_PRICED,
        total_rate=f"{DOLLARS_A_MINUTE[legs.direction]:.5f}",
    )


def number(auth_id: str, owned: OwnNumber) -> dict[str, Any]:
    digits = owned.number.removeprefix("+")
    return said(
        active=True,
        alias=None,
        application=f"/v1/Account/{auth_id}/Application/{owned.application}/" if owned.application else None,
        carrier="Plivo",
        monthly_rental_rate="0.50000",
        number=digits,
        number_type="local",
        region="United States",
        resource_uri=f"/v1/Account/{auth_id}/Number/{digits}/",
        sms_enabled=False,
        sub_account=None,
        voice_enabled=True,
        voice_rate=f"{DOLLARS_A_MINUTE['inbound']:.5f}",
    )


def application(auth_id: str, made: Application) -> dict[str, Any]:
    return said(
        answer_method=made.answer_method,
        answer_url=made.answer_url,
        app_id=made.id,
        app_name=made.name,
        default_app=False,
        enabled=True,
        fallback_answer_url="",
        fallback_method="POST",
        hangup_method=made.hangup_method,
        hangup_url=made.hangup_url,
        log_incoming_messages=True,
        message_method="POST",
        message_url="",
        public_uri=False,
        resource_uri=f"/v1/Account/{auth_id}/Application/{made.id}/",
        sip_uri=f"sip:{made.id}@app.plivo.com",
        sub_account=None,
    )
