"""Stands in for Cartesia's voices: `/tts/websocket`."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from websockets.datastructures import Headers

from getpatter.audio.format import AudioFormat
from getpatter.testing.vendors.cartesia import complaint, not_admitted, refusal
from getpatter.testing.vendors.mouth import Mouth, words_in
from getpatter.testing.vendors.socket_server import Json, Session
from getpatter.testing.vendors.speaker import SpeakerServer

FORMATS: Final = {
    ("pcm_mulaw", 8000): AudioFormat("mulaw", 8000),
    **{("pcm_s16le", rate): AudioFormat("pcm16", rate) for rate in (8000, 16_000, 22_050, 24_000, 44_100, 48_000)},
}
_FIELDS: Final = frozenset(
    {
        *("context_id", "model_id", "transcript", "voice", "output_format", "language", "continue", "flush"),
        *("add_timestamps", "add_phoneme_timestamps", "use_normalized_timestamps", "max_buffer_delay_ms"),
        *("generation_config", "pronunciation_dict_id", "speed"),
    }
)
_RANGES: Final = {"speed": (0.6, 1.5), "volume": (0.5, 2.0)}


class CartesiaSpeakServer(SpeakerServer):
    """Contexts are spoken at the same time.  As the documentation says, cancelling does not stop what is being made:
    the rest of a cancelled context is still sent."""

    def admit(self, session_path: str, query: Mapping[str, str], headers: Headers) -> tuple[HTTPStatus, str] | None:
        if session_path != "/tts/websocket":
            return refusal(HTTPStatus.NOT_FOUND, "Not found", "Not found.")
        return not_admitted(headers, self.key)

    async def talk(self, session: Session) -> None:
        contexts = _Contexts(self, session)
        try:
            async for message in self.messages(session):
                await contexts.take(json.loads(message))
        finally:
            await contexts.close()

    async def complain(self, session: Session) -> None:
        await session.send({"type": "error", "done": True, **complaint(500, "Internal error", "Please try again.")})


class _Contexts:
    """Those of one connection."""

    def __init__(self, server: CartesiaSpeakServer, session: Session) -> None:
        self._server = server
        self._session = session
        self._texts: dict[str, str] = {}
        """What was said in each so far, of those that are not finished."""
        self._mouths: list[Mouth] = []

    async def take(self, told: Json) -> None:
        name = told.get("context_id", "")
        if told.get("cancel") is True:
            self._server.orders.cancelled.append(self._texts.pop(name, name))
            await self._server.note()
            return
        if wrong := _wrong(told):
            await self._fail(name, HTTPStatus.BAD_REQUEST, "Invalid request", wrong)
            return
        text = self._texts[name] = self._texts.get(name, "") + told["transcript"]
        if not told.get("continue"):
            await self._speak(name, text, told)

    async def close(self) -> None:
        for mouth in self._mouths:
            await mouth.stop()

    async def _speak(self, name: str, text: str, told: Json) -> None:
        output = told["output_format"]
        mouth = Mouth(self._server, self._session, FORMATS[output["encoding"], output["sample_rate"]])
        self._mouths.append(mouth)
        common = {"context_id": name, "done": False, "status_code": 206}

        async def piece(number: int, audio: bytes) -> None:
            data = base64.b64encode(audio).decode()
            await self._session.send({"type": "chunk", "data": data, "step_time": 1.5, "flush_id": 1, **common})
            words = words_in(text, number)
            if told.get("add_timestamps") and words:
                times = dict(zip(("words", "start", "end"), map(list, zip(*words, strict=True)), strict=True))
                await self._session.send({"type": "timestamps", "word_timestamps": times, "flush_id": 1, **common})

        async def end() -> None:
            self._texts.pop(name, None)
            await self._session.send({"type": "done", **common, "done": True, "status_code": 200})

        async def complain() -> None:
            self._texts.pop(name, None)
            await self._fail(name, HTTPStatus.INTERNAL_SERVER_ERROR, "Internal error", "Please try again.")

        await mouth.say(text, piece, end, complain)

    async def _fail(self, name: str, status: HTTPStatus, title: str, message: str) -> None:
        of_context = {"context_id": name} if name else {}
        await self._session.send({"type": "error", "done": True, **of_context, **complaint(status, title, message)})


def _wrong(told: Json) -> str:
    """What is not right with a request; empty for nothing."""
    if unknown := told.keys() - _FIELDS:
        return f"Unknown fields: {', '.join(sorted(unknown))}."
    if not told.get("context_id") or not isinstance(told.get("transcript"), str):
        return "context_id and transcript are required."
    if not told["transcript"] and told.get("continue", False):
        return "The transcript is empty."
    if not str(told.get("model_id", "")).startswith("sonic-"):
        return "The model is unknown."
    return _wrong_sound(told)


def _wrong_sound(told: Json) -> str:
    output = told.get("output_format") or {}
    if output.get("container") != "raw" or (output.get("encoding"), output.get("sample_rate")) not in FORMATS:
        return "The output format is not supported."
    voice: Any = told.get("voice")
    if not (voice if isinstance(voice, str) else (voice or {}).get("id")):
        return "A voice is required."
    config = told.get("generation_config") or {}
    for name, (low, high) in _RANGES.items():
        if not low <= config.get(name, 1.0) <= high:
            return f"{name} must be between {low} and {high}."
    return ""
