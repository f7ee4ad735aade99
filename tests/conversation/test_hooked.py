from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

import pytest

from getpatter.audio.format import LINE
from getpatter.conversation.hooked import MAX_BEHIND_S, HookedRecognition
from getpatter.hooks import HOOK_S, AudioHook, HookContext, HookRunner, PipelineHooks
from getpatter.metering import Product, Used
from getpatter.testing.clock import ManualClock
from getpatter.testing.providers import ToldRecognition

FRAME = b"\x55" * 160


class Heard:
    """A recogniser behind a hook, and what was told of the hook."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.told: list[tuple[str, Exception]] = []
        self.behind = ToldRecognition(deque(["hello"]))
        self.hooked: HookedRecognition

    def through(self, hook: AudioHook) -> HookedRecognition:
        hooks = HookRunner(
            PipelineHooks(before_send_to_stt=hook),
            HookContext("c1"),
            self.clock,
            lambda stage, error: self.told.append((stage, error)),
        )
        self.hooked = HookedRecognition(self.behind, LINE, hooks)
        return self.hooked

    async def reached(self, length: int) -> None:
        async with asyncio.timeout(60):
            while len(self.behind.audio) < length:  # noqa: ASYNC110 -- the recogniser has no event
                await asyncio.sleep(0)


@pytest.fixture
async def heard() -> AsyncIterator[Heard]:
    heard = Heard(ManualClock())
    yield heard
    await heard.hooked.close()
    assert heard.clock.next_timer is None
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_what_the_recogniser_uses_is_known_behind_the_hook(heard: Heard) -> None:
    recognition = heard.through(lambda pcm, context: pcm)
    assert not recognition.used
    heard.behind.used = (Used(Product("acme"), seconds=1.0),)  # type: ignore[attr-defined]  # metered now
    assert recognition.used == (Used(Product("acme"), seconds=1.0),)


async def cancelled(pcm: bytes, context: HookContext) -> bytes:
    raise asyncio.CancelledError


@pytest.mark.parametrize("hook", [cancelled, lambda pcm, context: pcm[:-1], lambda pcm, context: 7])
async def test_the_caller_is_heard_whatever_the_hook_does(heard: Heard, hook: AudioHook) -> None:
    recognition = heard.through(hook)
    for _ in range(3):
        recognition.send(FRAME)
    await heard.reached(3 * len(FRAME))
    assert bytes(heard.behind.audio) == 3 * FRAME
    assert [stage for stage, _ in heard.told] == ["before_send_to_stt"]


async def test_a_hook_that_hangs_delays_the_caller_once(heard: Heard) -> None:
    asked = asyncio.Event()

    async def hangs(pcm: bytes, context: HookContext) -> bytes:
        asked.set()
        await asyncio.Event().wait()
        return pcm

    recognition = heard.through(hangs)
    for _ in range(10):
        recognition.send(FRAME)
    async with asyncio.timeout(60):
        await asked.wait()
    heard.clock.advance(HOOK_S)
    await heard.reached(10 * len(FRAME))


async def test_a_hook_that_is_slower_than_the_audio_is_done_without(heard: Heard) -> None:
    asked: list[bytes] = []
    done = asyncio.Event()

    async def slow(pcm: bytes, context: HookContext) -> bytes:
        asked.append(pcm)
        await done.wait()
        return pcm

    recognition = heard.through(slow)
    recognition.send(FRAME)
    async with asyncio.timeout(60):
        while not asked:  # noqa: ASYNC110 -- the hook is called in its own time
            await asyncio.sleep(0)
    frames = int(MAX_BEHIND_S / 0.02) + 1
    for _ in range(frames):
        recognition.send(FRAME)
    done.set()
    await heard.reached((1 + frames) * len(FRAME))
    assert len(asked) == 1
    assert [str(error) for _, error in heard.told] == ["slower than the audio"]


async def test_a_hook_that_keeps_up_is_kept(heard: Heard) -> None:
    recognition = heard.through(lambda pcm, context: bytes(len(pcm)))
    for sent in range(1, 2 * int(MAX_BEHIND_S / 0.02)):
        recognition.send(FRAME)
        await heard.reached(sent * len(FRAME))
    assert set(heard.behind.audio) == {0xFF}
    assert heard.told == []


async def test_the_end_of_an_utterance_comes_after_its_audio(heard: Heard) -> None:
    recognition = heard.through(lambda pcm, context: pcm)
    recognition.send(FRAME)
    recognition.finalize()
    async with asyncio.timeout(60):
        assert (await anext(recognition.transcripts())).text == "hello"
    assert bytes(heard.behind.audio) == FRAME
