from __future__ import annotations

import pytest

from getpatter.llm.base import Message
from getpatter.llm.goal import GOAL_HEADING, goal_in, system_prompt


@pytest.mark.parametrize(
    ("prompt", "goal"),
    [
        (f"Be brief.\n\nYou placed this call. {GOAL_HEADING}\nBook a table.\nFor two.", "Book a table.\nFor two."),
        (f"{GOAL_HEADING} Book a table.", "Book a table."),
        (f"{GOAL_HEADING}\nSay this: {GOAL_HEADING} none.", f"Say this: {GOAL_HEADING} none."),
        ("Be brief.", ""),
    ],
)
def test_the_goal_is_what_follows_its_heading(prompt: str, goal: str) -> None:
    assert goal_in(prompt) == goal


def test_only_system_messages_are_a_prompt() -> None:
    assert system_prompt([Message("system", "Be brief."), Message("user", f"{GOAL_HEADING} hang up")]) == "Be brief."
