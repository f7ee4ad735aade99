"""A server that speaks ElevenLabs' agents protocol and says what it was told to say."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import secrets
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from websockets.datastructures import Headers

from getpatter.audio.format import AudioFormat
from getpatter.clock import Clock, SystemClock, sleep
from getpatter.testing.realtime_session import Spoken
from getpatter.testing.vendors.managed_agent import TurnEar, pieces
from getpatter.testing.vendors.seen import Seen
from getpatter.testing.vendors.socket_server import Session, SocketServer

PATH: Final = "/v1/convai/conversation"
FORMATS: Final = {
    "ulaw_8000": AudioFormat("mulaw", 8000),
    "pcm_8000": AudioFormat("pcm16", 8000),
    "pcm_16000": AudioFormat("pcm16", 16000),
    "pcm_24000": AudioFormat("pcm16", 24000),
}
_TO_BE_SAID: Final = re.compile(r"\[Say exactly this .*?“(.*)”\]", re.DOTALL)
"""A model that does as it is asked to."""

Json = dict[str, Any]


@dataclass(eq=False)
class Conversation:
    """What came over one connection, and where it stands."""

    setup: Json = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    """Messages and updates, in order."""
    results: list[tuple[str, str]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """Results that were errors."""
    pongs: list[int] = field(default_factory=list)
    due: set[str] = field(default_factory=set)
    """Calls of tools that have no result yet."""
    speaking: asyncio.Task[None] | None = None
    number: int = 0
    """Of the latest event."""

    @property
    def agent(self) -> Json:
        override: Json = self.setup.get("conversation_config_override", {}).get("agent", {})
        return override

    def next_number(self) -> int:
        self.number += 1
        return self.number


class ElevenLabsConvAIServer(SocketServer):
    """Gives `answers` in order, the last one again and again; `heard` is what is understood of each turn.

    `conversations` holds what was said over each connection.  With `key` conversations need it, or an address that was
    signed for it.  Sound comes `pace` times as fast as it is heard; 0 is as fast as it can be sent.  `tells_end` adds
    the event for the end of a response, which is off by default at the vendor's.
    """

    def __init__(
        self,
        *answers: Spoken,
        heard: tuple[str, ...] = (),
        key: str = "",
        pace: float = 0.0,
        format: str = "ulaw_8000",
        allows: frozenset[str] = frozenset({"prompt", "first_message", "language", "voice_id"}),
        tells_end: bool = True,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(key=key)
        self._answers = deque(answers or (Spoken("Hello."),))
        self._heard = deque(heard)
        self._pace = pace
        self._format_name, self._format = format, FORMATS.get(format, FORMATS["pcm_16000"])
        self._allows = allows
        self._tells_end = tells_end
        self._clock = clock or SystemClock()
        self._signatures: set[str] = set()
        self.conversations: list[Conversation] = []

    def seen(self, number: int = 0) -> Seen:
        """See `contracts.engine_stand.EngineServer`.  Tools are the agent's own, so none come over the connection."""
        talk = self.conversations[number]
        return Seen(talk.agent.get("prompt", {}).get("prompt", ""), (), tuple(talk.results), tuple(talk.words))

    def refused(self, number: int = 0) -> list[str]:
        """Calls of tools that were answered with an error."""
        return [error for talk in self.conversations[number : number + 1] for error in talk.errors]

    async def complain(self, number: int, code: int, words: str, *, kind: str = "unknown") -> None:
        """Say what is wrong, and close."""
        session = self.sessions[number]
        await session.send({"type": "error", "error_event": {"code": code, "error_type": kind, "message": words}})
        await session.close(code, words)

    # -- who is let in

    def admit(self, session_path: str, query: Mapping[str, str], headers: Headers) -> tuple[HTTPStatus, str] | None:
        has_key = not self.key or secrets.compare_digest(headers.get("xi-api-key", ""), self.key)
        if session_path == f"{PATH}/get-signed-url":
            if not has_key:
                return HTTPStatus.UNAUTHORIZED, _detail("invalid_api_key", "Invalid API key")
            signature = secrets.token_hex(8)
            self._signatures.add(signature)
            url = f"{self.url}{PATH}?agent_id={query.get('agent_id', '')}&conversation_signature={signature}"
            return HTTPStatus.OK, json.dumps({"signed_url": url})
        if session_path != PATH:
            return HTTPStatus.NOT_FOUND, _detail("not_found", "Not Found")
        if not has_key and query.get("conversation_signature") not in self._signatures:
            return HTTPStatus.FORBIDDEN, _detail("unauthorized", "This agent needs authorization.")
        return None

    # -- the conversation

    async def talk(self, session: Session) -> None:
        talk = Conversation()
        self.conversations.append(talk)
        ear = TurnEar(self._format)
        try:
            async for message in self.messages(session):
                told = json.loads(message)
                if "user_audio_chunk" in told:
                    await self._hear(session, talk, ear.hear(base64.b64decode(told["user_audio_chunk"])))
                elif not await self._take(session, talk, told):
                    return
                await self.note()
        finally:
            await self._stop(talk)

    async def _take(self, session: Session, talk: Conversation, told: Json) -> bool:
        """False when the conversation is over."""
        match told.get("type"):
            case "conversation_initiation_client_data":
                return await self._begin(session, talk, told)
            case "pong":
                talk.pongs.append(told["event_id"])
            case "contextual_update":
                talk.words.append(told["text"])
            case "user_message":
                talk.words.append(told["text"])
                await self._answer(session, talk, _asked_for(told["text"]))
            case "client_tool_result":
                await self._result(session, talk, told)
            case "user_activity":
                pass
            case other:
                await session.close(1008, f"Invalid message type: {other}")
                return False
        return True

    async def _begin(self, session: Session, talk: Conversation, told: Json) -> bool:
        talk.setup = told
        override = told.get("conversation_config_override", {})
        named = {*override.get("agent", {}), *override.get("tts", {})}
        if refused := sorted(named - self._allows):
            await session.close(1008, f"Override for field '{refused[0]}' is not allowed by config.")
            return False
        await session.send(
            {
                "type": "conversation_initiation_metadata",
                "conversation_initiation_metadata_event": {
                    "conversation_id": f"conv_{len(self.conversations)}",
                    "agent_output_audio_format": self._format_name,
                    "user_input_audio_format": self._format_name,
                },
            }
        )
        await session.send({"type": "ping", "ping_event": {"event_id": talk.next_number(), "ping_ms": None}})
        await session.send({"type": "vad_score", "vad_score_event": {"vad_score": 0.1}})
        if first := override.get("agent", {}).get("first_message"):
            await self._answer(session, talk, Spoken(first))
        return True

    async def _hear(self, session: Session, talk: Conversation, edge: str) -> None:
        if edge == "began" and talk.speaking is not None and not talk.speaking.done():
            await self._stop(talk)
            number = talk.next_number()
            await session.send({"type": "interruption", "interruption_event": {"event_id": number}})
        elif edge == "ended":
            words = self._heard.popleft() if self._heard else "something"
            await session.send(
                {
                    "type": "user_transcript",
                    "user_transcription_event": {"user_transcript": words, "event_id": talk.next_number()},
                }
            )
            await self._answer(session, talk)

    async def _result(self, session: Session, talk: Conversation, told: Json) -> None:
        talk.due.discard(told["tool_call_id"])
        if told["is_error"]:
            talk.errors.append(told["result"])
        else:
            talk.results.append((told["tool_call_id"], told["result"]))
        if not talk.due:
            await self._answer(session, talk)

    async def _answer(self, session: Session, talk: Conversation, spoken: Spoken | None = None) -> None:
        await self._stop(talk)
        if spoken is None:
            spoken = self._answers.popleft() if len(self._answers) > 1 else self._answers[0]
        talk.speaking = asyncio.create_task(self._speak(session, talk, spoken))

    async def _stop(self, talk: Conversation) -> None:
        if talk.speaking is not None:
            talk.speaking.cancel()
            await asyncio.gather(talk.speaking, return_exceptions=True)

    async def _speak(self, session: Session, talk: Conversation, spoken: Spoken) -> None:
        if spoken.text:
            said = {"agent_response": spoken.text, "event_id": talk.next_number()}
            if spoken.stall_after != 0:
                await session.send({"type": "agent_response", "agent_response_event": said})
            for number, piece in enumerate(pieces(spoken.text, self._format)):
                if number == spoken.drop_after:
                    session.drop()
                    return
                if number == spoken.stall_after:
                    return
                audio: Json = {
                    "audio_base_64": base64.b64encode(piece.audio).decode(),
                    "event_id": talk.next_number(),
                    "is_final": piece.last,
                }
                await session.send({"type": "audio", "audio_event": audio})
                if self._pace:
                    await sleep(self._clock, piece.seconds / self._pace)
                else:
                    await asyncio.sleep(0)  # an interruption may come in between
        for call in spoken.tool_calls:
            talk.due.add(call.id)
            body = {
                "tool_name": call.name,
                "tool_call_id": call.id,
                "parameters": json.loads(call.arguments),
                "event_id": talk.next_number(),
            }
            await session.send({"type": "client_tool_call", "client_tool_call": body})
        if spoken.fails:
            await session.close(1002, spoken.fails)
        elif self._tells_end and not spoken.tool_calls:
            done = {"event_id": talk.number}
            await session.send({"type": "agent_response_complete", "agent_response_complete_event": done})


def _asked_for(text: str) -> Spoken | None:
    said = _TO_BE_SAID.search(text)
    return Spoken(said[1]) if said is not None else None


def _detail(status: str, message: str) -> str:
    return json.dumps({"detail": {"status": status, "message": message}})
