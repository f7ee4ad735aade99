"""Our requests against what others say of Twilio's API: its published description, and its official client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from getpatter.carriers.base import ConsultRequest, DialRequest, StreamTarget
from getpatter.carriers.twilio.carrier import TwilioCarrier

if TYPE_CHECKING:
    from tests.carriers.twilio.conftest import Asked, OpenDesk

DESCRIPTION = Path(__file__).parents[4] / "shared" / "data" / "specs" / "twilio_api_v2010.json"
ACCOUNT = "AC" + "a" * 32
CALL = "CA" + "c" * 32
PHONE = "PN" + "b" * 32
"""The number that `desk` finds."""
NUMBER, OTHER = "+12025550199", "+12025550150"
HOOKS = "https://patter.example/webhooks/twilio"
STREAM = StreamTarget("wss://patter.example/ws/twilio/stream/call_1", {"token": "once"})
FORM = "application/x-www-form-urlencoded"
PATHS = (
    "/Accounts/{Sid}.json",
    "/Accounts/{AccountSid}/Calls.json",
    "/Accounts/{AccountSid}/Calls/{Sid}.json",
    "/Accounts/{AccountSid}/Calls/{CallSid}/Recordings.json",
    "/Accounts/{AccountSid}/IncomingPhoneNumbers.json",
    "/Accounts/{AccountSid}/IncomingPhoneNumbers/{Sid}.json",
)

DIAL = DialRequest(call_id="call_1", to_number=OTHER, from_number=NUMBER, stream=STREAM, webhooks_url=HOOKS)
CONSULT = ConsultRequest(
    carrier_call_id=CALL, to_number=OTHER, from_number=NUMBER, summary="Ann.", language="en", webhooks_url=HOOKS
)
EVENTS = ["initiated", "ringing", "answered", "completed"]
REPORTS: dict[str, Any] = {
    "status_callback_method": "POST",
    "status_callback_event": EVENTS,
}

Ours = Callable[[TwilioCarrier], Awaitable[object]]
Theirs = Callable[[Client, str], object]
"""The same with the official client; it is given our TwiML, which its own test compares."""

ACTIONS: dict[str, tuple[Ours, Theirs]] = {
    "dial": (
        lambda ours: ours.dial(DIAL),
        lambda theirs, twiml: theirs.calls.create(
            to=OTHER,
            from_=NUMBER,
            twiml=twiml,
            timeout=25,
            time_limit=600,
            status_callback=f"{HOOKS}/status?call=call_1",
            machine_detection="DetectMessageEnd",
            async_amd="true",
            async_amd_status_callback=f"{HOOKS}/amd",
            async_amd_status_callback_method="POST",
            **REPORTS,
        ),
    ),
    "hang up": (
        lambda ours: ours.hang_up(CALL),
        lambda theirs, _: theirs.calls(CALL).update(status="completed"),
    ),
    "transfer": (
        lambda ours: ours.transfer(CALL, OTHER, from_number=NUMBER),
        lambda theirs, twiml: theirs.calls(CALL).update(twiml=twiml, time_limit=14_400),
    ),
    "consult": (
        lambda ours: ours.consult(CONSULT),
        lambda theirs, twiml: theirs.calls.create(
            to=OTHER,
            from_=NUMBER,
            twiml=twiml,
            timeout=30,
            time_limit=3600,
            status_callback=f"{HOOKS}/status",
            **REPORTS,
        ),
    ),
    "leave a message": (
        lambda ours: ours.leave_message(CALL, "Please call back.", "en"),
        lambda theirs, twiml: theirs.calls(CALL).update(twiml=twiml),
    ),
    "record": (
        lambda ours: ours.start_recording(CALL, HOOKS),
        lambda theirs, _: theirs.calls(CALL).recordings.create(
            recording_channels="dual",
            recording_status_callback=f"{HOOKS}/recording",
            recording_status_callback_event=["completed"],
            recording_status_callback_method="POST",
        ),
    ),
    "fetch": (lambda ours: ours.fetch_call(CALL), lambda theirs, _: theirs.calls(CALL).fetch()),
    "configure": (
        lambda ours: ours.configure_number(NUMBER, HOOKS),
        lambda theirs, _: (
            theirs.incoming_phone_numbers.page(phone_number=NUMBER),
            theirs.incoming_phone_numbers(PHONE).update(
                voice_url=f"{HOOKS}/voice",
                voice_method="POST",
                status_callback=f"{HOOKS}/status",
                status_callback_method="POST",
            ),
        ),
    ),
    "examine": (
        lambda ours: ours.examine(NUMBER, HOOKS),
        lambda theirs, _: (
            theirs.api.accounts(ACCOUNT).fetch(),
            theirs.incoming_phone_numbers.page(phone_number=NUMBER),
        ),
    ),
}


class ToUs(TwilioHttpClient):  # type: ignore[misc]  # the library has no types
    """Brings the official client's requests to our server."""

    def __init__(self, url: str) -> None:
        super().__init__(timeout=30)
        self._url = url

    def request(self, method: str, url: str, *rest: Any, **more: Any) -> Any:
        return super().request(method, url.replace("https://api.twilio.com", self._url), *rest, **more)


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    """Twilio's own, of the parts that we use."""
    if not DESCRIPTION.exists():
        pytest.skip(f"{DESCRIPTION.name} is not beside the project")
    whole: dict[str, Any] = json.loads(DESCRIPTION.read_text("utf-8"))
    whole["paths"] = {f"/2010-04-01{path}": whole["paths"][f"/2010-04-01{path}"] for path in PATHS}
    return whole


@pytest.fixture(scope="module")
def openapi(description: dict[str, Any]) -> OpenAPI:
    return OpenAPI.from_dict(description)


def check(openapi: OpenAPI, description: dict[str, Any], asked: Asked) -> None:
    path = f"/2010-04-01/Accounts/{ACCOUNT}{asked.path}"
    request = MockRequest(
        "https://api.twilio.com",
        asked.method.lower(),
        path,
        args=dict(asked.query),
        headers={"Authorization": asked.authorization},
        data=urlencode(asked.form).encode(),
        content_type=FORM if asked.method == "POST" else "",
    )
    openapi.validate_request(request)
    if asked.method == "POST":
        # The description lets unknown fields pass, as Twilio does, which then does not do what they say.
        assert {name for name, _ in asked.form} <= known_fields(description, asked)
        if asked.path == "/Calls.json":
            assert "Twiml" in asked.fields
            assert "Url" not in asked.fields


def known_fields(description: dict[str, Any], asked: Asked) -> set[str]:
    template = asked.path.replace(CALL, "{Sid}").replace(PHONE, "{Sid}")
    if template.endswith("/Recordings.json"):
        template = template.replace("{Sid}", "{CallSid}")
    operation = description["paths"][f"/2010-04-01/Accounts/{{AccountSid}}{template}"]["post"]
    return set(operation["requestBody"]["content"][FORM]["schema"]["properties"])


@pytest.mark.parametrize("action", ACTIONS)
async def test_requests_are_as_twilio_describes_them(
    desk: OpenDesk, openapi: OpenAPI, description: dict[str, Any], action: str
) -> None:
    async with desk() as at:
        await ACTIONS[action][0](at.carrier)
    assert at.api.asked
    for asked in at.api.asked:
        check(openapi, description, asked)


@pytest.mark.parametrize(
    "fault",
    [
        {"Timeout": "soon"},
        {"AsyncAmdStatusCallbackMethod": "PUT"},
        {"Tineout": "25"},
        {"Url": "https://patter.example/"},
    ],
)
async def test_a_fault_would_be_found(
    desk: OpenDesk, openapi: OpenAPI, description: dict[str, Any], fault: dict[str, str]
) -> None:
    async with desk() as at:
        await at.carrier.dial(DIAL)
    (good,) = at.api.asked
    bad = replace(good, form=[*(pair for pair in good.form if pair[0] not in fault), *fault.items()])
    with pytest.raises((OpenAPIError, AssertionError)):
        check(openapi, description, bad)


@pytest.mark.parametrize("action", ACTIONS)
async def test_the_official_client_asks_for_the_same(desk: OpenDesk, action: str) -> None:
    ours, theirs = ACTIONS[action]
    async with desk() as at:
        await ours(at.carrier)
        our_requests = list(at.api.asked)
        twiml = our_requests[0].fields.get("Twiml", "")
        http = ToUs(at.url)
        client = Client(ACCOUNT, "the-auth-token", http_client=http)
        await asyncio.to_thread(theirs, client, twiml)
        http.session.close()
    their_requests = at.api.asked[len(our_requests) :]
    assert [comparable(asked) for asked in our_requests] == [comparable(asked) for asked in their_requests]


def comparable(asked: Asked) -> tuple[object, ...]:
    return asked.method, asked.path, sorted(asked.query), sorted(asked.form), asked.authorization


async def test_documents_in_requests_are_xml(desk: OpenDesk) -> None:
    async with desk() as at:
        for ours, _ in ACTIONS.values():
            await ours(at.carrier)
    documents = [asked.fields["Twiml"] for asked in at.api.asked if "Twiml" in asked.fields]
    assert len(documents) == 4
    assert {ElementTree.fromstring(document).tag for document in documents} == {"Response"}
