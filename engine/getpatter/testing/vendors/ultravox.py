"""A server that speaks Ultravox's API for calls over a WebSocket, and says what it was told to say.

The vendor's own clients speak WebRTC, so this follows its documentation alone.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from websockets.datastructures import Headers

from getpatter.audio.format import AudioFormat
from getpatter.clock import Clock, SystemClock, sleep
from getpatter.testing.http import served
from getpatter.testing.realtime_session import Spoken
from getpatter.testing.vendors.managed_agent import TurnEar, pieces
from getpatter.testing.vendors.seen import Seen
from getpatter.testing.vendors.socket_server import Session, SocketServer

PATH: Final = "/api/calls"
Json = dict[str, Any]


@dataclass(eq=False)
class Call:
    """One call: how it was created, and where it stands."""

    body: Json
    due: set[str] = field(default_factory=set)
    """Calls of tools that have no result yet."""
    speaking: asyncio.Task[None] | None = None
    ordinal: int = 0

    @property
    def format(self) -> AudioFormat:
        return AudioFormat("pcm16", self.body["medium"]["serverWebSocket"]["inputSampleRate"])


class UltravoxServer(SocketServer):
    """Gives `answers` in order, the last one again and again; `heard` is what is understood of each turn.

    `calls` holds every call that was created, `sessions` those that were joined.  Without `key` anybody may create one.
    Sound comes `pace` times as fast as it is heard; 0 is as fast as it can be sent.  With `late_words` the words of a
    turn come after the answer to it was begun.
    """

    def __init__(
        self,
        *answers: Spoken,
        heard: tuple[str, ...] = (),
        key: str = "",
        pace: float = 0.0,
        late_words: bool = False,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(key=key)
        self._answers = deque(answers or (Spoken("Hello."),))
        self._heard = deque(heard)
        self._pace = pace
        self._late_words = late_words
        self._clock = clock or SystemClock()
        self._joined_at = ""
        self.calls: list[Call] = []

    # -- what a test asks

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """`url` is where calls are created: `http://127.0.0.1:<port>`."""
        app = Starlette(routes=[Route(PATH, self._create, methods=["POST"])])
        async with super().running(), served(app) as url:
            self._joined_at, self.url = self.url, url
            yield self

    def seen(self, number: int = 0) -> Seen:
        """See `contracts.engine_stand.EngineServer`."""
        session = self.sessions[number]
        body = self._call_of(session).body
        tools = tuple(tool["temporaryTool"]["modelToolName"] for tool in body["selectedTools"])
        results = tuple((told["invocationId"], told["result"]) for told in _results(session) if "result" in told)
        before = tuple(message["text"] for message in body.get("initialMessages", ()))
        said = tuple(told["text"] for told in session.told if told["type"] == "user_text_message")
        return Seen(body["systemPrompt"], tools, results, before + said)

    def refused(self, number: int = 0) -> list[str]:
        """Calls of tools that were answered with an error."""
        sessions = self.sessions[number : number + 1]
        return [told["errorType"] for session in sessions for told in _results(session) if "errorType" in told]

    # -- creating and joining

    async def _create(self, request: Request) -> Response:
        if self.refuses is not None:
            return JSONResponse({"detail": "Refused."}, self.refuses)
        if self.key and not secrets.compare_digest(request.headers.get("x-api-key", ""), self.key):
            return JSONResponse({"detail": "Invalid API key."}, HTTPStatus.FORBIDDEN)
        body = await request.json()
        if not body.get("medium", {}).get("serverWebSocket", {}).get("inputSampleRate"):
            return JSONResponse({"medium": ["An input sample rate is needed."]}, HTTPStatus.BAD_REQUEST)
        number = len(self.calls)
        self.calls.append(Call(body))
        join_url = f"{self._joined_at}{PATH}/{number}/join"
        return JSONResponse({"callId": f"call-{number}", "joinUrl": join_url, **body}, HTTPStatus.CREATED)

    def admit(self, session_path: str, query: Mapping[str, str], headers: Headers) -> tuple[HTTPStatus, str] | None:
        known = {f"{PATH}/{number}/join" for number in range(len(self.calls))}
        return None if session_path in known else (HTTPStatus.NOT_FOUND, "")

    def _call_of(self, session: Session) -> Call:
        return self.calls[int(session.path.split("/")[-2])]

    # -- the call

    async def talk(self, session: Session) -> None:
        call = self._call_of(session)
        await session.send({"type": "call_started", "callId": f"call-{self.calls.index(call)}"})
        if first := call.body["firstSpeakerSettings"].get("agent", {}).get("text", ""):
            await self._answer(session, call, Spoken(first))
        else:
            await _state(session, "listening")
        ear = TurnEar(call.format)
        try:
            async for message in self.messages(session):
                if isinstance(message, bytes):
                    await self._hear(session, call, ear.hear(message))
                else:
                    await self._take(session, call, json.loads(message))
                await self.note()
        finally:
            await self._stop(call)

    async def _hear(self, session: Session, call: Call, edge: str) -> None:
        if edge == "began" and call.speaking is not None and not call.speaking.done():
            await self._stop(call)
            await session.send({"type": "playback_clear_buffer"})
            await _state(session, "listening")
        elif edge == "ended":
            said = {"role": "user", "text": self._heard.popleft() if self._heard else "something", "final": True}
            if not self._late_words:
                await self._transcribe(session, call, said)
            await _state(session, "thinking")
            if self._late_words:
                await self._transcribe(session, call, said)
            await self._answer(session, call)

    async def _take(self, session: Session, call: Call, told: Json) -> None:
        match told["type"]:
            case "user_text_message" if told.get("urgency", "soon") != "later":
                await _state(session, "thinking")
                await self._answer(session, call)
            case "forced_agent_message":
                await self._answer(session, call, Spoken(told["content"]))
            case "client_tool_result":
                call.due.discard(told["invocationId"])
                if not call.due:
                    await _state(session, "thinking")
                    await self._answer(session, call)

    async def _answer(self, session: Session, call: Call, spoken: Spoken | None = None) -> None:
        await self._stop(call)
        if spoken is None:
            spoken = self._answers.popleft() if len(self._answers) > 1 else self._answers[0]
        call.speaking = asyncio.create_task(self._speak(session, call, spoken))

    async def _stop(self, call: Call) -> None:
        if call.speaking is not None:
            call.speaking.cancel()
            await asyncio.gather(call.speaking, return_exceptions=True)

    async def _speak(self, session: Session, call: Call, spoken: Spoken) -> None:
        if spoken.text:
            await _state(session, "speaking")
        for number, piece in enumerate(pieces(spoken.text, call.format) if spoken.text else ()):
            if number == spoken.drop_after:
                session.drop()
                return
            if number == spoken.stall_after:
                return
            if piece.words or piece.last:
                said = {"role": "agent", "delta": piece.words, "final": piece.last}
                await self._transcribe(session, call, said, same=number > 0)
            await session.send(piece.audio)
            if self._pace:
                await sleep(self._clock, piece.seconds / self._pace)
            else:
                await asyncio.sleep(0)  # an interruption may come in between
        for made in spoken.tool_calls:
            call.due.add(made.id)
            invocation = {"toolName": made.name, "invocationId": made.id, "parameters": json.loads(made.arguments)}
            await session.send({"type": "client_tool_invocation", **invocation})
        if spoken.fails:
            await session.close(1011, spoken.fails)
        elif not spoken.tool_calls:
            await _state(session, "listening")

    async def _transcribe(self, session: Session, call: Call, said: Json, *, same: bool = False) -> None:
        call.ordinal += not same
        await session.send({"type": "transcript", "medium": "voice", "ordinal": call.ordinal, **said})


async def _state(session: Session, state: str) -> None:
    await session.send({"type": "state", "state": state})


def _results(session: Session) -> list[Json]:
    return [told for told in session.told if told["type"] == "client_tool_result"]
