"""ElevenLabs' voices: its multi-context WebSocket, and its streaming requests."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from websockets.datastructures import Headers

from getpatter.audio.format import AudioFormat
from getpatter.testing.vendors.http_speaker import HttpSpeakerServer, Order
from getpatter.testing.vendors.socket_server import Session
from getpatter.testing.vendors.speaker import PIECE_S, SECONDS_PER_CHARACTER, SpeakerServer, pieces, sound

MAX_CONTEXTS: Final = 5
_PATH: Final = re.compile(r"/v1/text-to-speech/([A-Za-z0-9]{20})/multi-stream-input")
_VOICE: Final = re.compile(r"[A-Za-z0-9]{20}")
_FORMATS: Final[Mapping[str, AudioFormat]] = {
    "ulaw_8000": AudioFormat("mulaw", 8000),
    **{f"pcm_{rate}": AudioFormat("pcm16", rate) for rate in (8000, 16000, 22050, 24000, 44100)},
}
_BOOLEANS: Final = ("true", "false")
_MODELS: Final = ("eleven_flash_v2_5", "eleven_turbo_v2_5", "eleven_multilingual_v2", "eleven_flash_v2", "eleven_v3")
_QUERY: Final[Mapping[str, Iterable[str] | None]] = {
    "model_id": _MODELS[:-1],
    "output_format": tuple(_FORMATS),
    "auto_mode": _BOOLEANS,
    "sync_alignment": _BOOLEANS,
    "enable_logging": _BOOLEANS,
    "apply_text_normalization": ("auto", "on", "off"),
    "inactivity_timeout": tuple(str(seconds) for seconds in range(1, 181)),
    "language_code": None,
    "seed": None,
}
"""What the socket's address may say; None: anything."""
_FIELDS: Final = frozenset(
    {
        "text",
        "context_id",
        "flush",
        "close_context",
        "close_socket",
        "voice_settings",
        "generation_config",
        "pronunciation_dictionary_locators",
    }
)
_BODY: Final = frozenset(
    {
        "text",
        "model_id",
        "language_code",
        "voice_settings",
        "pronunciation_dictionary_locators",
        "seed",
        "previous_text",
        "next_text",
        "apply_text_normalization",
    }
)


class _Refused(Exception):
    """The client broke the protocol: `kind` and the words go into the message, the words into the close frame."""

    def __init__(self, kind: str, words: str) -> None:
        super().__init__(words)
        self.kind = kind


@dataclass(eq=False)
class _Context:
    settings: object
    text: str = ""
    """Not flushed yet."""
    speaking: asyncio.Task[None] | None = None
    said: list[str] = field(default_factory=list)


class ElevenLabsServer(SpeakerServer):
    """The WebSocket.  As the true one, it says that a context is final only once it was closed, and what was flushed it
    speaks to the end even then; only when the client leaves it stops."""

    def admit(self, session_path: str, query: Mapping[str, str], headers: Headers) -> tuple[HTTPStatus, str] | None:
        if not _PATH.fullmatch(session_path):
            return HTTPStatus.NOT_FOUND, _detail("voice_not_found", "A voice with this id was not found.")
        for name, value in query.items():
            known = _QUERY.get(name, ())
            if known is not None and value not in known:
                return HTTPStatus.BAD_REQUEST, _detail("invalid_request", f"{name}={value} is not understood")
        return None

    async def talk(self, session: Session) -> None:
        if self.key and session.headers.get("xi-api-key") != self.key:
            await self._refuse(session, _Refused("invalid_api_key", "Invalid API key"))
            return
        contexts: dict[str, _Context] = {}
        try:
            async for message in self.messages(session):
                if not await self._obey(session, contexts, json.loads(message)):
                    break
        except _Refused as refused:
            await self._refuse(session, refused)
        finally:
            await self._leave(contexts)

    async def complain(self, session: Session) -> None:
        await self._refuse(session, _Refused("system_busy", "The system is experiencing heavy traffic."))

    async def _refuse(self, session: Session, refused: _Refused) -> None:
        await session.send({"message": str(refused), "error": refused.kind, "code": 1008})
        await session.close(1008, str(refused))

    async def _obey(self, session: Session, contexts: dict[str, _Context], told: dict[str, Any]) -> bool:
        """False when the socket is to be closed."""
        if unknown := told.keys() - _FIELDS:
            raise _Refused("invalid_message", f"Unknown fields: {', '.join(sorted(unknown))}")
        if told.get("close_socket"):
            await self._said_out(session, contexts)
            await session.close()
            return False
        name = told.get("context_id", "default")
        begun = contexts.get(name)
        context = contexts[name] = begun or self._begun(contexts, told)
        if "voice_settings" in told and told["voice_settings"] != context.settings:
            raise _Refused("invalid_message", "voice_settings must be given in a context's first message.")
        context.text += told.get("text", "").lstrip() if not context.text else told.get("text", "")
        if told.get("flush") and context.text:
            self._flush(session, name, context)
        if told.get("close_context"):
            del contexts[name]
            self._finish(session, name, context, contexts)
        return True

    @staticmethod
    async def _said_out(session: Session, contexts: dict[str, _Context]) -> None:
        """Wait until all that was flushed is spoken, or the client has left."""
        left = asyncio.create_task(session.socket.wait_closed())
        speaking = [context.speaking for context in contexts.values() if context.speaking is not None]
        said = asyncio.gather(*speaking, return_exceptions=True)
        await asyncio.wait((left, said), return_when=asyncio.FIRST_COMPLETED)
        left.cancel()

    def _begun(self, contexts: dict[str, _Context], told: dict[str, Any]) -> _Context:
        if not told.get("text"):
            raise _Refused("invalid_message", "A context begins with its text.")
        if len(contexts) >= MAX_CONTEXTS:  # one that was closed counts for as long as it speaks
            raise _Refused(
                "max_active_conversations",
                f"Maximum simultaneous contexts per WebSocket connection exceeded ({MAX_CONTEXTS}).",
            )
        return _Context(told.get("voice_settings"))

    def _flush(self, session: Session, name: str, context: _Context) -> None:
        text, context.text = context.text.removesuffix(" "), ""
        self.orders.spoken.append(text)
        context.said.append(text)
        context.speaking = asyncio.create_task(self._speak(session, name, text, context.speaking))

    def _finish(self, session: Session, name: str, context: _Context, contexts: dict[str, _Context]) -> None:
        """Its end is told when what was flushed is spoken."""
        closing = f"\0{name}"
        contexts[closing] = context

        async def finish(speaking: asyncio.Task[None] | None) -> None:
            if speaking is not None:
                await speaking
            contexts.pop(closing, None)
            await session.send({"isFinal": True, "contextId": name})

        context.speaking = asyncio.create_task(finish(context.speaking))

    async def _speak(self, session: Session, name: str, text: str, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await before
        format = _FORMATS[session.query.get("output_format", "ulaw_8000")]
        orders = self.orders
        for number, piece in enumerate(pieces(sound(text, format), format)):
            if number == orders.stall_after:
                await asyncio.Event().wait()
            if orders.drops(number):
                session.drop()
                return
            if number == orders.complain_after:
                await self.complain(session)
                return
            times = _times(text, number)
            alignment = {
                "chars": [character for character, _ in times],
                # Counted from the piece, as the client library's types say.
                "charStartTimesMs": [round((start_s - number * PIECE_S) * 1000) for _, start_s in times],
                "charDurationsMs": [round(SECONDS_PER_CHARACTER * 1000) for _ in times],
            }
            await session.send(
                {
                    "audio": base64.b64encode(piece).decode(),
                    "alignment": alignment,
                    "normalizedAlignment": alignment,
                    "contextId": name,
                }
            )
            await asyncio.sleep(0)

    async def _leave(self, contexts: dict[str, _Context]) -> None:
        for context in contexts.values():
            if context.speaking is not None and not context.speaking.done():
                self.orders.cancelled += context.said[-1:]
                context.speaking.cancel()
        tasks = [context.speaking for context in contexts.values() if context.speaking is not None]
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class _TimedOrder(Order):
    """With the times of characters."""


class ElevenLabsRestServer(HttpSpeakerServer):
    """Requests whose answer is a stream, with and without the times of characters."""

    paths = ("/v1/text-to-speech/{voice_id}/stream", "/v1/text-to-speech/{voice_id}/stream/with-timestamps")
    media_type = "application/octet-stream"

    def admit(self, request: Request) -> Response | None:
        if self.key and request.headers.get("xi-api-key") != self.key:
            return self.refusal(HTTPStatus.UNAUTHORIZED)
        return None

    async def read(self, request: Request) -> Order | Response:
        if not _VOICE.fullmatch(request.path_params["voice_id"]):
            return _answer(HTTPStatus.NOT_FOUND, "voice_not_found", "A voice with this id was not found.")
        try:
            body = await request.json()
        except ValueError:
            return _answer(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", "The body is no JSON.")
        format = _FORMATS.get(request.query_params.get("output_format", ""))
        unknown = {name for name, value in body.items() if value is not None} - _BODY
        unknown |= request.query_params.keys() - {"output_format", "optimize_streaming_latency", "enable_logging"}
        if format is None or unknown or not body.get("text"):
            return _answer(
                HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", f"Not understood: {', '.join(sorted(unknown))}"
            )
        if body.get("model_id") not in _MODELS:
            return _answer(HTTPStatus.BAD_REQUEST, "model_not_found", f"A model {body.get('model_id')} does not exist.")
        kind = _TimedOrder if request.url.path.endswith("/with-timestamps") else Order
        return kind(body["text"], format)

    def refusal(self, status: HTTPStatus) -> Response:
        kinds = {
            HTTPStatus.UNAUTHORIZED: ("invalid_api_key", "Invalid API key"),
            HTTPStatus.TOO_MANY_REQUESTS: ("system_busy", "The system is experiencing heavy traffic."),
        }
        return _answer(status, *kinds.get(status, ("internal_error", "Something went wrong.")))

    def encode(self, piece: bytes, number: int, order: Order) -> bytes:
        if not isinstance(order, _TimedOrder):
            return piece
        times = _times(order.text, number)
        alignment = {
            "characters": [character for character, _ in times],
            "character_start_times_seconds": [start_s for _, start_s in times],
            "character_end_times_seconds": [start_s + SECONDS_PER_CHARACTER for _, start_s in times],
        }
        told = {
            "audio_base64": binascii.b2a_base64(piece, newline=False).decode(),
            "alignment": alignment,
            "normalized_alignment": alignment,
        }
        return json.dumps(told).encode() + b"\n"


def _times(text: str, number: int) -> list[tuple[str, float]]:
    """The characters in a piece of this number, and when in the text's sound each begins."""
    begin_s, end_s = number * PIECE_S, (number + 1) * PIECE_S
    starts = ((character, index * SECONDS_PER_CHARACTER) for index, character in enumerate(text))
    return [(character, round(start_s, 3)) for character, start_s in starts if begin_s <= start_s + 1e-6 < end_s]


def _detail(kind: str, words: str) -> str:
    return json.dumps({"detail": {"code": kind, "status": kind, "message": words}})


def _answer(status: HTTPStatus, kind: str, words: str) -> Response:
    return JSONResponse(json.loads(_detail(kind, words)), status)
