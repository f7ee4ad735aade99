from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from getpatter.agent import Agent
from getpatter.errors import CarrierError, ConfigurationError
from getpatter.llm.base import LanguageModel
from getpatter.testing.providers import AnsweringLLM, tool_call
from getpatter.trying.suite import Suite
from getpatter.trying.suite_run import Bench, CaseResult, run_suite

AgentFor = Callable[..., Agent]


async def results(
    agent: Agent, folder: Path, *cases: dict[str, Any], model: LanguageModel | None = None, at_once: int = 4
) -> list[CaseResult]:
    suite = Suite.model_validate({"name": "test", "cases": cases})
    bench = Bench(folder=folder, default=lambda: agent, model=model)
    return list(await run_suite(suite, bench, at_once=at_once))


async def test_what_is_expected_of_turns_and_of_the_whole_is_checked(agent_for: AgentFor, tmp_path: Path) -> None:
    agent = agent_for(AnsweringLLM(["At seven.", tool_call("end_call")]))
    turn = {"user": "When do you open?", "expected_contains": "seven"}
    passed, failed, whole = await results(
        agent,
        tmp_path,
        {"name": "passes", "turns": [turn], "expected_tools": "end_call"},
        {"name": "fails", "turns": [turn | {"expected_lacks": "seven"}]},
        {"name": "lacks", "turns": [turn], "expected_tools": {"book": {}}},
    )
    assert (passed.status, passed.reason) == ("passed", "")
    assert (failed.status, failed.reason) == ("failed", "Turn 1: The agent said 'seven'.")
    assert (whole.status, whole.reason) == ("failed", "The tool book was not called (called: end_call).")
    assert "agent  At seven." in failed.conversation


async def test_a_turn_after_the_end_is_an_error(agent_for: AgentFor, tmp_path: Path) -> None:
    agent = agent_for(AnsweringLLM(["Goodbye.", tool_call("end_call")]))
    (result,) = await results(agent, tmp_path, {"name": "a", "turns": [{"user": "Bye."}, {"user": "Hello?"}]})
    assert result.status == "error"
    assert "over" in result.reason


async def test_keys_silence_and_interruptions_are_turns(agent_for: AgentFor, tmp_path: Path) -> None:
    agent = agent_for(AnsweringLLM("We open at seven and close at noon every day.", "Yes.", "Thank you."))
    turns = [
        {"user": "When do you open?", "interrupt_after_words": 2, "expected_lacks": "noon"},
        {"user": "Do you have bread?", "expected_contains": "Yes."},
        {"press": "12", "expected_contains": "Thank you."},
        {"silence": 13, "expected_contains": "still there"},
    ]
    (result,) = await results(agent, tmp_path, {"name": "a", "turns": turns})
    assert (result.status, result.reason) == ("passed", "")


async def test_without_a_model_what_needs_one_is_skipped_and_the_rest_is_checked(
    agent_for: AgentFor, tmp_path: Path
) -> None:
    agent = agent_for(AnsweringLLM("Hello."))
    played, judged, failed = await results(
        agent,
        tmp_path,
        {"name": "played", "goal": "Book a table."},
        {"name": "judged", "turns": [{"user": "Hello."}], "rubric": "Is kind."},
        {"name": "failed", "turns": [{"user": "Hello.", "expected_contains": "seven"}], "rubric": "Is kind."},
    )
    assert [played.status, judged.status, failed.status] == ["skipped", "skipped", "failed"]
    assert "PATTER_LLM_URL" in played.reason


async def test_a_model_plays_the_caller_and_judges(agent_for: AgentFor, tmp_path: Path) -> None:
    model = AnsweringLLM(
        ["A table. Goodbye.", tool_call("hang_up")],
        '{"passed": true}',
        '{"passed": false, "reason": "It was curt."}',
    )
    case = {"name": "a", "goal": "Book a table.", "expected_behavior": "Answers.", "rubric": "Is kind."}
    (result,) = await results(agent_for(AnsweringLLM("No.")), tmp_path, case, model=model)
    assert result.status == "failed"
    assert "It was curt." in result.reason


async def test_a_judge_without_a_verdict_is_an_error(agent_for: AgentFor, tmp_path: Path) -> None:
    case = {"name": "a", "turns": [{"user": "Hello."}], "rubric": "Is kind."}
    (result,) = await results(agent_for(AnsweringLLM("Hello.")), tmp_path, case, model=AnsweringLLM("Hm."))
    assert result.status == "error"


async def test_a_party_calls(agent_for: AgentFor, tmp_path: Path) -> None:
    (result,) = await results(
        agent_for(AnsweringLLM("At seven."), first_message="Hello."),
        tmp_path,
        {"name": "a", "party": "+12025550107", "expected_contains": "seven"},
    )
    assert (result.status, result.reason) == ("passed", "")


async def test_a_script_answers_in_place_of_the_model(agent_for: AgentFor, tmp_path: Path) -> None:
    (tmp_path / "script.yaml").write_text("title: t\nfallback: [{say: From the script.}, {say: Bye., end: true}]\n")
    case = {"name": "a", "script": "script.yaml", "turns": [{"user": "Hi.", "expected_contains": "From the script."}]}
    (result,) = await results(agent_for(AnsweringLLM("No.")), tmp_path, case)
    assert (result.status, result.reason) == ("passed", "")


async def test_what_is_missing_is_told_before_any_conversation(agent_for: AgentFor, tmp_path: Path) -> None:
    llm = AnsweringLLM("Hello.")
    held = {"name": "held", "turns": [{"user": "Hello."}]}
    with pytest.raises(ConfigurationError, match=r"nowhere\.py"):
        await results(agent_for(llm), tmp_path, held, {"name": "a", "agent": "nowhere.py", "party": "+12025550100"})
    with pytest.raises(CarrierError, match="Nobody"):
        await results(agent_for(llm), tmp_path, held, {"name": "a", "party": "+12025559999"})
    assert llm.asked == []


async def test_no_more_than_the_limit_are_held_at_once(agent_for: AgentFor, tmp_path: Path) -> None:
    live = most = 0

    class Counting(AnsweringLLM):
        async def warm(self) -> None:
            nonlocal live, most
            live += 1
            most = max(most, live)

    def done(result: CaseResult) -> None:
        nonlocal live
        live -= 1
        order.append(result.name)

    order: list[str] = []
    agent = agent_for(Counting("Hello."))
    cases = [{"name": str(number), "turns": [{"user": "Hello."}]} for number in range(6)]
    suite = Suite.model_validate({"name": "test", "cases": cases})
    found = await run_suite(suite, Bench(folder=tmp_path, default=lambda: agent), at_once=2, on_done=done)
    assert most == 2
    assert [result.name for result in found] == list("012345")
    assert sorted(order) == list("012345")
