"""However a carrier's callbacks come, twice, in any order, late or not at all, the outcome is right."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from getpatter.events import CallEnded, CallRinging

if TYPE_CHECKING:
    from tests.e2e.carriers.conftest import CarrierSite, OpenSite, Trunk
    from tests.e2e.conftest import Numbers

LONG_AFTER_S = 60.0
"""Beyond the time for which a call may ring, and the carrier may keep silent about it."""

Release = Callable[[], None]


def in_order(site: CarrierSite, trunk: Trunk) -> Release:
    return lambda: None


def doubled(site: CarrierSite, trunk: Trunk) -> Release:
    for label in (*trunk.told, *trunk.ends):
        site.cloud.callbacks.duplicate(label, times=3)
    return lambda: None


def reordered(site: CarrierSite, trunk: Trunk) -> Release:
    """Calls are said to ring once they are over."""
    for end in trunk.ends:
        site.cloud.callbacks.swap(trunk.ringing, end)
    return lambda: None


def late(site: CarrierSite, trunk: Trunk) -> Release:
    """Nothing is told before those who talked have hung up."""
    held = [site.cloud.callbacks.delay(label) for label in (*trunk.told, *trunk.ends)]

    def release() -> None:
        for event in held:
            event.set()

    return release


def without_progress(site: CarrierSite, trunk: Trunk) -> Release:
    for label in trunk.told:
        site.cloud.callbacks.drop(label)
    return lambda: None


def silent(site: CarrierSite, trunk: Trunk) -> Release:
    """The carrier tells nothing, and is asked."""
    site.cloud.callbacks.silent = True
    return lambda: site.clock.skip(LONG_AFTER_S)


@pytest.mark.parametrize("fault", [in_order, doubled, reordered, late, without_progress, silent])
async def test_the_outcome_does_not_depend_on_how_callbacks_come(
    open_site: OpenSite, numbers: Numbers, trunk: Trunk, fault: Callable[[CarrierSite, Trunk], Release]
) -> None:
    async with open_site() as site:
        release = fault(site, trunk)
        called = (numbers.brief, numbers.patient, numbers.busy, numbers.nobody, numbers.unknown, numbers.far_away)
        talked, cut_off, busy, nobody, unknown, canceled = [await site.place(number) for number in called]
        await site.line_open(cut_off)
        await site.line(numbers.far_away)
        for call_id in (cut_off, canceled):
            await site.board.hang_up(call_id)
        await asyncio.gather(*(site.happened(call_id, CallEnded) for call_id in (talked, cut_off, canceled)))
        release()
        calls = (talked, cut_off, canceled, busy, nobody, unknown)
        ended = await asyncio.gather(*(site.ended(call_id) for call_id in calls))
    outcomes = [(call.view.outcome, call.view.ended_by) for call in ended]
    assert outcomes[:3] == [("answered", "caller"), ("answered", "assistant"), ("canceled", "assistant")]
    said = trunk.asked_later if fault is silent else ("busy", "no_answer", "failed")
    assert outcomes[3:] == [(outcome, "carrier") for outcome in said]
    for call in ended:
        assert len(call.of(CallEnded)) == 1
        assert len(call.of(CallRinging)) <= 1
