"""A first message that is spoken while the call rings, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import replace

import pytest

from getpatter.agent import Agent
from getpatter.audio.format import LINE, AudioFormat
from getpatter.clock import sleep
from getpatter.errors import ProviderError
from getpatter.events import FirstMessagePrepared
from getpatter.guardrails import Guardrail
from getpatter.testing.clock import ManualClock
from getpatter.testing.providers import AnsweringLLM, TellableSTT
from getpatter.testing.stage import Stage
from getpatter.tts.base import SpeechChunk
from getpatter.tts.rendered import RenderedStore

FIRST_AUDIO_S = 0.3


class RemoteVoice:
    """Takes `FIRST_AUDIO_S` to its first audio, as voices across a network do."""

    def __init__(self, owner: RemoteTTS) -> None:
        self._owner = owner

    async def synthesize(self, text: str) -> AsyncGenerator[SpeechChunk]:
        self._owner.spoken.append(text)
        await sleep(self._owner.clock, FIRST_AUDIO_S)
        if self._owner.fails:
            raise ProviderError("The voice is gone.")
        yield SpeechChunk(b"\x55" * LINE.rate)

    async def close(self) -> None:
        pass


class RemoteTTS:
    name = "remote"
    format: AudioFormat = LINE

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.spoken: list[str] = []
        self.fails = False

    async def open(self, language: str = "en-US") -> RemoteVoice:
        return RemoteVoice(self)

    async def close(self) -> None:
        pass


class Ringing(Stage):
    """A call that rings for a while before it is answered."""

    async def answered(self, after_s: float) -> None:
        await self.talk.prepare()
        await self.settle()
        await self.passes(after_s)
        self.answered_at = self.clock.now()
        self.talk.start(self)
        await self.settle()

    async def first_audio(self) -> float:
        """Seconds from the answer."""
        while not self.played:
            assert self.clock.now() < 60
            await self.passes(0.02)
        return round(self.clock.now() - self.answered_at, 2)

    async def over(self) -> FirstMessagePrepared | None:
        await self.talk.close()
        told = [event for event in self.events if isinstance(event, FirstMessagePrepared)]
        assert len(told) < 2
        return told[0] if told else None


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def tts(clock: ManualClock) -> RemoteTTS:
    return RemoteTTS(clock)


@pytest.fixture
async def call_for(clock: ManualClock, tts: RemoteTTS) -> AsyncIterator[Callable[..., Ringing]]:
    stages: list[Ringing] = []
    store = RenderedStore()

    def make(**changes: object) -> Ringing:
        agent = Agent(
            system_prompt="",
            llm=AnsweringLLM("Yes."),
            stt=TellableSTT(),
            tts=tts,
            first_message="Good morning, {name}.",
            variables={"name": "Ada"},
            prewarm_first_message=True,
        )
        changed = replace(agent, **changes)  # type: ignore[arg-type]  # fields by name
        stages.append(Ringing(changed, clock=clock, rendered=store))
        return stages[-1]

    yield make
    for stage in stages:
        await stage.talk.close()
        stage.pacer.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}, "a task was left behind"


CallFor = Callable[..., Ringing]


async def test_the_first_audio_goes_out_with_the_answer(call_for: CallFor, tts: RemoteTTS) -> None:
    call = call_for()
    await call.answered(after_s=2)
    assert call.played, "nothing had to be waited for"
    assert tts.spoken == ["Good morning, Ada."]


async def test_without_it_the_voices_time_is_heard_as_silence(call_for: CallFor) -> None:
    call = call_for(prewarm_first_message=False)
    await call.answered(after_s=2)
    assert await call.first_audio() == pytest.approx(FIRST_AUDIO_S, abs=0.02)
    assert await call.over() is None


async def test_an_answer_that_comes_early_waits_for_the_rest_only(call_for: CallFor, tts: RemoteTTS) -> None:
    call = call_for()
    await call.answered(after_s=0.2)
    assert await call.first_audio() == pytest.approx(FIRST_AUDIO_S - 0.2, abs=0.02)
    assert tts.spoken == ["Good morning, Ada."], "it is not spoken twice"


async def test_what_is_heard_and_written_down_is_the_same_as_without(call_for: CallFor) -> None:
    call = call_for()
    await call.answered(after_s=2)
    await call.passes(3)
    assert call.turns() == [("agent", "Good morning, Ada.")]
    assert len(call.played) == LINE.rate


async def test_guardrails_and_transforms_apply_and_run_once(call_for: CallFor, tts: RemoteTTS) -> None:
    transformed: list[str] = []

    def louder(text: str) -> str:
        transformed.append(text)
        return text.upper()

    guardrail = Guardrail(name="no names", blocked_terms=["Ada"], replacement="Good morning.")
    call = call_for(guardrails=(guardrail,), text_transforms=(louder,))
    await call.answered(after_s=2)
    await call.passes(3)
    assert tts.spoken == ["GOOD MORNING."]
    assert transformed == ["Good morning."]
    assert call.turns() == [("agent", "Good morning.")]


async def test_calls_with_the_same_words_share_what_was_rendered(call_for: CallFor, tts: RemoteTTS) -> None:
    first, second, other = call_for(), call_for(), call_for(variables={"name": "Grace"})
    for call in (first, second, other):
        await call.answered(after_s=1)
    assert tts.spoken == ["Good morning, Ada.", "Good morning, Grace."]
    told = [await call.over() for call in (first, second, other)]
    assert [event.reused for event in told if event is not None] == [False, True, False]


async def test_a_message_that_nobody_heard_is_told_as_waste(call_for: CallFor) -> None:
    call = call_for()
    await call.talk.prepare()
    await call.settle()
    await call.passes(1)
    told = await call.over()
    assert told is not None
    assert (told.used, told.audio_s, told.reused) == (False, 1.0, False)


async def test_a_message_that_was_said_is_told_as_used(call_for: CallFor) -> None:
    call = call_for()
    await call.answered(after_s=1)
    told = await call.over()
    assert told is not None
    assert told.used


async def test_a_voice_that_fails_while_it_rings_is_tried_again(call_for: CallFor, tts: RemoteTTS) -> None:
    tts.fails = True
    call = call_for()
    await call.talk.prepare()
    await call.settle()
    await call.passes(1)
    tts.fails = False
    await call.answered(after_s=0)
    assert await call.first_audio() == pytest.approx(FIRST_AUDIO_S, abs=0.02)
