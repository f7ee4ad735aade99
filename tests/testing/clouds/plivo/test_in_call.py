"""What can be asked of a call at the stand-in for Plivo while it lives."""

from __future__ import annotations

import io
import wave
from typing import Any

import httpx
import pytest
from plivo import plivoxml
from plivo.exceptions import ResourceNotFoundError

from getpatter.testing.clouds import PlivoCloud
from tests.testing.clouds.conftest import (
    BUSY,
    MACHINE,
    MENU,
    OURS,
    PERSON,
    TAKES,
    WAITING,
    MediaEngine,
    over,
)
from tests.testing.clouds.plivo.conftest import Official, dial, document, live


async def test_a_call_is_handed_to_somebody_else(cloud: PlivoCloud, official: Official, engine: MediaEngine) -> None:
    engine.answers["next"] = document(plivoxml.DialElement(timeout=20).add_number(PERSON[1:]))
    call_id = await live(cloud, official, engine)
    said = await official(lambda client: client.calls.transfer(call_id, legs="aleg", aleg_url=f"{engine.base}/next"))
    assert said.call_uuids == [call_id]
    call = cloud.call(call_id)
    await over(call)
    assert engine.forms("next")[0]["Event"] == "Redirect"
    onward = call.onward_call
    assert onward is not None
    assert onward.statuses == ["initiated", "ringing", "in-progress", "completed"]
    record = await official(lambda client: client.calls.get(onward.legs.call_id))
    assert (record.parent_call_uuid, record.to_number, record.from_number) == (call_id, PERSON[1:], OURS[1:])
    with pytest.raises(ResourceNotFoundError):
        await official(lambda client: client.calls.transfer(call_id, legs="aleg", aleg_url=f"{engine.base}/next"))


async def test_what_follows_a_dial_is_asked_with_its_outcome(
    cloud: PlivoCloud, official: Official, engine: MediaEngine
) -> None:
    engine.answers["answer"] = document(plivoxml.DialElement(action=f"{engine.base}/after").add_number(BUSY))
    engine.answers["after"] = document(plivoxml.SpeakElement("Nobody is there."))
    call = cloud.call(await dial(official, engine, WAITING))
    await over(call)
    [after] = engine.forms("after")
    assert (after["DialStatus"], after["DialRingStatus"], after["DialHangupCause"]) == ("busy", "false", "USER_BUSY")
    assert call.announcements == ["Nobody is there."]


def asking(engine: MediaEngine) -> Any:
    """Plivo's own element, of one key."""
    return plivoxml.GetInputElement(
        action=f"{engine.base}/key", input_type="dtmf", execution_timeout=9, num_digits=1, finish_on_key="none"
    ).add(plivoxml.SpeakElement("Press."))


async def test_a_key_leads_to_what_is_said_of_it(cloud: PlivoCloud, official: Official, engine: MediaEngine) -> None:
    engine.answers["answer"] = document(asking(engine), plivoxml.SpeakElement("Nobody."))
    engine.answers["key"] = document(plivoxml.SpeakElement("Thank you."))
    call = cloud.call(await dial(official, engine, TAKES))
    await over(call)
    [form] = engine.forms("key")
    assert (form["Digits"], form["InputType"], form["CallUUID"]) == ("5", "dtmf", call.legs.call_id)
    assert call.announcements == ["Press.", "Thank you."]


async def test_without_a_key_what_follows_is_done(cloud: PlivoCloud, official: Official, engine: MediaEngine) -> None:
    cloud.lines.longest_key_wait_s = 0.05
    engine.answers["answer"] = document(asking(engine), asking(engine), plivoxml.SpeakElement("Nobody."))
    call = cloud.call(await dial(official, engine, MACHINE))
    await over(call)
    assert call.announcements == ["Press.", "Press.", "Nobody."]
    assert engine.forms("key") == []


async def test_two_calls_meet_in_a_conference(cloud: PlivoCloud, official: Official, engine: MediaEngine) -> None:
    def room(kind: str, *, starts: bool, ends: bool) -> bytes:
        return document(
            plivoxml.ConferenceElement(
                "room",
                start_conference_on_enter=starts,
                end_conference_on_exit=ends,
                callback_url=f"{engine.base}/{kind}",
            )
        )

    caller = await live(cloud, official, engine)
    engine.answers["answer"] = room("colleague", starts=False, ends=True)
    engine.answers["next"] = room("caller", starts=True, ends=False)
    colleague = cloud.call(await dial(official, engine, WAITING)).legs.call_id
    await engine.until(lambda: bool(engine.forms("colleague")))
    await official(lambda client: client.calls.transfer(caller, legs="aleg", aleg_url=f"{engine.base}/next"))
    await engine.until(lambda: bool(engine.forms("caller")))
    await official(lambda client: client.calls.hangup(colleague))
    await over(cloud.call(caller))
    for kind, call_id in (("colleague", colleague), ("caller", caller)):
        forms = engine.forms(kind)
        assert [form["ConferenceAction"] for form in forms] == ["enter", "exit"]
        assert {(form["CallUUID"], form["ConferenceName"]) for form in forms} == {(call_id, "room")}
    assert cloud.call(caller).status == "completed"


async def test_a_call_is_recorded_on_two_channels(cloud: PlivoCloud, official: Official, engine: MediaEngine) -> None:
    call_id = await live(cloud, official, engine)
    recording = await official(
        lambda client: client.calls.record(
            call_id,
            file_format="wav",
            record_channel_type="stereo",
            callback_url=f"{engine.base}/recording",
        )
    )
    await official(lambda client: client.calls.hangup(call_id))
    await over(cloud.call(call_id))
    [form] = engine.forms("recording")
    assert (form["recording_id"], form["api_id"], form["call_uuid"]) == (
        recording.recording_id,
        recording.api_id,
        call_id,
    )
    async with httpx.AsyncClient(trust_env=False) as client:
        audio = await client.get(form["record_url"])
    with wave.open(io.BytesIO(audio.content)) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, 8000)
        assert file.getnframes() * 1000 / 8000 == float(form["recording_duration_ms"])


async def test_a_recording_ends_when_it_is_told_to(cloud: PlivoCloud, official: Official, engine: MediaEngine) -> None:
    call_id = await live(cloud, official, engine)
    named = {"file_format": "wav", "callback_url": f"{engine.base}/recording"}
    await official(lambda client: client.calls.record(call_id, **named))
    await official(lambda client: client.calls.stop_recording(call_id, callback_url=None, callback_method=None))
    await engine.until(lambda: bool(engine.forms("recording")))
    assert cloud.call(call_id).is_live


async def test_the_carriers_voice_and_keys_go_beside_the_stream(
    cloud: PlivoCloud, official: Official, engine: MediaEngine
) -> None:
    call_id = await live(cloud, official, engine, MENU)
    await official(lambda client: client.calls.speak(call_id, "One moment."))
    await official(lambda client: client.calls.send_digits(call_id, "7"))
    await over(cloud.call(call_id))
    assert cloud.call(call_id).announcements == ["One moment."]
    assert cloud.call(call_id).end.by == "party"
