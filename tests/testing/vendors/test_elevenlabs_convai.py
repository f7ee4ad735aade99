"""The official client talks to the stand-in, and so holds it to the protocol: it parses every message its own way."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from getpatter.llm.base import ToolCall
from getpatter.testing.realtime_session import Spoken
from getpatter.testing.vendors.elevenlabs_convai import ElevenLabsConvAIServer

with warnings.catch_warnings():  # it imports what `websockets` keeps for its older users
    warnings.filterwarnings("ignore", "websockets.* is deprecated", DeprecationWarning)
    from elevenlabs.client import ElevenLabs
    from elevenlabs.conversational_ai.conversation import (
        AsyncAudioInterface,
        AsyncConversation,
        ClientTools,
        ConversationInitiationData,
        DisconnectionDetails,
    )

KEY = "sk-test"
SPEECH, SILENCE = b"\x00\x20" * 8000, bytes(16000)


class Loudspeaker(AsyncAudioInterface):
    """What the client plays; `speak` is the microphone."""

    def __init__(self) -> None:
        self.played = bytearray()
        self.interrupted = asyncio.Event()
        self.ready = asyncio.Event()

    async def start(self, input_callback: Callable[[bytes], Awaitable[None]]) -> None:
        self.speak = input_callback
        self.ready.set()

    async def stop(self) -> None:
        pass

    async def output(self, audio: bytes) -> None:
        self.played += audio

    async def interrupt(self) -> None:
        self.interrupted.set()


class Talk:
    """One conversation of the official client's, and what it was told."""

    def __init__(self, server: ElevenLabsConvAIServer, *, requires_auth: bool, **override: Any) -> None:
        self.audio = Loudspeaker()
        self.said: list[str] = []
        self.heard: list[str] = []
        self.over: list[DisconnectionDetails] = []
        self.changed = asyncio.Event()
        self.tools = ClientTools(loop=asyncio.get_running_loop())
        client = ElevenLabs(api_key=KEY, base_url=server.url.replace("ws", "http", 1))
        self.conversation: Any = AsyncConversation(  # its methods tell no types
            client,
            "agent_1",
            requires_auth=requires_auth,
            audio_interface=self.audio,
            client_tools=self.tools,
            config=ConversationInitiationData(conversation_config_override=override, dynamic_variables={"who": "Ada"}),
            callback_agent_response=self._told(self.said),
            callback_user_transcript=self._told(self.heard),
            callback_disconnect=self._told(self.over),
        )

    def _told(self, to: list[Any]) -> Callable[[Any], Awaitable[None]]:
        async def told(what: Any) -> None:
            to.append(what)
            self.changed.set()

        return told

    async def until(self, true: Callable[[], bool]) -> None:
        while not true():
            await self.changed.wait()
            self.changed.clear()

    async def asks(self) -> None:
        await self.audio.ready.wait()
        await self.audio.speak(SPEECH)
        await self.audio.speak(SILENCE)


@asynccontextmanager
async def talk_with(
    server: ElevenLabsConvAIServer, *, requires_auth: bool = False, **override: Any
) -> AsyncIterator[Talk]:
    async with server.running(), asyncio.timeout(30):
        talk = Talk(server, requires_auth=requires_auth, **override)
        if requires_auth:  # it asks for the address without leaving the event loop to us
            address = await asyncio.to_thread(talk.conversation._get_signed_url)
            talk.conversation._get_signed_url = lambda: address
        await talk.conversation.start_session()
        try:
            yield talk
        finally:
            await talk.conversation.end_session()
            await talk.conversation.wait_for_session_end()
            await server.quiet()


async def test_a_conversation_takes_its_overrides_and_says_its_first_message() -> None:
    server = ElevenLabsConvAIServer(format="pcm_16000")
    agent = {"prompt": {"prompt": "You book tables."}, "first_message": "Good morning."}
    async with talk_with(server, agent=agent) as talk:
        await talk.until(lambda: talk.said == ["Good morning."])
        assert server.seen().instructions == "You book tables."
        assert server.conversations[0].setup["dynamic_variables"] == {"who": "Ada"}


async def test_a_turn_is_understood_and_answered_with_sound() -> None:
    server = ElevenLabsConvAIServer(Spoken("At what time?"), heard=("a table",), format="pcm_16000")
    async with talk_with(server) as talk:
        await talk.asks()
        await talk.until(lambda: talk.said == ["At what time?"])
        assert talk.heard == ["a table"]
        while len(talk.audio.played) < 38_400:  # noqa: ASYNC110 -- the client tells of nothing
            await asyncio.sleep(0)


async def test_a_private_agent_is_reached_by_an_address_that_was_signed() -> None:
    server = ElevenLabsConvAIServer(Spoken("Yes."), key=KEY, format="pcm_16000")
    async with talk_with(server, requires_auth=True) as talk:
        await talk.asks()
        await talk.until(lambda: talk.said == ["Yes."])


async def test_a_voice_over_the_agent_interrupts_it() -> None:
    server = ElevenLabsConvAIServer(Spoken("one two three " * 50), pace=20.0, format="pcm_16000")
    async with talk_with(server) as talk:
        await talk.asks()
        await talk.until(lambda: bool(talk.said))
        await talk.audio.speak(SPEECH)
        await talk.audio.interrupted.wait()


async def test_a_tool_is_called_and_its_result_talked_about() -> None:
    call = ToolCall("call_1", "look_up", '{"name": "Ada"}')
    server = ElevenLabsConvAIServer(
        Spoken("Let me see.", tool_calls=(call,)), Spoken("She is here."), format="pcm_16000"
    )
    async with talk_with(server) as talk:

        async def look_up(parameters: dict[str, Any]) -> str:
            return f"found {parameters['name']}"

        talk.tools.register("look_up", look_up, is_async=True)
        await talk.asks()
        await talk.until(lambda: talk.said == ["Let me see.", "She is here."])
        assert server.seen().results == (("call_1", "found Ada"),)


async def test_messages_and_updates_are_taken() -> None:
    server = ElevenLabsConvAIServer(Spoken("Thank you."), format="pcm_16000")
    async with talk_with(server) as talk:
        await talk.audio.ready.wait()
        await talk.conversation.register_user_activity()
        await talk.conversation.send_contextual_update("It rains.")
        await talk.conversation.send_user_message("Hello.")
        await talk.until(lambda: talk.said == ["Thank you."])
        assert server.seen().words == ("It rains.", "Hello.")
        await server.until(lambda: bool(server.conversations[0].pongs))


async def test_an_override_that_is_not_allowed_ends_it() -> None:
    server = ElevenLabsConvAIServer(allows=frozenset())
    async with talk_with(server, agent={"first_message": "Good morning."}) as talk:
        await talk.until(lambda: bool(talk.over))
        assert talk.over[0].close_code == 1008
        assert "first_message" in str(talk.over[0].close_reason)
