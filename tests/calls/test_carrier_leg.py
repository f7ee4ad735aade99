from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from getpatter.calls.carrier_leg import CARRIER_S, PAUSE_S, CarrierLeg
from getpatter.carriers.base import Capabilities
from getpatter.errors import CarrierError
from getpatter.testing.clock import ManualClock
from getpatter.testing.told_carrier import ToldCarrier


class Operator(ToldCarrier):
    """Presses keys in one of the ways that there are, as soon as `answers` is set."""

    def __init__(self, capabilities: Capabilities) -> None:
        super().__init__()
        self.capabilities = capabilities
        self.answers = asyncio.Event()
        self.pressed: list[tuple[str, str]] = []

    async def send_dtmf(self, carrier_call_id: str, digits: str) -> None:
        await self.answers.wait()
        self.pressed.append((carrier_call_id, digits))


@dataclass
class Line:
    operator: Operator
    clock: ManualClock = field(default_factory=ManualClock)
    sent: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.leg = CarrierLeg(self.operator, self.clock, "https://phone.example.org/webhooks/twilio")

    async def press(self, digits: str = "12") -> bool:
        return await self.leg.press(digits, self.sent.append)


async def test_keys_that_a_stream_takes_go_into_it() -> None:
    line = Line(Operator(Capabilities(keys="stream")))
    assert await line.press()
    assert (line.sent, line.operator.pressed) == (["12"], [])


async def test_a_stream_is_given_time_where_there_is_a_pause_among_the_keys() -> None:
    line = Line(Operator(Capabilities(keys="stream")))
    pressing = asyncio.create_task(line.press("1ww2w"))
    await asyncio.sleep(0)
    assert line.sent == ["1"]
    for _ in range(3):
        line.clock.advance(PAUSE_S)
        for _ in range(3):
            await asyncio.sleep(0)
    assert await pressing
    assert line.sent == ["1", "2"]


async def test_keys_that_take_a_command_are_asked_for_by_the_calls_latest_name() -> None:
    line = Line(Operator(Capabilities(keys="command")))
    line.operator.answers.set()
    line.leg.named("request")
    line.leg.named("call")
    assert await line.press()
    assert (line.sent, line.operator.pressed) == ([], [("call", "12")])


async def test_other_keys_must_sound() -> None:
    line = Line(Operator(Capabilities(keys="tones")))
    assert not await line.press()
    assert (line.sent, line.operator.pressed) == ([], [])


async def test_a_carrier_has_its_time_and_no_more() -> None:
    line = Line(Operator(Capabilities(keys="command")))
    pressing = asyncio.create_task(line.press())
    await asyncio.sleep(0)
    line.clock.advance(CARRIER_S)
    with pytest.raises(CarrierError, match="did not press the keys within 30 s"):
        await pressing


async def test_a_stream_may_come_under_either_name() -> None:
    line = Line(Operator(Capabilities()))
    line.leg.named("request")
    line.leg.named("call")
    token = line.leg.stream_pass.parameters["token"]
    assert not line.leg.stream_pass.redeem(token, "another")
    assert line.leg.stream_pass.redeem(token, "request")


def test_a_name_that_the_call_had_before_is_not_its_latest() -> None:
    """A webhook may tell the final name before the answer to the dial, which has the first, is read."""
    leg = Line(Operator(Capabilities())).leg
    assert leg.named("request-1")
    assert leg.named("call-1")
    assert not leg.named("request-1")
    assert leg.id == "call-1"
