"""What users of voice agents complain about most, one call each that shows it does not happen here."""

from __future__ import annotations

import asyncio
import gc
import wave
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from getpatter.agent import TurnSettings
from getpatter.audio.format import LINE, AudioFormat
from getpatter.audio.smart_turn import SmartTurn
from getpatter.audio.transcode import Transcoder
from getpatter.barge_in import BargeInSettings, MinWordsStrategy
from getpatter.clock import sleep
from getpatter.conversation.hearing import LAST_WORDS_S
from getpatter.errors import ProviderError
from getpatter.events import BargeIn, FalseInterruption, Turn
from getpatter.llm.base import Message, ReplyPart, ToolCall, ToolSpec
from getpatter.stt.base import SpeechHints
from getpatter.testing.clock import ManualClock
from getpatter.testing.providers import AnsweringLLM, CountingTTS, CountingVoice, TellableSTT, ToldRecognition
from getpatter.testing.stage import Stage
from getpatter.tts.base import SpeechChunk

RECORDED_SPEECH = Path(__file__).parents[3] / "shared" / "data" / "speech" / "austen-0870.wav"

CallOf = Callable[..., Stage]

TEN = "one two three four five six seven eight nine ten"
GOODBYE: list[str | ToolCall | ProviderError] = ["Goodbye and thank you.", ToolCall("1", "end_call", "{}")]


def dismissed(stage: Stage) -> list[str]:
    return [event.kind for event in stage.events if isinstance(event, FalseInterruption)]


# -- the agent is interrupted by what is no interruption


async def test_the_agent_does_not_interrupt_itself_over_a_speaker_phone(call_of: CallOf) -> None:
    stt, answer = TellableSTT(["a table"]), "Your table is ready for two people at seven tonight."
    stage = call_of(stt=stt, llm=AnsweringLLM(answer))
    await stage.start()
    await stage.says()
    for echo_after_s, words in ((1.8, "table is ready"), (1.2, "for two people")):
        await stage.passes(echo_after_s)
        stt.tell_next(words)
        await stage.says()
    await stage.passes(5)
    assert stage.turns() == [("caller", "a table"), ("agent", answer)]
    assert set(dismissed(stage)) == {"echo"}
    assert not stage.happened(BargeIn)


async def test_a_listeners_noises_do_not_take_the_turn_and_answer_a_question_all_the_same(call_of: CallOf) -> None:
    stt = TellableSTT(["a table", "mm-hm", "okay", "yes"])
    stage = call_of(stt=stt, llm=AnsweringLLM(TEN, "Shall I book it?", "It is booked."))
    await stage.start()
    await stage.says()
    await stage.passes(1.4)
    await stage.says()
    assert dismissed(stage) == ["backchannel"]
    await stage.passes(5)
    assert stage.turns() == [("caller", "a table"), ("agent", TEN)]
    await stage.says()
    await stage.passes(2.5)
    await stage.says()
    await stage.passes(2.5)
    assert stage.turns()[2:] == [
        ("caller", "okay"),
        ("agent", "Shall I book it?"),
        ("caller", "yes"),
        ("agent", "It is booked."),
    ]


async def test_a_noise_that_grows_into_a_sentence_is_heard_out(call_of: CallOf) -> None:
    confirm = BargeInSettings(mode="confirm", confirm_s=0.5)
    stt = TellableSTT(["a table", "okay", "but not before seven"])
    stage = call_of(stt=stt, llm=AnsweringLLM(TEN, "At eight."), turns=TurnSettings(while_speaking=confirm))
    await stage.start()
    await stage.says()
    await stage.passes(1.0)
    await stage.begins_to_speak()
    await stage.passes(0.6)
    assert dismissed(stage) == ["backchannel"]
    await stage.begins_to_speak()  # it goes on
    await stage.passes(0.6)
    await stage.stops_speaking()
    await stage.passes(2)
    assert stage.turns()[2:] == [("caller", "but not before seven"), ("agent", "At eight.")]


# -- hard to interrupt, and patient


async def test_an_agent_may_be_hard_to_interrupt_and_patient_with_slow_speakers(call_of: CallOf) -> None:
    settings = TurnSettings(
        while_speaking=BargeInSettings(mode="confirm", strategies=(MinWordsStrategy(min_words=3),)),
        while_thinking=BargeInSettings(mode="cancel"),
    )
    stt = TellableSTT(["my number is five five", "one two", "excuse me"])
    stage = call_of(stt=stt, turns=settings, llm=AnsweringLLM(TEN))
    await stage.start()
    await stage.says()
    await stage.passes(0.3)
    assert stage.turns() == [], "a number seldom ends after two digits"
    await stage.says()
    await stage.passes(3)
    assert stage.turns() == [("caller", "my number is five five one two")]
    assert stage.played
    await stage.says()
    await stage.passes(5)
    assert stage.turns()[1:] == [("agent", TEN)], "two words are no interruption"
    assert stage.clears == 0


async def test_one_word_while_the_agent_thinks_is_not_talked_over(call_of: CallOf, clock: ManualClock) -> None:
    settings = TurnSettings(
        while_speaking=BargeInSettings(strategies=(MinWordsStrategy(min_words=3),)),
        while_thinking=BargeInSettings(mode="cancel"),
    )
    stt = TellableSTT(["a table for two", "Tuesday"])
    stage = call_of(stt=stt, turns=settings, llm=SlowLLM(clock, "Very well."))
    await stage.start()
    await stage.says()
    await stage.passes(1)
    await stage.says()
    await stage.passes(6)
    assert stage.turns() == [("caller", "a table for two"), ("caller", "Tuesday"), ("agent", "Very well.")]


class InlineDetector:
    """The real model, without the thread that it has to itself elsewhere."""

    name = "inline"
    threshold = 0.5

    def __init__(self) -> None:
        self._model = SmartTurn()
        self.judged: list[float] = []

    async def prepare(self) -> None:
        pass

    async def judge(self, audio: bytes, *, call_id: str = "") -> float | None:
        self.judged.append(self._model.probability(audio))
        return self.judged[-1]

    async def close(self) -> None:
        pass


@pytest.mark.parametrize(("until_s", "complete"), [(7.1, True), (2.1, False)])
async def test_the_turn_model_is_right_about_telephone_sound(call_of: CallOf, until_s: float, complete: bool) -> None:
    if not RECORDED_SPEECH.is_file():
        pytest.skip(f"there is no {RECORDED_SPEECH}")
    with wave.open(str(RECORDED_SPEECH)) as file:
        wide = file.readframes(round(until_s * file.getframerate()))
    telephone = Transcoder(AudioFormat("pcm16", 16_000), LINE)
    sound = telephone.feed(wide) + telephone.flush()
    detector = InlineDetector()
    stage = call_of(stt=TellableSTT(["words"]), turn_detector=detector, turns=TurnSettings(patience=False))
    await stage.start()
    await stage.begins_to_speak()
    stage.talk.hear(sound)
    await stage.stops_speaking()
    assert [probability >= detector.threshold for probability in detector.judged] == [complete]
    assert bool(stage.played) == complete, "the rest is waited for, and no longer"
    await stage.passes(1)
    assert stage.played


# -- slow, and nobody knows why


class SlowLLM(AnsweringLLM):
    def __init__(self, clock: ManualClock, *answers: str) -> None:
        super().__init__(*answers)
        self._clock = clock

    async def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncGenerator[ReplyPart]:
        await sleep(self._clock, 2)
        async for part in super().reply(messages, tools):
            yield part


class SlowVoice(CountingVoice):
    def __init__(self, owner: CountingTTS, clock: ManualClock) -> None:
        super().__init__(owner)
        self._clock = clock

    async def synthesize(self, text: str) -> AsyncGenerator[SpeechChunk]:
        await sleep(self._clock, 2)
        async for chunk in super().synthesize(text):
            yield chunk


class SlowTTS(CountingTTS):
    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self._clock = clock

    async def open(self, language: str = "en-US") -> CountingVoice:
        return SlowVoice(self, self._clock)


class SlowSTT(TellableSTT):
    def __init__(self, clock: ManualClock, words: Sequence[str]) -> None:
        super().__init__(words)
        self._clock = clock

    async def open(self, hints: SpeechHints) -> ToldRecognition:
        recognition = await super().open(hints)
        at_once = recognition.finalize

        def later() -> None:
            self._clock.call_at(self._clock.now() + 2, at_once)

        recognition.finalize = later  # type: ignore[method-assign]  # only when it understands differs
        return recognition


@pytest.mark.parametrize("guilty", ["stt_ms", "llm_ttft_ms", "tts_ms"])
async def test_a_slow_answer_names_the_guilty_stage(call_of: CallOf, clock: ManualClock, guilty: str) -> None:
    stage = call_of(
        stt=SlowSTT(clock, ["a table"]) if guilty == "stt_ms" else TellableSTT(["a table"]),
        llm=SlowLLM(clock, "Yes.") if guilty == "llm_ttft_ms" else AnsweringLLM("Yes."),
        tts=SlowTTS(clock) if guilty == "tts_ms" else CountingTTS(),
    )
    await stage.start()
    await stage.says()
    await stage.passes(5)
    latency = stage.last_turn().latency
    parts = {"stt_ms": latency.stt_ms, "llm_ttft_ms": latency.llm_ttft_ms, "tts_ms": latency.tts_ms}
    assert {name for name, part in parts.items() if part is not None and part >= 1900} == {guilty}
    assert sum(part or 0 for part in parts.values()) == pytest.approx(2000, abs=60)
    assert latency.engine_ms == pytest.approx(0, abs=20)
    assert latency.response_ms == pytest.approx(2000 + 512, abs=60), "the whole is its parts and the silence"


async def test_the_greeting_is_on_the_line_with_its_first_frame(call_of: CallOf, clock: ManualClock) -> None:
    """Everything was opened while it rang, and no model is asked."""
    llm = AnsweringLLM("Never asked.")
    stage = call_of(llm=llm, first_message="Good morning. How may I help?")
    await stage.talk.prepare()
    answered = clock.now()
    stage.talk.start(stage)
    await stage.settle()
    assert len(stage.played) >= 160
    assert clock.now() == answered
    assert llm.asked == []


async def test_looking_out_for_machines_does_not_delay_the_greeting(call_of: CallOf, clock: ManualClock) -> None:
    greeting, message = "Hello, this is a test.", "Please call me back."
    stt = TellableSTT(["Please leave a message after the tone."])
    stage = call_of(outbound=True, stt=stt, first_message=greeting, voicemail_message=message)
    await stage.start()
    assert clock.now() == 0.0
    assert len(stage.played) >= 160, "before anything is known of who took the call"
    stage.talk.machine_detected(greeting_ended=True)
    await stage.passes(8)
    assert stage.turns()[-1] == ("agent", message)
    assert stage.ended is not None


# -- what was heard


async def test_a_goodbye_is_heard_and_a_voice_over_it_does_not_undo_the_end(call_of: CallOf) -> None:
    stt = TellableSTT(["thank you", "wait a moment please"])
    stage = call_of(stt=stt, llm=AnsweringLLM(GOODBYE))
    await stage.start()
    await stage.says()
    await stage.passes(0.4)
    await stage.says()
    assert stage.ended is None
    await stage.passes(2)
    assert stage.ended is not None
    assert stage.ended[0].ended_by == "agent"
    assert stage.turns()[-1] == ("agent", "Goodbye and thank you.")
    assert stage.clears == 0


@pytest.mark.parametrize("late_s", [13.0, None], ids=["late", "never"])
async def test_marks_that_are_late_or_lost_hold_nothing_up(
    call_of: CallOf, clock: ManualClock, late_s: float | None
) -> None:
    stt = TellableSTT(["a table", "at seven", "thank you"])
    stage = call_of(stt=stt, llm=AnsweringLLM("For how many people?", "Very well.", GOODBYE))
    await stage.start()
    for _ in range(3):
        await stage.says()
        sent = set(stage.marks)
        await stage.passes(2.5)
        for name in stage.marks:
            if late_s is not None and name not in sent:
                clock.call_at(clock.now() + late_s, lambda name=name: stage.talk.mark_played(name))  # type: ignore[misc]  # bound now
    assert stage.turns()[1::2] == [
        ("agent", "For how many people?"),
        ("agent", "Very well."),
        ("agent", "Goodbye and thank you."),
    ]
    assert stage.ended is not None
    assert clock.now() < 12, "the clock says when it was heard"
    await stage.passes(15)


async def test_a_call_without_a_single_mark_ends_at_its_limit(call_of: CallOf, clock: ManualClock) -> None:
    stt = TellableSTT(["go on"] * 20)
    stage = call_of(stt=stt, llm=AnsweringLLM(TEN), turns=TurnSettings(max_duration_s=20.0))
    await stage.start()
    while stage.ended is None and clock.now() < 60:
        await stage.says()
        await stage.passes(3)
    assert stage.ended is not None
    assert stage.ended[0].ended_by == "limit"
    assert clock.now() < 30


async def test_the_model_is_told_the_words_that_were_heard_and_no_others(call_of: CallOf) -> None:
    llm = AnsweringLLM(TEN, "Go on.")
    stage = call_of(stt=TellableSTT(["a table", "at seven please"]), llm=llm)
    await stage.start()
    await stage.says()
    await stage.passes(2)
    await stage.says()
    await stage.passes(2)
    told = [message.content.rstrip("—") for message in llm.asked[1] if message.role == "assistant"]
    cut = next(event for event in stage.events if isinstance(event, Turn) and event.interrupted)
    assert told == [cut.text]
    assert f"{cut.text} {cut.unheard}" == TEN
    assert 3 <= len(cut.text.split()) <= 6, "two seconds of five words each two"


# -- what is left


@pytest.fixture
def only_new_objects() -> Iterator[None]:
    """The collector counts what is made from here on; what hundreds of tests before have left takes it seconds."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


async def test_a_long_call_does_not_grow(call_of: CallOf, only_new_objects: None) -> None:
    """Objects, not bytes: what is said stays in the history, and nothing else stays beyond the latest words."""
    llm = AnsweringLLM("Very well.")
    stt = TellableSTT()
    stage = call_of(stt=stt, llm=llm, turns=TurnSettings(max_duration_s=36_000.0))
    await stage.start()
    counts = []
    for _ in range(10):
        for _ in range(20):
            stt.tell("a table")
            await stage.says()
            await stage.passes(1.5)
            stage.talk.mark_played(stage.marks[-1])
        for kept_by_the_test in (stage.events, stage.marks, stage.played, llm.asked):
            kept_by_the_test.clear()
        await stage.passes(1)
        gc.collect()
        counts.append(len(gc.get_objects()))
    # What else goes on in the process makes objects now and then; what the call keeps comes with every round.
    grown = [after - before for before, after in pairwise(counts)][-4:]
    assert min(grown) <= 20 * 3, "a turn is two entries of the history"


STATES = ("ringing", "greeting", "listening", "speaking", "recognising", "thinking", "answering", "paused", "goodbye")


@pytest.mark.parametrize("state", STATES)
async def test_a_call_that_is_cut_off_anywhere_leaves_nothing_running(
    call_of: CallOf, clock: ManualClock, state: str
) -> None:
    """What is left is counted when `call_of` has closed it."""
    stage = call_of(
        stt=SlowSTT(clock, ["a table", "wait"]) if state == "recognising" else TellableSTT(["a table", "wait"]),
        llm=SlowLLM(clock, TEN) if state == "thinking" else AnsweringLLM(GOODBYE if state == "goodbye" else TEN),
        first_message="Good morning to you." if state == "greeting" else "",
    )
    await stage.talk.prepare()
    if state == "ringing":
        return
    stage.talk.start(stage)
    await stage.settle()
    if state not in ("greeting", "listening"):
        await stage.begins_to_speak()
    if state not in ("greeting", "listening", "speaking"):
        await stage.stops_speaking()
    if state in ("answering", "paused", "goodbye"):
        await stage.passes(0.5)
        assert stage.played
    if state == "paused":
        await stage.begins_to_speak()
        assert stage.clears == 1
    sent = len(stage.played)
    closing = asyncio.create_task(stage.talk.close())
    await stage.settle()
    await stage.passes(LAST_WORDS_S + 0.1)
    async with asyncio.timeout(60):
        await closing
    await stage.passes(3)
    assert len(stage.played) == sent, "nothing is said into a line that is gone"
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_line_that_is_dead_for_some_seconds_is_talked_on_when_it_is_back(call_of: CallOf) -> None:
    """No window reaches the voice detector meanwhile, so the caller is held to speak on."""
    stage = call_of(stt=TellableSTT(["a table for two"]), llm=AnsweringLLM("At what time?"))
    await stage.start()
    await stage.begins_to_speak()
    await stage.passes(8)
    assert not stage.played
    await stage.stops_speaking()
    await stage.passes(3)
    assert stage.turns() == [("caller", "a table for two"), ("agent", "At what time?")]
