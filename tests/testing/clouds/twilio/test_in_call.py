"""What can be asked of a call at the stand-in for Twilio while it lives."""

from __future__ import annotations

import io
import wave

import httpx

from getpatter.testing.answer_document import dial_number
from getpatter.testing.clouds import TwilioCloud
from tests.testing.clouds.conftest import (
    BUSY,
    MACHINE,
    PERSON,
    PRESSES,
    TAKES,
    WAITING,
    MediaEngine,
    over,
)
from tests.testing.clouds.twilio.conftest import TOKEN, Official, dial, live, update


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
