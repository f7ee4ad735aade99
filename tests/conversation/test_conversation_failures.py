"""What fails in a conversation, and what becomes of it then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from getpatter.agent import Agent
from getpatter.errors import PartialReply, ProviderError
from getpatter.events import (
    Problem,
)
from getpatter.stt.base import SpeechHints
from getpatter.testing.providers import AnsweringLLM, CountingTTS, TellableSTT, ToldRecognition
from getpatter.testing.stage import Stage

SILENT = AnsweringLLM("")
LOST = ProviderError("The provider was lost.", provider="test")

StageFor = Callable[..., Stage]


# -- failures


async def test_a_recogniser_that_breaks_is_as_good_as_lost(stage_for: StageFor, stt: TellableSTT) -> None:
    stage = stage_for(AnsweringLLM("Yes."))
    await stage.start()
    stt.opened[0].fail(RuntimeError("a fault"))
    await stage.passes(8)
    assert stage.ended is not None
    assert stage.ended[1] is not None


async def test_a_voice_that_says_nothing_is_not_waited_for(stage_for: StageFor, tts: CountingTTS) -> None:
    tts.stalls = True
    stage = stage_for(AnsweringLLM("Yes."))
    await stage.start()
    await stage.says()
    await stage.passes(9)
    assert stage.ended is None
    await stage.passes(2)
    assert stage.ended is not None
    assert isinstance(stage.ended[1], ProviderError)


async def test_a_lost_recogniser_is_apologised_for_and_named(stage_for: StageFor, stt: TellableSTT) -> None:
    stage = stage_for(AnsweringLLM("Yes."))
    await stage.start()
    stt.opened[0].fail(LOST)
    await stage.passes(8)
    assert stage.turns()[-1][1].startswith("I am sorry, I have a technical problem")
    assert stage.ended is not None
    assert stage.ended[1] is LOST
    assert stage.happened(Problem)


async def test_a_recogniser_whose_connection_broke_is_connected_again(stage_for: StageFor, stt: TellableSTT) -> None:
    stage = stage_for(AnsweringLLM("Yes."))
    await stage.start()
    stt.opened[0].fail(ProviderError("The connection broke.", provider="told", retryable=True))
    await stage.passes(1)
    stt.tell_next("Are you there?")
    await stage.says()
    await stage.passes(1)
    assert len(stt.opened) == 2
    assert stage.turns()[-2:] == [("caller", "Are you there?"), ("agent", "Yes.")]
    assert stage.happened(Problem)
    assert stage.ended is None


async def test_a_lost_voice_ends_the_call_at_once(stage_for: StageFor, tts: CountingTTS) -> None:
    tts.fails = LOST
    stage = stage_for(AnsweringLLM("Yes."))
    await stage.start()
    await stage.says()
    assert stage.ended is not None
    assert stage.ended[1] is LOST


async def test_a_lost_language_model_is_apologised_for(stage_for: StageFor) -> None:
    stage = stage_for(AnsweringLLM(["One moment.", LOST]))
    await stage.start()
    await stage.says()
    await stage.passes(10)
    assert stage.turns()[-1][1].startswith("I am sorry, I have a technical problem")
    assert stage.ended is not None
    assert stage.ended[1] is LOST


async def test_a_recogniser_that_refuses_is_told_before_the_call(stt: TellableSTT, tts: CountingTTS) -> None:
    agent = Agent(system_prompt="", llm=AnsweringLLM("Yes."), stt=TellableSTT(refuses=LOST), tts=tts)
    stage = Stage(agent)
    with pytest.raises(ProviderError):
        await stage.talk.prepare()
    await stage.talk.close()


class NoDetector:
    """Cannot be loaded."""

    name = "none"
    threshold = 0.5

    async def prepare(self) -> None:
        raise LOST

    async def judge(self, audio: bytes, *, call_id: str = "") -> float:
        raise AssertionError("it was never prepared")

    async def close(self) -> None:
        pass


class WaitingSTT(TellableSTT):
    """Opens when it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()

    async def open(self, hints: SpeechHints) -> ToldRecognition:
        await self.go.wait()
        return await super().open(hints)


async def test_what_was_opening_is_not_opened_any_more_once_a_part_has_failed(tts: CountingTTS) -> None:
    stt = WaitingSTT()
    stage = Stage(Agent(system_prompt="", llm=SILENT, stt=stt, tts=tts, turn_detector=NoDetector()))
    with pytest.raises(ProviderError) as failed:
        await stage.talk.prepare()
    assert failed.value is LOST
    await stage.talk.close()
    stt.go.set()
    for _ in range(10):
        await asyncio.sleep(0)
    assert stt.opened == []
    assert all(voice.closed for voice in tts.opened)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_closing_in_mid_sentence_leaves_nothing_running(stage_for: StageFor) -> None:
    stage = stage_for(AnsweringLLM("one two three four five six seven eight nine ten"))
    await stage.start()
    await stage.says()
    await stage.passes(1)
    await stage.talk.close()
    sent = len(stage.played)
    await stage.passes(1)
    assert len(stage.played) == sent
    assert stage.turns()[-1] == ("agent", "one two")


# -- a model that breaks off


async def test_a_sentence_that_the_model_broke_off_in_does_not_end_the_call(stage_for: StageFor) -> None:
    lost = PartialReply("The model broke off.", provider="test", said="Your table")
    llm = AnsweringLLM(["Your table is booked.", lost], "I said, at seven.")
    stage = stage_for(llm)
    await stage.start()
    await stage.says()
    await stage.passes(3)
    assert stage.happened(Problem)
    assert stage.ended is None
    await stage.says()
    await stage.passes(3)
    assert stage.turns()[-1] == ("agent", "I said, at seven.")


async def test_a_yes_just_before_the_question_has_ended_answers_it(stage_for: StageFor, stt: TellableSTT) -> None:
    llm = AnsweringLLM("Shall I book it for two?", "Booked.")
    stage = stage_for(llm)
    await stage.start()
    stt.tell_next("a table", "yes")
    await stage.says()
    await stage.passes(1.9)
    await stage.says()
    await stage.passes(2)
    assert ("caller", "yes") in stage.turns()
    assert stage.turns()[-1] == ("agent", "Booked.")
