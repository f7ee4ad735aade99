"""Conversations in which nobody types."""

from __future__ import annotations

from collections.abc import Callable

from getpatter.agent import Agent
from getpatter.events import FalseInterruption
from getpatter.llm.scripted import ScriptedLLM
from getpatter.testing.parties import Directory, parse_party
from getpatter.testing.providers import AnsweringLLM, tool_call
from getpatter.trying import LlmCaller, PartyCaller, expect, simulate

AgentFor = Callable[..., Agent]
TASK = "You placed this call. Your task:\nBook a table for two at seven o'clock this evening, in the name of Miller."


async def test_a_caller_played_by_a_model_says_its_part_and_hangs_up(agent_for: AgentFor) -> None:
    caller = AnsweringLLM("A table, please.", ["For two. Goodbye.", tool_call("hang_up")])
    agent = agent_for(AnsweringLLM("How many are you?", "It is booked."), first_message="Hello.")
    record = await simulate(agent, LlmCaller(caller, persona="A hurried man.", goal="Book a table for two."))
    said = [(turn.role, turn.text) for turn in record.turns]
    assert said == [
        ("agent", "Hello."),
        ("caller", "A table, please."),
        ("agent", "How many are you?"),
        ("caller", "For two. Goodbye."),
        ("agent", "It is booked."),
    ]
    assert record.ended is not None
    assert record.ended.ended_by == "caller"


async def test_the_caller_is_told_its_part_and_the_conversation_from_its_own_side(agent_for: AgentFor) -> None:
    caller = AnsweringLLM("A table, please.", "For two.")
    agent = agent_for(AnsweringLLM("How many are you?", "It is booked."), first_message="Hello.")
    await simulate(agent, LlmCaller(caller, persona="A hurried man.", goal="Book a table."), max_turns=2)
    part, *rest = caller.asked[1]
    assert "A hurried man." in part.content
    assert "Book a table." in part.content
    assert [(message.role, message.content) for message in rest] == [
        ("user", "Hello."),
        ("assistant", "A table, please."),
        ("user", "How many are you?"),
    ]


async def test_a_conversation_that_goes_in_circles_is_ended(agent_for: AgentFor) -> None:
    agent = agent_for(AnsweringLLM("What?"))
    record = await simulate(agent, LlmCaller(AnsweringLLM("Hello?"), goal="Talk."), max_turns=3)
    assert [turn.text for turn in record.turns if turn.role == "caller"] == ["Hello?"] * 3
    expect(record).ended()


async def test_the_restaurant_takes_a_reservation(agent_for: AgentFor) -> None:
    party = Directory.load().find("+12025550100")
    record = await simulate(agent_for(ScriptedLLM(), system_prompt=TASK), PartyCaller(party))
    expect(record).agent_text_contains("For two, please.", "The name is Miller.").tool_called("end_call").ended()
    expect(record).not_interrupted().no_problems()


async def test_a_party_that_interrupts_does(agent_for: AgentFor) -> None:
    party = Directory.load().find("+12025550105")
    record = await simulate(agent_for(ScriptedLLM(), system_prompt=TASK), PartyCaller(party))
    expect(record).interrupted().ended()


async def test_a_party_that_agrees_interrupts_nobody(agent_for: AgentFor) -> None:
    party = Directory.load().find("+12025550106")
    record = await simulate(agent_for(ScriptedLLM(), system_prompt=TASK), PartyCaller(party))
    expect(record).not_interrupted()
    assert {event.kind for event in record.events if isinstance(event, FalseInterruption)} == {"backchannel"}


MENU = """\
number: "+12025550150"
name: A menu
steps:
  - say: For opening hours press one.
  - wait_for_digits:
      "1": [say: We open at seven., hang_up]
    otherwise: [say: Goodbye., hang_up]
"""


async def test_a_party_hears_the_keys_that_the_agent_presses(agent_for: AgentFor) -> None:
    llm = AnsweringLLM(tool_call("send_dtmf", digits="1"), "")
    record = await simulate(agent_for(llm), PartyCaller(parse_party(MENU, source="test")))
    assert [turn.text for turn in record.turns if turn.role == "caller"][-1] == "We open at seven."
    assert record.ended is not None
    assert record.ended.ended_by == "caller"


SILENT = """\
number: "+12025550151"
name: Nobody
steps:
  - beep: 0.3
  - play: nowhere.wav
    text: Please leave a message.
  - press: "12"
  - say: That is all.
"""


async def test_recordings_are_said_and_keys_are_pressed(agent_for: AgentFor) -> None:
    record = await simulate(agent_for(AnsweringLLM("")), PartyCaller(parse_party(SILENT, source="test")))
    said = " ".join(turn.text for turn in record.turns if turn.role == "caller")
    assert "Please leave a message." in said
    assert "[pressed 1 2]" in said
    assert "That is all." in said
