"""Colleagues who are to take a call over, at each carrier's stand-in: who presses a key is given the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from getpatter.carriers.invitation import TIMES, invitation
from getpatter.errors import CarrierError
from getpatter.testing.parties import Directory, parse_party

if TYPE_CHECKING:
    from tests.client.conftest import Log, Office

CALLER = "+12025550170"
TAKES = "+12025550171"
IGNORES = "+12025550172"
MACHINE = "+12025550173"
BUSY = "+12025550174"
HANGS_UP = "+12025550175"
TAKES_AND_HANGS_UP = "+12025550176"

PARTIES = {
    CALLER: "steps: [{say: 'Hello?'}, {pause: 1000}]",
    TAKES: "steps: [{say: 'Hello?'}, {press: '#', once_asked: true}, {pause: 3}, hang_up]",
    IGNORES: "steps: [{say: 'Hello?'}, {pause: 1000}]",
    MACHINE: "answers: voicemail\nsteps: [{say: 'Hello?'}, {beep: 0.1}, {pause: 1000}]",
    BUSY: "answers: busy",
    HANGS_UP: "steps: [{say: 'Hello?'}, hang_up]",
    TAKES_AND_HANGS_UP: "steps: [{press: '1', once_asked: true}, {pause: 1}, hang_up]",
}
QUESTION = invitation("en").words
PRIVATE = "Mrs Smith owes us 300 dollars."
LONG = f"{PRIVATE} " * 30
"""It takes longer to say than anybody stays here."""


@pytest.fixture
def log(office: Office) -> Log:
    return office.log


@pytest.fixture
def directory() -> Directory:
    parties = [
        parse_party(f'number: "{number}"\nname: Sam\nrings: 1\nring_s: 0.01\n{rest}\n', source="test")
        for number, rest in PARTIES.items()
    ]
    return Directory(parties)


async def test_who_presses_a_key_hears_of_the_caller_and_then_the_caller(office: Office, log: Log) -> None:
    call = await office.phone.call(CALLER, office.agent(), **log.callbacks())
    await log.until("on_transcript")
    await call.transfer(TAKES, mode="warm", summary=PRIVATE)
    end = await log.until("on_call_end")
    assert (call.is_transferred, call.is_hung_up, end["outcome"]) == (True, False, "answered")
    colleague, caller = await office.line(TAKES), await office.line(CALLER)
    assert colleague.announcements == [QUESTION, PRIVATE]
    assert caller.announcements == []


async def test_nothing_is_said_about_a_caller_of_whom_nothing_is_to_be_said(office: Office, log: Log) -> None:
    call = await office.phone.call(CALLER, office.agent(), **log.callbacks())
    await log.until("on_transcript")
    await call.transfer(TAKES, mode="warm")
    await log.until("on_call_end")
    assert call.is_transferred
    assert (await office.line(TAKES)).announcements == [QUESTION]


async def stays(office: Office, log: Log, colleague: str, why: str) -> list[str]:
    """The caller stays with the agent, for this reason; what the carrier's voice has said to the colleague."""
    call = await office.phone.call(CALLER, office.agent(), **log.callbacks())
    await log.until("on_transcript")
    with pytest.raises(CarrierError, match=why):
        await call.transfer(colleague, mode="warm", summary=LONG)
    assert (call.is_transferred, call.ended) == (False, False)
    line = await office.line(colleague)
    await office.until(line.ended.is_set)
    assert (await office.line(CALLER)).is_live
    await call.hangup()
    return line.announcements


@pytest.mark.parametrize("colleague", [IGNORES, MACHINE], ids=["ignored", "voicemail"])
async def test_who_presses_no_key_hears_nothing_private(office: Office, log: Log, colleague: str) -> None:
    office.cloud.lines.longest_key_wait_s = 0.1
    assert await stays(office, log, colleague, "did not take the call") == [QUESTION] * TIMES


async def test_whoever_hangs_up_on_the_question_hears_nothing_private(office: Office, log: Log) -> None:
    assert PRIVATE not in str(await stays(office, log, HANGS_UP, "did not take the call"))


async def test_nobody_is_given_to_whoever_hangs_up_on_the_summary(office: Office, log: Log) -> None:
    _, summary = await stays(office, log, TAKES_AND_HANGS_UP, "did not take the call")
    assert PRIVATE in summary


async def test_a_colleague_who_is_busy_is_asked_nothing(office: Office, log: Log) -> None:
    assert await stays(office, log, BUSY, "is busy") == []
