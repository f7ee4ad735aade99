"""A scripted conversation for tests: what the user says, one turn after the other, on a clock that takes no time."""

from __future__ import annotations

from dataclasses import replace
from types import TracebackType
from typing import Self

from getpatter.agent import Agent
from getpatter.events import Event
from getpatter.llm.base import LanguageModel
from getpatter.trying.record import Record, TurnResult
from getpatter.trying.text_voice import Spoken
from getpatter.trying.trial_call import TURN_LIMIT_S, Listeners, TrialCall


class EvalSession:
    """Says what a test has the user say, through the turn machine, hooks, tools and guardrails of a real call.

        async with EvalSession(agent, llm=AnsweringLLM("At seven.")) as session:
            result = await session.user_says("When do you open?")
            expect(result).agent_text_contains("seven").not_interrupted()

    Entering has the agent say its first message, to the end.
    """

    def __init__(self, agent: Agent, llm: LanguageModel | None = None) -> None:
        """With `llm` that model takes the place of the agent's own."""
        if llm is not None:
            agent = replace(agent, llm=llm)
        self._call = TrialCall(agent, listeners=Listeners(sound=self._sounds))
        self._sounded: list[Spoken] = []
        self._told = 0

    async def __aenter__(self) -> Self:
        """Raises `PatterError` where the agent cannot be used."""
        await self._call.__aenter__()
        await self._call.settled()
        self._told = len(self._call.events)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._call.__aexit__(kind, error, trace)

    @property
    def over(self) -> bool:
        """Somebody has hung up."""
        return self._call.ended is not None

    @property
    def record(self) -> Record:
        """The conversation so far."""
        return self._call.record

    async def user_says(self, text: str, *, interrupt_after_words: int | None = None) -> TurnResult:
        """What came of these words: the agent's answer was heard to its end, tools have run.

        With `interrupt_after_words` the user is about to interrupt: this returns when that many words of the answer
        were heard, and what they say next is said over the rest.  An answer with no more words is heard to its end.
        Raises `TimeoutError` when the agent does not come to an end, and `ValueError` when the call is over.
        """
        self._begin()
        self._call.say(text)
        return await self._answered(text, interrupt_after_words)

    async def user_presses(self, digits: str) -> TurnResult:
        """What came of these keys.  Raises as `user_says`."""
        self._begin()
        self._call.press(digits)
        return await self._answered(f"[pressed {' '.join(digits)}]", None)

    async def silence(self, seconds: float) -> TurnResult:
        """What comes of the user saying nothing for so long.  Raises as `user_says`."""
        self._begin()
        await self._call.until(lambda: False, limit_s=seconds)
        return await self._answered("", None)

    def _begin(self) -> None:
        if self.over:
            raise ValueError(f"The call is over, nobody hears the user any more.\n{self.record}")

    async def _answered(self, text: str, interrupt_after_words: int | None) -> TurnResult:
        before = tuple(self._call.events[: self._told])
        cut = interrupt_after_words is not None and await self._words(interrupt_after_words)
        if not cut:
            await self._call.settled()
        events: tuple[Event, ...] = tuple(self._call.events[self._told :])
        self._told = len(self._call.events)
        record = self._call.record
        return TurnResult(
            events=events,
            system_prompt=record.system_prompt,
            user_text=text,
            history_snapshot=tuple(record.messages),
            before=before,
            interrupted_after=self._heard(interrupt_after_words or 0) if cut else None,
        )

    async def _words(self, count: int) -> bool:
        """Let the answer sound for this many words; False when it is over with fewer."""
        await self._call.until(lambda: not self._call.settles, limit_s=1.0)
        self._sounded.clear()
        await self._call.until(
            lambda: self._call.settles or self._enough(count),
            limit_s=TURN_LIMIT_S,
        )
        return self._enough(count) and not self._call.settles and not self.over

    def _enough(self, count: int) -> bool:
        """The word after these has begun, so that they were heard, and all others were not."""
        return self._call.agent_sounding and sum(spoken.sounded_words for spoken in self._sounded) > count

    def _heard(self, count: int) -> str:
        return " ".join([word for spoken in self._sounded for word in spoken.words][:count])

    def _sounds(self, spoken: Spoken) -> None:
        if not any(spoken is other for other in self._sounded):
            self._sounded.append(spoken)
