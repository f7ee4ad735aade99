"""What the stand-in for Telnyx tells about who took a call."""

from __future__ import annotations

from typing import Any

import pytest

from getpatter.testing.clouds import TelnyxCloud
from tests.testing.clouds.conftest import (
    MACHINE,
    PERSON,
    WAITING,
    MediaEngine,
    over,
)
from tests.testing.clouds.telnyx.conftest import Official, dial, events


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
