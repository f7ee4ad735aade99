from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from getpatter.errors import ConfigurationError, ProviderError
from getpatter.failover import CLOSE_S, Closing, ReportsSwitches, Roster, Switch, all_failed, reporting
from getpatter.llm.fallback import FallbackLLM
from getpatter.stt.fallback import FallbackSTT
from getpatter.testing.clock import ManualClock
from getpatter.testing.failing import LiteralSTT
from getpatter.testing.providers import AnsweringLLM, CountingTTS
from getpatter.tts.fallback import FallbackTTS


@dataclass(frozen=True)
class Provider:
    name: str

    async def close(self) -> None:
        pass


def roster(clock: ManualClock, names: str = "abc") -> Roster[Provider]:
    return Roster([Provider(name) for name in names], clock, retry_after_s=30.0)


def ignore(switch: Switch) -> None:
    pass


def order(of: Roster[Provider]) -> str:
    return "".join(seat.name for seat in of.order())


def test_providers_are_asked_in_the_order_of_preference() -> None:
    assert order(roster(ManualClock())) == "abc"


def test_one_that_failed_comes_last_until_its_time_has_come() -> None:
    clock = ManualClock()
    seats = roster(clock)
    next(seats.order()).failed()
    assert order(seats) == "bca"
    clock.advance(30.0)
    assert order(seats) == "abc"


def test_one_claimant_probes_and_the_others_go_on() -> None:
    clock = ManualClock()
    seats = roster(clock)
    next(seats.order()).failed()
    clock.advance(30.0)
    probe = next(seats.order())
    assert probe.name == "a"
    assert order(seats) == "bca"
    probe.worked()
    assert order(seats) == "abc"


def test_a_provider_that_nobody_came_to_is_not_claimed() -> None:
    clock = ManualClock()
    seats = roster(clock)
    list(seats.order())[1].failed()
    clock.advance(30.0)
    next(seats.order())
    assert order(seats) == "abc"


def test_a_roster_is_not_empty() -> None:
    with pytest.raises(ConfigurationError):
        roster(ManualClock(), "")


def test_one_error_tells_what_each_said_and_what_to_do() -> None:
    errors = [
        ProviderError("A failed.", provider="a"),
        ProviderError("B is busy.", provider="b", retryable=True, next_step="Try again in 5 s."),
    ]
    error = all_failed("speak", errors)
    assert error.message == "Nothing could speak: A failed; B is busy."
    assert (error.provider, error.retryable, error.next_step) == ("a, b", True, "Try again in 5 s.")


def test_a_provider_that_cannot_switch_is_left_as_it_is() -> None:
    llm = AnsweringLLM("Hello.")
    assert reporting(llm, ignore) is llm


def test_each_reader_is_told_of_its_own_switches() -> None:
    for provider in (FallbackLLM([AnsweringLLM("")]), FallbackSTT(LiteralSTT()), FallbackTTS(CountingTTS())):
        assert isinstance(provider, ReportsSwitches)
        assert reporting(provider, ignore) is not provider


def test_a_switch_reads_as_a_sentence() -> None:
    error = ProviderError("The line broke.")
    assert str(Switch("a", "b", error)) == "The line broke; b takes over."
    assert str(Switch("a", "a", error)) == "The line broke; it was connected anew."


class Stubborn:
    """Does not close."""

    async def close(self) -> None:
        await asyncio.Event().wait()


class Broken:
    async def close(self) -> None:
        raise OSError("no such socket")


async def test_what_does_not_close_is_left_behind() -> None:
    clock = ManualClock()
    closing = Closing(clock)
    closing.begin(Stubborn())
    closing.begin(Broken())
    finishing = asyncio.create_task(closing.finish())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not finishing.done()
    clock.advance(CLOSE_S)
    async with asyncio.timeout(30):
        await finishing
