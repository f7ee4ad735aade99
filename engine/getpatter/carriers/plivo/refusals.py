"""What Plivo's API says when it refuses, in words for whoever asked.

https://www.plivo.com/docs/voice/api/overview has the statuses; the reasons are in Plivo's words, without codes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from getpatter.carriers.rest import ApiResponse
from getpatter.errors import CarrierError

MAX_WORDS: Final = 200

NOT_FOUND: Final = "404"


@dataclass(frozen=True, slots=True)
class _Meaning:
    message: str
    next_step: str


_CREDENTIALS = _Meaning(
    "Plivo does not know this auth id with this auth token.",
    "Compare PLIVO_AUTH_ID and PLIVO_AUTH_TOKEN with the first page of Plivo's console.",
)
_FUNDS = _Meaning(
    "The Plivo account has no credit left.",
    "Add credit in Plivo's console under Billing, or have it recharge by itself.",
)
_RATE = _Meaning(
    "Plivo takes no more requests or calls from this account at the moment.",
    "Place calls at a lower rate; accounts start with two a second.",
)
_FROM = _Meaning(
    "The number to call from is not one of this Plivo account's.",
    "Set PATTER_PHONE_NUMBER to a number that the account has rented, or verify it under Voice, Verified Caller ID.",
)
_TRIAL = _Meaning(
    "The number is not verified, and this Plivo account may call verified numbers only.",
    "Verify it in Plivo's console under Sandbox Numbers, or upgrade the account.",
)
_COMPLIANCE = _Meaning(
    "The number to call from may not place calls before its compliance application is accepted.",
    "See Phone Numbers, Compliance in Plivo's console.",
)
_COUNTRY = _Meaning(
    "The Plivo account may not call this country or kind of number.",
    "Allow it in Plivo's console under Voice, Geo Permissions, and look whether the account itself is verified.",
)
_UNKNOWN = _Meaning("Plivo does not know this call, number or application.", "It may be another account's.")
_FAILED = _Meaning("Plivo failed.", "Try again; see Plivo's status page.")

_BY_WORDS: Final[Sequence[tuple[re.Pattern[str], _Meaning]]] = [
    (re.compile(pattern, re.IGNORECASE), meaning)
    for pattern, meaning in (
        (r"credit|balance|insufficient fund", _FUNDS),
        (r"compliance", _COMPLIANCE),
        (r"sandbox|trial|not (been )?verified|unverified", _TRIAL),
        (r"not associated with your account|not (owned|rented)|from parameter is invalid|caller id", _FROM),
        (r"geo.?permission|country|barred|destination .*(disabled|not allowed|not enabled)", _COUNTRY),
    )
]
"""For 400 and 403, the first that matches."""
_BY_STATUS: Final[Mapping[int, _Meaning]] = {
    401: _CREDENTIALS,
    402: _FUNDS,
    403: _COUNTRY,
    404: _UNKNOWN,
    429: _RATE,
}
_WORDED: Final = frozenset({400, 403})
_PRIVATE: Final = re.compile(r"\+?\d[\d ().-]{4,}\d")


def refusal(answer: ApiResponse) -> CarrierError:
    """The error for an answer that refuses; `carrier_code` is its HTTP status.  Its text holds no number."""
    words = _words(answer)
    meaning = _meaning(answer.status, words)
    if meaning is not None:
        return CarrierError(meaning.message, carrier_code=str(answer.status), next_step=meaning.next_step)
    told = _PRIVATE.sub("***", " ".join(words.split())[:MAX_WORDS]).rstrip(".") or "it did not say why"
    return CarrierError(
        f"Plivo refused (HTTP {answer.status}): {told}.",
        carrier_code=str(answer.status),
        next_step="See the call and its debug log in Plivo's console under Voice, Logs.",
    )


def _words(answer: ApiResponse) -> str:
    """`error` is a sentence, or an object whose sentences are of fields."""
    error = answer.fields().get("error")
    if isinstance(error, Mapping):
        return "; ".join(f"{name}: {value}" for name, value in error.items())
    return error if isinstance(error, str) else ""


def _meaning(status: int, words: str) -> _Meaning | None:
    if status >= 500:
        return _FAILED
    if status in _WORDED:
        for pattern, meaning in _BY_WORDS:
            if pattern.search(words):
                return meaning
    return _BY_STATUS.get(status)
