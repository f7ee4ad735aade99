"""The account with the carrier, its number, and whom we may call."""

from __future__ import annotations

from collections.abc import Sequence
from email.utils import parsedate_to_datetime

import httpx

from getpatter.calls.policy import DialPolicy
from getpatter.carriers.account import Account
from getpatter.carriers.base import Finding
from getpatter.clock import Clock
from getpatter.connections.tls import tls_context
from getpatter.errors import PatterError
from getpatter.server.carriers import account_of, check_number, check_reachable
from getpatter.settings import Settings

SKEW_WARNING_S = 30.0
SKEW_ERROR_S = 240.0
"""Telnyx's webhooks are refused when they seem 300 s old or more (its reference, "Webhook fundamentals"), and are on
their way for a while; Twilio's and Plivo's hold no time."""
TIMEOUT_S = 10.0


def configuration(settings: Settings) -> Sequence[Finding]:
    """What can be seen of a real carrier without asking anybody.  Raises `ConfigurationError` for what is missing."""
    account_of(settings)
    check_number(settings)
    check_reachable(settings)
    return [Finding("carrier", "ok", f"{settings.carrier}, with {settings.phone_number} as our number.")]


async def account(account: Account, number: str, public_url: str) -> Sequence[Finding]:
    """What the carrier says of account and number; `public_url` is empty where it is not known yet.

    Raises `CarrierError`.
    """
    carrier = account.open()
    try:
        if public_url:
            return await carrier.examine(number, f"{public_url}/webhooks/{carrier.name}")
        findings = await carrier.examine(number, "")
        return [found for found in findings if found.level == "error" or not found.about.endswith("webhook")]
    finally:
        await carrier.close()


async def clock_skew(account: Account, clock: Clock) -> Sequence[Finding]:
    """This machine's clock against the carrier's."""
    about = "clock"
    url = account.api_url
    try:
        async with httpx.AsyncClient(verify=await tls_context(), trust_env=False, timeout=TIMEOUT_S) as http:
            answer = await http.head(url)
    except (httpx.TransportError, OSError) as lost:
        words = str(lost) or type(lost).__name__
        return [Finding(about, "error", f"{url} cannot be reached: {words}.", "Check this machine's way out.")]
    try:
        theirs = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except ValueError:
        return [Finding(about, "warning", f"{url} does not tell the time.")]
    return [judged_skew(clock.wall() - theirs)]


def judged_skew(skew_s: float) -> Finding:
    """`skew_s` is how much this machine's clock is fast."""
    about, off = "clock", f"This machine's clock is {abs(skew_s):.0f} s {'fast' if skew_s > 0 else 'slow'}"
    advice = "Have it set by NTP, e.g. timedatectl set-ntp true"
    if abs(skew_s) >= SKEW_ERROR_S:
        return Finding(about, "error", f"{off}; webhooks would be refused as too old.", advice)
    if abs(skew_s) >= SKEW_WARNING_S:
        return Finding(about, "warning", f"{off}.", advice)
    return Finding(about, "ok", "It agrees with the carrier's.")


def allowed(settings: Settings) -> Sequence[Finding]:
    """Whom agents may call, and hand calls over to."""
    about = "outbound calls"
    if not settings.allow.strip():
        found = "PATTER_ALLOW is empty: every outbound call is refused, incoming ones are not."
        advice = (
            "Set PATTER_ALLOW to the numbers and prefixes that may be called, e.g. PATTER_ALLOW=+1202*,+442079460000"
        )
        return [Finding(about, "warning", found, advice)]
    entries = [entry.strip() for entry in settings.allow.split(",") if entry.strip()]
    if "*" in entries or "+*" in entries:
        found = "PATTER_ALLOW opens every number of the world, premium-rate ones among them."
        return [Finding(about, "warning", found, "Name the prefixes that you need.")]
    if odd := [entry for entry in entries if not _usable(entry)]:
        found = f"These entries of PATTER_ALLOW match no number: {', '.join(odd)}."
        return [Finding(about, "error", found, "Write them as +12025550100, or +1202* for a prefix.")]
    return [Finding(about, "ok", f"Open to {len(entries)} numbers or prefixes.")]


def _usable(entry: str) -> bool:
    """Whether an entry could match any number in E.164 form."""
    example = entry.removesuffix("*").ljust(9, "5") if entry.endswith("*") else entry
    try:
        DialPolicy.parse(entry).check(example)
    except PatterError:
        return False
    return True
