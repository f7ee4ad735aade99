"""Running a suite: all its conversations, several at once, and what became of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from getpatter.agent import Agent
from getpatter.clock import Clock, SystemClock
from getpatter.errors import ConfigurationError, PatterError
from getpatter.llm.base import LanguageModel
from getpatter.llm.scripted import ScriptedLLM
from getpatter.testing.parties import Directory, load_party
from getpatter.trying.agents import load_agent
from getpatter.trying.eval_session import EvalSession
from getpatter.trying.expectations import expect
from getpatter.trying.judge import LlmJudge
from getpatter.trying.record import Record, TurnResult
from getpatter.trying.simulate import simulate
from getpatter.trying.simulated_callers import Caller, LlmCaller, PartyCaller
from getpatter.trying.suite import Case, Suite, SuiteTurn

AT_ONCE = 4

Status = Literal["passed", "failed", "error", "skipped"]
"""`failed`: something that was expected is missing.  `error`: the conversation could not be held."""

_NO_MODEL = "needs a language model that plays the caller or judges: set PATTER_LLM_URL and PATTER_LLM_MODEL"


@dataclass(frozen=True, slots=True)
class CaseResult:
    name: str
    status: Status
    reason: str = ""
    """Why it did not pass; one line."""
    tags: tuple[str, ...] = ()
    conversation: str = ""
    """One line a turn."""
    took_s: float = 0.0
    """Real seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What the cases of a suite are run with."""

    folder: Path
    """Where relative paths begin."""
    default: Callable[[], Agent]
    """The agent of cases for which none is named; may raise `ConfigurationError`."""
    agent: str = ""
    """Takes the place of all agents that the suite names; relative to the working directory."""
    model: LanguageModel | None = None
    """Plays callers and judges; without it such cases are skipped."""
    parties: Directory = field(default_factory=Directory.load)
    clock: Clock = field(default_factory=SystemClock)


async def run_suite(
    suite: Suite,
    bench: Bench,
    *,
    at_once: int = AT_ONCE,
    on_done: Callable[[CaseResult], None] | None = None,
) -> Sequence[CaseResult]:
    """The results in the order of the cases; `on_done` is told each as it comes.  Raises `ConfigurationError`, before
    any conversation, for an agent, script or party that is not there."""
    prepared = [(case, _agent(suite, case, bench), _caller(case, bench)) for case in suite.cases]
    limit = asyncio.Semaphore(at_once)

    async def one(case: Case, agent: Agent, caller: Caller | None) -> CaseResult:
        async with limit:
            result = await _run(case, agent, caller, bench)
        if on_done is not None:
            on_done(result)
        return result

    return await asyncio.gather(*(one(*case) for case in prepared))


def _agent(suite: Suite, case: Case, bench: Bench) -> Agent:
    if bench.agent:
        agent = load_agent(bench.agent)
    elif place := case.agent or suite.agent:
        agent = load_agent(place, folder=bench.folder)
    else:
        agent = bench.default()
    script = case.script or suite.script
    return agent if script is None else replace(agent, llm=ScriptedLLM.from_file(bench.folder / script))


def _caller(case: Case, bench: Bench) -> Caller | None:
    """None for turns, and where nobody can play the caller."""
    if case.party:
        by_number = case.party.startswith("+")
        return PartyCaller(bench.parties.find(case.party) if by_number else load_party(bench.folder / case.party))
    if case.goal and bench.model is not None:
        return LlmCaller(bench.model, persona=case.persona or "An ordinary person.", goal=case.goal)
    return None


async def _run(case: Case, agent: Agent, caller: Caller | None, bench: Bench) -> CaseResult:
    began = bench.clock.now()
    conversation = _Conversation(case, agent, caller)
    status: Status = "passed"
    reason = ""
    try:
        if bench.model is None and (case.goal or case.intents):
            if not case.goal:
                await conversation.hold()
            status, reason = "skipped", _NO_MODEL
        else:
            await conversation.hold()
            await conversation.be_judged(bench.model)
    except AssertionError as missing:
        status, reason = "failed", str(missing).partition("\n")[0]
    except ConfigurationError:
        raise
    except (PatterError, TimeoutError, ValueError) as broken:
        status, reason = "error", str(broken).partition("\n")[0]
    return CaseResult(
        case.name, status, reason, case.tags, str(conversation.record), round(bench.clock.now() - began, 3)
    )


class _Conversation:
    """One case under way."""

    def __init__(self, case: Case, agent: Agent, caller: Caller | None) -> None:
        self._case = case
        self._agent = agent
        self._caller = caller
        self.record = Record(())

    async def hold(self) -> None:
        """Have the conversation and check it.  Raises `AssertionError`."""
        if self._caller is not None:
            self.record = await simulate(self._agent, self._caller, max_turns=self._case.max_turns)
        else:
            await self._take_turns()
        self._check(self.record, self._case)

    async def be_judged(self, model: LanguageModel | None) -> None:
        """Raises `AssertionError`, or `ProviderError` without a verdict."""
        for intent in self._case.intents if model is not None else ():
            assert model is not None
            await expect(self.record).judge(LlmJudge(model), intent=intent)

    async def _take_turns(self) -> None:
        async with EvalSession(self._agent) as session:
            for number, turn in enumerate(self._case.turns, 1):
                try:
                    self._check(await self._take(session, turn), turn)
                except AssertionError as missing:
                    raise AssertionError(f"Turn {number}: {missing}") from None
                finally:
                    self.record = session.record
        self.record = session.record

    async def _take(self, session: EvalSession, turn: SuiteTurn) -> TurnResult:
        if turn.user is not None:
            return await session.user_says(turn.user, interrupt_after_words=turn.interrupt_after_words)
        if turn.press is not None:
            return await session.user_presses(turn.press)
        return await session.silence(turn.silence or 0.0)

    @staticmethod
    def _check(result: Record, expected: Case | SuiteTurn) -> None:
        held = expect(result)
        held.agent_text_contains(*expected.expected_contains).agent_text_lacks(*expected.expected_lacks)
        for name, arguments in expected.expected_tools.items():
            held.tool_called(name, arguments)
