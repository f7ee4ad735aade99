"""The stand-in for Telnyx, driven and checked by Telnyx's own library."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import wave
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import telnyx
from telnyx.lib.webhook_verification import WebhookVerificationError

from getpatter.carriers.base import WebhookRequest
from getpatter.errors import CarrierError
from getpatter.testing.clouds import TelnyxCloud
from getpatter.testing.line_call import LineCall
from getpatter.testing.parties import Directory

if TYPE_CHECKING:
    from tests.testing.clouds.conftest import MediaEngine, MediaLine

OURS = "+12025550199"
PERSON = "+12025550150"
BUSY = "+12025550151"
NOBODY = "+12025550152"
MACHINE = "+12025550153"
WAITING = "+12025550154"
FOREVER = "+12025550155"
PRESSES = "+12025550156"
MENU = "+12025550157"
TAKES = "+12025550158"
STATE = base64.b64encode(b'{"token":"t"}').decode()


@pytest.fixture
async def cloud(directory: Directory, engine: MediaEngine) -> AsyncIterator[TelnyxCloud]:
    async with TelnyxCloud(directory) as cloud:
        cloud.own(OURS, f"{engine.base}/events")
        yield cloud


class Official:
    """Telnyx's client, in a thread since it waits."""

    def __init__(self, cloud: TelnyxCloud) -> None:
        local = httpx.Client(trust_env=False)
        self.client = telnyx.Telnyx(
            api_key="KEY0", base_url=cloud.url, public_key=cloud.public_key, max_retries=0, http_client=local
        )

    async def __call__(self, ask: Callable[[telnyx.Telnyx], Any]) -> Any:
        return await asyncio.to_thread(ask, self.client)


@pytest.fixture
async def official(cloud: TelnyxCloud) -> AsyncIterator[Official]:
    official = Official(cloud)
    yield official
    official.client.close()


def stream(engine: MediaEngine) -> dict[str, Any]:
    return {
        "stream_url": engine.stream_url,
        "stream_track": "inbound_track",
        "stream_codec": "PCMU",
        "stream_bidirectional_mode": "rtp",
        "stream_bidirectional_codec": "PCMU",
        "client_state": STATE,
    }


async def dial(cloud: TelnyxCloud, official: Official, engine: MediaEngine, to: str, **more: Any) -> LineCall:
    fields = stream(engine) | more
    connection = cloud.application.connection_id
    dialed = await official(lambda client: client.calls.dial(connection_id=connection, to=to, from_=OURS, **fields))
    return cloud.call(dialed.data.call_control_id)


async def live(cloud: TelnyxCloud, official: Official, engine: MediaEngine, to: str = WAITING) -> LineCall:
    """A call that is being talked in."""
    call = await dial(cloud, official, engine, to)
    async with asyncio.timeout(60):
        await call.streaming.wait()
    return call


async def over(call: LineCall) -> None:
    async with asyncio.timeout(60):
        await call.ended.wait()


def events(engine: MediaEngine, call: LineCall | None = None) -> list[tuple[str, dict[str, Any]]]:
    """What was told, of one call or of all."""
    told = [json.loads(webhook.body)["data"] for webhook in engine.webhooks]
    of = None if call is None else call.legs.call_id
    return [(e["event_type"], e["payload"]) for e in told if of in (None, e["payload"]["call_control_id"])]


def types(engine: MediaEngine, call: LineCall | None = None) -> list[str]:
    return [event for event, _ in events(engine, call)]


def payload(engine: MediaEngine, event_type: str) -> dict[str, Any]:
    [found] = [payload for event, payload in events(engine) if event == event_type]
    return found


# -- calls out


async def test_a_call_is_answered_talked_in_and_over(
    cloud: TelnyxCloud, official: Official, engine: MediaEngine
) -> None:
    call = await dial(cloud, official, engine, PERSON)
    await over(call)
    told = ["call.initiated", "call.answered", "streaming.started", "streaming.stopped", "call.hangup"]
    assert types(engine) == told
    hangup = payload(engine, "call.hangup")
    assert (hangup["hangup_cause"], hangup["hangup_source"]) == ("normal_clearing", "callee")
    start = json.loads(engine.lines[0].frames[1])["start"]
    assert (start["call_control_id"], start["client_state"]) == (call.legs.call_id, STATE)
    assert start["media_format"] == {"encoding": "PCMU", "sample_rate": 8000, "channels": 1}
    assert json.loads(engine.lines[0].frames[-1])["event"] == "stop"


async def test_each_event_is_one_that_telnyxs_own_library_knows_and_finds_signed(
    cloud: TelnyxCloud, official: Official, engine: MediaEngine
) -> None:
    await over(await dial(cloud, official, engine, PRESSES, answering_machine_detection="greeting_end"))
    assert "call.dtmf.received" in types(engine)
    kinds = [
        type(official.client.webhooks.unwrap(webhook.body.decode(), headers=webhook.headers)).__name__
        for webhook in engine.webhooks
    ]
    assert kinds == [_kind(event) for event in types(engine)]
    forged = engine.webhooks[0].body.replace(b"call.initiated", b"call.answered")
    with pytest.raises(WebhookVerificationError, match="Signature verification failed"):
        official.client.webhooks.unwrap(forged.decode(), headers=engine.webhooks[0].headers)


def _kind(event_type: str) -> str:
    """What the library calls such an event."""
    words = event_type.replace("streaming.", "call.streaming.").split(".")
    return "".join(word.capitalize() for word in words) + "WebhookEvent"


@pytest.mark.parametrize(("to", "cause"), [(BUSY, "user_busy"), (NOBODY, "timeout"), ("+12025550100", "not_found")])
async def test_calls_that_nobody_takes(
    cloud: TelnyxCloud, official: Official, engine: MediaEngine, to: str, cause: str
) -> None:
    call = await dial(cloud, official, engine, to)
    await over(call)
    assert types(engine) == ["call.initiated", "call.hangup"]
    assert payload(engine, "call.hangup")["hangup_cause"] == cause
    found = await official(lambda client: client.calls.retrieve_status(call.legs.call_id))
    assert (found.data.is_alive, bool(found.data.end_time)) == (False, True)
    with pytest.raises(telnyx.UnprocessableEntityError, match="90018"):
        await official(lambda client: client.calls.actions.hangup(call.legs.call_id))


async def test_a_ringing_call_is_canceled(cloud: TelnyxCloud, official: Official, engine: MediaEngine) -> None:
    call = await dial(cloud, official, engine, FOREVER)
    await official(lambda client: client.calls.actions.hangup(call.legs.call_id))
    await over(call)
    assert payload(engine, "call.hangup")["hangup_cause"] == "originator_cancel"


async def test_a_command_with_the_same_id_is_done_once(
    cloud: TelnyxCloud, official: Official, engine: MediaEngine
) -> None:
    one = await dial(cloud, official, engine, FOREVER, command_id="1")
    assert await dial(cloud, official, engine, FOREVER, command_id="1") is one
    assert await dial(cloud, official, engine, FOREVER, command_id="2") is not one


async def test_a_call_tells_its_own_webhook_and_its_cost(
    cloud: TelnyxCloud, official: Official, engine: MediaEngine
) -> None:
    await official(
        lambda client: client.call_control_applications.update(
            cloud.application.connection_id,
            application_name="patter",
            webhook_event_url=f"{engine.base}/other",
            call_cost_in_webhooks=True,
        )
    )
    call = await dial(cloud, official, engine, PERSON, webhook_url=f"{engine.base}/mine")
    await over(call)
    assert {webhook.url for webhook in engine.webhooks} == {f"{engine.base}/mine"}
    assert payload(engine, "call.cost")["total_cost"] == "0.0070"


# -- calls in


def answers(cloud: TelnyxCloud, engine: MediaEngine, action: str, **fields: Any) -> None:
    """Have the engine command this when it is rung."""

    async def command(webhook: WebhookRequest) -> None:
        event = json.loads(webhook.body)["data"]
        if event["event_type"] == "call.initiated":
            url = f"{cloud.url}/calls/{event['payload']['call_control_id']}/actions/{action}"
            async with httpx.AsyncClient(trust_env=False, headers={"authorization": "Bearer KEY0"}) as client:
                assert (await client.post(url, json=fields)).status_code == 200

    engine.on_webhook = command


async def test_a_party_rings_and_is_answered_by_command(cloud: TelnyxCloud, engine: MediaEngine) -> None:
    answers(cloud, engine, "answer", **stream(engine))
    result = await cloud.ring(PERSON, OURS)
    assert (result.ended_by, result.spoken) == ("party", ("Hello?",))
    initiated = payload(engine, "call.initiated")
    assert (initiated["direction"], initiated["state"]) == ("incoming", "parked")
    assert (initiated["from"], initiated["to"]) == (PERSON, OURS)
    assert payload(engine, "call.hangup")["hangup_source"] == "caller"


@pytest.mark.parametrize(
    ("cause", "reason", "told"), [("USER_BUSY", "busy", "user_busy"), ("CALL_REJECTED", "rejected", "call_rejected")]
)
async def test_a_party_is_turned_away(
    cloud: TelnyxCloud, engine: MediaEngine, cause: str, reason: str, told: str
) -> None:
    answers(cloud, engine, "reject", cause=cause)
    result = await cloud.ring(PERSON, OURS)
    assert (result.answered, result.reason) == (False, reason)
    assert payload(engine, "call.hangup")["hangup_cause"] == told


async def test_a_party_that_nobody_answers_gives_up(cloud: TelnyxCloud, engine: MediaEngine) -> None:
    cloud.ring_timeout_s = 0.05
    with pytest.raises(CarrierError, match="did not answer"):
        await cloud.ring(PERSON, OURS)
    assert payload(engine, "call.hangup")["hangup_cause"] == "originator_cancel"


async def test_a_number_on_no_application_cannot_be_rung(cloud: TelnyxCloud, official: Official) -> None:
    page = await official(lambda client: client.phone_numbers.list(filter={"phone_number": OURS}))
    [number] = page.data
    await official(lambda client: client.phone_numbers.update(number.id, connection_id="1"))
    with pytest.raises(CarrierError, match="no application"):
        await cloud.ring(PERSON, OURS)


# -- detection


@pytest.mark.parametrize(
    ("to", "detection", "verdict", "told"),
    [
        (PERSON, "greeting_end", None, [("detection", "human")]),
        (MACHINE, "greeting_end", None, [("detection", "machine"), ("greeting", "beep_detected")]),
        (MACHINE, "detect", None, [("detection", "machine")]),
        (WAITING, "greeting_end", "machine", [("detection", "machine"), ("greeting", "ended")]),
        (WAITING, "greeting_end", "unknown", [("detection", "not_sure")]),
        (PERSON, "premium", None, [("premium.detection", "human_residence")]),
        (MACHINE, "premium", None, [("premium.detection", "machine"), ("premium.greeting", "beep_detected")]),
        (WAITING, "premium", "fax", [("premium.detection", "fax_detected")]),
    ],
)
async def test_detection_tells_who_answered_and_when_a_greeting_is_over(
    cloud: TelnyxCloud,
    official: Official,
    engine: MediaEngine,
    to: str,
    detection: str,
    verdict: Any,
    told: list[tuple[str, str]],
) -> None:
    if verdict:
        cloud.verdicts[to] = verdict
    call = await dial(cloud, official, engine, to, answering_machine_detection=detection)

    def detected() -> list[tuple[str, str]]:
        found = [(event, payload) for event, payload in events(engine) if event.startswith("call.machine.")]
        return [(e.removeprefix("call.machine.").removesuffix(".ended"), p["result"]) for e, p in found]

    await engine.until(lambda: len(detected()) == len(told))
    call.hang_up()
    await over(call)
    assert detected() == told


# -- in the call


async def test_keys_are_pressed_by_command(cloud: TelnyxCloud, official: Official, engine: MediaEngine) -> None:
    call = await live(cloud, official, engine, MENU)
    await official(lambda client: client.calls.actions.send_dtmf(call.legs.call_id, digits="w7"))
    await over(call)
    assert call.far_end is not None
    assert (call.far_end.keys_heard, call.end.by) == ("7", "party")


async def test_the_carrier_speaks_and_tells_when_it_was_heard(
    cloud: TelnyxCloud, official: Official, engine: MediaEngine
) -> None:
    call = await live(cloud, official, engine)
    state = base64.b64encode(b"spoken").decode()
    await official(
        lambda client: client.calls.actions.speak(
            call.legs.call_id, payload="Hello.", voice="female", client_state=state
        )
    )
    await engine.until(lambda: "call.speak.ended" in types(engine))
    ended = payload(engine, "call.speak.ended")
    assert (ended["status"], ended["client_state"], call.announcements) == ("completed", state, ["Hello."])


@pytest.mark.parametrize(
    ("to", "says", "ended"),
    [
        (TAKES, ["Press."], ("valid", "5")),
        (MACHINE, ["Press."] * 2, ("timeout", "")),
        (PERSON, None, ("call_hangup", "")),
    ],
)
async def test_a_key_is_asked_for_as_often_as_wanted(
    cloud: TelnyxCloud, official: Official, engine: MediaEngine, to: str, says: list[str] | None, ended: tuple[str, str]
) -> None:
    cloud.lines.longest_key_wait_s = 60 if to == PERSON else 0.05
    call = await dial(cloud, official, engine, to, stream_url="")
    async with asyncio.timeout(60):
        await call.answered.wait()
    await official(
        lambda client: client.calls.actions.gather_using_speak(
            call.legs.call_id,
            payload="Press.",
            voice="female",
            maximum_digits=1,
            maximum_tries=2,
            timeout_millis=9000,
            client_state=STATE,
        )
    )
    await engine.until(lambda: "call.gather.ended" in types(engine))
    told = payload(engine, "call.gather.ended")
    assert ((told["status"], told["digits"]), told["client_state"]) == (ended, STATE)
    assert says is None or call.announcements == says
    call.hang_up()
    await over(call)


async def test_no_key_is_asked_for_beside_a_stream(cloud: TelnyxCloud, official: Official, engine: MediaEngine) -> None:
    call = await live(cloud, official, engine)
    with pytest.raises(telnyx.UnprocessableEntityError, match="beside a stream"):
        await official(
            lambda client: client.calls.actions.gather_using_speak(
                call.legs.call_id, payload="Press.", voice="female", maximum_digits=1
            )
        )


async def test_a_call_is_handed_to_somebody_else(cloud: TelnyxCloud, official: Official, engine: MediaEngine) -> None:
    call = await live(cloud, official, engine)
    state = base64.b64encode(b"other").decode()
    await official(
        lambda client: client.calls.actions.transfer(
            call.legs.call_id, to=PERSON, from_=OURS, target_leg_client_state=state
        )
    )
    await over(call)
    other = call.onward_call
    assert other is not None
    await over(other)
    assert "call.bridged" in types(engine, call)
    told = events(engine, other)
    assert [event for event, _ in told] == ["call.initiated", "call.answered", "call.bridged", "call.hangup"]
    assert {payload["client_state"] for _, payload in told} == {state}


async def test_a_call_whose_transfer_nobody_takes_stays_with_us(
    cloud: TelnyxCloud, official: Official, engine: MediaEngine
) -> None:
    call = await live(cloud, official, engine)
    await official(lambda client: client.calls.actions.transfer(call.legs.call_id, to=BUSY))
    assert call.onward_call is not None
    await over(call.onward_call)
    assert call.is_live
    assert call.is_streaming


async def test_two_calls_are_bridged(cloud: TelnyxCloud, official: Official, engine: MediaEngine) -> None:
    caller, colleague = await live(cloud, official, engine), await live(cloud, official, engine)
    await official(
        lambda client: client.calls.actions.bridge(
            caller.legs.call_id, call_control_id_to_bridge_with=colleague.legs.call_id
        )
    )
    with contextlib.suppress(telnyx.UnprocessableEntityError):  # the stream may be over by now
        await official(lambda client: client.calls.actions.stop_streaming(caller.legs.call_id))
    await engine.until(lambda: types(engine).count("call.bridged") == 2)
    colleague.hang_up()
    await over(caller)
    assert caller.status == "completed"


async def test_a_stream_is_stopped_and_the_call_stays(
    cloud: TelnyxCloud, official: Official, engine: MediaEngine
) -> None:
    call = await live(cloud, official, engine)
    await official(lambda client: client.calls.actions.stop_streaming(call.legs.call_id))
    await engine.until(lambda: "streaming.stopped" in types(engine))
    assert call.is_live
    await official(lambda client: client.calls.actions.start_streaming(call.legs.call_id, **stream(engine)))
    await engine.until(lambda: types(engine).count("streaming.started") == 2)


async def test_a_stream_that_is_cut_or_refused_leaves_the_call(
    cloud: TelnyxCloud, official: Official, engine: MediaEngine
) -> None:
    call = await live(cloud, official, engine)
    call.cut_stream()
    await engine.until(lambda: "streaming.stopped" in types(engine))
    assert call.is_live
    engine.refuses = True
    await dial(cloud, official, engine, WAITING)
    await engine.until(lambda: "streaming.failed" in types(engine))


async def test_a_call_is_recorded_on_two_channels(cloud: TelnyxCloud, official: Official, engine: MediaEngine) -> None:
    call = await live(cloud, official, engine)
    await official(
        lambda client: client.calls.actions.start_recording(call.legs.call_id, format="wav", channels="dual")
    )
    await official(lambda client: client.calls.actions.hangup(call.legs.call_id))
    await over(call)
    saved = payload(engine, "call.recording.saved")
    async with httpx.AsyncClient(trust_env=False) as client:
        audio = await client.get(saved["recording_urls"]["wav"])
    with wave.open(io.BytesIO(audio.content)) as file:
        assert (saved["channels"], file.getnchannels(), file.getframerate()) == ("dual", 2, 8000)


async def test_what_is_sent_is_heard_in_rtp_mode_only(
    cloud: TelnyxCloud, official: Official, engine: MediaEngine
) -> None:
    async def says(line: MediaLine) -> None:
        audio = base64.b64encode(b"\x10" * 160).decode()
        await line.socket.send_text(json.dumps({"event": "media", "media": {"payload": audio}}))
        await line.socket.send_text('{"event":"mark","mark":{"name":"said"}}')
        await line.until("mark")

    engine.talk = says
    heard = []
    for mode in ("rtp", "mp3"):
        call = await dial(cloud, official, engine, WAITING, stream_bidirectional_mode=mode)
        async with asyncio.timeout(60):
            await call.streaming.wait()
        await engine.until(lambda: types(engine, call)[-1] == "streaming.stopped")  # noqa: B023  # used at once
        assert call.far_end is not None
        heard.append(b"\x10" * 160 in call.far_end.heard)
        call.hang_up()
    assert heard == [True, False]


# -- misbehaving


async def test_events_are_duplicated_with_one_id_and_repeated_until_they_are_taken(
    cloud: TelnyxCloud, official: Official, engine: MediaEngine
) -> None:
    cloud.callbacks.duplicate("call.hangup")
    cloud.callbacks.drop("call.answered")
    await over(await dial(cloud, official, engine, BUSY))
    ids = [json.loads(webhook.body)["data"]["id"] for webhook in engine.webhooks]
    assert (len(ids), len(set(ids))) == (3, 2)


# -- what Telnyx refuses


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"connection_id": "1"}, 422, "10015"),
        ({"connection_id": None}, 422, "10004"),
        ({"from": "+12025550100"}, 403, "10010"),
        ({"to": "home"}, 422, "10016"),
        ({"timeout_secs": 3}, 422, "10015"),
        ({"stream_codec": "pcmu"}, 422, "10015"),
        ({"record": "record-from-answer"}, 422, "10015"),
        ({"colour": "red"}, 422, "10015"),
    ],
)
async def test_what_telnyx_would_not_take_is_refused(
    cloud: TelnyxCloud, changes: dict[str, Any], status: int, code: str
) -> None:
    fields = {"connection_id": cloud.application.connection_id, "to": PERSON, "from": OURS} | changes
    body = {name: value for name, value in fields.items() if value is not None}
    async with httpx.AsyncClient(trust_env=False, headers={"authorization": "Bearer KEY0"}) as client:
        answer = await client.post(f"{cloud.url}/calls", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)


async def test_strangers_are_not_told_anything(cloud: TelnyxCloud) -> None:
    async with httpx.AsyncClient(trust_env=False, headers={"authorization": "Bearer guess"}) as client:
        answer = await client.get(f"{cloud.url}/phone_numbers")
    assert answer.status_code == 401
