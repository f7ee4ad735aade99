"""How sessions of speech-to-speech engines begin and end, and what they are."""

from __future__ import annotations

import asyncio

from getpatter.engines.base import EngineConfig, ResponseDone
from getpatter.llm.base import Message, ToolCall
from getpatter.testing.contracts.engine_stand import EngineStand
from getpatter.testing.contracts.responses import EVERY_SCRIPT, ask, spoken, spoken_to_the_end


class RealtimeSessions(EngineStand):
    """Instructions, tools, history; and nothing once it is closed."""

    # -- the session

    async def test_a_session_has_its_instructions_and_tools_once_it_is_open(self) -> None:
        async with self._call() as (_, _, server):
            seen = server.seen()
        assert seen.instructions == "You book tables."
        assert seen.tools == ("look_up",)

    async def test_instructions_may_be_huge_and_in_every_script(self) -> None:
        instructions = EVERY_SCRIPT * 5_000
        async with self._call(config=EngineConfig(instructions)) as (_, _, server):
            assert server.seen().instructions == instructions

    async def test_a_session_in_the_place_of_another_knows_what_was_said(self) -> None:
        said = (
            Message("user", "Is Ada there?"),
            Message("assistant", "I shall look.", (ToolCall("call_0", "look_up", '{"name": "Ada"}'),)),
            Message("tool", "found", tool_call_id="call_0"),
            Message("assistant", "She is."),
        )
        async with self._call(config=EngineConfig("You book tables.", history=said)) as (engine, session, server):
            await ask(engine, session)
            await spoken(session)
            words = server.seen().words
        assert [word for word in words if word in {"Is Ada there?", "I shall look.", "She is."}] == [
            "Is Ada there?",
            "I shall look.",
            "She is.",
        ]

    async def test_another_agent_may_take_over(self) -> None:
        async with self._call() as (engine, session, server):
            session.configure("You cook.", ())
            await ask(engine, session)
            await spoken(session)
            seen = server.seen()
        assert (seen.instructions, seen.tools) == ("You cook.", ())

    # -- the end

    async def test_closing_ends_the_events_and_the_connection(self) -> None:
        async with self._call() as (_, session, server):
            reading = asyncio.create_task(spoken_to_the_end(session))
            await asyncio.sleep(0)
            await session.close()
            await session.close()
            assert not any(isinstance(event, ResponseDone) for event in await reading)
            await server.quiet()

    async def test_nothing_happens_when_something_is_asked_after_the_end(self) -> None:
        async with self._call() as (engine, session, _):
            await session.close()
            await ask(engine, session)
            session.cancel()
            session.say("Hello?")
