"""What the stand-in for Plivo tells about who took a call."""

from __future__ import annotations

from typing import Any

import pytest

from getpatter.testing.clouds import PlivoCloud
from tests.testing.clouds.conftest import (
    MACHINE,
    PERSON,
    WAITING,
    MediaEngine,
    over,
)
from tests.testing.clouds.plivo.conftest import Official, dial, document


@pytest.mark.parametrize(
    ("to", "verdict", "machine"),
    [
        (PERSON, None, "false"),
        (MACHINE, None, "true"),
        (WAITING, "machine", "true"),
        (WAITING, "fax", "true"),
    ],
)
async def test_detection_tells_once_who_answered(
    cloud: PlivoCloud, official: Official, engine: MediaEngine, to: str, verdict: Any, machine: str
) -> None:
    if verdict:
        cloud.verdicts[to] = verdict
    call = cloud.call(
        await dial(official, engine, to, machine_detection="true", machine_detection_url=f"{engine.base}/amd")
    )
    await engine.until(lambda: bool(engine.forms("amd")))
    call.hang_up()
    await over(call)
    [form] = engine.forms("amd")
    assert (form["Machine"], form["Event"], form["CallUUID"]) == (machine, "MachineDetection", call.legs.call_id)
    assert "Machine" not in engine.forms("answer")[0]


async def test_of_whom_plivo_cannot_tell_nothing_is_told(
    cloud: PlivoCloud, official: Official, engine: MediaEngine
) -> None:
    cloud.verdicts[PERSON] = "unknown"
    named = {"machine_detection": "true", "machine_detection_url": f"{engine.base}/amd"}
    await over(cloud.call(await dial(official, engine, PERSON, **named)))
    assert engine.forms("amd") == []


async def test_detection_without_a_url_holds_the_call_up(
    cloud: PlivoCloud, official: Official, engine: MediaEngine
) -> None:
    engine.answers["answer"] = document()
    await over(cloud.call(await dial(official, engine, MACHINE, machine_detection="true")))
    assert engine.forms("answer")[0]["Machine"] == "true"
