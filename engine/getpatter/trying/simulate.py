"""A conversation between an agent and a simulated caller, from the first word to the hang-up."""

from __future__ import annotations

from getpatter.agent import Agent
from getpatter.trying.record import Record
from getpatter.trying.simulated_callers import Caller
from getpatter.trying.trial_call import TrialCall

MAX_TURNS = 12


async def simulate(agent: Agent, caller: Caller, *, max_turns: int = MAX_TURNS) -> Record:
    """The whole conversation; `expect` and judges take it.

    It ends when either side hangs up, or the caller has said `max_turns` things.  Raises `PatterError` where agent
    or caller cannot be used, and `TimeoutError` where one of them does not come to an end.
    """
    async with TrialCall(agent) as call:
        await caller.talk(call, max_turns)
    return call.record
