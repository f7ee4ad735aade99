from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from getpatter.errors import CarrierError, ConfigurationError
from getpatter.llm.base import ToolCall
from getpatter.testing.clock import ManualClock
from getpatter.tools.actions import CallActions
from getpatter.tools.builtin import (
    COLLECT_DIGITS,
    END_CALL,
    SEND_DTMF,
    TransferTargets,
    handoff_to,
    transfer_call,
)
from getpatter.tools.context import ToolContext
from getpatter.tools.run import ToolRunner
from getpatter.tools.tool import MAX_TIMEOUT_S, Tool


class Requests:
    """A call that keeps what is asked of it and does nothing."""

    def __init__(self, digits: str = "") -> None:
        self._digits = digits
        self.made: list[Sequence[object]] = []

    async def transfer(self, number: str, *, summary: str = "") -> None:
        self.made.append(("transfer", number, summary))

    async def send_dtmf(self, digits: str) -> None:
        self.made.append(("dtmf", digits))

    def end(self, reason: str) -> None:
        self.made.append(("end", reason))

    async def collect_digits(self, max_digits: int, finish_on: str, timeout_s: float) -> str:
        self.made.append(("collect", max_digits, finish_on, timeout_s))
        return self._digits

    def handoff(self, name: str, reason: str) -> str:
        self.made.append(("handoff", name, reason))
        return "You sell shoes."


async def answer(given: Tool, actions: CallActions | None, **arguments: object) -> dict[str, str]:
    call = ToolCall("t1", given.name, json.dumps(arguments))
    outcome = await ToolRunner(ManualClock()).run(given, call, ToolContext("c1", actions=actions))
    told: dict[str, str] = json.loads(outcome.result)
    return told


TARGETS = ("+1 202 555 0100", "+4420*")


async def test_ending_the_call_is_a_request() -> None:
    requests = Requests()
    assert await answer(END_CALL, requests, reason="all done") == {"status": "ending", "reason": "all done"}
    assert await answer(END_CALL, requests) == {"status": "ending", "reason": ""}
    assert requests.made == [("end", "all done"), ("end", "")]


@pytest.mark.parametrize("number", ["+12025550100", "+1 (202) 555-0100", "+442071234567"])
async def test_a_caller_is_transferred_to_what_is_allowed(number: str) -> None:
    requests = Requests()
    told = await answer(transfer_call(TARGETS), requests, number=number, summary="wants a refund")
    assert told["status"] == "transferring"
    assert requests.made == [("transfer", told["to"], "wants a refund")]


@pytest.mark.parametrize(
    "number", ["+12025550199", "+19005550100", "+44", "+44161123456", "202 555 0100", "911", "+911"]
)
async def test_and_to_nothing_else(number: str) -> None:
    requests = Requests()
    told = await answer(transfer_call(TARGETS), requests, number=number)
    assert told["status"] == "rejected"
    assert "Allowed: +12025550100, +4420*." in told["error"]
    assert requests.made == []


@pytest.mark.parametrize("entry", ["*", "+*", "12025550100", "+1202", "+0202555010", "sales", ""])
def test_an_allowlist_names_numbers_and_prefixes(entry: str) -> None:
    with pytest.raises(ConfigurationError, match="transfer target"):
        TransferTargets([entry])


def test_without_an_allowlist_nobody_is_transferred() -> None:
    with pytest.raises(ConfigurationError, match="no number is allowed"):
        transfer_call(())


async def test_keys_are_pressed() -> None:
    requests = Requests()
    assert await answer(SEND_DTMF, requests, digits="1w23#") == {"status": "sent", "digits": "1w23#"}
    for nonsense in ("", "12a", "1" * 33, "1\n"):
        assert "digits" in (await answer(SEND_DTMF, requests, digits=nonsense))["error"]
    assert requests.made == [("dtmf", "1w23#")]


async def test_keys_are_collected() -> None:
    requests = Requests("4711")
    assert await answer(COLLECT_DIGITS, requests, max_digits=4) == {"status": "collected", "digits": "4711"}
    assert await answer(COLLECT_DIGITS, Requests()) == {"status": "nothing_pressed", "digits": ""}
    assert "max_digits" in (await answer(COLLECT_DIGITS, requests, max_digits=0))["error"]
    assert requests.made == [("collect", 4, "#", 10.0)]


async def test_another_agent_takes_over() -> None:
    requests = Requests()
    given = handoff_to((("sales", "sells shoes"), ("support", "")))
    assert given.spec.description == "Hand the conversation over to another agent. sales: sells shoes. support."
    assert await answer(given, requests, name="sales", reason="wants shoes") == {
        "status": "handed_over",
        "to": "sales",
        "instructions": "You sell shoes.",
    }
    told = await answer(given, requests, name="billing")
    assert told == {"error": "There is no agent 'billing'. Agents: sales, support.", "status": "rejected"}
    assert requests.made == [("handoff", "sales", "wants shoes")]
    with pytest.raises(ConfigurationError):
        handoff_to(())


async def test_a_call_that_cannot_do_it_says_why() -> None:
    class Unable(Requests):
        async def transfer(self, number: str, *, summary: str = "") -> None:
            raise CarrierError("This carrier cannot transfer calls.")

    told = await answer(transfer_call(TARGETS), Unable(), number="+12025550100")
    assert told == {"error": "This carrier cannot transfer calls."}


async def test_outside_of_a_call_there_is_nothing_to_do_it_with() -> None:
    told = await answer(END_CALL, None)
    assert told == {"error": "There is no call to do this with."}


def test_agents_who_may_do_the_same_have_the_same_tool() -> None:
    """A schema takes milliseconds to draw, and each call would draw it."""
    assert transfer_call(TARGETS) is transfer_call(TARGETS)
    assert transfer_call(("+4420*",)) is not transfer_call(TARGETS)


def test_only_collecting_keys_stops_when_the_caller_speaks() -> None:
    made = [END_CALL, transfer_call(TARGETS), SEND_DTMF, handoff_to((("sales", ""),))]
    assert all(given.side_effects for given in made)
    assert not COLLECT_DIGITS.side_effects


@pytest.mark.parametrize("acts", [SEND_DTMF, transfer_call(("+12025550100",))], ids=lambda acts: acts.name)
def test_what_waits_for_the_agent_to_finish_speaking_has_the_time_that_takes(acts: Tool) -> None:
    assert acts.timeout_s == MAX_TIMEOUT_S
