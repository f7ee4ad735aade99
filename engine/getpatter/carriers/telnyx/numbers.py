"""Having a number's calls come to us, and looking whether they can."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from getpatter.carriers.base import Finding, NumberSetup
from getpatter.carriers.telnyx.api import Application, TelnyxApi
from getpatter.carriers.telnyx.commands import webhook_url
from getpatter.errors import CarrierError
from getpatter.public_url import shown

_SERVE = "Start `getpatter serve`, which sets it."


async def configure(api: TelnyxApi, connection_id: str, number: str, webhooks_url: str) -> NumberSetup:
    """Put the number on the Call Control application, and have that one report to us, with what calls cost.

    Raises `CarrierError` when there is no such application, or the number is not the account's.
    """
    application = await api.application(connection_id)
    owned = await api.number(number)
    changes = _changes(application, webhook_url(webhooks_url))
    if changes:
        await api.change_application(connection_id, changes)
    if moved := owned.connection_id != connection_id:
        await api.connect_number(owned, connection_id)
    return NumberSetup(number, changed=bool(changes) or moved, previous_url=application.webhook_event_url or "")


def _changes(application: Application, url: str) -> dict[str, Any]:
    wanted = {"webhook_event_url": url, "webhook_api_version": "2", "call_cost_in_webhooks": True}
    found = {
        "webhook_event_url": application.webhook_event_url,
        "webhook_api_version": application.webhook_api_version,
        "call_cost_in_webhooks": application.call_cost_in_webhooks,
    }
    # A change has to name the application, too.
    return {"application_name": application.application_name, **wanted} if found != wanted else {}


async def examine(api: TelnyxApi, connection_id: str, number: str, webhooks_url: str) -> Sequence[Finding]:
    """What was looked at, in order; changes nothing."""
    try:
        application = await api.application(connection_id)
    except CarrierError as error:
        return (Finding.of(error, about="Telnyx application"),)
    found = [Finding("Telnyx application", "ok", f"The Call Control application {application.application_name!r}.")]
    if not application.active:
        found.append(
            Finding("Telnyx application", "error", "It is not active.", "Activate it under Voice, Programmable Voice.")
        )
    found.append(_webhook(application, webhook_url(webhooks_url)))
    found.append(_outbound(application))
    found.append(await _number(api, connection_id, number))
    return found


def _webhook(application: Application, url: str) -> Finding:
    about = "Telnyx webhook"
    if application.webhook_api_version == "1":
        return Finding(about, "warning", "The application sends webhooks of API version 1.", _SERVE)
    if application.webhook_event_url != url:
        # Another system's, and perhaps with its credentials.
        set_to = f"one at {shown(found)}" if (found := application.webhook_event_url) else "nothing"
        return Finding(about, "warning", f"The application's webhook URL is {set_to}, not {url}.", _SERVE)
    return Finding(about, "ok", f"The application reports to {url}.")


def _outbound(application: Application) -> Finding:
    about = "Telnyx outbound calls"
    if application.outbound is None or not application.outbound.outbound_voice_profile_id:
        return Finding(
            about,
            "error",
            "The application has no outbound voice profile: calls out will fail.",
            "Assign one to it in Mission Control, under Outbound, and allow the countries that are to be called.",
        )
    return Finding(about, "ok", "The application has an outbound voice profile.")


async def _number(api: TelnyxApi, connection_id: str, number: str) -> Finding:
    about = "Telnyx number"
    try:
        owned = await api.number(number)
    except CarrierError as error:
        return Finding.of(error, about=about)
    if owned.connection_id != connection_id:
        return Finding(about, "warning", f"{number} is not on this application.", _SERVE)
    return Finding(about, "ok", f"{number} is on this application.")
