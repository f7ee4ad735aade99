"""What every engine has to do that decides by itself when to speak; where it is led, see `contracts.realtime`."""

from __future__ import annotations

import asyncio
import json

from getpatter.engines.base import AudioDelta, EngineConfig, Interrupted, ResponseBegun, ResponseDone, TurnTaken
from getpatter.llm.base import Message, ToolCall
from getpatter.testing.contracts.realtime import RealtimeContract
from getpatter.testing.contracts.responses import (
    CONFIG,
    EVERY_SCRIPT,
    ask,
    audio_of,
    done_in,
    speech,
    spoken,
    text_of,
    tools_in,
    until,
)
from getpatter.testing.realtime_session import Spoken


class ManagedRealtimeContract(RealtimeContract):
    """A `RealtimeContract`.  Nothing that is paid for begins before the first command, so what is looked for at the
    vendor is there with the first answer."""

    counts_tokens = False
    tells_usage = False
    takes_tools = True
    """Tools come with the call; else they are configured at the vendor."""

    # -- what differs

    async def test_a_session_has_its_instructions_and_tools_once_it_is_open(self) -> None:
        async with self._call() as (engine, session, server):
            await ask(engine, session)
            await spoken(session)
            seen = server.seen()
        assert seen.instructions == "You book tables."
        assert seen.tools == (("look_up",) if self.takes_tools else ())

    async def test_instructions_may_be_huge_and_in_every_script(self) -> None:
        instructions = EVERY_SCRIPT * 5_000
        async with self._call(config=EngineConfig(instructions)) as (engine, session, server):
            await ask(engine, session)
            await spoken(session)
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
            words = "\n".join(server.seen().words)
        assert words.index("Is Ada there?") < words.index("I shall look.") < words.index("She is.")

    async def test_a_turn_that_was_not_answered_is_answered_by_the_next_session(self) -> None:
        config = EngineConfig("You book tables.", history=(Message("user", "Is Ada there?"),))
        async with self._call(Spoken("She is."), config=config) as (_, session, server):
            session.respond()
            assert text_of(await spoken(session)) == "She is."
            assert "Is Ada there?" in server.seen().words

    async def test_another_agent_may_take_over(self) -> None:
        async with self._call() as (engine, session, server):
            await ask(engine, session)
            await spoken(session)
            session.configure("You cook.", ())
            await ask(engine, session)
            await spoken(session)
            assert "You cook." in "\n".join(server.seen().words)

    async def test_a_tool_is_called_and_its_result_talked_about(self) -> None:
        call = ToolCall("call_1", "look_up", '{"name": "Ada"}')
        answers = (Spoken("Let me see.", tool_calls=(call,)), Spoken("She is here."))
        async with self._call(*answers) as (engine, session, server):
            await ask(engine, session)
            events = await until(session, ToolCall)
            [called] = tools_in(events)
            assert text_of(events) == "Let me see."
            assert (called.id, called.name, json.loads(called.arguments)) == ("call_1", "look_up", {"name": "Ada"})
            session.tool_result("call_1", EVERY_SCRIPT)
            assert done_in(await until(session, ResponseBegun)).status == "completed"
            assert text_of(await spoken(session)) == "She is here."
            assert server.seen().results == (("call_1", EVERY_SCRIPT),)

    async def test_tools_may_be_called_side_by_side(self) -> None:
        calls = tuple(ToolCall(f"call_{who}", "look_up", f'{{"name": "{who}"}}') for who in ("Ada", "Bob"))
        async with self._call(Spoken(tool_calls=calls), Spoken("Both are here.")) as (engine, session, server):
            await ask(engine, session)
            called = [*tools_in(await until(session, ToolCall)), *tools_in(await until(session, ToolCall))]
            assert [call.id for call in called] == ["call_Ada", "call_Bob"]
            session.tool_result("call_Bob", "found")
            session.tool_result("call_Ada", "found, too")
            await until(session, ResponseDone)
            assert text_of(await spoken(session)) == "Both are here."
            assert dict(server.seen().results) == {"call_Ada": "found, too", "call_Bob": "found"}

    async def test_of_an_answer_that_is_cancelled_nothing_more_comes(self) -> None:
        answers = (Spoken("one two three " * 100), Spoken("Go on."))
        async with self._call(*answers, pace=20.0) as (engine, session, _):
            await ask(engine, session)
            await until(session, AudioDelta)
            session.cancel()
            session.cancel()
            events = await spoken(session)
            assert not audio_of(events)
            assert done_in(events).status == "cancelled"
            await ask(engine, session)
            events = await until(session, TurnTaken)
            assert not audio_of(events)
            assert text_of(await spoken(session)) == "Go on."

    # -- what these alone do

    async def test_nothing_is_begun_before_the_first_command(self) -> None:
        async with self._call() as (_, session, server):
            await asyncio.sleep(0)
            assert server.sessions == []
            session.say("Good morning.")
            await spoken(session)
            assert len(server.sessions) == 1

    async def test_an_agent_that_greets_waits_for_its_words_but_not_for_long(self) -> None:
        config = EngineConfig(CONFIG.instructions, CONFIG.tools, greets=True)
        async with self._call(config=config) as (engine, session, server):
            session.send(speech(engine, 0.5))
            await asyncio.sleep(0)
            assert server.sessions == []
            session.send(speech(engine, 0.6))
            await server.connected()

    async def test_a_turn_is_announced_before_its_answer(self) -> None:
        async with self._call(Spoken("At what time?"), heard=("a table",)) as (engine, session, _):
            await ask(engine, session)
            events = [event for event in await spoken(session) if not isinstance(event, AudioDelta)]
        assert isinstance(next(event for event in events if isinstance(event, TurnTaken)), TurnTaken)
        assert not any(isinstance(event, ResponseBegun) for event in events)

    async def test_a_caller_who_speaks_over_the_agent_ends_its_response(self) -> None:
        async with self._call(Spoken("one two three " * 100), Spoken("Go on."), pace=20.0) as (engine, session, _):
            await ask(engine, session)
            await until(session, AudioDelta)
            session.send(speech(engine))
            events = await until(session, Interrupted)
            assert done_in(events).status == "cancelled"
            await ask(engine, session)
            assert text_of(await spoken(session)) == "Go on."

    async def test_a_tool_that_there_is_not_is_refused(self) -> None:
        call = ToolCall("call_1", "launch", "{}")
        async with self._call(Spoken("Let me see.", tool_calls=(call,)), Spoken("I cannot.")) as (
            engine,
            session,
            server,
        ):
            await ask(engine, session)
            await server.until(lambda: bool(server.refused()))
            session.respond()
            await session.close()
            assert not tools_in([event async for event in session.events()])
