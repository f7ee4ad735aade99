"""Why a call was not answered, in words, from what Twilio reports of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from getpatter.carriers.twilio.refusals import without_numbers

_SIP: Final[Mapping[str, str]] = {
    "401": "the other network refused our credentials",
    "403": "the other network refused the call",
    "404": "the number does not exist",
    "408": "the other network did not answer in time",
    "410": "the number is no longer in service",
    "480": "nobody can be reached there now",
    "484": "the number is incomplete",
    "486": "the line is busy",
    "487": "it was ended before it was answered",
    "488": "the other network does not take our audio",
    "500": "the other network failed",
    "502": "the other network failed",
    "503": "the other network is out of service",
    "504": "the other network did not answer in time",
    "600": "the line is busy",
    "603": "the call was declined",
    "604": "the number does not exist",
    "607": "the call was blocked as unwanted",
    "608": "the call was blocked by the other network",
}
"""RFC 3261 section 21, RFC 8197 (607), RFC 8688 (608)."""


def of(form: Mapping[str, str]) -> str:
    """From the fields of a status webhook; empty where it gives no cause."""
    found = []
    sip = form.get("SipResponseCode", "")
    if sip.isascii() and sip.isdigit() and sip != "200":
        found.append(f"SIP {sip[:3]}: {_SIP[sip]}" if sip in _SIP else f"SIP {sip[:3]}")
    error = form.get("ErrorCode", "")
    if error.isascii() and error.isdigit() and error.strip("0"):
        words = without_numbers(form.get("ErrorMessage", ""))
        found.append(f"Twilio error {error[:6]}: {words}" if words else f"Twilio error {error[:6]}")
    return ", ".join(found)
