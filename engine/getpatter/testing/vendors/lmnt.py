"""Stands in for LMNT's voices: `/v1/ai/speech/stream` by WebSocket, and `/v1/ai/speech/bytes` by request."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from websockets.datastructures import Headers

from getpatter.audio.format import AudioFormat
from getpatter.testing.vendors.http_speaker import HttpSpeakerServer, Order
from getpatter.testing.vendors.mouth import Mouth, words_in
from getpatter.testing.vendors.socket_server import Json, Session
from getpatter.testing.vendors.speaker import SpeakerServer

REQUEST_ID: Final = "req_0198c2f4"
FORMATS: Final = {
    ("ulaw", 8000): AudioFormat("mulaw", 8000),
    **{("pcm_s16le", rate): AudioFormat("pcm16", rate) for rate in (8000, 16_000, 24_000)},
}
LANGUAGES: Final = frozenset(
    (
        "auto",
        *("ar", "as", "bn", "cs", "da", "de", "en", "es", "fi", "fr", "hi", "id", "it", "ja", "ko", "ml"),
        *("mr", "nl", "pl", "pt", "ru", "sk", "sv", "ta", "te", "th", "tr", "uk", "ur", "vi", "zh"),
    )
)
MAX_TEXT: Final = 5000
"""Characters of a request."""

_INIT: Final = frozenset(
    ("type", "X-API-Key", "lmnt-version", "voice", "format", "language", "return_timestamps", "sample_rate")
)
_BODY: Final = frozenset(
    ("text", "voice", "debug", "format", "language", "model", "sample_rate", "temperature", "top_p")
)
_KINDS: Final[Mapping[int, str]] = {
    401: "authentication_error",
    402: "payment_required_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    500: "internal_server_error",
    502: "internal_server_error",
}


class LmntServer(SpeakerServer):
    """A speech session.  µ-law comes behind a WAV header, with each flush a new one; a reset drops what was not
    flushed."""

    def admit(self, session_path: str, query: Mapping[str, str], headers: Headers) -> tuple[HTTPStatus, str] | None:
        return None if session_path == "/v1/ai/speech/stream" else (HTTPStatus.NOT_FOUND, "")

    async def talk(self, session: Session) -> None:
        speech: _Speech | None = None
        try:
            async for message in self.messages(session):
                told = json.loads(message)
                if speech is not None:
                    if not await speech.take(told):
                        return
                    continue
                if refusal := self._refusal(told):
                    await fail(session, *refusal)
                    return
                speech = _Speech(self, session, told)
                await session.send({"type": "ready", "request_id": REQUEST_ID})
        finally:
            if speech is not None:
                await speech.mouth.stop()

    async def complain(self, session: Session) -> None:
        await fail(session, 500, "Something went wrong.")

    def _refusal(self, init: Json) -> tuple[int, str] | None:
        if self.key and init.get("X-API-Key") != self.key:
            return 401, "Invalid API key."
        wrong = _wrong(init, _INIT)
        return (400, wrong) if wrong else None


class _Speech:
    """What is said in one session."""

    def __init__(self, server: LmntServer, session: Session, init: Json) -> None:
        self._session = session
        self._init = init
        self._format = FORMATS[init["format"], init["sample_rate"]]
        self.mouth = Mouth(server, session, self._format)
        self._text = ""

    async def take(self, told: Json) -> bool:
        """False when the session is over."""
        match told:
            case {"type": "text", "text": str(text)}:
                self._text += text
            case {"type": "flush", "nonce": int(nonce)}:
                await self._flush({"type": "flush_complete", "nonce": nonce})
            case {"type": "reset", "nonce": int(nonce)}:
                self._text = ""
                await self._session.send({"type": "reset_complete", "nonce": nonce})
            case {"type": "finish"}:
                await self._flush(None)
                await self.mouth.finish()
                await self._session.close()
                return False
            case _:
                await fail(self._session, 400, "Unknown message.")
                return False
        return True

    async def _flush(self, complete: Json | None) -> None:
        text, self._text = self._text, ""

        async def piece(number: int, audio: bytes) -> None:
            words = words_in(text, number)
            if self._init.get("return_timestamps") and words:
                tokens = [{"text": word, "start": start, "duration": end - start} for word, start, end in words]
                await self._session.send({"type": "timestamps", "timestamps": tokens})
            headed = number == 0 and self._format.encoding == "mulaw"
            await self._session.send(wav_header() + audio if headed else audio)

        async def end() -> None:
            if complete is not None:
                await self._session.send(complete)

        if text:
            await self.mouth.say(text, piece, end)
        else:
            await end()


class LmntRestServer(HttpSpeakerServer):
    """Requests.  µ-law comes behind a WAV header."""

    paths = ("/v1/ai/speech/bytes",)
    media_type = "application/octet-stream"

    def admit(self, request: Request) -> Response | None:
        if self.key and request.headers.get("X-API-Key") != self.key:
            return self.refusal(HTTPStatus.UNAUTHORIZED)
        return None

    async def read(self, request: Request) -> Order | Response:
        body = await request.json()
        wrong = _wrong(body, _BODY)
        text = body.get("text")
        if not wrong and (not isinstance(text, str) or not 0 < len(text) <= MAX_TEXT):
            wrong = f"text has 1 to {MAX_TEXT} characters."
        if not wrong and body.get("model", "blizzard") != "blizzard":
            wrong = "The model is unknown."
        if wrong:
            return _refused(400, wrong)
        return Order(body["text"], FORMATS[body["format"], body["sample_rate"]])

    def refusal(self, status: HTTPStatus) -> Response:
        return _refused(status, status.phrase)

    def encode(self, piece: bytes, number: int, order: Order) -> bytes:
        return wav_header() + piece if number == 0 and order.format.encoding == "mulaw" else piece


def wav_header() -> bytes:
    """Of µ-law at 8000 Hz, as a stream has it: without lengths."""
    fmt = struct.pack("<4sIHHIIHHH", b"fmt ", 18, 7, 1, 8000, 8000, 1, 8, 0)
    return struct.pack("<4sI4s", b"RIFF", 0xFFFFFFFF, b"WAVE") + fmt + struct.pack("<4sI", b"data", 0xFFFFFFFF)


async def fail(session: Session, status: int, message: str) -> None:
    """Say what is wrong, and close."""
    await session.send({"type": "error", "error": _error(status, message), "request_id": REQUEST_ID})
    await session.close()


def _error(status: int, message: str) -> Json:
    return {"type": _KINDS.get(status, "invalid_request_error"), "message": message}


def _refused(status: int, message: str) -> Response:
    return JSONResponse({"error": _error(status, message), "request_id": REQUEST_ID}, status)


def _wrong(told: Mapping[str, Any], names: frozenset[str]) -> str:
    """What is not right with an order; empty for nothing."""
    if unknown := told.keys() - names:
        return f"Unknown fields: {', '.join(sorted(unknown))}."
    if not told.get("voice"):
        return "voice is required."
    if (told.get("format"), told.get("sample_rate")) not in FORMATS:
        return "This audio is not made here."
    if told.get("language", "auto") not in LANGUAGES:
        return "The language is not supported."
    return ""
