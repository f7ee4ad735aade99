"""What the stand-in for Twilio tells about who took a call."""

from __future__ import annotations

from typing import Any

import pytest

from getpatter.testing.clouds import TwilioCloud
from tests.testing.clouds.conftest import (
    MACHINE,
    MENU,
    PERSON,
    WAITING,
    MediaEngine,
    over,
)
from tests.testing.clouds.twilio.conftest import Official, dial


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
