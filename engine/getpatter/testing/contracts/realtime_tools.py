"""How speech-to-speech engines call tools."""

from __future__ import annotations

import json

from getpatter.llm.base import ToolCall
from getpatter.testing.contracts.engine_stand import EngineStand
from getpatter.testing.contracts.responses import EVERY_SCRIPT, ask, spoken, text_of, tools_in
from getpatter.testing.realtime_session import Spoken


class RealtimeTools(EngineStand):
    """One, or several side by side, and their results."""

    async def test_a_tool_is_called_and_its_result_talked_about(self) -> None:
        call = ToolCall("call_1", "look_up", '{"name": "Ada"}')
        answers = (Spoken("Let me see.", tool_calls=(call,)), Spoken("She is here."))
        async with self._call(*answers) as (engine, session, server):
            await ask(engine, session)
            [called] = tools_in(await spoken(session))
            assert (called.id, called.name, json.loads(called.arguments)) == ("call_1", "look_up", {"name": "Ada"})
            session.tool_result("call_1", EVERY_SCRIPT)
            session.respond()
            assert text_of(await spoken(session)) == "She is here."
            assert server.seen().results == (("call_1", EVERY_SCRIPT),)

    async def test_tools_may_be_called_side_by_side(self) -> None:
        calls = tuple(ToolCall(f"call_{who}", "look_up", f'{{"name": "{who}"}}') for who in ("Ada", "Bob"))
        async with self._call(Spoken(tool_calls=calls), Spoken("Both are here.")) as (engine, session, server):
            await ask(engine, session)
            assert [call.id for call in tools_in(await spoken(session))] == ["call_Ada", "call_Bob"]
            session.tool_result("call_Bob", "found")
            session.tool_result("call_Ada", "found, too")
            session.respond()
            assert text_of(await spoken(session)) == "Both are here."
            assert dict(server.seen().results) == {"call_Ada": "found, too", "call_Bob": "found"}
