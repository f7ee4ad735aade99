"""Stands in for Telnyx's text to speech over a WebSocket."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from websockets.datastructures import Headers

from getpatter.audio.format import AudioFormat
from getpatter.testing.vendors.socket_server import Session
from getpatter.testing.vendors.speaker import SpeakerServer, pieces, sound

PATH: Final = "/v2/text-to-speech/speech"
RATES: Final = frozenset(("8000", "16000", "22050", "24000", "44100", "48000", "96000"))
MP3: Final = b"ID3\x04\x00\x00\x00\x00\x00\x00"

_NAMES: Final = frozenset(("voice", "audio_format", "sample_rate", "language", "text_type", "disable_cache"))
_OWN_FORMATS: Final = frozenset(("mp3", "linear16"))
_FORMATS: Final = frozenset(("mp3", "linear16", "wav", "mulaw", "alaw", "ogg_vorbis"))


class TelnyxSpeakServer(SpeakerServer):
    """Without the greeting, nothing that is said to it matters.  Voices of `Telnyx.KokoroTTS` answer with MP3."""

    def admit(self, session_path: str, query: Mapping[str, str], headers: Headers) -> tuple[HTTPStatus, str] | None:
        if session_path != PATH:
            return _refusal(HTTPStatus.NOT_FOUND, "Resource not found")
        if self.key and headers.get("Authorization", "") != f"Bearer {self.key}":
            return _refusal(HTTPStatus.UNAUTHORIZED, "Authentication failed")
        voice, audio = query.get("voice", ""), query.get("audio_format", "mp3")
        if voice.startswith("Telnyx.Ultra."):
            return _refusal(HTTPStatus.FORBIDDEN, "Ultra is not available here")
        formats = _OWN_FORMATS if voice.startswith("Telnyx.") else _FORMATS
        fine = set(query) <= _NAMES and "." in voice and audio in formats and query.get("sample_rate", "24000") in RATES
        return None if fine else _refusal(HTTPStatus.BAD_REQUEST, "Invalid parameters")

    async def talk(self, session: Session) -> None:
        greeted, text = False, ""
        speaking: asyncio.Task[None] | None = None
        try:
            async for message in self.messages(session):
                told = _read(message)
                if not greeted:
                    greeted = told.get("text") == " "
                elif told.get("force"):
                    await self._stop(speaking, text)
                elif told.get("text"):
                    text += str(told["text"])
                elif told.get("text") == "":
                    self.orders.spoken.append(text)
                    speaking = asyncio.create_task(self._speak(session, text), name="telnyx speaks")
                    await self.note()
        finally:
            await self._stop(speaking, text)

    async def complain(self, session: Session) -> None:
        await session.send({"error": "Error in audio response"})
        await session.close(1011)

    async def _stop(self, speaking: asyncio.Task[None] | None, text: str) -> None:
        if speaking is None:
            return
        if not speaking.done():
            self.orders.cancelled.append(text)
        speaking.cancel()
        await asyncio.gather(speaking, return_exceptions=True)
        await self.note()

    async def _speak(self, session: Session, text: str) -> None:
        orders = self.orders
        rate = int(session.query.get("sample_rate", "24000"))
        format = AudioFormat("mulaw" if session.query["audio_format"] == "mulaw" else "pcm16", rate)
        start = MP3 if session.query["voice"].startswith("Telnyx.KokoroTTS.") else b""
        for number, piece in enumerate(pieces(start + sound(text, format), format)):
            if number == orders.stall_after:
                await asyncio.Event().wait()
            if orders.drops(number):
                session.drop()
                return
            if number == orders.complain_after:
                await self.complain(session)
                return
            audio = base64.b64encode(piece).decode()
            await session.send({"audio": audio, "text": None, "isFinal": False, "cached": False})
            await asyncio.sleep(0)
        await session.send({"audio": None, "text": "", "isFinal": True})
        await session.close()


def _read(message: str | bytes) -> dict[str, Any]:
    try:
        told = json.loads(message)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _refusal(status: HTTPStatus, title: str) -> tuple[HTTPStatus, str]:
    return status, json.dumps({"errors": [{"code": "10015", "title": title, "detail": f"{title}."}]})
