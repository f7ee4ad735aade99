"""Whether an account and its number can work, judged from what Twilio's API says of them.  No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from getpatter.carriers.base import Finding
from getpatter.carriers.rest import Fields
from getpatter.errors import CarrierError

_CONSOLE: Final = "Twilio's console, Phone Numbers, Active numbers"


def settings(webhooks_url: str) -> Mapping[str, str]:
    """What a number must have for its calls to come to us, by the API's names."""
    return {
        "VoiceUrl": f"{webhooks_url}/voice",
        "VoiceMethod": "POST",
        "StatusCallback": f"{webhooks_url}/status",
        "StatusCallbackMethod": "POST",
    }


def changes(number: Mapping[str, Any], webhooks_url: str) -> Fields:
    """What is to be changed of a number; nothing if it is right already.

    Raises `CarrierError` for one whose calls go elsewhere whatever its VoiceUrl says.
    """
    if (elsewhere := _elsewhere(number)) is not None:
        raise elsewhere
    wanted = settings(webhooks_url)
    present = {"VoiceUrl": "voice_url", "VoiceMethod": "voice_method"} | {
        "StatusCallback": "status_callback",
        "StatusCallbackMethod": "status_callback_method",
    }
    if all(number.get(present[name]) == value for name, value in wanted.items()):
        return ()
    return tuple(wanted.items())


def not_owned(number: str) -> CarrierError:
    return CarrierError(
        f"The Twilio account has no number that ends in {number[-4:]}.",
        next_step="Set PATTER_PHONE_NUMBER to a number of this account, in the form +14155550123, or buy one in "
        "Twilio's console.",
    )


def account_findings(account: Mapping[str, Any]) -> list[Finding]:
    status, kind = account.get("status"), account.get("type")
    if status != "active":
        return [
            Finding(
                "account",
                "error",
                f"The Twilio account is {status if status in ('suspended', 'closed') else 'not active'}.",
                "Look at the account's balance and status in Twilio's console.",
            )
        ]
    if kind == "Trial":
        return [
            Finding(
                "account",
                "warning",
                "This is a trial account: it can call verified numbers only, and says so to whoever answers.",
                "Verify the numbers to call as caller IDs in Twilio's console, or upgrade the account.",
            )
        ]
    return [Finding("account", "ok", "The Twilio account is active.")]


def number_findings(number: Mapping[str, Any], webhooks_url: str) -> list[Finding]:
    """Of a number that is the account's."""
    capabilities = number.get("capabilities")
    if not (isinstance(capabilities, Mapping) and capabilities.get("voice")):
        return [
            Finding(
                "number", "error", "The number is not made for voice calls.", "Use a number of the account that is."
            )
        ]
    return [
        Finding("number", "ok", "The number is the account's and takes voice calls."),
        _webhook(number, webhooks_url),
    ]


def _webhook(number: Mapping[str, Any], webhooks_url: str) -> Finding:
    try:
        wrong = changes(number, webhooks_url)
    except CarrierError as elsewhere:
        return Finding.of(elsewhere, about="webhook")
    wanted = settings(webhooks_url)["VoiceUrl"]
    if not wrong:
        return Finding("webhook", "ok", f"Calls to the number come to {wanted}.")
    if number.get("voice_url") == wanted:
        return Finding(
            "webhook",
            "warning",
            "Calls to the number come to us, but not by POST or without word of their end.",
            "Let `getpatter serve` set the number up.",
        )
    return Finding(
        "webhook",
        "warning",
        f"Calls to the number do not come to {wanted}.",
        f"Let `getpatter serve` set the number up, or set its voice webhook in {_CONSOLE}.",
    )


def _elsewhere(number: Mapping[str, Any]) -> CarrierError | None:
    for name, what in (("trunk_sid", "a SIP trunk"), ("voice_application_sid", "a TwiML app")):
        if number.get(name):
            return CarrierError(
                f"The number's calls are handled by {what}, so its own webhook is not called.",
                next_step=f"Take {what} off the number in {_CONSOLE}, Voice configuration.",
            )
    return None
