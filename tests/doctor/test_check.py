"""Checks run side by side; none hides what the others found, however it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from getpatter.carriers.base import Finding
from getpatter.doctor.check import Check, at_once, look_at
from getpatter.errors import CarrierError
from getpatter.testing.clock import ManualClock

FINE = Finding("fine", "ok", "It works.")


def fine(about: str = "fine") -> Check:
    return Check(about, at_once(lambda: [FINE]))


def untold(check: Check, findings: Sequence[Finding]) -> None:
    pass


async def test_findings_come_in_the_order_of_the_checks_and_are_told_as_they_come() -> None:
    gate, told = asyncio.Event(), list[str]()

    async def slow() -> Sequence[Finding]:
        await gate.wait()
        return [Finding("slow", "ok", "At last.")]

    def tell(check: Check, findings: Sequence[Finding]) -> None:
        told.append(check.about)
        gate.set()

    findings = await look_at([Check("slow", slow), fine()], tell, ManualClock())
    assert [finding.about for finding in findings] == ["slow", "fine"]
    assert told == ["fine", "slow"]


async def test_one_that_does_not_answer_is_given_up() -> None:
    clock = ManualClock()

    async def never() -> Sequence[Finding]:
        await asyncio.Event().wait()
        return []

    looking = asyncio.create_task(look_at([Check("account", never, deadline_s=5.0), fine()], untold, clock))
    async with asyncio.timeout(60):
        while not looking.done():
            clock.advance(1.0)
            await asyncio.sleep(0)
    late, ok = looking.result()
    assert (late.about, late.level, late.message) == ("account", "error", "There was no answer within 5 s.")
    assert ok is FINE


async def test_an_error_of_ours_is_a_finding_with_its_advice() -> None:
    async def refused() -> Sequence[Finding]:
        raise CarrierError("The key is wrong.", next_step="Copy it again.")

    assert await look_at([Check("account", refused)], untold, ManualClock()) == [
        Finding("account", "error", "The key is wrong.", "Copy it again.")
    ]


async def test_a_check_that_breaks_tells_no_more_than_that() -> None:
    async def broken() -> Sequence[Finding]:
        raise ValueError("token=s3cret")

    found, ok = await look_at([Check("account", broken), fine()], untold, ManualClock())
    assert found.level == "error"
    assert "s3cret" not in found.message
    assert ok is FINE
