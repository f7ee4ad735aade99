"""Whole calls in which anything happens at any time: what is told was heard, tools run once, and nothing is left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from functools import partial

from hypothesis import settings as examples
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from getpatter.agent import Agent, TurnSettings
from getpatter.barge_in import BargeInSettings
from getpatter.events import ToolCalled, Turn
from getpatter.llm.base import Message, ReplyPart, TextDelta, ToolCall, ToolSpec
from getpatter.testing.providers import SECONDS_A_WORD, CountingTTS, TellableSTT
from getpatter.testing.stage import Stage
from getpatter.tools.tool import tool

LONG = "one two three four five six seven eight nine ten"
BOOKED = "It is booked."
OWN = ("Hello, this is a test.", "Are you still there?", "I cannot hear anybody, so I will hang up now. Goodbye.")
SHUT_DOWN = "I am sorry, I have to end this call now. Goodbye."
FRAME = 160

barge_ins = st.builds(BargeInSettings, mode=st.sampled_from(("off", "cancel", "pause_resume", "confirm")))
turn_settings = st.builds(
    TurnSettings, while_speaking=barge_ins, while_thinking=barge_ins, preemptive=st.booleans(), patience=st.booleans()
)


class BookingLLM:
    """Books what it is asked to, each time it is asked in another tool call, and talks at length of anything else."""

    name = "booking"
    scripted = True

    def __init__(self) -> None:
        self.asked: list[list[Message]] = []

    async def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncGenerator[ReplyPart]:
        self.asked.append(list(messages))
        if messages[-1].role == "tool":
            yield TextDelta(BOOKED)
        elif "book" in messages[-1].content.split():
            yield ToolCall(f"call {len(self.asked)}", "book", f'{{"number": {len(self.asked)}}}')
        else:
            yield TextDelta(LONG)

    async def warm(self) -> None:
        pass

    async def close(self) -> None:
        pass


class Calls(RuleBasedStateMachine):
    """One call; `teardown` closes it wherever it is."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.booked: list[int] = []
        self.understood = 0
        self.returned = 0
        self.spoke = False

    def run(self, work: Coroutine[None, None, None]) -> None:
        self.loop.run_until_complete(work)

    def does(self, event: Callable[[], None]) -> None:
        """It happens on the event loop, and all that follows at once."""

        async def happen() -> None:
            event()
            await self.stage.settle()

        self.run(happen())

    @initialize(turns=turn_settings, greets=st.booleans())
    def answered(self, turns: TurnSettings, greets: bool) -> None:
        @tool
        async def book(number: int) -> str:
            """Book it."""
            self.booked.append(number)
            return "done"

        self.llm, self.stt = BookingLLM(), TellableSTT()
        self.stage = Stage(
            Agent(
                system_prompt="",
                llm=self.llm,
                stt=self.stt,
                tts=CountingTTS(),
                tools=(book,),
                turns=turns,
                first_message=OWN[0] if greets else "",
            )
        )
        self.run(self.stage.start())

    # -- what happens

    @rule(seconds=st.sampled_from((0.02, 0.1, 0.4, 1.0, 3.0)))
    def time_passes(self, seconds: float) -> None:
        self.run(self.stage.passes(seconds))

    @rule()
    def the_caller_begins(self) -> None:
        self.spoke = True
        self.run(self.stage.begins_to_speak())

    @precondition(lambda self: self.spoke)
    @rule(words=st.sampled_from(("", "hello there", "please book", "mm-hm", "my number is")))
    def the_caller_pauses(self, words: str) -> None:
        self.spoke = False
        self.stt.tell_next(words)
        self.run(self.stage.stops_speaking())

    @rule(words=st.sampled_from(("hello", "hello there", "please book")))
    def the_recogniser_guesses(self, words: str) -> None:
        self.does(partial(self.stt.opened[0].interim, words))

    @rule(last=st.booleans())
    def a_mark_comes_back(self, last: bool) -> None:
        if self.stage.marks:
            self.does(partial(self.stage.talk.mark_played, self.stage.marks[-1 if last else 0]))

    @rule()
    def a_key_is_pressed(self) -> None:
        self.does(partial(self.stage.talk.press, "5"))

    @rule()
    def the_engine_stops(self) -> None:
        if len(self.llm.asked) > 3:
            self.does(self.stage.talk.shut_down)

    # -- what holds

    @invariant()
    def a_tool_runs_once_and_for_what_was_said(self) -> None:
        assert len(set(self.booked)) == len(self.booked)
        said = " ".join(text for role, text in self.stage.turns() if role == "caller").split()
        assert len(self.booked) <= said.count("book"), "a guess books nothing"

    @invariant()
    def the_history_is_what_was_heard(self) -> None:
        if not self.llm.asked:
            return
        told = [message.content.rstrip("—") for message in self.llm.asked[-1] if message.role == "assistant"]
        heard = " ".join(text for role, text in self.stage.turns() if role == "agent")
        assert heard.startswith(" ".join(filter(None, told)))

    @invariant()
    def nothing_is_heard_that_was_not_played(self) -> None:
        """To a word, of those that were cut: how far an utterance got is told by its letters."""
        turns = [event for event in self.stage.events if isinstance(event, Turn) and event.role == "agent"]
        heard = sum(len(turn.text.split()) - bool(turn.unheard) for turn in turns)
        assert heard * SECONDS_A_WORD * 8000 <= len(self.stage.played) + FRAME

    def teardown(self) -> None:
        try:
            self.run(self._closed())
        finally:
            self.loop.close()

    async def _closed(self) -> None:
        stage = self.stage
        await stage.talk.close()
        stage.pacer.close()
        for event in stage.events:
            if isinstance(event, Turn) and event.role == "agent":
                assert f"{event.text} {event.unheard}".strip() in (
                    LONG,
                    BOOKED,
                    *OWN,
                    "I am sorry, I have to end this call now. Goodbye.",
                )
        assert len([event for event in stage.events if isinstance(event, ToolCalled)]) <= len(self.booked)
        assert stage.clock.next_timer is None, "a timer was left behind"
        assert asyncio.all_tasks() == {asyncio.current_task()}, "a task was left behind"


Calls.TestCase.settings = examples(max_examples=60, stateful_step_count=25)
TestCalls = Calls.TestCase
