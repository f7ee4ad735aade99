"""Our side of Telnyx against what Telnyx publishes: its own library, and the description of its API."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

import pytest
from jsonschema_path import SchemaPath
from nacl.signing import SigningKey
from openapi_core import V31RequestValidator
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from telnyx import AsyncTelnyx
from telnyx import Telnyx as OfficialClient
from telnyx.lib.webhook_verification import WebhookVerificationError, verify_webhook_signature
from werkzeug.datastructures import Headers, ImmutableMultiDict

from getpatter.carriers.base import (
    ConsultRequest,
    DialRequest,
    InboundCall,
    StreamTarget,
    WebhookRequest,
)
from getpatter.carriers.telnyx import client_state, legs
from getpatter.carriers.telnyx.account import Telnyx
from getpatter.carriers.telnyx.api import TelnyxApi
from getpatter.carriers.telnyx.carrier import TelnyxCarrier
from getpatter.carriers.telnyx.voices import voice_for
from getpatter.clock import SystemClock
from getpatter.errors import InvalidSignature
from getpatter.testing.telnyx_webhooks import TelnyxSigner, telnyx_event

if TYPE_CHECKING:
    from tests.carriers.telnyx.conftest import ApiServer, Asked

DESCRIPTION = Path(__file__).parents[4] / "shared" / "data" / "specs" / "telnyx_calls.json"
described = pytest.mark.skipif(not DESCRIPTION.exists(), reason=f"{DESCRIPTION.name} is not beside the project")

CALL, COLLEAGUE = "v3:caller", "v3:colleague"
CONNECTION = "1494404757140276705"
WEBHOOKS = "https://agent.example/webhooks/telnyx"
STREAM = StreamTarget("wss://agent.example/ws/telnyx/stream/call_1", {"token": "once"})
INBOUND = InboundCall(CALL, "+13125550100", "+12025550199")
DIAL = DialRequest(
    call_id="call_1", to_number="+13125550100", from_number="+12025550199", stream=STREAM, webhooks_url=WEBHOOKS
)
CONSULT = ConsultRequest(
    carrier_call_id=CALL,
    to_number="+13125550100",
    from_number="+12025550199",
    summary="A refund.",
    language="en-US",
    webhooks_url=WEBHOOKS,
)

Act = Callable[[TelnyxCarrier], Awaitable[Any]]


async def answer(carrier: TelnyxCarrier) -> None:
    command = carrier.answer(INBOUND, STREAM, WEBHOOKS).command
    assert command is not None
    await command()


async def reject(carrier: TelnyxCarrier) -> None:
    command = carrier.reject(INBOUND, "busy").command
    assert command is not None
    await command()


COMMANDS: dict[str, Act] = {
    "dial": lambda carrier: carrier.dial(DIAL),
    "consult": lambda carrier: carrier.consult(CONSULT),
    "answer": answer,
    "reject": reject,
    "hang up": lambda carrier: carrier.hang_up(CALL),
    "transfer": lambda carrier: carrier.transfer(CALL, "+13125550100", from_number="+12025550199"),
    "connect": lambda carrier: carrier.connect(CALL, COLLEAGUE),
    "send_dtmf": lambda carrier: carrier.send_dtmf(CALL, "1w2#"),
    "leave_message": lambda carrier: carrier.leave_message(CALL, "Please call back.", "de-DE"),
    "start_recording": lambda carrier: carrier.start_recording(CALL, WEBHOOKS),
    "fetch_call": lambda carrier: carrier.fetch_call(CALL),
}


async def speak_to_a_colleague(carrier: TelnyxCarrier, server: ApiServer) -> None:
    """Ask them for a key, and tell them about the caller."""
    await carrier.consult(CONSULT)
    state = server.asked.pop().body["client_state"]
    for event, more in (("call.answered", {}), ("call.gather.ended", {"digits": "1", "status": "valid"})):
        body = telnyx_event(event, call_control_id=COLLEAGUE, client_state=state, **more)
        command = carrier.parse(WebhookRequest("POST", f"{WEBHOOKS}/voice", {}, body, "voice")).command
        assert command is not None
        await command()


class DescribedRequest:
    """A request that was made, as openapi-core wants to see it."""

    host_url = "https://api.telnyx.com"
    content_type = "application/json"

    def __init__(self, asked: Asked) -> None:
        self.method = asked.method.lower()
        path, _, query = asked.path.partition("?")
        self.path = f"/v2{path}"
        self.body = json.dumps(asked.body).encode() if asked.method != "GET" else None
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(parse_qsl(query)), header=Headers({"Authorization": asked.authorization})
        )


class Description:
    """Telnyx's description of its API, in which objects have the fields that are declared and no others.

    It has faults of its own (a default of the wrong type, webhooks that refer to nothing), so it is not checked itself
    and its webhooks are left out.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        described = {name: part for name, part in document.items() if name != "webhooks"}
        self._validator = V31RequestValidator(SchemaPath.from_dict(described))
        self.languages: list[str] = document["components"]["schemas"]["SpeakRequest"]["properties"]["language"]["enum"]

    def check(self, asked: Asked) -> None:
        """Raise `OpenAPIError` for a request that Telnyx does not take."""
        self._validator.validate(DescribedRequest(asked))


@pytest.fixture(scope="module")
def description() -> Description:
    return Description(json.loads(DESCRIPTION.read_text("utf-8")))


def changed(asked: Asked, **changes: Any) -> Asked:
    return type(asked)(asked.method, asked.path, asked.body | changes, asked.authorization)


@described
@pytest.mark.parametrize("command", COMMANDS)
async def test_each_command_is_as_described(
    command: str, carrier: TelnyxCarrier, server: ApiServer, description: Description
) -> None:
    await COMMANDS[command](carrier)
    assert server.asked
    for asked in server.asked:
        description.check(asked)
        if asked.method != "GET":
            with pytest.raises(OpenAPIError, match="Additional properties"):
                description.check(changed(asked, ring_timeout=25))


@described
async def test_a_colleague_is_spoken_to_as_described(
    carrier: TelnyxCarrier, server: ApiServer, description: Description
) -> None:
    await speak_to_a_colleague(carrier, server)
    assert server.actions == ["gather_using_speak", "speak"]
    for asked in server.asked:
        description.check(asked)
        with pytest.raises(OpenAPIError, match="Additional properties"):
            description.check(changed(asked, digits="1"))


@described
async def test_a_number_is_put_on_an_application_as_described(
    carrier: TelnyxCarrier, server: ApiServer, description: Description
) -> None:
    """Applications themselves are not in this description."""
    server.number["connection_id"] = None
    await carrier.configure_number("+12025550199", WEBHOOKS)
    numbers = [asked for asked in server.asked if asked.path.startswith("/phone_numbers")]
    assert [asked.method for asked in numbers] == ["GET", "PATCH"]
    for asked in numbers:
        description.check(asked)


@described
@pytest.mark.parametrize(
    "wrong", [{"stream_codec": "pcmu"}, {"timeout_secs": "25"}, {"time_limit_secs": 5}, {"from": None}]
)
async def test_the_check_itself_notices_what_is_wrong(
    wrong: dict[str, Any], carrier: TelnyxCarrier, server: ApiServer, description: Description
) -> None:
    await carrier.dial(DIAL)
    with pytest.raises(OpenAPIError):
        description.check(changed(server.asked[0], **wrong))


@described
def test_each_language_that_telnyx_speaks_has_a_voice_of_its_own(description: Description) -> None:
    assert len({voice_for(tag) for tag in description.languages}) == len(description.languages)


class TestOfficialClient:
    """What Telnyx's own client asks for is what we ask for."""

    @pytest.fixture
    def client(self, server: ApiServer) -> AsyncTelnyx:
        return AsyncTelnyx(api_key="KEY0123secret", base_url=server.url, max_retries=0)

    async def test_the_same_requests_are_made(
        self, client: AsyncTelnyx, carrier: TelnyxCarrier, api: TelnyxApi, server: ApiServer
    ) -> None:
        state = client_state.encode(STREAM.parameters)
        async with client:
            actions = client.calls.actions
            pairs: list[tuple[Act, Callable[[], Awaitable[Any]]]] = [
                (
                    COMMANDS["dial"],
                    lambda: client.calls.dial(
                        connection_id=CONNECTION,
                        to="+13125550100",
                        from_="+12025550199",
                        timeout_secs=25,
                        time_limit_secs=600,
                        stream_url=STREAM.url,
                        stream_track="inbound_track",
                        stream_codec="PCMU",
                        stream_bidirectional_mode="rtp",
                        stream_bidirectional_codec="PCMU",
                        stream_bidirectional_target_legs="self",
                        client_state=legs.placed("call_1", STREAM.parameters),
                        webhook_url=f"{WEBHOOKS}/voice",
                        webhook_url_method="POST",
                        answering_machine_detection="greeting_end",
                        answering_machine_detection_config={"greeting_total_analysis_time_millis": 30_000},
                    ),
                ),
                (
                    COMMANDS["answer"],
                    lambda: actions.answer(
                        CALL,
                        stream_url=STREAM.url,
                        stream_track="inbound_track",
                        stream_codec="PCMU",
                        stream_bidirectional_mode="rtp",
                        stream_bidirectional_codec="PCMU",
                        stream_bidirectional_target_legs="self",
                        client_state=state,
                        webhook_url=f"{WEBHOOKS}/voice",
                        webhook_url_method="POST",
                    ),
                ),
                (COMMANDS["reject"], lambda: actions.reject(CALL, cause="USER_BUSY")),
                (COMMANDS["hang up"], lambda: actions.hangup(CALL)),
                (COMMANDS["send_dtmf"], lambda: actions.send_dtmf(CALL, digits="1w2#", duration_millis=250)),
                (COMMANDS["fetch_call"], lambda: client.calls.retrieve_status(CALL)),
                (
                    lambda carrier: api.number("+12025550199"),
                    lambda: client.phone_numbers.list(filter={"phone_number": "+12025550199"}),
                ),
                (
                    lambda carrier: api.change_application(
                        CONNECTION, {"application_name": "a", "webhook_event_url": "u", "call_cost_in_webhooks": True}
                    ),
                    lambda: client.call_control_applications.update(
                        CONNECTION, application_name="a", webhook_event_url="u", call_cost_in_webhooks=True
                    ),
                ),
            ]
            for ours, theirs in pairs:
                server.asked.clear()
                await ours(carrier)
                await theirs()
                one, other = server.asked
                assert (one.method, unescaped(one.path)) == (other.method, unescaped(other.path))
                assert (one.fields, one.authorization) == (other.fields, other.authorization)

    async def test_a_colleague_is_spoken_to_with_the_same_requests(
        self, client: AsyncTelnyx, carrier: TelnyxCarrier, server: ApiServer
    ) -> None:
        await speak_to_a_colleague(carrier, server)
        ours = list(server.asked)
        states = [asked.body["client_state"] for asked in ours]
        server.asked.clear()
        voice = "AWS.Polly.Joanna"
        async with client:
            await client.calls.actions.gather_using_speak(
                COLLEAGUE,
                payload="A call is waiting for you. Press any key to take it.",
                voice=voice,
                client_state=states[0],
                minimum_digits=1,
                maximum_digits=1,
                maximum_tries=2,
                timeout_millis=10_000,
            )
            await client.calls.actions.speak(COLLEAGUE, payload="A refund.", voice=voice, client_state=states[1])
        assert [asked.fields for asked in ours] == [asked.fields for asked in server.asked]
        assert [unescaped(asked.path) for asked in ours] == [unescaped(asked.path) for asked in server.asked]


def unescaped(path: str) -> str:
    """Which characters are escaped that need not be is a matter of taste."""
    return unquote(path)


class TestWebhooks:
    KEY = SigningKey(bytes(range(32)))

    def signed(self, body: bytes, at: int) -> tuple[dict[str, str], str]:
        """Headers as PyNaCl makes them, and the public key."""
        signature = self.KEY.sign(f"{at}|".encode() + body).signature
        headers = {"telnyx-signature-ed25519": b64encode(signature).decode(), "telnyx-timestamp": str(at)}
        return headers, b64encode(bytes(self.KEY.verify_key)).decode()

    def ours(self, body: bytes, headers: dict[str, str], key: str) -> bool:
        carrier = TelnyxCarrier(Telnyx(api_key="k", connection_id="1", public_key=key), clock=SystemClock())
        try:
            carrier.verify(WebhookRequest("POST", f"{WEBHOOKS}/voice", headers, body, "voice"))
        except InvalidSignature:
            return False
        return True

    @staticmethod
    def theirs(body: bytes, headers: dict[str, str], key: str) -> bool:
        try:
            verify_webhook_signature(body, headers, key)
        except WebhookVerificationError:
            return False
        return True

    # Seconds from the limit are left for the clock, which both read for themselves.
    @pytest.mark.parametrize(("age", "good"), [(0, True), (290, True), (301, False), (100_000, False)])
    def test_both_take_the_same_webhooks(self, age: int, good: bool) -> None:
        body = telnyx_event("call.answered", call_control_id=CALL)
        headers, key = self.signed(body, int(time.time()) - age)
        assert self.ours(body, headers, key) is good
        assert self.theirs(body, headers, key) is good
        assert not self.ours(body + b" ", headers, key)
        assert not self.theirs(body + b" ", headers, key)

    def test_what_our_own_signer_signs_is_good_to_both(self) -> None:
        signer, body = TelnyxSigner(), telnyx_event("call.answered", call_control_id=CALL)
        headers = signer.headers(body, time.time())
        assert self.ours(body, headers, signer.public_key)
        assert self.theirs(body, headers, signer.public_key)

    @pytest.mark.parametrize(
        ("event", "payload"),
        [
            ("call.initiated", {"direction": "incoming", "state": "parked", "from_": "+13125550100", "to": "+1202"}),
            ("call.answered", {}),
            ("call.hangup", {"hangup_cause": "user_busy", "sip_hangup_cause": "486", "hangup_source": "callee"}),
            ("call.machine.detection.ended", {"result": "machine"}),
            ("call.machine.greeting.ended", {"result": "beep_detected"}),
            ("call.machine.premium.detection.ended", {"result": "fax_detected"}),
            ("call.machine.premium.greeting.ended", {"result": "beep_detected"}),
            ("call.speak.ended", {"status": "completed"}),
            ("call.gather.ended", {"status": "valid", "digits": "1"}),
            ("streaming.failed", {"failure_reason": "connection_failed"}),
            ("call.recording.saved", {"recording_urls": {"wav": "https://s3.example/a.wav"}, "channels": "dual"}),
            ("call.cost", {"total_cost": "0.01", "status": "success", "cost_parts": [{"currency": "USD"}]}),
        ],
    )
    def test_the_official_client_knows_the_events_that_we_read(self, event: str, payload: dict[str, Any]) -> None:
        body = telnyx_event(event, call_control_id=CALL, **payload)
        headers, key = self.signed(body, int(time.time()))
        with OfficialClient(api_key="k", public_key=key) as client:
            unwrapped: Any = client.webhooks.unwrap(body.decode(), headers=headers)
        read = json.loads(unwrapped.to_json())["data"]
        assert read["event_type"] == event
        known = type(unwrapped.data.payload).model_fields
        names = {field.alias or name for name, field in known.items()}
        # The description leaves out which call a recording is of.
        beyond = {"call_control_id"} if event == "call.recording.saved" else set()
        assert {name.removesuffix("_") for name in payload} | ({"call_control_id"} - beyond) <= names
