"""The media stream of the stand-in for Plivo."""

from __future__ import annotations

import json
from typing import Any

from getpatter.testing.clouds import PlivoCloud
from tests.testing.clouds.conftest import (
    MENU,
    PERSON,
    PRESSES,
    MediaEngine,
    over,
)
from tests.testing.clouds.plivo.conftest import AUTH_ID, Official, dial, live, stream


async def test_the_stream_brings_back_what_the_document_said(
    cloud: PlivoCloud, official: Official, engine: MediaEngine
) -> None:
    call_id = await live(cloud, official, engine, PERSON)
    await over(cloud.call(call_id))
    [line] = engine.lines
    start = json.loads(line.frames[0])
    assert (start["event"], start["start"]["callId"], start["start"]["accountId"]) == ("start", call_id, AUTH_ID)
    assert start["extra_headers"] == "token=t1,more=2"


async def test_the_stream_is_told_of(cloud: PlivoCloud, official: Official, engine: MediaEngine) -> None:
    engine.answers["answer"] = stream(engine, statusCallbackUrl=f"{engine.base}/s")
    await over(cloud.call(await dial(official, engine, PERSON)))
    engine.refuses = True
    await over(cloud.call(await dial(official, engine, PERSON)))
    forms = engine.forms("s")
    assert [form["Event"] for form in forms] == ["StartStream", "StopStream", "DroppedStream"]
    assert "403" in forms[-1]["Error"]
    assert {form["ServiceURL"] for form in forms} == {engine.stream_url}


async def test_the_partys_keys_come_over_the_stream(cloud: PlivoCloud, official: Official, engine: MediaEngine) -> None:
    await over(cloud.call(await dial(official, engine, PRESSES)))
    said = [json.loads(frame) for frame in engine.lines[0].frames]
    assert [message["dtmf"]["digit"] for message in said if message["event"] == "dtmf"] == ["1", "2", "#"]


async def test_keys_pressed_on_the_stream_are_heard(cloud: PlivoCloud, official: Official, engine: MediaEngine) -> None:
    async def press(line: Any) -> None:
        await line.until("start")
        await line.socket.send_text('{"event":"sendDTMF","dtmf":"7"}')
        await line.to_the_end()

    engine.talk = press
    call = cloud.call(await dial(official, engine, MENU))
    await over(call)
    assert call.far_end is not None
    assert (call.far_end.keys_heard, call.end.by) == ("7", "party")


async def test_a_stream_is_stopped_and_the_call_goes_on(
    cloud: PlivoCloud, official: Official, engine: MediaEngine
) -> None:
    engine.answers["answer"] = stream(engine).replace(b"</Response>", b"<Speak>Bye.</Speak></Response>")
    call_id = await live(cloud, official, engine)
    await official(lambda client: client.calls.delete_all_streams(call_id))
    await over(cloud.call(call_id))
    assert cloud.call(call_id).announcements == ["Bye."]


async def test_a_stream_that_is_cut_ends_the_call(cloud: PlivoCloud, official: Official, engine: MediaEngine) -> None:
    call_id = await live(cloud, official, engine)
    cloud.call(call_id).cut_stream()
    await over(cloud.call(call_id))
    assert (cloud.call(call_id).end.by, engine.statuses()) == ("lost", ["completed"])
