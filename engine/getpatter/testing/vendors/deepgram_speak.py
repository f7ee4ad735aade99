"""Stands in for Deepgram's voices: `/v1/speak` by WebSocket and by request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from websockets.datastructures import Headers

from getpatter.audio.format import AudioFormat
from getpatter.testing.vendors.deepgram import REQUEST_ID, authorised, refusal
from getpatter.testing.vendors.http_speaker import HttpSpeakerServer, Order
from getpatter.testing.vendors.socket_server import Session
from getpatter.testing.vendors.speaker import Orders, SpeakerServer, pieces, sound

FORMATS: Final = {
    ("mulaw", "8000"): AudioFormat("mulaw", 8000),
    ("mulaw", "16000"): AudioFormat("mulaw", 16_000),
    **{("linear16", str(rate)): AudioFormat("pcm16", rate) for rate in (8000, 16_000, 24_000, 32_000, 48_000)},
}
MAX_TEXT: Final = 2000
MAX_FLUSHES: Final = 20
"""In a minute; counted for a connection's whole life here."""

_NAMES: Final = frozenset(("model", "encoding", "sample_rate", "speed", "mip_opt_out"))


class DeepgramSpeakServer(SpeakerServer):
    """By WebSocket.  One sentence is spoken after the other; `Clear` drops all of them."""

    def admit(self, session_path: str, query: Mapping[str, str], headers: Headers) -> tuple[HTTPStatus, str] | None:
        if session_path != "/v1/speak":
            return refusal(HTTPStatus.NOT_FOUND, "NOT_FOUND", "Not found.")
        if self.key and not authorised(headers, self.key):
            return refusal(HTTPStatus.UNAUTHORIZED, "INVALID_AUTH", "Invalid credentials.")
        wrong = _wrong(query, _NAMES)
        return refusal(HTTPStatus.BAD_REQUEST, "INVALID_QUERY_PARAMETER", wrong) if wrong else None

    async def talk(self, session: Session) -> None:
        await session.send(
            {
                "type": "Metadata",
                "request_id": REQUEST_ID,
                "model_name": session.query["model"],
                "model_version": "2025-04-14.0",
                "model_uuid": "ecb76e9d-f2db-4127-8060-79b05590d22f",
            }
        )
        mouth = _Mouth(self, session)
        try:
            async for message in self.messages(session):
                await self._take(session, message, mouth)
        finally:
            await mouth.stop()

    async def complain(self, session: Session) -> None:
        await session.send({"type": "Warning", "description": "The text could not be processed.", "code": "TEXT_INPUT"})

    async def _take(self, session: Session, message: str | bytes, mouth: _Mouth) -> None:
        try:
            told = json.loads(message) if isinstance(message, str) else {}
        except ValueError:
            told = {}
        match told:
            case {"type": "Speak", "text": str(text)} if len(text) <= MAX_TEXT:
                mouth.read(text)
            case {"type": "Flush"}:
                await mouth.speak()
            case {"type": "Clear"}:
                await mouth.stop()
                await session.send({"type": "Cleared", "sequence_id": mouth.next_number()})
            case {"type": "Close"}:
                await session.close()
            case _:
                await session.close(1008, "DATA-0001")


class _Mouth:
    """What one connection is saying."""

    def __init__(self, server: DeepgramSpeakServer, session: Session) -> None:
        self._server = server
        self._session = session
        self._format = FORMATS[session.query["encoding"], session.query["sample_rate"]]
        self._text = ""
        self._flushes = 0
        self._number = -1
        self._under_way: dict[asyncio.Task[None], str] = {}
        self._turn = asyncio.Lock()

    def next_number(self) -> int:
        self._number += 1
        return self._number

    def read(self, text: str) -> None:
        self._text += text

    async def speak(self) -> None:
        self._flushes += 1
        text, self._text = self._text, ""
        if self._flushes > MAX_FLUSHES:
            await self._session.send(
                {
                    "type": "Warning",
                    "description": "The maximum number of flushes was reached; wait until 60 seconds have passed.",
                    "code": "EXCESSIVE_FLUSH",
                }
            )
            return
        self._server.orders.spoken.append(text)
        task = asyncio.create_task(self._say(text), name="deepgram speaks")
        self._under_way[task] = text
        task.add_done_callback(lambda done: self._under_way.pop(done, None))
        await self._server.note()

    async def stop(self) -> None:
        self._text = ""
        tasks = dict(self._under_way)
        self._server.orders.cancelled += tasks.values()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.note()

    async def _say(self, text: str) -> None:
        orders = self._server.orders
        async with self._turn:
            for number, piece in enumerate(pieces(sound(text, self._format), self._format)):
                if await _misbehaves(orders, number, self._server, self._session):
                    return
                await self._session.send(piece)
                await asyncio.sleep(0)
            await self._session.send({"type": "Flushed", "sequence_id": self.next_number()})


class DeepgramRestSpeakServer(HttpSpeakerServer):
    """By request."""

    paths = ("/v1/speak",)
    media_type = "audio/basic"

    def admit(self, request: Request) -> Response | None:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if self.key and (scheme.lower() not in ("token", "bearer") or given != self.key):
            return self.refusal(HTTPStatus.UNAUTHORIZED)
        return None

    async def read(self, request: Request) -> Order | Response:
        query = dict(request.query_params)
        wrong = _wrong(query, _NAMES | {"container", "bit_rate", "tag"})
        if not wrong and query.get("container", "wav") != "none":
            wrong = "Only sound without a container is made here."
        body = await request.json()
        text = body.get("text") if isinstance(body, dict) else None
        if not isinstance(text, str) or not text or len(text) > MAX_TEXT:
            wrong = wrong or "A text of 1 to 2000 characters is needed."
        if wrong:
            return _response(*refusal(HTTPStatus.BAD_REQUEST, "INVALID_QUERY_PARAMETER", wrong))
        return Order(str(text), FORMATS[query["encoding"], query["sample_rate"]])

    def refusal(self, status: HTTPStatus) -> Response:
        code = "INVALID_AUTH" if status is HTTPStatus.UNAUTHORIZED else status.name
        return _response(*refusal(status, code, status.phrase))


async def _misbehaves(orders: Orders, number: int, server: DeepgramSpeakServer, session: Session) -> bool:
    """Whether the sentence is over before its piece of this number."""
    if number == orders.stall_after:
        await asyncio.Event().wait()
    if orders.drops(number):
        session.drop()
        return True
    if number == orders.complain_after:
        await server.complain(session)
        return True
    return False


def _wrong(query: Mapping[str, str], names: frozenset[str]) -> str:
    if not set(query) <= names:
        return "Unknown parameter."
    if not query.get("model", "").startswith("aura-"):
        return "No such model."
    if (query.get("encoding", ""), query.get("sample_rate", "")) not in FORMATS:
        return "Unsupported audio format."
    try:
        return "" if 0.7 <= float(query.get("speed", "1")) <= 1.5 else "Invalid speed."
    except ValueError:
        return "Invalid speed."


def _response(status: HTTPStatus, body: str) -> Response:
    return Response(body, status, media_type="application/json")
