from __future__ import annotations

import asyncio
import threading
from functools import partial

import pytest

from getpatter.clock import SystemClock
from getpatter.sdk.callback import CALLBACK_S, CallbackQueue
from getpatter.testing.clock import ManualClock

PATIENCE_S = 60.0


async def drained(queue: CallbackQueue) -> None:
    queue.close()
    async with asyncio.timeout(PATIENCE_S):
        await queue.drained()


async def test_they_are_called_one_after_the_other() -> None:
    order: list[str] = []
    first_goes_on = asyncio.Event()

    async def slow(told: str) -> None:
        await first_goes_on.wait()
        order.append(told)

    def plain(told: str) -> None:
        order.append(told)

    queue = CallbackQueue(SystemClock())
    queue.tell("slow", slow, "first")
    queue.tell("plain", plain, "second")
    queue.tell("none", None, "nobody")
    first_goes_on.set()
    await drained(queue)
    assert order == ["first", "second"]


async def test_a_plain_function_may_wait_without_holding_up_the_loop() -> None:
    entered, let_go = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def waits(told: object) -> None:
        loop.call_soon_threadsafe(entered.set)
        assert let_go.wait(PATIENCE_S)

    queue = CallbackQueue(SystemClock())
    queue.tell("waits", waits, None)
    async with asyncio.timeout(PATIENCE_S):
        await entered.wait()
    let_go.set()
    await drained(queue)


class Listener:
    def __init__(self) -> None:
        self.heard: list[object] = []

    async def __call__(self, told: object) -> None:
        self.heard.append(told)

    async def method(self, prefix: str, told: object) -> None:
        self.heard.append((prefix, told))


async def test_whatever_can_be_called_is_called_in_its_own_way() -> None:
    listener, queue = Listener(), CallbackQueue(SystemClock())
    queue.tell("object", listener, 1)
    queue.tell("partial", partial(listener.method, "two"), 2)
    queue.tell("gives a coroutine", lambda told: listener.method("three", told), 3)
    await drained(queue)
    assert listener.heard == [1, ("two", 2), ("three", 3)]


async def test_one_that_fails_is_logged_without_its_words_and_the_next_is_called(
    caplog: pytest.LogCaptureFixture,
) -> None:
    listener, queue = Listener(), CallbackQueue(SystemClock())

    async def fails(told: object) -> None:
        raise RuntimeError("the caller said 4111 1111 1111 1111")

    async def cancels(told: object) -> None:
        raise asyncio.CancelledError

    queue.tell("on_transcript", fails, None)
    queue.tell("on_metrics", cancels, None)
    queue.tell("on_call_end", listener, "end")
    await drained(queue)
    assert listener.heard == ["end"]
    assert "on_transcript failed: RuntimeError" in caplog.text
    assert "on_metrics failed" in caplog.text
    assert "4111" not in caplog.text


async def test_one_that_does_not_end_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    clock, listener = ManualClock(), Listener()
    began = asyncio.Event()

    async def hangs(told: object) -> None:
        began.set()
        await asyncio.Event().wait()

    queue = CallbackQueue(clock)
    queue.tell("on_transcript", hangs, None)
    queue.tell("on_call_end", listener, "end")
    await began.wait()
    clock.advance(CALLBACK_S)
    await drained(queue)
    assert listener.heard == ["end"]
    assert "on_transcript took longer than 30 s" in caplog.text


async def test_what_is_asked_is_answered_or_is_nothing() -> None:
    queue = CallbackQueue(SystemClock())
    assert await queue.ask("sum", lambda told: told + 1, 41, limit_s=PATIENCE_S) == 42
    assert await queue.ask("fails", lambda told: told["none"], {}, limit_s=PATIENCE_S) is None
