from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from getpatter.errors import InvalidRequest
from getpatter.events import Transferred
from getpatter.sdk.call_control import CallControl
from getpatter.sdk.no_telephone import NoTelephone

if TYPE_CHECKING:
    from tests.sdk.conftest import Story


class Calls:
    """Remembers what it was asked to do."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    async def transfer(self, call_id: str, number: str, *, mode: str = "cold", summary: str = "") -> Any:
        self.asked.append(("transfer", call_id, number, mode, summary))

    async def send_dtmf(self, call_id: str, digits: str) -> Any:
        self.asked.append(("send_dtmf", call_id, digits))

    async def hang_up(self, call_id: str, *, reason: str = "") -> Any:
        self.asked.append(("hang_up", call_id))


async def test_it_acts_on_its_call(story: Callable[..., Story]) -> None:
    calls = Calls()
    control = CallControl(calls)
    control.apply(story().placed())
    await control.transfer("+12025550101", mode="warm", summary="A caller.")
    await control.send_dtmf("12w#")
    await control.hangup()
    assert calls.asked == [
        ("transfer", "call_1", "+12025550101", "warm", "A caller."),
        ("send_dtmf", "call_1", "12w#"),
        ("hang_up", "call_1"),
    ]


def test_it_says_whose_call_it_is_and_how_it_stands(story: Callable[..., Story]) -> None:
    control = CallControl(Calls())
    control.apply(story().placed())
    assert (control.call_id, control.caller, control.callee, control.telephony_provider) == (
        "call_1",
        "+12025550199",
        "+12025550100",
        "sim",
    )
    assert not control.ended
    control.apply(story().ended())
    assert control.ended
    assert control.is_hung_up


def test_a_call_that_was_transferred_was_not_hung_up(story: Callable[..., Story]) -> None:
    control = CallControl(Calls())
    control.apply(Transferred(call_id="call_1", at=1.0, number="+12025550101"))
    control.apply(story().ended())
    assert control.is_transferred
    assert not control.is_hung_up


async def test_without_a_telephone_nothing_can_be_done() -> None:
    control = CallControl(NoTelephone())
    with pytest.raises(InvalidRequest, match="transfer"):
        await control.transfer("+12025550101")
    with pytest.raises(InvalidRequest, match="press keys"):
        await control.send_dtmf("1")
    with pytest.raises(InvalidRequest, match="hang up"):
        await control.hangup()
