from __future__ import annotations

import pytest

from getpatter.server.peers import REFUSALS
from getpatter.server.refusals import FAULTS, TOLD, TOLD_S, Asked, Refusals, Unnoted
from getpatter.store.incidents import Kind
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


def test_of_a_peer_that_is_refused_too_often_only_the_number_is_kept(clock: ManualClock) -> None:
    kept: list[tuple[str, str, str]] = []

    class Book:
        def note(self, kind: Kind, *, carrier: str = "", path: str = "", peer: str = "", detail: str = "") -> None:
            kept.append((kind, path, peer))

    refusals = Refusals("sim", Book(), clock)
    for number in range(REFUSALS):
        refusals.refused("invalid_signature", Asked("93.184.215.14", f"/{number}"), "not signed")
    assert {kind for kind, _, _ in kept} == {"invalid_signature"}
    refusals.refused("invalid_signature", Asked("93.184.215.14", "/x"), "not signed")
    refusals.refused("expired", Asked("93.184.215.14", "/y"), "too old")
    assert kept[REFUSALS:] == [("too_many", "", "93.184.215.14")] * 2


def test_the_log_tells_each_fault_once_a_minute(
    refusals: Refusals, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    for fault in (KeyError("a"), KeyError("b"), TypeError("c")):
        refusals.fault(fault)
    assert lines(caplog) == 2
    assert all(record.levelname == "ERROR" and record.exc_info for record in caplog.records)
    clock.advance(TOLD_S)
    refusals.fault(KeyError("d"))
    assert lines(caplog) == 3


def test_faults_in_the_log_have_an_end(refusals: Refusals, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(FAULTS * 2):
        refusals.fault(type(f"Fault{number}", (Exception,), {})())
    assert lines(caplog) == FAULTS
