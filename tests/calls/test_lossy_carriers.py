"""Carriers as they are: the way from their messages to the conversation and back, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from getpatter.agent import Agent
from getpatter.audio.format import FRAME_BYTES, FRAME_S
from getpatter.audio.vad import VoiceActivity, VoiceActivityModel
from getpatter.calls.session import IDLE_TIMEOUT_S, MediaStream
from getpatter.carriers.base import StreamStarted
from getpatter.carriers.twilio.media import TwilioMediaCodec
from getpatter.conversation.ears import VoiceLine
from getpatter.errors import MediaError, ProviderError
from getpatter.llm.base import ToolCall
from getpatter.testing.clips import load_clip
from getpatter.testing.clock import ManualClock
from getpatter.testing.line_codec import Clear, Mark, Play, Press
from getpatter.testing.load import SPEECH
from getpatter.testing.providers import AnsweringLLM, CountingTTS, TellableSTT
from getpatter.testing.speech import line_noise
from getpatter.testing.stage import Stage
from getpatter.testing.twilio_line import TwilioLineCodec

GREETING, ANSWER, BYE = "Good morning to you.", "For how many people, please?", "Goodbye and thank you."
ANSWERS: list[list[str | ToolCall | ProviderError]] = [[ANSWER], [BYE, ToolCall("1", "end_call", "{}")]]
IN_A_BUNCH = 10
Order = Callable[[Sequence[bytes]], Sequence[Sequence[bytes]]]
"""Which frames arrive in each 20 ms."""


class Call(Stage):
    """A conversation that hears with the real model: the `Party` of a media stream, and the carrier at its far end."""

    peer = "127.0.0.1:5060"

    def __init__(self, agent: Agent, clock: ManualClock, order: Order, mark_after_s: float | None) -> None:
        self._activity = VoiceActivity(VoiceActivityModel())
        self._order = order
        self._mark_after_s = mark_after_s
        self._queued_until = 0.0
        self.closed: int | None = None
        self.lost_because: MediaError | None = None
        super().__init__(agent, clock=clock)
        self.far_end = TwilioLineCodec("MZ1", "CA1")
        self.stream = MediaStream(TwilioMediaCodec(), self, self.admit, clock)

    def open(self, on_probability: Callable[[float], None]) -> VoiceLine:
        return self._activity.open(on_probability)

    # the call that the stream belongs to

    def admit(self, started: StreamStarted) -> Call:
        return self

    def connected(self, stream: MediaStream) -> Callable[[bytes], None]:
        self.talk.start(stream)
        return self.talk.hear

    def mark_played(self, name: str) -> None:
        self.talk.mark_played(name)

    def dtmf(self, digit: str) -> None:
        self.talk.press(digit)

    def broken_message(self, error: MediaError) -> None:
        raise error

    def hung_up(self) -> None:
        raise AssertionError("nobody hung up")

    def lost(self, error: MediaError) -> None:
        assert self.lost_because is None, "lost twice"
        self.lost_because = error

    # the socket, and the carrier behind it

    def send(self, message: bytes) -> None:
        now = self.clock.now()
        match self.far_end.decode(message):
            case Mark(name):
                if self._mark_after_s is not None:
                    due = max(now, self._queued_until) + self._mark_after_s
                    self.clock.call_at(due, lambda: self.stream.on_message(self.far_end.mark(name)))
            case Clear():
                self._queued_until = now
            case Play(audio):
                self._queued_until = max(now, self._queued_until) + len(audio) / 8000
                self.played += audio
            case Press():
                raise AssertionError("nobody pressed a key")

    def close(self, code: int = 1000, reason: str = "") -> None:
        self.closed = code

    # what the test does

    async def answered(self) -> None:
        await self.talk.prepare()
        self.stream.on_message(self.far_end.connected())
        self.stream.on_message(self.far_end.start())
        await self.settle()

    async def hears(self, audio: bytes) -> None:
        """The caller's sound, in the order and at the times at which this carrier brings it."""
        frames = [audio[at : at + FRAME_BYTES] for at in range(0, len(audio), FRAME_BYTES)]
        for arriving in self._order(frames):
            self.clock.advance(FRAME_S)
            for frame in arriving:
                self.stream.on_message(self.far_end.media(frame))
            while (batch := self._activity.collect()) is not None:
                self._activity.deliver(batch, self._activity.run(batch))
            await self.settle()

    async def waits(self, seconds: float) -> None:
        """The caller says nothing."""
        noise = line_noise()
        await self.hears(b"".join(noise[number % len(noise)] for number in range(round(seconds / FRAME_S))))


def steady(frames: Sequence[bytes]) -> Sequence[Sequence[bytes]]:
    return [[frame] for frame in frames]


def bunched(frames: Sequence[bytes]) -> Sequence[Sequence[bytes]]:
    """Nothing for 200 ms, and then all of it."""
    return [frames[at + 1 - IN_A_BUNCH : at + 1] if at % IN_A_BUNCH == 9 else [] for at in range(len(frames))] + [
        frames[len(frames) - len(frames) % IN_A_BUNCH :]
    ]


def jittered(frames: Sequence[bytes]) -> Sequence[Sequence[bytes]]:
    """Each third frame 40 ms late, with those behind it."""
    late = [frames[at : at + 3] for at in range(0, len(frames), 3)]
    return [part for three in late for part in ([], [], three)]


def reordered(frames: Sequence[bytes]) -> Sequence[Sequence[bytes]]:
    """Each fifth pair the wrong way round."""
    mixed = list(frames)
    for at in range(0, len(mixed) - 1, 5):
        mixed[at], mixed[at + 1] = mixed[at + 1], mixed[at]
    return steady(mixed)


MakeCall = Callable[..., Call]


@pytest.fixture
async def make_call() -> AsyncIterator[MakeCall]:
    """Makes calls, and afterwards sees to it that nothing of them is left."""
    clock, calls = ManualClock(), []

    def make(*, order: Order = steady, mark_after_s: float | None = 0.1, **fields: Any) -> Call:
        parts: dict[str, Any] = {
            "llm": AnsweringLLM(*ANSWERS),
            "stt": TellableSTT(["a table", "thank you"]),
            "tts": CountingTTS(),
            "first_message": GREETING,
        } | fields
        calls.append(Call(Agent(system_prompt="You book tables.", **parts), clock, order, mark_after_s))
        return calls[-1]

    yield make
    for call in calls:
        await call.talk.close()
        call.stream.close()
        call.pacer.close()
    clock.advance(60)  # marks that are still on their way
    assert clock.next_timer is None, "a timer was left behind"
    assert asyncio.all_tasks() == {asyncio.current_task()}, "a task was left behind"


def clip(number: int) -> bytes:
    found = load_clip(*SPEECH[number])
    assert found
    return found


@pytest.mark.parametrize("mark_after_s", [0.1, 13.0, None], ids=["marks", "marks late", "no marks"])
@pytest.mark.parametrize("order", [steady, bunched, jittered, reordered])
async def test_a_call_comes_to_its_own_end_whatever_the_carrier_does(
    make_call: MakeCall, order: Order, mark_after_s: float | None
) -> None:
    call = make_call(order=order, mark_after_s=mark_after_s)
    await call.answered()
    await call.waits(2.5)
    for number in (0, 1):
        await call.hears(clip(number))
        await call.waits(4)
    assert call.turns() == [
        ("agent", GREETING),
        ("caller", "a table"),
        ("agent", ANSWER),
        ("caller", "thank you"),
        ("agent", BYE),
    ]
    assert call.ended is not None
    assert call.ended[0].ended_by == "agent"
    assert call.lost_because is None


async def said_nothing(call: Call) -> None:
    await call.waits(2.5)


async def heard_half(call: Call) -> None:
    await call.waits(2.5)
    await call.hears(clip(0)[:8000])


async def answers(call: Call) -> None:
    await call.waits(2.5)
    await call.hears(clip(0))
    await call.waits(1)


async def pauses(call: Call) -> None:
    await answers(call)
    await call.hears(clip(1)[:4000])


async def says_goodbye(call: Call) -> None:
    await answers(call)
    await call.waits(3)
    await call.hears(clip(1))
    await call.waits(1)
    assert call.ended is None


async def greets(call: Call) -> None:
    await call.waits(0.5)


@pytest.mark.parametrize("state", [greets, said_nothing, heard_half, answers, pauses, says_goodbye])
async def test_a_socket_that_is_cut_ends_the_call_in_every_state(make_call: MakeCall, state: Any) -> None:
    call = make_call()
    await call.answered()
    await state(call)
    call.stream.on_closed(1006)
    assert call.lost_because is not None, "told at once"
    await call.talk.close()
    heard = [text for role, text in call.turns() if role == "agent"]
    assert all(whole.startswith(text) for text, whole in zip(heard, (GREETING, ANSWER, BYE), strict=False))


@pytest.mark.parametrize("state", [greets, said_nothing, heard_half, answers, pauses])
async def test_a_stream_that_goes_silent_is_given_up_in_every_state(make_call: MakeCall, state: Any) -> None:
    call = make_call()
    await call.answered()
    await state(call)
    while call.lost_because is None and call.clock.now() < 60:
        call.clock.advance(1.0)
        await call.settle()
    assert call.lost_because is not None
    assert call.clock.now() < 10 + 2 * IDLE_TIMEOUT_S
    assert call.closed == 1001
