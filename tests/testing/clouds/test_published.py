"""What the stand-ins say, against descriptions that others published."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import jsonschema
import pytest
import yaml
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError

from getpatter.testing.answer_document import connect
from getpatter.testing.clouds import TelnyxCloud, TwilioCloud, telnyx_fields, twilio_fields
from getpatter.testing.parties import Directory

if TYPE_CHECKING:
    from tests.testing.clouds.conftest import MediaEngine

SPECS = Path(__file__).parents[4] / "shared" / "data" / "specs"
OURS = "+12025550199"
PRESSES = "+12025550156"
WAITING = "+12025550154"

pytestmark = pytest.mark.skipif(not SPECS.exists(), reason="the published descriptions are not beside the project")


class Exchanged:
    """A response of httpx and its request, as openapi-core wants to see them."""

    def __init__(self, response: httpx.Response, server: str) -> None:
        request = response.request
        self.method = request.method.lower()
        self.host_url = server
        self.path = request.url.path
        self.full_url_pattern = server + self.path
        self.content_type = response.headers["content-type"].partition(";")[0]
        self.parameters = RequestParameters(query=dict(request.url.params))
        self.body = request.content
        self.status_code = response.status_code
        self.headers: Mapping[str, Any] = dict(response.headers)
        self.data = response.content


def openapi(name: str) -> OpenAPI:
    # The documents themselves are taken as given: to check them takes long.
    config = Config(spec_validator_cls=None)  # type: ignore[arg-type]  # the library's own word for no check
    return OpenAPI.from_dict(json.loads((SPECS / name).read_text("utf-8")), config)


@pytest.fixture(scope="module")
def twilio_api() -> OpenAPI:
    return openapi("twilio_api_v2010.json")


@pytest.fixture(scope="module")
def telnyx_api() -> OpenAPI:
    return openapi("telnyx_calls.json")


def fields_of(api: OpenAPI, path: str) -> set[str]:
    """The form fields of a POST."""
    body = api.spec / "paths" / path / "post" / "requestBody" / "content" / "application/x-www-form-urlencoded"
    return set((body / "schema" / "properties").str_keys())


def test_twilios_fields_are_those_of_its_api(twilio_api: OpenAPI) -> None:
    base = "/2010-04-01/Accounts/{AccountSid}"
    assert fields_of(twilio_api, f"{base}/Calls.json") >= twilio_fields.CREATE_CALL
    assert fields_of(twilio_api, f"{base}/Calls/{{Sid}}.json") >= twilio_fields.UPDATE_CALL
    assert fields_of(twilio_api, f"{base}/Calls/{{CallSid}}/Recordings.json") >= twilio_fields.CREATE_RECORDING
    assert fields_of(twilio_api, f"{base}/IncomingPhoneNumbers/{{Sid}}.json") >= twilio_fields.UPDATE_NUMBER


def test_telnyxs_fields_are_those_of_its_api() -> None:
    described = json.loads((SPECS / "telnyx_calls.json").read_text("utf-8"))

    def properties(schema: dict[str, Any]) -> set[str]:
        while "$ref" in schema:
            schema = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        inherited = [properties(part) for part in schema.get("allOf", [])]
        return set(schema.get("properties", {})).union(*inherited)

    def fields(path: str) -> set[str]:
        return properties(described["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"])

    assert fields("/calls") >= telnyx_fields.DIAL
    for action, known in telnyx_fields.ACTIONS.items():
        assert fields(f"/calls/{{call_control_id}}/actions/{action}") >= known, action


async def test_twilios_answers_are_those_of_its_api(
    directory: Directory, engine: MediaEngine, twilio_api: OpenAPI
) -> None:
    credentials = ("AC" + "0" * 31 + "1", "0" * 32)
    async with TwilioCloud(directory) as cloud, httpx.AsyncClient(trust_env=False, auth=credentials) as client:
        number = cloud.own(OURS)
        base = f"{cloud.url}/2010-04-01/Accounts/{cloud.account_sid}"
        twiml = connect(engine.stream_url, {}).decode()
        created = await client.post(f"{base}/Calls.json", data={"To": WAITING, "From": OURS, "Twiml": twiml})
        call = cloud.call(created.json()["sid"])
        async with asyncio.timeout(60):
            await call.streaming.wait()
        of_call = f"{base}/Calls/{call.legs.call_id}"
        recorded = await client.post(f"{of_call}/Recordings.json", data={"RecordingChannels": "dual"})
        ended = await client.post(f"{of_call}.json", data={"Status": "completed"})
        async with asyncio.timeout(60):
            await call.ended.wait()
        answers = [
            created,
            recorded,
            ended,
            await client.get(f"{of_call}.json"),
            await client.get(f"{of_call}/Recordings/{recorded.json()['sid']}.json"),
            await client.get(f"{base}/IncomingPhoneNumbers/{number.id}.json"),
            await client.post(f"{base}/IncomingPhoneNumbers/{number.id}.json", data={"VoiceUrl": "http://x/y"}),
            await client.get(f"{base}.json"),
        ]
    check(twilio_api, "https://api.twilio.com", answers)
    broken = httpx.Response(201, json=created.json() | {"sid": 1}, request=created.request)
    with pytest.raises(OpenAPIError):
        check(twilio_api, "https://api.twilio.com", [broken])


async def test_telnyxs_answers_are_those_of_its_api(
    directory: Directory, engine: MediaEngine, telnyx_api: OpenAPI
) -> None:
    async with (
        TelnyxCloud(directory) as cloud,
        httpx.AsyncClient(trust_env=False, headers={"authorization": "Bearer KEY0"}) as client,
    ):
        number = cloud.own(OURS, f"{engine.base}/events")
        fields = {"connection_id": cloud.application.connection_id, "to": WAITING, "from": OURS}
        dialed = await client.post(f"{cloud.url}/calls", json=fields | {"stream_url": engine.stream_url})
        call = cloud.call(dialed.json()["data"]["call_control_id"])
        async with asyncio.timeout(60):
            await call.streaming.wait()
        of_call = f"{cloud.url}/calls/{call.legs.call_id}"
        answers = [
            dialed,
            await client.post(f"{of_call}/actions/send_dtmf", json={"digits": "1"}),
            await client.get(of_call),
            await client.post(f"{of_call}/actions/hangup", json={}),
            await client.get(f"{cloud.url}/phone_numbers"),
            await client.patch(f"{cloud.url}/phone_numbers/{number.id}", json={"connection_id": "1"}),
        ]
        async with asyncio.timeout(60):
            await call.ended.wait()
        answers += [await client.get(of_call), await client.post(f"{of_call}/actions/hangup", json={})]
    assert [answer.status_code for answer in answers] == [200] * 7 + [422]
    check(telnyx_api, "https://api.telnyx.com", answers)


def check(api: OpenAPI, server: str, answers: list[httpx.Response]) -> None:
    for answer in answers:
        exchanged = Exchanged(answer, server)
        api.validate_response(exchanged, exchanged)


async def test_media_streams_have_the_frames_of_the_description(directory: Directory, engine: MediaEngine) -> None:
    description = yaml.load((SPECS / "twilio_media_streams.asyncapi.yml").read_text("utf-8"), Loader=yaml.CSafeLoader)
    schemas = description["components"]["schemas"]
    async with TwilioCloud(directory) as cloud:
        cloud.own(OURS, f"{engine.base}/voice")
        await cloud.ring(PRESSES, OURS)
    seen = set()
    for frame in map(json.loads, engine.lines[0].frames):
        seen.add(frame["event"])
        jsonschema.Draft7Validator(schemas[f"Media{frame['event'].capitalize()}"]).validate(frame)
    assert seen == {"connected", "start", "media", "dtmf", "stop"}
