"""What Twilio's API says of its resources: https://www.twilio.com/docs/voice/api"""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

from getpatter.testing.clouds.cloud import OwnNumber
from getpatter.testing.clouds.rest import Refused
from getpatter.testing.happenings import OVER
from getpatter.testing.line_call import LineCall
from getpatter.testing.recordings import Recording

API_VERSION = "2010-04-01"
CENTS_A_MINUTE = {"inbound": 0.85, "outbound": 1.4}
"""Of US dollars: Twilio's list prices for US numbers."""
EPOCH_OF_ACCOUNTS = 1_767_225_600.0


def refusal(refused: Refused) -> dict[str, Any]:
    return {
        "code": refused.code,
        "message": refused.message,
        "more_info": f"https://www.twilio.com/docs/errors/{refused.code}",
        "status": refused.status,
    }


def price(call: LineCall) -> str | None:
    """A negative number of US dollars; nothing is charged for calls that were not taken."""
    if not call.talked_s:
        return None
    minutes = -(-max(1, round(call.talked_s)) // 60)
    return f"-{minutes * CENTS_A_MINUTE[call.legs.direction] / 100:.5f}"


def account(sid: str, *, is_trial: bool) -> dict[str, Any]:
    return {
        "sid": sid,
        "friendly_name": "Simulated account",
        "status": "active",
        "type": "Trial" if is_trial else "Full",
        "owner_account_sid": sid,
        "date_created": formatdate(EPOCH_OF_ACCOUNTS),
        "date_updated": formatdate(EPOCH_OF_ACCOUNTS),
        "subresource_uris": {},
        "uri": f"/{API_VERSION}/Accounts/{sid}.json",
    }


def call(account_sid: str, call: LineCall, answered_by: str, price: str | None) -> dict[str, Any]:
    legs, is_over = call.legs, call.status in OVER
    direction = "inbound" if legs.direction == "inbound" else "outbound-dial" if legs.parent_id else "outbound-api"
    uri = f"/{API_VERSION}/Accounts/{account_sid}/Calls/{legs.call_id}"
    return {
        "sid": legs.call_id,
        "account_sid": account_sid,
        "parent_call_sid": legs.parent_id or None,
        "from": legs.from_number,
        "from_formatted": legs.from_number,
        "to": legs.to_number,
        "to_formatted": legs.to_number,
        "phone_number_sid": None,
        "status": "queued" if call.status == "initiated" else call.status,
        "direction": direction,
        "answered_by": answered_by or None,
        "start_time": formatdate(call.answered_at, usegmt=False) if call.answered_at else None,
        "end_time": formatdate(call.ended_at) if is_over else None,
        "duration": str(round(call.talked_s)) if is_over else None,
        "price": price,
        "price_unit": "USD",
        "date_created": formatdate(call.began_at),
        "date_updated": formatdate(call.ended_at or call.began_at),
        "api_version": API_VERSION,
        "forwarded_from": None,
        "group_sid": None,
        "caller_name": None,
        "queue_time": "0",
        "trunk_sid": None,
        "uri": f"{uri}.json",
        "subresource_uris": {"recordings": f"{uri}/Recordings.json"},
    }


def recording(account_sid: str, call: LineCall, recording: Recording) -> dict[str, Any]:
    sid = f"RE{recording.id}"
    return {
        "sid": sid,
        "account_sid": account_sid,
        "call_sid": call.legs.call_id,
        "conference_sid": None,
        "api_version": API_VERSION,
        "status": "completed" if recording.is_over else "in-progress",
        "channels": recording.channels,
        "source": "StartCallRecordingAPI",
        "track": "both",
        "duration": str(round(recording.duration_s)) if recording.is_over else None,
        "start_time": formatdate(call.answered_at),
        "date_created": formatdate(call.answered_at),
        "date_updated": formatdate(call.ended_at or call.answered_at),
        "price": None,
        "price_unit": None,
        "error_code": None,
        "encryption_details": None,
        "uri": f"/{API_VERSION}/Accounts/{account_sid}/Calls/{call.legs.call_id}/Recordings/{sid}.json",
    }


def number(account_sid: str, owned: OwnNumber) -> dict[str, Any]:
    return {
        "sid": owned.id,
        "account_sid": account_sid,
        "phone_number": owned.number,
        "friendly_name": owned.number,
        "api_version": API_VERSION,
        "capabilities": {"voice": True, "sms": False, "mms": False, "fax": False},
        "voice_url": owned.voice_url,
        "voice_method": owned.voice_method,
        "voice_application_sid": owned.application or None,
        "trunk_sid": None,
        "status_callback": owned.status_url,
        "status_callback_method": "POST",
        "origin": "twilio",
        "beta": False,
        "status": "in-use",
        "date_created": formatdate(EPOCH_OF_ACCOUNTS),
        "date_updated": formatdate(EPOCH_OF_ACCOUNTS),
        "uri": f"/{API_VERSION}/Accounts/{account_sid}/IncomingPhoneNumbers/{owned.id}.json",
    }


def page(path: str, name: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    """All of them on one page."""
    uri = f"{path}?PageSize=50&Page=0"
    return {
        name: items,
        "first_page_uri": uri,
        "next_page_uri": None,
        "previous_page_uri": None,
        "page": 0,
        "page_size": 50,
        "start": 0,
        "end": max(0, len(items) - 1),
        "uri": uri,
    }
