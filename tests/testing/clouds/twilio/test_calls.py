"""Calls out and calls in at the stand-in for Twilio, driven and checked by Twilio's own library."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator

from getpatter.errors import CarrierError
from getpatter.testing.answer_document import reject
from getpatter.testing.clouds import TwilioCloud
from tests.testing.clouds.conftest import (
    BUSY,
    FOREVER,
    MENU,
    NOBODY,
    OURS,
    PERSON,
    MediaEngine,
    over,
)
from tests.testing.clouds.twilio.conftest import TOKEN, Official, dial

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
