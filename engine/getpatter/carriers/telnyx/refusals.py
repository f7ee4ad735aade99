"""What Telnyx's refusals come to: {"errors":[{"code","title","detail"}]}, as errors that say what to do."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from getpatter.errors import CarrierError

ENDED: Final = "90018"
"""The call is over already."""

_PRIVATE = re.compile(r"\+?\d{5,}|v\d:[\w-]+")
"""Telephone numbers and the ids of calls, which are what commands them."""
_SIP_REASON = re.compile(r"\b(D\d{1,2})\b")

_STEPS: Final = {
    "10009": "Check TELNYX_API_KEY: Mission Control, Keys & Credentials, has the keys that are good.",
    "20002": "Check TELNYX_API_KEY: this key was revoked. Make another in Mission Control.",
    "10010": (
        "Call from a number of this Telnyx account, or verify it in Mission Control; "
        "look also whether the outbound voice profile allows the country that is called."
    ),
    "10006": "Check that the API key belongs to the account that has the Call Control application and the number.",
    "10011": "Too many requests in a short time: try again in a minute, or ask Telnyx for a higher limit.",
    "10016": "Write numbers in E.164: a plus sign, the country code, the number.",
    "20012": "The Telnyx account is not active: see Mission Control.",
    "20100": "Add funds to the Telnyx account.",
    "D7": "Assign an outbound voice profile to the Call Control application.",
    "D13": "Allow the country in the outbound voice profile: Mission Control, Voice, Outbound Voice Profiles.",
    "D17": "The Telnyx account is blocked: see its balance and its messages in Mission Control.",
    "D19": "The Telnyx account is blocked: see its balance and its messages in Mission Control.",
    "D35": "Call from a number in E.164 that belongs to this Telnyx account.",
    "D36": "Call from a number that belongs to this Telnyx account.",
    "D38": "Assign an outbound voice profile to the Call Control application.",
    "D51": "Verify the number that is called from in Mission Control, or use one of the account's own.",
}
_CONNECTION = "Check TELNYX_CONNECTION_ID: it is the id of a Call Control application, under Voice, Programmable Voice."
_STEPS_BY_STATUS: Final = {401: _STEPS["10009"], 402: _STEPS["20100"], 403: _STEPS["10010"], 429: _STEPS["10011"]}


class _Error(msgspec.Struct, frozen=True):
    code: str | int | None = ""
    title: str | None = None
    detail: str | None = None


class _Errors(msgspec.Struct, frozen=True):
    errors: list[_Error] = []


def refusal(status: int, body: bytes) -> CarrierError:
    """The error of a response that is none of 2xx.  Its text holds no telephone number and no id of a call."""
    try:
        errors = msgspec.json.decode(body, type=_Errors).errors
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        errors = []
    error = errors[0] if errors else _Error()
    code = str(error.code or "")[:20]
    words = _PRIVATE.sub("…", ": ".join(part for part in (error.title, error.detail) if part))[:300].rstrip(".")
    named = f" ({code})" if code else ""
    said = f": {words}" if words else ""
    return CarrierError(
        f"Telnyx refused with HTTP {status}{named}{said}.",
        carrier_code=code,
        next_step=_next_step(status, code, f"{error.title or ''} {error.detail or ''}"),
    )


def _next_step(status: int, code: str, words: str) -> str | None:
    """The words may name the reason of the SIP network under Telnyx's general code."""
    if (reason := _SIP_REASON.search(words)) and reason[1] in _STEPS:
        return _STEPS[reason[1]]
    if "connection_id" in words:
        return _CONNECTION
    return _STEPS.get(code) or _STEPS_BY_STATUS.get(status)
