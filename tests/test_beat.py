from __future__ import annotations

import pytest

from getpatter.beat import BEAT_S, Beat, Stage
from getpatter.testing.clock import ManualClock


class BusyClock(ManualClock):
    """Timers run late by `late` seconds, as on an event loop that was held up."""

    late = 0.0

    def now(self) -> float:
        return super().now() + self.late


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def beat(clock: ManualClock) -> Beat:
    return Beat(clock)


def test_a_work_is_called_with_every_beat(beat: Beat, clock: ManualClock) -> None:
    beats: list[float] = []
    beat.join(Stage.SPEAK, beats.append)
    clock.advance(3.5 * BEAT_S)
    assert beats == pytest.approx([BEAT_S, 2 * BEAT_S, 3 * BEAT_S])


def test_what_is_heard_is_judged_before_anything_is_said(beat: Beat, clock: ManualClock) -> None:
    order: list[Stage] = []
    for stage in (Stage.SPEAK, Stage.HEAR, Stage.JUDGE):
        beat.join(stage, lambda now, stage=stage: order.append(stage))  # type: ignore[misc]  # of a default it knows no type
    clock.advance(BEAT_S)
    assert order == [Stage.HEAR, Stage.JUDGE, Stage.SPEAK]


def test_all_works_share_a_timer_and_none_is_left_when_they_have_left(beat: Beat, clock: ManualClock) -> None:
    beats: list[float] = []
    assert clock.next_timer is None
    beat.join(Stage.HEAR, beats.append)
    clock.advance(BEAT_S / 2)
    beat.join(Stage.SPEAK, beats.append)
    clock.advance(BEAT_S / 2)
    assert beats == [BEAT_S, BEAT_S]
    beat.leave(Stage.HEAR, beats.append)
    beat.leave(Stage.SPEAK, beats.append)
    assert clock.next_timer is None


def test_a_work_may_leave_and_send_others_away_from_within(beat: Beat, clock: ManualClock) -> None:
    beats: list[str] = []

    def first(now: float) -> None:
        beats.append("first")
        beat.leave(Stage.HEAR, first)
        beat.leave(Stage.HEAR, second)

    def second(now: float) -> None:
        beats.append("second")

    beat.join(Stage.HEAR, first)
    beat.join(Stage.HEAR, second)
    clock.advance(3 * BEAT_S)
    assert beats == ["first"]
    assert clock.next_timer is None


def test_a_work_that_fails_stops_no_other(beat: Beat, clock: ManualClock, caplog: pytest.LogCaptureFixture) -> None:
    beats: list[float] = []

    def fail(now: float) -> None:
        raise RuntimeError("no")

    beat.join(Stage.HEAR, fail)
    beat.join(Stage.SPEAK, beats.append)
    clock.advance(2 * BEAT_S)
    assert len(beats) == 2
    assert len(caplog.records) == 2


def test_missed_beats_are_left_out() -> None:
    clock = BusyClock()
    beats: list[float] = []
    Beat(clock).join(Stage.HEAR, beats.append)
    clock.advance(BEAT_S)
    clock.late = 5.5 * BEAT_S
    clock.advance(BEAT_S)
    clock.late = 0.0
    clock.advance(6 * BEAT_S)
    assert len(beats) == 2
    clock.advance(BEAT_S / 2)
    assert beats == pytest.approx([BEAT_S, 7.5 * BEAT_S, 8.5 * BEAT_S])
