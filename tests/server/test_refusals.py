from __future__ import annotations

import pytest

from getpatter.server.refusals import TOLD, TOLD_S, Asked, Refusals, Unnoted
from getpatter.testing.clock import ManualClock


def lines(caplog: pytest.LogCaptureFixture) -> int:
    return sum(record.name == "getpatter.server.refusals" for record in caplog.records)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def refusals(clock: ManualClock) -> Refusals:
    return Refusals("sim", Unnoted(), clock)


def test_the_log_tells_a_refusal_once_a_minute(
    refusals: Refusals, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(5):
        refusals.refused("unknown_path", Asked("10.0.0.1", f"/{number}"), "nothing is there")
    assert lines(caplog) == 1
    refusals.refused("malformed", Asked("10.0.0.1", "/"), "no form")
    refusals.refused("unknown_path", Asked("10.0.0.2", "/"), "nothing is there")
    assert lines(caplog) == 3
    clock.advance(TOLD_S)
    refusals.refused("malformed", Asked("10.0.0.1", "/"), "no form")
    assert lines(caplog) == 4


def test_the_log_has_an_end_whoever_knocks(refusals: Refusals, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(TOLD * 2):
        refusals.refused("malformed", Asked(f"peer {number}", "/"), "no form")
    assert lines(caplog) == TOLD


def test_what_a_stranger_wrote_cannot_begin_a_line_of_its_own(
    refusals: Refusals, caplog: pytest.LogCaptureFixture
) -> None:
    asked = refusals.asked("10.0.0.1", "", "/x\r\nERROR +12025550142")
    refusals.refused("malformed", asked, "no\nform")
    [record] = caplog.records
    assert record.getMessage() == "refused /x??ERROR +…42 from 10.0.0.1 (malformed): no?form"
