"""What Telnyx's API says of its resources: https://github.com/team-telnyx/openapi"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from getpatter.testing.clouds.cloud import OwnNumber
from getpatter.testing.clouds.rest import Refused
from getpatter.testing.line_call import LineCall
from getpatter.testing.telnyx_wire import Application, TelnyxWire


def refusal(refused: Refused) -> dict[str, Any]:
    return {"errors": [{"code": str(refused.code), "title": refused.message, "detail": refused.message}]}


def call(call: LineCall, wire: TelnyxWire) -> dict[str, Any]:
    """What is not known yet is left out."""
    found = {
        "record_type": "call",
        "call_control_id": call.legs.call_id,
        "call_leg_id": wire.leg_id,
        "call_session_id": wire.session_id,
        "is_alive": call.is_live,
        "client_state": wire.client_state,
        "call_duration": round(call.talked_s),
        "start_time": _time(call.began_at),
        "end_time": _time(call.ended_at) if call.ended_at else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def number(owned: OwnNumber) -> dict[str, Any]:
    return {
        "id": owned.id,
        "record_type": "phone_number",
        "phone_number": owned.number,
        "country_iso_alpha2": "US",
        "status": "active",
        "connection_id": owned.application,
        "connection_name": "patter" if owned.application else "",
        "tags": [],
        "created_at": "2026-01-01T00:00:00Z",
        "phone_number_type": "local",
        "purchased_at": "2026-01-01T00:00:00Z",
        "billing_group_id": None,
        "customer_reference": None,
        "emergency_enabled": False,
        "emergency_address_id": None,
        "emergency_status": "disabled",
        "call_forwarding_enabled": False,
        "cnam_listing_enabled": False,
        "caller_id_name_enabled": False,
        "call_recording_enabled": False,
        "t38_fax_gateway_enabled": False,
        "deletion_lock_enabled": False,
        "external_pin": None,
        "messaging_profile_id": None,
        "messaging_profile_name": None,
    }


def meta(items: int) -> dict[str, Any]:
    return {"page_number": 1, "page_size": 20, "total_pages": 1, "total_results": items}


def application_fields() -> dict[str, Any]:
    """As a new application has them."""
    return {
        "application_name": "patter",
        "active": True,
        "webhook_api_version": "2",
        "call_cost_in_webhooks": False,
        "outbound": {"outbound_voice_profile_id": "1293384261075731499"},
    }


def application(of: Application) -> dict[str, Any]:
    return {
        "id": of.connection_id,
        "record_type": "call_control_application",
        "webhook_event_url": of.webhook_event_url,
        **of.fields,
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
