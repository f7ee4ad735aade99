"""A program's own functions, called by name."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from getpatter.observability.handlers import HANDLER_S, Handlers
from getpatter.testing.clock import ManualClock

PATIENCE_S = 60.0
SECRET = "PIN 4711"


def fail(told: dict[str, Any]) -> None:
    raise ValueError(told["text"])


def test_all_handlers_of_a_name_are_told_in_order_and_at_once() -> None:
    handlers, heard = Handlers(), list[str]()
    handlers.add("a", lambda told: heard.append(f"first {told['n']}"))
    handlers.add("a", lambda told: heard.append(f"second {told['n']}"))
    handlers.add("b", lambda told: heard.append("not this"))
    handlers.tell("a", {"n": 1})
    assert heard == ["first 1", "second 1"]


def test_one_that_has_left_is_told_nothing_and_may_leave_again() -> None:
    handlers, heard = Handlers(), list[Any]()
    leave = handlers.add("a", heard.append)
    handlers.add("a", heard.append)
    leave()
    leave()
    handlers.tell("a", {})
    assert heard == [{}]


def test_what_one_does_to_its_dict_does_not_reach_the_next() -> None:
    handlers, heard = Handlers(), list[Any]()
    handlers.add("a", lambda told: told.clear())
    handlers.add("a", heard.append)
    handlers.tell("a", {"n": 1})
    assert heard == [{"n": 1}]


def test_one_that_fails_is_logged_without_what_it_was_told(caplog: pytest.LogCaptureFixture) -> None:
    handlers, heard = Handlers(), list[Any]()
    handlers.add("a", fail)
    handlers.add("a", heard.append)
    handlers.tell("a", {"text": SECRET})
    assert heard == [{"text": SECRET}]
    assert "a handler of a failed: ValueError" in caplog.text
    assert SECRET not in caplog.text


def test_the_cancellation_of_what_one_looks_at_does_not_reach_the_call(caplog: pytest.LogCaptureFixture) -> None:
    def look(told: dict[str, Any]) -> None:
        raise asyncio.CancelledError

    handlers = Handlers()
    handlers.add("a", look)
    handlers.tell("a", {})
    assert "a handler of a failed" in caplog.text


def test_an_async_one_without_an_event_loop_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(told: dict[str, Any]) -> None:
        pass

    handlers = Handlers()
    handlers.add("a", handler)
    handlers.tell("a", {})
    assert "no event loop" in caplog.text


async def test_async_ones_keep_nobody_waiting_and_can_be_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    heard, go = list[str](), asyncio.Event()

    async def slow(told: dict[str, Any]) -> None:
        await go.wait()
        heard.append("slow")

    async def broken(told: dict[str, Any]) -> None:
        raise ValueError(SECRET)

    handlers = Handlers(ManualClock())
    handlers.add("a", slow)
    handlers.add("a", broken)
    handlers.tell("a", {})
    assert heard == []
    go.set()
    async with asyncio.timeout(PATIENCE_S):
        await handlers.drained()
    assert heard == ["slow"]
    assert "a handler of a failed: ValueError" in caplog.text
    assert SECRET not in caplog.text


async def test_an_async_one_has_its_time(caplog: pytest.LogCaptureFixture) -> None:
    began = asyncio.Event()

    async def endless(told: dict[str, Any]) -> None:
        began.set()
        await asyncio.Event().wait()

    clock = ManualClock()
    handlers = Handlers(clock)
    handlers.add("a", endless)
    handlers.tell("a", {})
    async with asyncio.timeout(PATIENCE_S):
        await began.wait()
        clock.advance(HANDLER_S)
        await handlers.drained()
    assert f"took longer than {HANDLER_S:g} s" in caplog.text


async def test_one_that_waits_for_all_waits_for_the_others() -> None:
    heard, go = list[str](), asyncio.Event()
    handlers = Handlers(ManualClock())

    async def slow(told: dict[str, Any]) -> None:
        await go.wait()
        heard.append("slow")

    async def waiting(told: dict[str, Any]) -> None:
        await handlers.drained()
        heard.append("waiting")

    for handler in (slow, waiting, waiting):
        handlers.add("a", handler)
    handlers.tell("a", {})
    go.set()
    async with asyncio.timeout(PATIENCE_S):
        await handlers.drained()
    assert heard == ["slow", "waiting", "waiting"]
