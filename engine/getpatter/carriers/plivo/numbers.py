"""A number of a Plivo account, and where its calls go.

A number points at an application, and that has the address of the webhook.  We make an application for each number:
one for all would move the calls of every other engine on the account along.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from getpatter.carriers.base import Finding, NumberSetup
from getpatter.carriers.plivo.api import PlivoApi, Resource
from getpatter.errors import CarrierError

_SETTINGS: Final = "`getpatter serve` sets the number up, or set its application in Plivo's console under Voice, XML."


def settings(webhooks_url: str) -> Mapping[str, str]:
    """What an application must have for the calls of its numbers to come to us, by the API's names."""
    return {
        "answer_url": f"{webhooks_url}/voice",
        "answer_method": "POST",
        "hangup_url": f"{webhooks_url}/status",
        "hangup_method": "POST",
    }


def digits(number: str) -> str:
    """How Plivo names a number."""
    return number.removeprefix("+")


async def configure(api: PlivoApi, number: str, webhooks_url: str) -> NumberSetup:
    """Have calls to `number` come to our `voice` webhook.  Raises `CarrierError`."""
    owned = await _owned(api, number)
    current_id = application_id(owned)
    current = await api.application(current_id) if current_id else None
    previous_url = str((current or {}).get("answer_url") or "")
    wanted = settings(webhooks_url)
    if current is not None and _has(current, wanted):
        return NumberSetup(number, changed=False, previous_url=previous_url)
    name = f"patter-{digits(number)}"
    ours = await api.find_application(name)
    if ours:
        await api.update_application(ours, wanted)
    else:
        ours = await api.create_application({"app_name": name, **wanted})
    if ours != current_id:
        await api.point_number(digits(number), ours)
    return NumberSetup(number, changed=True, previous_url=previous_url)


async def examine(api: PlivoApi, number: str, webhooks_url: str) -> list[Finding]:
    """Look whether the account, the number and its webhook can work."""
    try:
        findings = _account_findings(await api.account())
    except CarrierError as refused:
        return [Finding.of(refused, about="account")]
    try:
        owned = await _owned(api, number)
        if not owned.get("voice_enabled"):
            step = "Use a number of the account that is."
            return [*findings, Finding("number", "error", "The number is not made for voice calls.", step)]
        findings.append(Finding("number", "ok", "The number is the account's and takes voice calls."))
        current_id = application_id(owned)
        application = await api.application(current_id) if current_id else None
    except CarrierError as refused:
        return [*findings, Finding.of(refused, about="number")]
    return [*findings, _webhook(application, webhooks_url)]


def application_id(number: Mapping[str, Any]) -> str:
    """The id in the number's `application`, a path such as `/v1/Account/<auth id>/Application/<id>/`."""
    _, found, path = str(number.get("application") or "").partition("/Application/")
    return path.strip("/") if found else ""


async def _owned(api: PlivoApi, number: str) -> Resource:
    owned = await api.number(digits(number))
    if owned is None:
        raise CarrierError(
            f"The Plivo account has no number that ends in {number[-4:]}.",
            next_step="Set PATTER_PHONE_NUMBER to a number of this account, in the form +14155550123, or rent one in "
            "Plivo's console.",
        )
    return owned


def _has(application: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    return all(application.get(name) == value for name, value in wanted.items())


def _account_findings(account: Mapping[str, Any]) -> list[Finding]:
    findings = [Finding("account", "ok", "Plivo knows the account.")]
    if account.get("account_type") == "developer":
        findings.append(
            Finding(
                "account",
                "warning",
                "This is a trial account: it can call verified numbers only.",
                "Verify the numbers to call in Plivo's console under Sandbox Numbers, or upgrade the account.",
            )
        )
    credit = _decimal(account.get("cash_credits"))
    if credit is not None and credit <= 0 and account.get("billing_mode", "prepaid") == "prepaid":
        step = "Add credit in Plivo's console under Billing, or have it recharge by itself."
        findings.append(Finding("credit", "error", "The Plivo account has no credit left.", step))
    elif credit is not None:
        findings.append(Finding("credit", "ok", f"The Plivo account has {credit:.2f} USD of credit."))
    return findings


def _webhook(application: Mapping[str, Any] | None, webhooks_url: str) -> Finding:
    wanted = settings(webhooks_url)
    if application is None:
        return Finding("webhook", "warning", "The number has no application: nobody takes its calls.", _SETTINGS)
    if _has(application, wanted):
        return Finding("webhook", "ok", f"Calls to the number come to {wanted['answer_url']}.")
    if application.get("answer_url") == wanted["answer_url"]:
        what = "Calls to the number come to us, but not by POST or without word of their end."
        return Finding("webhook", "warning", what, _SETTINGS)
    return Finding("webhook", "warning", f"Calls to the number do not come to {wanted['answer_url']}.", _SETTINGS)


def _decimal(value: object) -> Decimal | None:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None
