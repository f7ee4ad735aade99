"""Things to look at, looked at side by side, each with its own time limit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from getpatter.carriers.base import Finding
from getpatter.clock import Clock, deadline
from getpatter.errors import PatterError

log = logging.getLogger(__name__)

DEADLINE_S = 15.0


Look = Callable[[], Awaitable[Sequence[Finding]]]


@dataclass(frozen=True, slots=True)
class Check:
    """`look` says what it found; an error of ours that it raises is a finding, too."""

    about: str
    look: Look
    deadline_s: float = DEADLINE_S


def at_once(look: Callable[[], Sequence[Finding]]) -> Look:
    """A look that waits for nothing."""

    async def looked() -> Sequence[Finding]:
        return look()

    return looked


Told = Callable[[Check, Sequence[Finding]], None]


async def look_at(checks: Sequence[Check], told: Told, clock: Clock) -> list[Finding]:
    """All findings, in the order of the checks; `told` has those of each as soon as it is done."""

    async def one(check: Check) -> Sequence[Finding]:
        findings = await _findings(check, clock)
        told(check, findings)
        return findings

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(check), name=f"check {check.about}") for check in checks]
    return [finding for task in tasks for finding in task.result()]


async def _findings(check: Check, clock: Clock) -> Sequence[Finding]:
    try:
        async with deadline(clock, clock.now() + check.deadline_s):
            return await check.look()
    except TimeoutError:
        return [Finding(check.about, "error", f"There was no answer within {check.deadline_s:g} s.")]
    except PatterError as error:
        return [failed(check.about, error)]
    except Exception as error:  # one broken check must not hide what the others found
        log.exception("the check of %s failed", check.about)
        return [Finding(check.about, "error", f"This could not be looked at: {type(error).__name__}.")]


def failed(about: str, error: PatterError) -> Finding:
    """An error of ours as a finding."""
    return Finding(about, "error", error.message, error.next_step or "")
