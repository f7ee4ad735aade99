from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from getpatter.carriers.base import NumberSetup
from getpatter.carriers.telnyx import numbers
from getpatter.carriers.telnyx.api import TelnyxApi
from getpatter.errors import CarrierError

if TYPE_CHECKING:
    from tests.carriers.telnyx.conftest import ApiServer

CONNECTION = "1494404757140276705"
NUMBER = "+12025550199"
WEBHOOKS = "https://agent.example/webhooks/telnyx"
URL = f"{WEBHOOKS}/voice"


async def configured(api: TelnyxApi) -> NumberSetup:
    return await numbers.configure(api, CONNECTION, NUMBER, WEBHOOKS)


async def levels(api: TelnyxApi) -> dict[str, str]:
    return {found.about: found.level for found in await numbers.examine(api, CONNECTION, NUMBER, WEBHOOKS)}


async def test_what_is_right_already_is_left_alone(api: TelnyxApi, server: ApiServer) -> None:
    assert await configured(api) == NumberSetup(NUMBER, changed=False, previous_url=URL)
    assert {asked.method for asked in server.asked} == {"GET"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook_event_url", "https://old.example/voice"),
        ("webhook_event_url", None),
        ("webhook_api_version", "1"),
        ("call_cost_in_webhooks", False),
    ],
)
async def test_the_application_is_told_where_to_report(
    api: TelnyxApi, server: ApiServer, name: str, value: Any
) -> None:
    server.application[name] = value
    done = await configured(api)
    assert done.changed
    assert done.previous_url == (server.application["webhook_event_url"] or "")
    (change,) = [asked for asked in server.asked if asked.method == "PATCH"]
    assert change.path == f"/call_control_applications/{CONNECTION}"
    assert change.body == {
        "application_name": "patter",
        "webhook_event_url": URL,
        "webhook_api_version": "2",
        "call_cost_in_webhooks": True,
    }


@pytest.mark.parametrize("connection", ["999", None])
async def test_the_number_is_put_on_the_application(api: TelnyxApi, server: ApiServer, connection: str | None) -> None:
    server.number["connection_id"] = connection
    assert (await configured(api)).changed
    (change,) = [asked for asked in server.asked if asked.method == "PATCH"]
    assert (change.path, change.body) == ("/phone_numbers/77", {"connection_id": CONNECTION})


async def test_nothing_is_changed_for_a_number_that_is_not_ours(api: TelnyxApi, server: ApiServer) -> None:
    server.application["webhook_event_url"] = None
    server.number["phone_number"] = "+13"
    with pytest.raises(CarrierError, match="not one of"):
        await configured(api)
    assert {asked.method for asked in server.asked} == {"GET"}


async def test_when_all_is_well_all_is_well(api: TelnyxApi, server: ApiServer) -> None:
    assert set((await levels(api)).values()) == {"ok"}
    assert {asked.method for asked in server.asked} == {"GET"}


@pytest.mark.parametrize(
    ("name", "value", "about", "level"),
    [
        ("active", False, "Telnyx application", "error"),
        ("webhook_event_url", "https://old.example", "Telnyx webhook", "warning"),
        ("webhook_api_version", "1", "Telnyx webhook", "warning"),
        ("outbound", None, "Telnyx outbound calls", "error"),
        ("outbound", {"outbound_voice_profile_id": None}, "Telnyx outbound calls", "error"),
    ],
)
async def test_what_is_wrong_with_the_application_is_found(
    api: TelnyxApi, server: ApiServer, name: str, value: Any, about: str, level: str
) -> None:
    server.application[name] = value
    assert {about: found for about, found in (await levels(api)).items() if found != "ok"} == {about: level}


async def test_a_number_elsewhere_is_found(api: TelnyxApi, server: ApiServer) -> None:
    server.number["connection_id"] = "999"
    assert (await levels(api))["Telnyx number"] == "warning"
    server.number["phone_number"] = "+13"
    assert (await levels(api))["Telnyx number"] == "error"


async def test_without_credentials_there_is_nothing_to_look_at(api: TelnyxApi, server: ApiServer) -> None:
    server.refuse(401, "10009", "Authentication failed")
    (found,) = await numbers.examine(api, CONNECTION, NUMBER, WEBHOOKS)
    assert found.level == "error"
    assert "TELNYX_API_KEY" in found.next_step


async def test_the_webhook_of_another_system_is_named_without_its_credentials(
    api: TelnyxApi, server: ApiServer
) -> None:
    server.application["webhook_event_url"] = "https://admin:hunter2@pbx.example/in?key=s3cret"
    found = await numbers.examine(api, CONNECTION, NUMBER, WEBHOOKS)
    said = next(one.message for one in found if one.about == "Telnyx webhook")
    assert "https://pbx.example," in said
    assert "hunter2" not in said
    assert "s3cret" not in said
    assert "hunter2" not in repr(await configured(api))
