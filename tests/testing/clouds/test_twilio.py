"""The stand-in for Twilio, driven and checked by Twilio's own library."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import httpx
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from getpatter.errors import CarrierError
from getpatter.testing.answer_document import connect, dial_number, reject
from getpatter.testing.clouds import TwilioCloud
from getpatter.testing.line_call import LineCall
from getpatter.testing.parties import Directory

if TYPE_CHECKING:
    from tests.testing.clouds.conftest import MediaEngine

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
TOKEN = "f" * 32


@pytest.fixture
async def cloud(directory: Directory) -> AsyncIterator[TwilioCloud]:
    async with TwilioCloud(directory, auth_token=TOKEN) as cloud:
        cloud.own(OURS)
        yield cloud


class LocalHttp(TwilioHttpClient):  # type: ignore[misc]  # the library has no types
    """Twilio's own client, sent elsewhere."""

    def __init__(self, base: str) -> None:
        super().__init__(pool_connections=False, timeout=20)
        self._base = base

    def request(self, method: str, url: str, *args: Any, **named: Any) -> Any:
        return super().request(method, url.replace("https://api.twilio.com", self._base), *args, **named)


class Official:
    """Twilio's REST client, in a thread since it waits."""

    def __init__(self, cloud: TwilioCloud) -> None:
        self.client = Client(cloud.account_sid, TOKEN, http_client=LocalHttp(cloud.url))

    async def __call__(self, ask: Callable[[Client], Any]) -> Any:
        return await asyncio.to_thread(ask, self.client)


@pytest.fixture
def official(cloud: TwilioCloud) -> Official:
    return Official(cloud)


async def dial(official: Official, engine: MediaEngine, to: str, **changes: Any) -> str:
    named: dict[str, Any] = {
        "to": to,
        "from_": OURS,
        "twiml": connect(engine.stream_url, {"token": "t & t"}).decode(),
        "status_callback": f"{engine.base}/status",
        "status_callback_event": ["initiated", "ringing", "answered", "completed"],
        **changes,
    }
    call = await official(lambda client: client.calls.create(**named))
    assert call.status == "queued"
    return str(call.sid)


async def over(call: LineCall) -> None:
    async with asyncio.timeout(60):
        await call.ended.wait()


def update(document: bytes) -> dict[str, str]:
    return {"twiml": document.decode()}


# -- calls out


async def test_a_call_rings_is_answered_talked_in_and_over(
    cloud: TwilioCloud, official: Official, engine: MediaEngine
) -> None:
    sid = await dial(official, engine, PERSON)
    await over(cloud.call(sid))
    forms = engine.forms("status")
    assert [form["CallStatus"] for form in forms] == ["initiated", "ringing", "in-progress", "completed"]
    assert [form["SequenceNumber"] for form in forms] == ["0", "1", "2", "3"]
    assert forms[-1]["CallDuration"].isdigit()
    [line] = engine.lines
    assert [sid in line.frames[1], '"token":"t & t"' in line.frames[1]] == [True, True]
    assert '"event":"stop"' in line.frames[-1]
    assert cloud.call(sid).end.by == "party"


@pytest.mark.parametrize(
    ("to", "statuses", "sip"),
    [
        (BUSY, ["initiated", "busy"], "486"),
        (NOBODY, ["initiated", "ringing", "no-answer"], "487"),
        ("+12025550100", ["initiated", "failed"], "404"),
    ],
)
async def test_calls_that_nobody_takes(
    cloud: TwilioCloud, official: Official, engine: MediaEngine, to: str, statuses: list[str], sip: str
) -> None:
    sid = await dial(official, engine, to)
    await over(cloud.call(sid))
    assert engine.statuses() == statuses
    assert engine.forms("status")[-1]["SipResponseCode"] == sip
    assert (await official(lambda client: client.calls(sid).fetch())).status == statuses[-1]


async def test_without_events_only_the_end_is_told(cloud: TwilioCloud, official: Official, engine: MediaEngine) -> None:
    sid = await dial(official, engine, PERSON, status_callback_event=[])
    await over(cloud.call(sid))
    assert engine.statuses() == ["completed"]


async def test_a_ringing_call_is_canceled(cloud: TwilioCloud, official: Official, engine: MediaEngine) -> None:
    sid = await dial(official, engine, FOREVER)
    await engine.until(lambda: "ringing" in engine.statuses())
    await official(lambda client: client.calls(sid).update(status="canceled"))
    await over(cloud.call(sid))
    assert engine.statuses()[-1] == "canceled"
    with pytest.raises(TwilioRestException) as refused:
        await official(lambda client: client.calls(sid).update(status="completed"))
    assert refused.value.code == 21220


async def test_each_webhook_and_the_stream_are_signed(
    cloud: TwilioCloud, official: Official, engine: MediaEngine
) -> None:
    await over(cloud.call(await dial(official, engine, PERSON)))
    validator = RequestValidator(TOKEN)
    for webhook in engine.webhooks:
        form = dict(parse_qsl(webhook.body.decode(), keep_blank_values=True))
        assert validator.validate(webhook.url, form, webhook.headers["x-twilio-signature"])
        assert not RequestValidator("guess").validate(webhook.url, form, webhook.headers["x-twilio-signature"])
    wss = engine.stream_url.replace("ws://", "wss://")
    assert engine.lines[0].headers["x-twilio-signature"] == validator.compute_signature(wss, {})


async def test_a_url_is_fetched_once_the_call_is_answered_and_may_say_more_than_one_thing(
    cloud: TwilioCloud, official: Official, engine: MediaEngine
) -> None:
    engine.answers["voice"] = (
        b"<Response><Say>Wait.</Say><Pause length='0'/><Play digits='w7'/><Redirect>%b/more</Redirect></Response>"
        % engine.base.encode()
    )
    engine.answers["more"] = b"<Response><Hangup/></Response>"
    sid = await dial(official, engine, MENU, twiml=None, url=f"{engine.base}/voice")
    await over(cloud.call(sid))
    call = cloud.call(sid)
    assert call.announcements == ["Wait."]
    assert call.far_end is not None
    assert call.far_end.keys_heard == "7"
    assert [form["CallStatus"] for form in engine.forms("voice")] == ["in-progress"]


async def test_the_price_is_known_only_later(cloud: TwilioCloud, official: Official, engine: MediaEngine) -> None:
    cloud.price_at_fetch = 3
    sid = await dial(official, engine, PERSON)
    await over(cloud.call(sid))
    prices = [(await official(lambda client: client.calls(sid).fetch())).price for _ in range(4)]
    assert prices == [None, None, "-0.01400", "-0.01400"]


# -- calls in


async def test_a_party_rings_one_of_our_numbers(cloud: TwilioCloud, engine: MediaEngine) -> None:
    cloud.own(OURS, f"{engine.base}/voice")
    result = await cloud.ring(PERSON, OURS)
    assert (result.ended_by, result.spoken) == ("party", ("Hello?",))
    [form] = engine.forms("voice")
    assert (form["From"], form["To"], form["CallStatus"]) == (PERSON, OURS, "ringing")
    assert form["Direction"] == "inbound"
    assert '"token":"t"' in engine.lines[0].frames[1]


async def test_a_number_is_pointed_at_an_engine(cloud: TwilioCloud, official: Official, engine: MediaEngine) -> None:
    [number] = await official(lambda client: client.incoming_phone_numbers.list(phone_number=OURS))
    changed = await official(
        lambda client: client.incoming_phone_numbers(number.sid).update(
            voice_url=f"{engine.base}/voice", voice_method="GET", status_callback=f"{engine.base}/status"
        )
    )
    assert (changed.voice_url, changed.voice_method) == (f"{engine.base}/voice", "GET")
    assert (await cloud.ring(PERSON, OURS)).answered
    voice = engine.webhooks[0]
    assert (voice.method, voice.url.startswith(f"{engine.base}/voice?CallSid=CA")) == ("GET", True)
    assert RequestValidator(TOKEN).validate(voice.url, {}, voice.headers["x-twilio-signature"])
    assert engine.statuses() == ["completed"]


async def test_a_party_is_turned_away(cloud: TwilioCloud, engine: MediaEngine) -> None:
    cloud.own(OURS, f"{engine.base}/voice")
    engine.answers["voice"] = reject("busy")
    result = await cloud.ring(PERSON, OURS)
    assert (result.answered, result.reason) == (False, "busy")
    assert cloud.call(result.carrier_call_id).status == "busy"


async def test_an_engine_that_does_not_take_the_stream_ends_the_call(cloud: TwilioCloud, engine: MediaEngine) -> None:
    cloud.own(OURS, f"{engine.base}/voice")
    engine.refuses = True
    with pytest.raises(CarrierError, match="media stream could not be opened"):
        await cloud.ring(PERSON, OURS)


async def test_a_number_that_points_nowhere_cannot_be_rung(cloud: TwilioCloud) -> None:
    with pytest.raises(CarrierError, match="no VoiceUrl"):
        await cloud.ring(PERSON, OURS)
    with pytest.raises(CarrierError, match="no number of this account"):
        await cloud.ring(PERSON, "+12025550100")


# -- detection


@pytest.mark.parametrize(
    ("to", "detection", "verdict", "answered_by"),
    [
        (PERSON, "DetectMessageEnd", None, "human"),
        (MACHINE, "DetectMessageEnd", None, "machine_end_beep"),
        (MACHINE, "Enable", None, "machine_start"),
        (WAITING, "DetectMessageEnd", "machine", "machine_end_silence"),
        (WAITING, "DetectMessageEnd", "fax", "fax"),
        (WAITING, "Enable", "unknown", "unknown"),
    ],
)
async def test_detection_tells_once_who_answered(
    cloud: TwilioCloud,
    official: Official,
    engine: MediaEngine,
    to: str,
    detection: str,
    verdict: Any,
    answered_by: str,
) -> None:
    if verdict:
        cloud.verdicts[to] = verdict
    sid = await dial(
        official,
        engine,
        to,
        machine_detection=detection,
        async_amd="true",
        async_amd_status_callback=f"{engine.base}/amd",
    )
    await engine.until(lambda: bool(engine.forms("amd")))
    cloud.call(sid).hang_up()
    await over(cloud.call(sid))
    [form] = engine.forms("amd")
    assert (form["CallSid"], form["AnsweredBy"]) == (sid, answered_by)
    assert form["MachineDetectionDuration"].isdigit()


async def test_detection_that_is_not_async_holds_the_call_up(
    cloud: TwilioCloud, official: Official, engine: MediaEngine
) -> None:
    engine.answers["voice"] = b"<Response><Hangup/></Response>"
    sid = await dial(
        official, engine, MACHINE, twiml=None, url=f"{engine.base}/voice", machine_detection="DetectMessageEnd"
    )
    await over(cloud.call(sid))
    [form] = engine.forms("voice")
    assert form["AnsweredBy"] == "machine_end_beep"


async def test_nothing_is_detected_where_digits_are_sent(
    cloud: TwilioCloud, official: Official, engine: MediaEngine
) -> None:
    sid = await dial(official, engine, MENU, machine_detection="Enable", send_digits="ww7")
    await over(cloud.call(sid))
    call = await official(lambda client: client.calls(sid).fetch())
    assert call.answered_by is None


# -- in the call


async def live(cloud: TwilioCloud, official: Official, engine: MediaEngine, to: str = WAITING) -> str:
    """A call that is being talked in."""
    sid = await dial(official, engine, to)
    await engine.until(lambda: "in-progress" in engine.statuses())
    async with asyncio.timeout(60):
        await cloud.call(sid).streaming.wait()
    return sid


async def test_a_call_is_handed_to_somebody_else(cloud: TwilioCloud, official: Official, engine: MediaEngine) -> None:
    sid = await live(cloud, official, engine)
    await official(lambda client: client.calls(sid).update(**update(dial_number(PERSON, 20))))
    await over(cloud.call(sid))
    call = cloud.call(sid)
    assert '"event":"stop"' in engine.lines[0].frames[-1]
    onward = call.onward_call
    assert onward is not None
    assert onward.statuses == ["initiated", "ringing", "in-progress", "completed"]
    other = await official(lambda client: client.calls(onward.legs.call_id).fetch())
    assert (other.direction, other.parent_call_sid, other.to) == ("outbound-dial", sid, PERSON)


async def test_what_follows_a_transfer_is_asked_with_its_outcome(
    cloud: TwilioCloud, official: Official, engine: MediaEngine
) -> None:
    engine.answers["after"] = b"<Response><Say>Nobody is there.</Say></Response>"
    sid = await live(cloud, official, engine)
    twiml = f'<Response><Dial action="{engine.base}/after">{BUSY}</Dial></Response>'
    await official(lambda client: client.calls(sid).update(twiml=twiml))
    await over(cloud.call(sid))
    assert engine.forms("after")[0]["DialCallStatus"] == "busy"
    assert cloud.call(sid).announcements == ["Nobody is there."]


GATHER = '<Gather input="dtmf" numDigits="1" finishOnKey="" timeout="9" action="%s/key"><Say>Press.</Say></Gather>'


async def test_a_key_leads_to_what_is_said_of_it(cloud: TwilioCloud, official: Official, engine: MediaEngine) -> None:
    engine.answers["key"] = b"<Response><Say>Thank you.</Say></Response>"
    twiml = f"<Response>{GATHER % engine.base}<Say>Nobody.</Say></Response>"
    sid = await dial(official, engine, TAKES, twiml=twiml)
    await over(cloud.call(sid))
    [form] = engine.forms("key")
    assert (form["Digits"], form["CallSid"], form["CallStatus"]) == ("5", sid, "in-progress")
    assert cloud.call(sid).announcements == ["Press.", "Thank you."]


async def test_without_a_key_what_follows_is_done(cloud: TwilioCloud, official: Official, engine: MediaEngine) -> None:
    cloud.lines.longest_key_wait_s = 0.05
    twiml = f"<Response>{GATHER % engine.base * 2}<Say>Nobody.</Say></Response>"
    sid = await dial(official, engine, MACHINE, twiml=twiml)
    await over(cloud.call(sid))
    assert cloud.call(sid).announcements == ["Press.", "Press.", "Nobody."]
    assert (engine.forms("key"), cloud.call(sid).end.by) == ([], "carrier")


async def test_whoever_hangs_up_is_not_asked_any_more(
    cloud: TwilioCloud, official: Official, engine: MediaEngine
) -> None:
    sid = await dial(official, engine, PERSON, twiml=f"<Response>{GATHER % engine.base}<Say>Nobody.</Say></Response>")
    await over(cloud.call(sid))
    assert cloud.call(sid).announcements == ["Press."]
    assert (engine.forms("key"), cloud.call(sid).end.by) == ([], "party")


async def test_two_calls_meet_in_a_conference(cloud: TwilioCloud, official: Official, engine: MediaEngine) -> None:
    def room(starts: str, ends: str) -> str:
        return (
            f'<Response><Dial><Conference startConferenceOnEnter="{starts}" endConferenceOnExit="{ends}" '
            f'statusCallback="{engine.base}/conference" statusCallbackEvent="start end join leave">room</Conference>'
            "</Dial></Response>"
        )

    caller = await live(cloud, official, engine)
    colleague = await dial(official, engine, WAITING, twiml=room("false", "true"))
    await engine.until(lambda: len(engine.forms("conference")) == 1)
    await official(lambda client: client.calls(caller).update(twiml=room("true", "false")))
    await engine.until(lambda: len(engine.forms("conference")) == 3)
    await official(lambda client: client.calls(colleague).update(status="completed"))
    await over(cloud.call(caller))
    told = [(form["StatusCallbackEvent"], form.get("CallSid", "")) for form in engine.forms("conference")]
    assert told[:3] == [("participant-join", colleague), ("conference-start", ""), ("participant-join", caller)]
    assert {event for event, _ in told[3:]} == {"participant-leave", "conference-end"}
    assert len({form["ConferenceSid"] for form in engine.forms("conference")}) == 1
    assert cloud.call(caller).status == "completed"


async def test_a_call_is_recorded_on_two_channels(cloud: TwilioCloud, official: Official, engine: MediaEngine) -> None:
    sid = await live(cloud, official, engine)
    recording = await official(
        lambda client: client.calls(sid).recordings.create(
            recording_channels="dual", recording_status_callback=f"{engine.base}/recording"
        )
    )
    assert (recording.status, recording.channels) == ("in-progress", 2)
    await official(lambda client: client.calls(sid).update(status="completed"))
    await over(cloud.call(sid))
    [form] = engine.forms("recording")
    assert (form["RecordingSid"], form["RecordingStatus"]) == (recording.sid, "completed")
    async with httpx.AsyncClient(trust_env=False, auth=(cloud.account_sid, TOKEN)) as client:
        audio = await client.get(form["RecordingUrl"] + ".wav")
    with wave.open(io.BytesIO(audio.content)) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, 8000)


async def test_the_partys_keys_come_over_the_stream(
    cloud: TwilioCloud, official: Official, engine: MediaEngine
) -> None:
    await over(cloud.call(await dial(official, engine, PRESSES)))
    keys = [frame for frame in engine.lines[0].frames if '"event":"dtmf"' in frame]
    assert [digit for key in keys for digit in "12#" if f'"digit":"{digit}"' in key] == ["1", "2", "#"]


async def test_the_stream_is_told_of(cloud: TwilioCloud, official: Official, engine: MediaEngine) -> None:
    twiml = (
        f'<Response><Connect><Stream url="{engine.stream_url}" statusCallback="{engine.base}/s"/></Connect></Response>'
    )
    await over(cloud.call(await dial(official, engine, PERSON, twiml=twiml)))
    engine.refuses = True
    await over(cloud.call(await dial(official, engine, PERSON, twiml=twiml)))
    forms = engine.forms("s")
    assert [form["StreamEvent"] for form in forms] == ["stream-started", "stream-stopped", "stream-error"]
    assert "403" in forms[-1]["StreamError"]


async def test_a_calls_limit_can_be_changed(cloud: TwilioCloud, official: Official, engine: MediaEngine) -> None:
    sid = await live(cloud, official, engine)
    await official(lambda client: client.calls(sid).update(time_limit=1))
    await over(cloud.call(sid))
    assert cloud.call(sid).end.by == "carrier"


async def test_a_stream_that_is_cut_ends_the_call(cloud: TwilioCloud, official: Official, engine: MediaEngine) -> None:
    sid = await live(cloud, official, engine)
    cloud.call(sid).cut_stream()
    await over(cloud.call(sid))
    assert cloud.call(sid).end.by == "lost"
    assert engine.statuses()[-1] == "completed"


# -- misbehaving


async def test_callbacks_are_dropped_and_duplicated(
    cloud: TwilioCloud, official: Official, engine: MediaEngine
) -> None:
    cloud.callbacks.drop("ringing")
    cloud.callbacks.duplicate("completed", 3)
    await over(cloud.call(await dial(official, engine, PERSON)))
    assert engine.statuses() == ["initiated", "in-progress", "completed", "completed", "completed"]


async def test_callbacks_overtake_each_other(cloud: TwilioCloud, official: Official, engine: MediaEngine) -> None:
    cloud.callbacks.swap("ringing", "completed")
    await over(cloud.call(await dial(official, engine, PERSON)))
    await engine.until(lambda: len(engine.statuses()) == 4)
    assert engine.statuses() == ["initiated", "in-progress", "completed", "ringing"]


async def test_a_callback_is_held_until_it_is_released(
    cloud: TwilioCloud, official: Official, engine: MediaEngine
) -> None:
    release = cloud.callbacks.delay("completed")
    await over(cloud.call(await dial(official, engine, PERSON)))
    assert engine.statuses() == ["initiated", "ringing", "in-progress"]
    release.set()
    await engine.until(lambda: engine.statuses()[-1] == "completed")


async def test_a_silent_carrier_still_answers_questions(
    cloud: TwilioCloud, official: Official, engine: MediaEngine
) -> None:
    cloud.callbacks.silent = True
    sid = await dial(official, engine, PERSON)
    await over(cloud.call(sid))
    assert engine.webhooks == []
    assert (await official(lambda client: client.calls(sid).fetch())).status == "completed"


async def test_requests_fail_as_often_as_they_are_told_to(
    cloud: TwilioCloud, official: Official, engine: MediaEngine
) -> None:
    sid = await dial(official, engine, PERSON)
    cloud.fail_next(429, code=20429, message="Too Many Requests", path=sid, method="GET")
    with pytest.raises(TwilioRestException) as refused:
        await official(lambda client: client.calls(sid).fetch())
    assert (refused.value.status, refused.value.code) == (429, 20429)
    assert (await official(lambda client: client.calls(sid).fetch())).sid == sid


# -- what Twilio refuses


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"To": ""}, 21201),
        ({"To": "home"}, 21211),
        ({"From": "+12025550100"}, 21210),
        ({"Twiml": ""}, 21205),
        ({"Twiml": "<Response><Record/></Response>"}, 12100),
        ({"Twiml": "<Response>" + " " * 4000}, 32018),
        ({"Url": "nowhere"}, 21205),
        ({"StatusCallback": "nowhere"}, 21609),
        ({"StatusCallbackEvent": "answering"}, 20001),
        ({"Timeout": "soon"}, 20001),
        ({"Timeouts": "1"}, 20001),
        ({"MachineDetection": "yes"}, 20001),
        ({"StatusCallbackMethod": "PUT"}, 20001),
    ],
)
async def test_what_twilio_would_not_take_is_refused(cloud: TwilioCloud, changes: dict[str, str], code: int) -> None:
    fields = {"To": PERSON, "From": OURS, "Twiml": "<Response/>"} | changes
    async with httpx.AsyncClient(trust_env=False, auth=(cloud.account_sid, TOKEN)) as client:
        answer = await client.post(f"{cloud.url}/2010-04-01/Accounts/{cloud.account_sid}/Calls.json", data=fields)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert cloud.requests[-1].text("From") == fields["From"]


async def test_a_trial_account_calls_nobody_unverified(cloud: TwilioCloud, official: Official) -> None:
    cloud.is_trial = True
    account = await official(lambda client: client.api.accounts(cloud.account_sid).fetch())
    assert (account.type, account.status) == ("Trial", "active")
    with pytest.raises(TwilioRestException) as refused:
        await official(lambda client: client.calls.create(to=PERSON, from_=OURS, twiml="<Response/>"))
    assert refused.value.code == 21219


async def test_strangers_are_not_told_anything(cloud: TwilioCloud) -> None:
    async with httpx.AsyncClient(trust_env=False, auth=(cloud.account_sid, "guess")) as client:
        answer = await client.get(f"{cloud.url}/2010-04-01/Accounts/{cloud.account_sid}.json")
    assert (answer.status_code, answer.json()["code"]) == (401, 20003)


async def test_a_call_that_never_was(cloud: TwilioCloud, official: Official) -> None:
    with pytest.raises(TwilioRestException) as refused:
        await official(lambda client: client.calls("CA" + "0" * 32).fetch())
    assert (refused.value.status, refused.value.code) == (404, 20404)
    with pytest.raises(CarrierError, match="no call"):
        cloud.call("CA0")
