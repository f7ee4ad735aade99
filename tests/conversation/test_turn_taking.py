from __future__ import annotations

from collections.abc import Sequence

import pytest

from getpatter.agent import TurnSettings
from getpatter.conversation.actions import Action, Ending, Farewell, Lines, StartReply
from getpatter.conversation.turn_taking import TurnTaking
from getpatter.conversation.turns import TurnMachine
from getpatter.errors import PatterError
from getpatter.stt.base import Transcript
from getpatter.testing.clock import ManualClock


class Shell:
    """Writes down what is to be performed."""

    def __init__(self) -> None:
        self.performed: list[Action] = []
        self.deaf: list[PatterError] = []
        machine = TurnMachine(TurnSettings(), Lines())
        machine.on_start(0.0)
        self.turns = TurnTaking(
            machine, ManualClock(), perform=self.perform, over=lambda: "What for?", deaf=self.deaf.append
        )

    def perform(self, decided: Sequence[Action]) -> None:
        self.performed += decided


def test_a_turn_that_is_heard_is_answered() -> None:
    shell = Shell()
    shell.turns.voice_began(1.0)
    shell.turns.voice_ended(2.0, 0.5)
    shell.turns.understood(Transcript("a table for", final=False), 2.1)
    shell.turns.understood(Transcript("a table for two", final=True, from_finalize=True), 2.2)
    assert StartReply("a table for two", "silence") in shell.performed


@pytest.mark.parametrize(
    ("reason", "farewell"),
    [
        ("", Farewell("agent", "the agent ended the call")),
        ("Its time is up.", Farewell("engine", "Its time is up.")),
    ],
)
def test_an_engine_that_hangs_up_is_its_agent_unless_it_says_what_else(reason: str, farewell: Farewell) -> None:
    shell = Shell()
    shell.turns.engine_hung_up(reason)
    assert Ending(farewell) in shell.performed


def test_an_agent_that_ends_the_call_may_say_why() -> None:
    shell = Shell()
    shell.turns.agent_ends("all was said")
    assert Ending(Farewell("agent", "all was said")) in shell.performed


def test_a_recogniser_that_is_lost_is_told() -> None:
    shell = Shell()
    error = PatterError("Lost.")
    shell.turns.deaf(error)
    assert shell.deaf == [error]
