"""Trying an agent without telephone and sound: in a terminal, in tests, and with simulated callers.

The conversation is that of a call: turn machine, hooks, tools, guardrails, text transforms and the agent's own
language model.  Only its ear and its voice are text, and its clock waits for nobody but the model and the tools.
"""

from getpatter.trying.agents import default_agent, load_agent
from getpatter.trying.eval_session import EvalSession
from getpatter.trying.expectations import Expectation, expect
from getpatter.trying.judge import Judge, LlmJudge, Verdict
from getpatter.trying.record import Record, ToolUse, TurnResult
from getpatter.trying.simulate import simulate
from getpatter.trying.simulated_callers import Caller, LlmCaller, PartyCaller
from getpatter.trying.terminal import run
from getpatter.trying.text_ear import TextEar
from getpatter.trying.text_voice import TextVoice
from getpatter.trying.trial_call import Listeners, TrialCall

__all__ = [
    "Caller",
    "EvalSession",
    "Expectation",
    "Judge",
    "Listeners",
    "LlmCaller",
    "LlmJudge",
    "PartyCaller",
    "Record",
    "TextEar",
    "TextVoice",
    "ToolUse",
    "TrialCall",
    "TurnResult",
    "Verdict",
    "default_agent",
    "expect",
    "load_agent",
    "run",
    "simulate",
]
