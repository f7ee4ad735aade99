from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from getpatter.agent import Agent
from getpatter.calls.briefing import for_inbound, for_outbound
from getpatter.calls.views import PlaceCall, ServeInbound
from getpatter.conversation.history import History
from getpatter.llm.base import TextDelta, ToolCall, ToolSpec
from getpatter.llm.scripted import ScriptedLLM
from getpatter.testing.parties import built_in
from getpatter.testing.providers import CountingTTS, TellableSTT

NUMBER = "+12025550100"
END_CALL = ToolSpec("end_call", "End the call.", {"type": "object", "properties": {}})
TABLE = "Book a table for two tonight at half past seven, in the name of Miller."
HOURS = "Ask whether they are open on Sunday."
# A briefing touches neither ear nor voice.
AGENT = Agent(system_prompt="", llm=ScriptedLLM(), stt=TellableSTT(), tts=CountingTTS())


class Talk:
    """A call in which everything is heard, except where a test says otherwise."""

    def __init__(self, agent: Agent) -> None:
        self.history = History(agent.system_prompt)
        if agent.first_message:
            self.history.begin_reply().heard(agent.first_message)
        self.ended = False

    async def hear(self, words: str, *, heard: int | None = None) -> str:
        """The answer to `words`; the other side hears only the first `heard` words of it, if that is given."""
        self.history.add_user(words)
        reply = self.history.begin_reply()
        texts: list[str] = []
        async for part in AGENT.providers.llm.reply(self.history.messages(), [END_CALL]):
            if isinstance(part, TextDelta):
                texts.append(part.text)
            elif isinstance(part, ToolCall):
                self.ended = part.name == "end_call"
        reply.heard("".join(texts[:heard]), interrupted=heard is not None)
        return "".join(texts)

    async def hear_all(self, sentences: Sequence[str]) -> list[str]:
        """The answers to `sentences`, as far as the call goes."""
        return [await self.hear(sentence) for sentence in sentences if not self.ended]


def outbound(goal: str, first_message: str = "") -> Talk:
    return Talk(for_outbound(AGENT, PlaceCall(to_number=NUMBER, goal=goal, first_message=first_message)))


def inbound() -> Talk:
    return Talk(for_inbound(AGENT, ServeInbound(goal="Take bookings for our tables.")))


def sentences_of(name: str) -> tuple[str, ...]:
    (party,) = (party for party in built_in() if name in party.name)
    return party.sentences


async def test_a_table_is_booked_at_the_simulated_restaurant() -> None:
    talk = outbound(TABLE)
    said = await talk.hear_all([words for words in sentences_of("Romano") if "anybody there" not in words])
    assert said == [
        "Hello, I am an automated assistant. I would like to book a table for two, tonight, please.",
        "For two, please.",
        "At half past seven, please.",
        "The name is Miller.",
        "Wonderful, thank you very much.",
        "Thank you. Goodbye.",
    ]
    assert talk.ended


async def test_questions_may_come_in_any_order_and_roughly_understood() -> None:
    talk = outbound(TABLE)
    assert "book a table" in await talk.hear("hello rossi")
    assert await talk.hear("me i have your name please") == "The name is Miller."
    assert await talk.hear("an that what time would you like") == "At half past seven, please."
    assert await talk.hear("of course full how many people") == "For two, please."
    assert await talk.hear("sorry how many") == "For two, please."
    assert await talk.hear("for how many people and at what time") == "For two, tonight at half past seven, please."


async def test_a_first_message_of_the_assistants_own_is_not_repeated_by_the_script() -> None:
    talk = outbound(TABLE, "Good evening, do you have a table for two?")
    assert await talk.hear("Certainly. What time?") == "At half past seven, please."


async def test_what_is_not_understood_ends_in_a_goodbye() -> None:
    talk = outbound(TABLE)
    said = await talk.hear_all(["mumble"] * 10)
    assert talk.ended
    assert len(said) == len(set(said)) == 4
    assert "Goodbye" in said[-1]


@pytest.mark.parametrize("name", ["Maria", "library", "Sam", "Alex", "Romano"])
async def test_any_other_party_hears_the_goal_and_a_goodbye(name: str) -> None:
    talk = outbound(HOURS)
    said = await talk.hear_all([*sentences_of(name), "mumble", "mumble", "mumble"])
    assert talk.ended
    assert "Goodbye" in said[-1]
    if name != "library":
        assert any("Ask whether they are open on Sunday." in text for text in said)


async def test_a_telephone_menu_is_left() -> None:
    talk = outbound(HOURS)
    await talk.hear("For opening hours, press one. To renew a book, press two.")
    assert talk.ended


async def test_a_line_that_was_hardly_heard_is_said_again() -> None:
    talk = outbound(TABLE)
    opening = await talk.hear("Hello?", heard=3)
    assert await talk.hear("Hello?") == opening


async def test_a_line_that_was_mostly_heard_is_not_said_again() -> None:
    talk = outbound(TABLE)
    opening = await talk.hear("Hello?", heard=12)
    assert await talk.hear("Hello?") != opening


async def test_somebody_who_calls_is_told_that_this_is_a_script() -> None:
    talk = inbound()
    said = await talk.hear_all(["I would like to know when you are open.", "And on Sunday?", "Thank you. Goodbye."])
    assert "automated assistant that follows a script" in said[0]
    assert "only a script" in said[1]
    assert talk.ended


async def test_text_comes_word_by_word() -> None:
    parts = [part async for part in ScriptedLLM().reply([], [])]
    texts = [part.text for part in parts if isinstance(part, TextDelta)]
    assert texts[:2] == ["Hello. ", "I "]
    assert len(texts) == len(parts)


async def test_the_end_is_asked_for_only_where_it_is_offered() -> None:
    talk = outbound(TABLE)
    talk.history.add_user("Goodbye.")
    messages = talk.history.messages()
    assert [part async for part in AGENT.providers.llm.reply(messages, [END_CALL]) if isinstance(part, ToolCall)]
    assert not [part async for part in AGENT.providers.llm.reply(messages, []) if isinstance(part, ToolCall)]


async def test_nothing_is_said_to_the_result_of_a_tool() -> None:
    talk = outbound(TABLE)
    await talk.hear("Goodbye.")
    talk.history.add_tool_call(ToolCall("call_end", "end_call", "{}"))
    assert [part async for part in AGENT.providers.llm.reply(talk.history.messages(), [END_CALL])] == []


async def test_it_says_that_it_is_a_script(tmp_path: Path) -> None:
    assert ScriptedLLM().scripted
    assert ScriptedLLM().name == "script: table for two"
    own = tmp_path / "own.yaml"
    own.write_text("{title: my own, fallback: [{say: Goodbye., end: true}]}", "utf-8")
    llm = ScriptedLLM.from_file(own)
    assert llm.name == "script: my own"
    assert [part async for part in llm.reply([], [])] == [TextDelta("Goodbye.")]
    await llm.close()
