"""What Twilio's API says when it refuses, in words for whoever asked: https://www.twilio.com/docs/api/errors"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from getpatter.carriers.rest import ApiResponse
from getpatter.errors import CarrierError

MAX_WORDS: Final = 200

NOT_FOUND: Final = "20404"
NOT_IN_PROGRESS: Final = "21220"


@dataclass(frozen=True, slots=True)
class _Meaning:
    message: str
    next_step: str


_CREDENTIALS = _Meaning(
    "Twilio does not know this account SID with this auth token.",
    "Compare TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN with the first page of Twilio's console.",
)
_INACTIVE = _Meaning(
    "The Twilio account is not active: it was suspended or closed, or its funds are used up.",
    "Look at the account's balance and status in Twilio's console.",
)
_RATE = _Meaning(
    "Twilio takes no more requests from this account at the moment.",
    "Place calls at a lower rate; accounts start with one a second.",
)
_FROM = _Meaning(
    "The number to call from is neither a number of this Twilio account nor one that was verified for it.",
    "Set PATTER_PHONE_NUMBER to a number of the account, or verify it as a caller ID in Twilio's console.",
)
_TO = _Meaning("Twilio cannot call this number.", "Check the number: country code, then all digits, e.g. +14155550123.")
_COUNTRY = _Meaning(
    "The Twilio account may not call this country or kind of number.",
    "Allow it in Twilio's console, Voice, Settings, Geo permissions.",
)
_WEBHOOK = _Meaning(
    "Twilio does not take our address for its webhooks.",
    "Set PATTER_PUBLIC_URL to a public https:// address without an underscore in its host name.",
)

_MEANINGS: Final[Mapping[str, _Meaning]] = {
    "20003": _CREDENTIALS,
    "20005": _INACTIVE,
    "10001": _INACTIVE,
    "20006": _Meaning(
        "The Twilio account may not do this.", "Use the account's own auth token, and look at its permissions."
    ),
    NOT_FOUND: _Meaning("Twilio does not know this call, number or recording.", "It may be another account's."),
    "20429": _RATE,
    "10004": _Meaning(
        "The Twilio account has as many calls under way as it may.", "Wait for some to end, or have the limit raised."
    ),
    "21201": _TO,
    "21203": _COUNTRY,
    "21205": _WEBHOOK,
    "21210": _FROM,
    "21211": _TO,
    "21212": _FROM,
    "21213": _FROM,
    "21214": _TO,
    "21215": _COUNTRY,
    "21216": _Meaning("Twilio does not let this account call this number.", "Ask Twilio's support why."),
    "21217": _TO,
    "21219": _Meaning(
        "This is a trial account: it may call verified numbers only.",
        "Verify the number as a caller ID in Twilio's console, or upgrade the account.",
    ),
    NOT_IN_PROGRESS: _Meaning("The call is over, or not answered yet.", "Nothing can be done with it now."),
    "21402": _WEBHOOK,
    "21609": _WEBHOOK,
    "13227": _COUNTRY,
}

_BY_STATUS: Final[Mapping[int, _Meaning]] = {401: _CREDENTIALS, 429: _RATE}
_LONG_NUMBER: Final = re.compile(r"\+?\d[\d ().-]{5,}\d")


def refusal(answer: ApiResponse) -> CarrierError:
    """The error for an answer that refuses."""
    said = answer.fields()
    code = str(said.get("code") or "")[:10]
    meaning = _MEANINGS.get(code) or _BY_STATUS.get(answer.status)
    if meaning is not None:
        return CarrierError(meaning.message, carrier_code=code, next_step=meaning.next_step)
    words = said.get("message")
    told = without_numbers(words) if isinstance(words, str) and words else "it did not say why"
    where = f"https://www.twilio.com/docs/api/errors/{code}" if code.isdigit() else "Twilio's console, Monitor, Errors"
    return CarrierError(f"Twilio refused (HTTP {answer.status}): {told}", carrier_code=code, next_step=f"See {where}.")


def without_numbers(words: str) -> str:
    """Twilio's words in one line, cut, with telephone numbers made unreadable."""
    return _LONG_NUMBER.sub("***", " ".join(words.split())[:MAX_WORDS])
