"""Calls in which an engine decides anything at any time: what is told was heard, tools run once, nothing is left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial

from hypothesis import settings as examples
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from getpatter.agent import Agent, TurnSettings
from getpatter.barge_in import BargeInSettings
from getpatter.events import ToolCalled, Turn
from getpatter.llm.base import ToolCall
from getpatter.testing.providers import SECONDS_A_WORD
from getpatter.testing.realtime_session import Spoken
from getpatter.testing.stage import Stage
from getpatter.testing.told_leader import LeadingEngine
from getpatter.tools.tool import tool

LONG = "one two three four five six seven eight nine ten"
BOOKED = "It is booked."
GREETING = "Hello, this is a test."
FRAME = 160

barge_ins = st.builds(BargeInSettings, mode=st.sampled_from(("off", "cancel", "pause_resume", "confirm")))
turn_settings = st.builds(
    TurnSettings, while_speaking=barge_ins, while_thinking=barge_ins, preemptive=st.booleans(), patience=st.booleans()
)


class Talker(LeadingEngine):
    """Talks at length, books when it is told to, and says when it has."""

    def __init__(self) -> None:
        super().__init__(LONG)
        self.calls = 0
        self.next: str | None = None

    def next_answer(self) -> Spoken:
        asked, self.next = self.next, None
        if asked != "book":
            return Spoken(BOOKED if asked == "booked" else LONG)
        self.calls += 1
        return Spoken(LONG, tool_calls=(ToolCall(f"call {self.calls}", "book", f'{{"number": {self.calls}}}'),))


class ManagedCalls(RuleBasedStateMachine):
    """One call; `teardown` closes it wherever it is."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.engine = Talker()
        self.booked: list[int] = []
        self.spoke = False

    def run(self, work: Coroutine[None, None, None]) -> None:
        self.loop.run_until_complete(work)

    def does(self, event: Callable[[], None]) -> None:
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
            self.engine.next = "booked"
            return "done"

        self.stage = Stage(
            Agent(
                system_prompt="",
                engine=self.engine,
                tools=(book,),
                turns=turns,
                first_message=GREETING if greets else "",
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
    @rule()
    def the_caller_pauses(self) -> None:
        self.spoke = False
        self.run(self.stage.stops_speaking())

    @rule(words=st.sampled_from(("", "hello there", "mm-hm")), books=st.booleans())
    def the_engine_takes_the_turn(self, words: str, books: bool) -> None:
        self.engine.next = "book" if books else None
        self.does(partial(self.engine.session.takes_turn, words))

    @rule()
    def the_engine_takes_the_turn_and_thinks(self) -> None:
        self.does(partial(self.engine.session.takes_turn, "well", silently=True))

    @rule()
    def the_engine_understands_late(self) -> None:
        self.does(partial(self.engine.session.understands_late, "hello"))

    @rule()
    def the_engine_speaks_up(self) -> None:
        self.does(self.engine.session.speaks_up)

    @rule()
    def the_engine_hears_an_interruption(self) -> None:
        self.does(self.engine.session.hears_interruption)

    @rule()
    def the_connection_breaks(self) -> None:
        self.does(self.engine.session.lose)

    @rule()
    def a_key_is_pressed(self) -> None:
        self.does(partial(self.stage.talk.press, "5"))

    # -- what holds

    @invariant()
    def a_tool_runs_once(self) -> None:
        assert len(set(self.booked)) == len(self.booked) <= self.engine.calls

    @invariant()
    def the_history_is_what_was_heard(self) -> None:
        """Save of a reply whose tool is at work: its words stand before the call until it is over."""
        replies = [message for message in self.engine.session.config.history if message.role == "assistant"]
        heard = " ".join(text for role, text in self.stage.turns() if role == "agent")
        assert all(reply.content.replace("—", "") in heard for reply in replies if not reply.tool_calls)

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
        closing = asyncio.create_task(stage.talk.close())
        while not closing.done():  # for a second it waits for the words of a caller who was speaking
            await stage.passes(0.1)
        stage.pacer.close()
        assert len([event for event in stage.events if isinstance(event, ToolCalled)]) <= len(self.booked)
        assert stage.clock.next_timer is None, "a timer was left behind"
        assert asyncio.all_tasks() == {asyncio.current_task()}, "a task was left behind"


ManagedCalls.TestCase.settings = examples(max_examples=40, stateful_step_count=25)
TestManagedCalls = ManagedCalls.TestCase
