"""What can be asked of a call at the stand-in for Telnyx while it lives."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import wave

import httpx
import pytest
import telnyx

from getpatter.testing.clouds import TelnyxCloud
from tests.testing.clouds.conftest import (
    BUSY,
    MACHINE,
    MENU,
    OURS,
    PERSON,
    TAKES,
    WAITING,
    MediaEngine,
    MediaLine,
    over,
)
from tests.testing.clouds.telnyx.conftest import STATE, Official, dial, events, live, payload, stream, types


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
        await engine.until(lambda: types(engine, call)[-1:] == ["streaming.stopped"])  # noqa: B023  # used at once
        assert call.far_end is not None
        heard.append(b"\x10" * 160 in call.far_end.heard)
        call.hang_up()
    assert heard == [True, False]
