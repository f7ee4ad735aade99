"""Callers of engines that decide by themselves when to speak."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from getpatter.testing.stage import Stage
from getpatter.testing.told_leader import LeadingEngine
from getpatter.tools.tool import Tool, tool

TEN_WORDS = "one two three four five six seven eight nine ten"
FRAME = b"\x40" * 160
SILENCE = b"\xff" * 160

StageFor = Callable[..., Stage]


async def speaks(stage: Stage, seconds: float = 1.0) -> None:
    """The caller says something that can be heard."""
    await stage.begins_to_speak()
    for _ in range(round(seconds / 0.02)):
        stage.talk.hear(FRAME)
    await stage.stops_speaking()


async def asks(stage: Stage, engine: LeadingEngine, words: str) -> None:
    """They say something, and the engine takes it for a turn."""
    await speaks(stage)
    engine.session.takes_turn(words)
    await stage.settle()


def looking_up(done: asyncio.Event, *, side_effects: bool = False) -> Tool:
    async def find() -> str:
        await done.wait()
        return "found"

    return tool(
        handler=find,
        name="look_up",
        description="Finds somebody.",
        side_effects=side_effects,
        reassurance="I am still looking.",
    )
