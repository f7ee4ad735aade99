"""Where a system prompt says what the agent is to do."""

from __future__ import annotations

from collections.abc import Sequence

from getpatter.llm.base import Message

GOAL_HEADING = "Your task:"
"""Where it first stands in a system prompt, what follows, to the end, is the goal in the words of whoever gave it."""


def system_prompt(messages: Sequence[Message]) -> str:
    return "\n".join(message.content for message in messages if message.role == "system")


def goal_in(prompt: str) -> str:
    """The goal that a system prompt ends with; empty when it has none."""
    return prompt.partition(GOAL_HEADING)[2].strip()
