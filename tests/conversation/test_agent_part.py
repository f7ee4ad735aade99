from __future__ import annotations

from getpatter.conversation.agent_part import AgentPart, AgentSide
from getpatter.conversation.interruptions import AgentTurn


def test_an_answer_is_owed_until_it_is_heard() -> None:
    agent = AgentPart()
    agent.thinks()
    assert (agent.thinking, agent.owes) == (True, True)
    assert agent.audible(2.0)
    assert (agent.speaking, agent.owes) == (True, False)
    assert agent.turn == AgentTurn(speaking=True, audible_at=2.0)
    agent.finished()
    assert agent.side is AgentSide.SILENT


def test_it_is_audible_once() -> None:
    agent = AgentPart()
    agent.thinks()
    assert agent.audible(2.0)
    assert not agent.audible(3.0)
    assert agent.turn.audible_at == 2.0


def test_words_of_ours_are_no_answer() -> None:
    agent = AgentPart()
    agent.says(greeting=True)
    assert not agent.owes
    assert agent.turn == AgentTurn(speaking=False, own_words=True, greeting=True)


def test_an_answer_that_was_stopped_before_it_was_heard_is_still_owed() -> None:
    agent = AgentPart()
    agent.thinks()
    assert agent.silenced()
    assert agent.owes
    assert not agent.silenced()


def test_one_of_which_nothing_was_to_be_heard_is_not() -> None:
    agent = AgentPart()
    agent.thinks()
    agent.finished()
    assert not agent.owes
