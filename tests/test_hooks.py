"""The user's own code in a call: what it may change, and what its faults may not do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from getpatter.hooks import HOOK_S, AfterLlm, HookContext, HookRunner, PipelineHooks
from getpatter.llm.base import Message
from getpatter.testing.clock import ManualClock

CONTEXT = HookContext("CA1", "+12025550104", "+12025550105")


class Failures:
    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def __call__(self, stage: str, error: Exception) -> None:
        self.told.append((stage, str(error)))


def runner(hooks: PipelineHooks, failures: Failures | None = None, clock: ManualClock | None = None) -> HookRunner:
    return HookRunner(hooks, CONTEXT, clock or ManualClock(), failures or Failures())


def upper(text: str, context: HookContext) -> str:
    return text.upper()


async def later_upper(text: str, context: HookContext) -> str:
    await asyncio.sleep(0)
    return text.upper()


def veto(value: object, context: HookContext) -> None:
    return None


def broken(value: object, context: HookContext) -> None:
    raise LookupError("no such thing")


ALL_BROKEN = PipelineHooks(broken, broken, broken, AfterLlm(lambda text: text[99], broken, broken), broken, broken)
STAGES = [
    "before_send_to_stt",
    "after_transcribe",
    "before_llm",
    "after_llm.on_chunk",
    "after_llm.on_sentence",
    "after_llm.on_response",
    "before_synthesize",
    "after_synthesize",
]
MESSAGES = [Message("user", "Hello.")]


async def through_all(hooks: HookRunner) -> list[object]:
    return [
        await hooks.before_send_to_stt(b"\0\1"),
        await hooks.after_transcribe("heard"),
        await hooks.before_llm(MESSAGES),
        hooks.on_chunk("chunk"),
        await hooks.on_sentence("sentence"),
        await hooks.on_response("response"),
        await hooks.before_synthesize("spoken"),
        await hooks.after_synthesize(b"\2\3"),
    ]


UNCHANGED: list[object] = [b"\0\1", "heard", MESSAGES, "chunk", "sentence", "response", "spoken", b"\2\3"]


async def test_stages_without_hooks_change_nothing() -> None:
    assert await through_all(runner(PipelineHooks())) == UNCHANGED


async def test_every_stage_has_its_hook() -> None:
    def louder(pcm: bytes, context: HookContext) -> bytes:
        return pcm + b"!!"

    def warned(messages: Sequence[Message], context: HookContext) -> list[Message]:
        return [Message("system", "Be brief."), *messages]

    hooks = PipelineHooks(louder, upper, warned, AfterLlm(str.upper, later_upper, upper), later_upper, louder)
    assert await through_all(runner(hooks)) == [
        b"\0\1!!",
        "HEARD",
        [Message("system", "Be brief."), *MESSAGES],
        "CHUNK",
        "SENTENCE",
        "RESPONSE",
        "SPOKEN",
        b"\2\3!!",
    ]


async def test_none_drops_what_a_stage_can_do_without_and_keeps_the_rest() -> None:
    hooks = runner(PipelineHooks(veto, veto, veto, AfterLlm(None, veto, veto), veto, veto))
    assert await through_all(hooks) == [None, None, MESSAGES, "chunk", None, "response", None, None]


async def test_a_hook_that_raises_lets_its_value_pass_and_is_told_of_once() -> None:
    failures = Failures()
    hooks = runner(ALL_BROKEN, failures)
    for _ in range(3):
        assert await through_all(hooks) == UNCHANGED
    assert [stage for stage, _ in failures.told] == STAGES


@pytest.mark.parametrize("wrong", [7, "text for messages", ["not text"]])
async def test_a_hook_that_returns_something_else_lets_its_value_pass(wrong: object) -> None:
    failures = Failures()

    def confused(value: object, context: HookContext) -> object:
        return wrong

    hooks = runner(PipelineHooks(before_llm=confused), failures)  # type: ignore[arg-type]  # the mistake under test
    assert await hooks.before_llm(MESSAGES) == (wrong if isinstance(wrong, list) else MESSAGES)
    hooks = runner(PipelineHooks(after_synthesize=confused), failures)  # type: ignore[arg-type]  # the same
    assert await hooks.after_synthesize(b"\0\0") == b"\0\0"
    assert ("after_synthesize", f"returned {type(wrong).__name__}") in failures.told


async def test_a_slow_hook_lets_its_value_pass_when_its_time_is_up() -> None:
    started = asyncio.Event()

    async def slow(text: str, context: HookContext) -> str:
        started.set()
        await asyncio.Event().wait()
        return text

    clock, failures = ManualClock(), Failures()
    waiting = asyncio.create_task(runner(PipelineHooks(after_transcribe=slow), failures, clock).after_transcribe("hi"))
    async with asyncio.timeout(60):
        await started.wait()
        clock.advance(HOOK_S - 0.01)
        await asyncio.sleep(0)
        assert not waiting.done()
        clock.advance(0.01)
        assert await waiting == "hi"
    assert failures.told == [("after_transcribe", "took longer than 0.5 s")]


async def test_a_hook_in_time_leaves_no_timer() -> None:
    clock = ManualClock()
    await runner(PipelineHooks(after_transcribe=later_upper), clock=clock).after_transcribe("hi")
    assert clock.next_timer is None


async def test_a_call_that_ends_ends_its_hook() -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def slow(text: str, context: HookContext) -> str:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return text

    failures = Failures()
    waiting = asyncio.create_task(runner(PipelineHooks(before_synthesize=slow), failures).before_synthesize("hi"))
    async with asyncio.timeout(60):
        await started.wait()
        waiting.cancel()
        await ended.wait()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert failures.told == []


async def test_a_hook_knows_its_call_and_what_was_said() -> None:
    seen: list[HookContext] = []

    def look(text: str, context: HookContext) -> str:
        seen.append(context)
        return text

    hooks = runner(PipelineHooks(after_transcribe=look))
    await hooks.after_transcribe("one")
    hooks.remember(MESSAGES)
    await hooks.after_transcribe("two")
    assert seen[0] == CONTEXT
    assert seen[1] == HookContext("CA1", "+12025550104", "+12025550105", tuple(MESSAGES))


async def cancelled(value: object, context: HookContext) -> None:
    raise asyncio.CancelledError


async def test_a_hook_that_waits_for_something_cancelled_has_failed_and_nothing_else_has() -> None:
    failures = Failures()
    hooks = PipelineHooks(cancelled, cancelled, cancelled, AfterLlm(None, cancelled, cancelled), cancelled, cancelled)
    results = await through_all(runner(hooks, failures))
    assert results == await through_all(runner(PipelineHooks()))
    assert len(failures.told) == len(STAGES) - 1, "on_chunk waits for nothing"


async def test_half_a_sample_is_no_audio() -> None:
    failures = Failures()
    hooks = runner(PipelineHooks(after_synthesize=lambda pcm, context: pcm[:-1]), failures)
    assert await hooks.after_synthesize(b"abcd") == b"abcd"
    assert failures.told == [("after_synthesize", "returned half a sample")]


async def test_a_hook_on_audio_that_hangs_is_asked_once() -> None:
    clock = ManualClock()
    asked: list[bytes] = []

    async def hangs(pcm: bytes, context: HookContext) -> None:
        asked.append(pcm)
        await asyncio.Event().wait()

    hooks = runner(PipelineHooks(after_synthesize=hangs), clock=clock)
    first = asyncio.create_task(hooks.after_synthesize(b"ab"))
    async with asyncio.timeout(60):
        while clock.next_timer is None:  # noqa: ASYNC110 -- a clock that stands still has no event
            await asyncio.sleep(0)
        clock.advance(HOOK_S)
        assert await first == b"ab"
    assert await hooks.after_synthesize(b"cd") == b"cd"
    assert asked == [b"ab"]
