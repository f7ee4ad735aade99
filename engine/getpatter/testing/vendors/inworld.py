"""Stands in for Inworld's voices: `/tts/v1/voice:stream`."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from getpatter.audio.format import AudioFormat
from getpatter.testing.vendors.http_speaker import HttpSpeakerServer, Order
from getpatter.testing.vendors.mouth import words_in
from getpatter.testing.vendors.socket_server import Json

MAX_TEXT: Final = 2000
_FIELDS: Final = frozenset(
    {
        *("text", "voiceId", "modelId", "audioConfig", "temperature", "language", "deliveryMode"),
        *("timestampType", "timestampTransportStrategy", "applyTextNormalization"),
    }
)
_AUDIO: Final = frozenset(("audioEncoding", "sampleRateHertz", "bitRate", "speakingRate"))
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "deliveryMode": ("STABLE", "BALANCED", "CREATIVE"),
    "timestampType": ("WORD", "CHARACTER"),
    "timestampTransportStrategy": ("SYNC", "ASYNC"),
    "applyTextNormalization": ("ON", "OFF"),
}
_CODES: Final[Mapping[int, int]] = {400: 3, 401: 16, 403: 7, 404: 5, 429: 8}
"""gRPC's, of HTTP's."""


@dataclass(frozen=True, slots=True)
class _TimedOrder(Order):
    """With the times of words."""

    model: str = ""
    timed: bool = False


class InworldServer(HttpSpeakerServer):
    """Each piece of sound is a line of JSON; the times of its words follow in a line of their own, as they do where
    they are not waited for (`ASYNC`)."""

    paths = ("/tts/v1/voice:stream",)
    media_type = "application/json"

    def admit(self, request: Request) -> Response | None:
        if self.key and request.headers.get("Authorization") != f"Basic {self.key}":
            return self.refusal(HTTPStatus.UNAUTHORIZED)
        return None

    async def read(self, request: Request) -> Order | Response:
        body = await request.json()
        if wrong := _wrong(body):
            return _refused(400, wrong)
        if not str(body["voiceId"]).isalpha():
            return _refused(404, f"Unknown voice: {body['voiceId']} not found!")
        audio = body["audioConfig"]
        format = AudioFormat("mulaw" if audio["audioEncoding"] == "MULAW" else "pcm16", audio["sampleRateHertz"])
        return _TimedOrder(body["text"], format, body["modelId"], "timestampType" in body)

    def refusal(self, status: HTTPStatus) -> Response:
        return _refused(status, status.phrase)

    def encode(self, piece: bytes, number: int, order: Order) -> bytes:
        assert isinstance(order, _TimedOrder)
        usage = {"processedCharactersCount": len(order.text), "modelId": order.model}
        lines = [{"result": {"audioContent": base64.b64encode(piece).decode(), "usage": usage}}]
        words = words_in(order.text, number)
        if order.timed and words:
            alignment = {
                "words": [word for word, _, _ in words],
                "wordStartTimeSeconds": [start_s for _, start_s, _ in words],
                "wordEndTimeSeconds": [end_s for _, _, end_s in words],
            }
            lines.append({"result": {"audioContent": "", "timestampInfo": {"wordAlignment": alignment}}})
        return b"".join(json.dumps(line).encode() + b"\n" for line in lines)

    def complaint(self) -> bytes | None:
        return json.dumps({"error": {"code": 13, "message": "Internal error.", "details": []}}).encode() + b"\n"


def _refused(status: int, message: str) -> Response:
    return JSONResponse({"code": _CODES.get(status, 13), "message": message, "details": []}, status)


def _wrong(body: Json) -> str:
    """What is not right with an order; empty for nothing."""
    audio: Any = body.get("audioConfig") or {}
    if unknown := (body.keys() - _FIELDS) | (audio.keys() - _AUDIO):
        return f"Unknown fields: {', '.join(sorted(unknown))}."
    if not isinstance(body.get("text"), str) or not 0 < len(body["text"]) <= MAX_TEXT:
        return f"The text must have 1 to {MAX_TEXT} characters."
    if not body.get("voiceId") or not str(body.get("modelId", "")).startswith("inworld-tts-"):
        return "voiceId and modelId are required."
    for name, choices in _CHOICES.items():
        if name in body and body[name] not in choices:
            return f"{name} must be one of {', '.join(choices)}."
    if not 0 < body.get("temperature", 1.0) <= 2 or not 0.5 <= audio.get("speakingRate", 1.0) <= 1.5:
        return "A number is out of its range."
    return _wrong_sound(audio)


def _wrong_sound(audio: Json) -> str:
    rate = audio.get("sampleRateHertz", 0)
    if audio.get("audioEncoding") == "MULAW" and rate == 8000:
        return ""
    if audio.get("audioEncoding") == "PCM" and 8000 <= rate <= 48_000:
        return ""
    return "This audio is not made here."
