from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from getpatter.calls.inbound_memory import InboundMemory
from getpatter.calls.remembering import FIRST_RETRY_S, LONGEST_RETRY_S, RememberingSwitchboard
from getpatter.calls.views import InboundView, ServeInbound
from getpatter.errors import CarrierError
from getpatter.testing.clock import ManualClock
from getpatter.testing.switchboard import MemorySwitchboard

BAKERY = ServeInbound(goal="Take orders for bread.")
DENTIST = ServeInbound(goal="Make appointments.")
AWAY = ServeInbound(enabled=False)


class Exchange(MemorySwitchboard):
    """Its carrier may be away."""

    def __init__(self) -> None:
        super().__init__()
        self.served: list[ServeInbound] = []
        self.away = False
        self.tried = 0

    async def serve_inbound(self, request: ServeInbound) -> InboundView:
        self.tried += 1
        if self.away:
            raise CarrierError("The carrier does not answer.")
        self.served.append(request)
        return await super().serve_inbound(request)


class Engine:
    """One after the other in the same home."""

    def __init__(self, home: Path) -> None:
        self.exchange = Exchange()
        self.clock = ManualClock()
        self.memory = InboundMemory(home)
        self.board = RememberingSwitchboard(self.exchange, self.memory, self.clock)

    async def passes(self, seconds: float) -> None:
        self.clock.advance(seconds)
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path)


@pytest.fixture
async def successor(tmp_path: Path) -> AsyncIterator[Engine]:
    next_one = Engine(tmp_path)
    yield next_one
    await next_one.board.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}, "a task was left behind"


async def test_the_next_engine_answers_as_this_one(engine: Engine, successor: Engine) -> None:
    await engine.board.serve_inbound(BAKERY)
    await successor.board.answer_as_before()
    assert successor.exchange.served == [BAKERY]
    assert successor.board.inbound is not None
    assert successor.board.inbound.goal == "Take orders for bread."


async def test_the_latest_wish_holds(engine: Engine, successor: Engine) -> None:
    await engine.board.serve_inbound(BAKERY)
    await engine.board.serve_inbound(DENTIST)
    await successor.board.answer_as_before()
    assert successor.exchange.served == [DENTIST]


async def test_a_number_that_is_not_answered_any_more_stays_so(engine: Engine, successor: Engine) -> None:
    await engine.board.serve_inbound(BAKERY)
    await engine.board.serve_inbound(AWAY)
    await successor.board.answer_as_before()
    assert successor.exchange.served == []
    assert successor.board.inbound is None


async def test_what_an_engine_is_started_with_is_its_own(engine: Engine, successor: Engine) -> None:
    await engine.board.serve_inbound(BAKERY)
    await successor.board.answer_as_told(DENTIST)
    assert successor.exchange.served == [DENTIST]
    assert successor.memory.load() == BAKERY


async def test_what_the_carrier_refused_is_not_remembered(engine: Engine) -> None:
    engine.exchange.away = True
    with pytest.raises(CarrierError):
        await engine.board.serve_inbound(BAKERY)
    assert engine.memory.load() is None
    assert engine.board.inbound is None


async def test_a_carrier_that_is_away_at_the_start_is_tried_until_it_is_there(
    engine: Engine, successor: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    await engine.board.serve_inbound(BAKERY)
    successor.exchange.away = True
    await successor.board.answer_as_before()
    assert "The carrier does not answer." in caplog.text
    await successor.passes(0)
    await successor.passes(FIRST_RETRY_S)
    assert successor.exchange.tried == 2
    await successor.passes(FIRST_RETRY_S)
    assert successor.exchange.tried == 2, "each pause is twice as long as the one before"
    for _ in range(10):
        await successor.passes(LONGEST_RETRY_S)
    successor.exchange.away = False
    await successor.passes(LONGEST_RETRY_S)
    assert successor.exchange.served == [BAKERY]
    await successor.passes(LONGEST_RETRY_S)
    assert successor.exchange.served == [BAKERY]


async def test_a_newer_wish_ends_the_trying(engine: Engine, successor: Engine) -> None:
    await engine.board.serve_inbound(BAKERY)
    successor.exchange.away = True
    await successor.board.answer_as_before()
    await successor.passes(0)
    successor.exchange.away = False
    await successor.board.serve_inbound(AWAY)
    await successor.passes(LONGEST_RETRY_S)
    assert successor.exchange.served == [AWAY]


async def test_the_rest_is_handed_on(engine: Engine) -> None:
    call_id = engine.exchange.incoming("+447700900123").call_id
    engine.exchange.answer(call_id)
    assert (await engine.board.send_dtmf(call_id, "1")).status == "in_progress"
    assert (await engine.board.transfer(call_id, "+12025550150", mode="warm")).transferred_to == "+12025550150"
    assert (await engine.board.wait(call_id, timeout_s=0)).ended
