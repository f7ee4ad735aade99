"""One thread judges the turns of all calls, in time or not at all."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from getpatter.audio.format import SILENCE
from getpatter.audio.smart_turn import SmartTurn
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.testing.clock import ManualClock
from getpatter.turn_detection.base import TurnDetector
from getpatter.turn_detection.smart_turn import ModelThread, SmartTurnDetector, process_thread

SURE = 0.9


class HeldModel:
    """Judges what it is given as soon as `release` is set."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.begun = threading.Event()
        self.judged: list[bytes] = []
        self.threads: set[int] = set()
        self.loaded = 0

    def load(self) -> HeldModel:
        self.loaded += 1
        return self

    def probability(self, ulaw: bytes) -> float:
        self.threads.add(threading.get_ident())
        self.judged.append(ulaw)
        self.begun.set()
        assert self.release.wait(30)
        return SURE


class BrokenModel:
    def probability(self, ulaw: bytes) -> float:
        raise RuntimeError("out of memory")


@pytest.fixture
def model() -> Iterator[HeldModel]:
    model = HeldModel()
    yield model
    model.release.set()


@pytest.fixture
def thread(model: HeldModel) -> ModelThread:
    return ModelThread(model.load)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def detector(thread: ModelThread, clock: ManualClock) -> SmartTurnDetector:
    return SmartTurnDetector(clock=clock, thread=thread)


def asked(detector: TurnDetector, audio: bytes, call_id: str = "") -> asyncio.Task[float | None]:
    return asyncio.create_task(detector.judge(audio, call_id=call_id))


async def begun(model: HeldModel) -> None:
    """The model is at work on something."""
    assert await asyncio.to_thread(model.begun.wait, 30)


async def turn_of_the_loop() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_event_loop_runs_while_the_model_works(detector: SmartTurnDetector, model: HeldModel) -> None:
    answer = asked(detector, b"a")
    await begun(model)
    model.release.set()  # by the loop: had the model blocked it, nobody would
    assert await answer == SURE
    assert threading.get_ident() not in model.threads


async def test_all_detectors_share_one_thread_and_one_model(thread: ModelThread, model: HeldModel) -> None:
    model.release.set()
    strict, lenient = SmartTurnDetector(0.8, thread=thread), SmartTurnDetector(0.3, thread=thread)
    assert await asyncio.gather(*(d.judge(b"a") for d in [strict, lenient] * 4)) == [SURE] * 8
    assert (strict.threshold, lenient.threshold) == (0.8, 0.3)
    assert len(model.threads) == model.loaded == 1


def test_there_is_one_thread_in_a_process() -> None:
    assert process_thread() is process_thread()


async def test_nothing_is_loaded_until_it_is_needed(detector: SmartTurnDetector, model: HeldModel) -> None:
    assert model.loaded == 0
    await detector.prepare()
    await detector.prepare()
    assert model.loaded == 1


async def test_who_would_be_answered_late_is_not_answered(
    detector: SmartTurnDetector, model: HeldModel, clock: ManualClock
) -> None:
    first = asked(detector, b"first")
    await begun(model)
    clock.advance(0.2)
    second = asked(detector, b"second")
    await turn_of_the_loop()
    clock.advance(0.2)
    assert await first is None
    model.release.set()
    assert await second == SURE


async def test_what_waited_too_long_never_runs(
    detector: SmartTurnDetector, model: HeldModel, clock: ManualClock
) -> None:
    answers = [asked(detector, audio) for audio in (b"first", b"second")]
    await begun(model)
    clock.advance(0.3)
    assert await asyncio.gather(*answers) == [None, None]
    model.release.set()
    assert await detector.judge(b"third") == SURE
    assert model.judged == [b"first", b"third"]


async def test_a_call_that_asks_again_withdraws_what_it_asked_before(
    detector: SmartTurnDetector, model: HeldModel
) -> None:
    held = asked(detector, b"held", "other")
    await begun(model)
    older, newer = asked(detector, b"older", "call"), asked(detector, b"newer", "call")
    assert await older is None
    model.release.set()
    assert (await held, await newer) == (SURE, SURE)
    assert model.judged == [b"held", b"newer"]


async def test_a_judgement_under_way_is_replaced_too(detector: SmartTurnDetector, model: HeldModel) -> None:
    older = asked(detector, b"older", "call")
    await begun(model)
    newer = asked(detector, b"newer", "call")
    assert await older is None
    model.release.set()
    assert await newer == SURE


async def test_calls_without_a_name_do_not_replace_each_other(detector: SmartTurnDetector, model: HeldModel) -> None:
    model.release.set()
    assert set(await asyncio.gather(detector.judge(b"a"), detector.judge(b"b"))) == {SURE}


async def test_who_no_longer_waits_is_not_worked_for(detector: SmartTurnDetector, model: HeldModel) -> None:
    held, left = asked(detector, b"held"), asked(detector, b"left")
    await begun(model)
    left.cancel()
    await asyncio.wait([left])
    model.release.set()
    assert await held == SURE
    assert await detector.judge(b"next") == SURE
    assert model.judged == [b"held", b"next"]
    assert left.cancelled()


async def test_nothing_is_kept_of_answered_calls(
    detector: SmartTurnDetector, model: HeldModel, clock: ManualClock
) -> None:
    model.release.set()
    await asyncio.gather(*(detector.judge(b"a", call_id=f"call {number}") for number in range(20)))
    assert not detector._waiting
    assert not detector._latest
    assert clock.next_timer is None


async def test_who_waits_at_the_close_gets_no_opinion(detector: SmartTurnDetector, model: HeldModel) -> None:
    answers = [asked(detector, b"a"), asked(detector, b"b", "call")]
    await begun(model)
    await detector.close()
    await detector.close()
    assert await asyncio.gather(*answers) == [None, None]


async def test_a_model_that_fails_is_a_providers_failure(clock: ManualClock) -> None:
    detector = SmartTurnDetector(clock=clock, thread=ModelThread(BrokenModel))
    with pytest.raises(ProviderError, match="RuntimeError") as caught:
        await detector.judge(b"a")
    assert caught.value.retryable
    assert caught.value.provider == detector.name


async def test_a_model_that_cannot_be_loaded_says_what_to_do(clock: ManualClock) -> None:
    def missing() -> BrokenModel:
        raise ConfigurationError("The model is damaged.", next_step="Install it again.")

    detector = SmartTurnDetector(clock=clock, thread=ModelThread(missing))
    for attempt in (detector.prepare(), detector.judge(b"a")):
        with pytest.raises(ProviderError, match="damaged") as caught:
            await attempt
        assert caught.value.next_step == "Install it again."


async def test_the_real_model_gives_the_answer_it_gives_alone(clock: ManualClock) -> None:
    detector = SmartTurnDetector(clock=clock)
    audio = bytes([SILENCE]) * 8000
    await detector.prepare()
    assert await detector.judge(audio) == pytest.approx(SmartTurn().probability(audio))
