"""Stands in for `POST /v1/audio/speech`, as OpenAI's client speaks to it."""

from __future__ import annotations

import binascii
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from getpatter.audio.format import AudioFormat
from getpatter.testing.vendors.http_speaker import HttpSpeakerServer, Order

PCM: Final = AudioFormat("pcm16", 24_000)
MODELS: Final = ("gpt-4o-mini-tts", "gpt-4o-mini-tts-2025-12-15", "tts-1", "tts-1-hd")
VOICES: Final = (
    *("alloy", "ash", "ballad", "coral", "echo", "fable", "onyx", "nova", "sage", "shimmer", "verse", "marin"),
    "cedar",
)
MAX_TEXT: Final = 4096
"""Characters."""
USAGE: Final = {"input_tokens": 14, "output_tokens": 101, "total_tokens": 115}

_FIELDS: Final = frozenset(("input", "model", "voice", "instructions", "response_format", "speed", "stream_format"))


@dataclass(frozen=True, slots=True)
class SpeechOrder(Order):
    body: dict[str, Any]

    @property
    def is_stream_of_events(self) -> bool:
        return self.body.get("stream_format") == "sse"


class OpenAISpeechServer(HttpSpeakerServer):
    """Makes PCM alone; the real one makes MP3 where nothing is said."""

    paths = ("/v1/audio/speech",)
    media_type = "audio/pcm"

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def admit(self, request: Request) -> Response | None:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.key and given != self.key:
            words = f"Incorrect API key provided: {given[:3]}***."
            return _refused(HTTPStatus.UNAUTHORIZED, words, code="invalid_api_key")
        return None

    async def read(self, request: Request) -> Order | Response:
        body = await request.json()
        if body.get("model") not in MODELS:
            words = f"The model `{body.get('model')}` does not exist or you do not have access to it."
            return _refused(HTTPStatus.NOT_FOUND, words, code="model_not_found")
        if wrong := _wrong(body):
            return _refused(HTTPStatus.BAD_REQUEST, f"Invalid value for '{wrong}'.", param=wrong)
        return SpeechOrder(body["input"], PCM, body)

    def refusal(self, status: HTTPStatus) -> Response:
        return _refused(status, status.phrase, kind="server_error" if status >= 500 else "requests")

    def media_type_of(self, order: Order) -> str:
        return "text/event-stream" if _events(order) else self.media_type

    def encode(self, piece: bytes, number: int, order: Order) -> bytes:
        if not _events(order):
            return piece
        audio = binascii.b2a_base64(piece, newline=False).decode()
        return _event({"type": "speech.audio.delta", "audio": audio})

    def end(self, order: Order) -> bytes:
        return _event({"type": "speech.audio.done", "usage": USAGE}) if _events(order) else b""


def _events(order: Order) -> bool:
    return isinstance(order, SpeechOrder) and order.is_stream_of_events


def _event(told: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(told)}\n\n".encode()


def _wrong(body: dict[str, Any]) -> str:
    """The field that is; empty for none."""
    old = body["model"].startswith("tts-1")
    voice, text, speed = body.get("voice"), body.get("input"), body.get("speed", 1.0)
    custom = isinstance(voice, dict) and set(voice) == {"id"} and str(voice["id"]).startswith("voice_")
    wrong = {
        "voice": not (custom or voice in VOICES),
        "input": not (isinstance(text, str) and 0 < len(text) <= MAX_TEXT),
        "speed": not (isinstance(speed, int | float) and 0.25 <= speed <= 4.0),
        "response_format": body.get("response_format") != "pcm",
        "instructions": "instructions" in body and (old or not isinstance(body["instructions"], str)),
        "stream_format": body.get("stream_format", "audio") not in (("audio",) if old else ("audio", "sse")),
        **{name: True for name in body if name not in _FIELDS},
    }
    return next((name for name, is_wrong in wrong.items() if is_wrong), "")


def _refused(
    status: HTTPStatus,
    message: str,
    *,
    kind: str = "invalid_request_error",
    param: str | None = None,
    code: str | None = None,
) -> Response:
    return JSONResponse({"error": {"message": message, "type": kind, "param": param, "code": code}}, status)
