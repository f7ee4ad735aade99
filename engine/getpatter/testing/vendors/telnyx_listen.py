"""Stands in for Telnyx's speech to text over a WebSocket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from websockets.datastructures import Headers

from getpatter.testing.vendors.recogniser import RecogniserServer
from getpatter.testing.vendors.socket_server import Json, Session

PATH: Final = "/v2/speech-to-text/transcription"
ENGINES: Final = frozenset(
    ("Azure", "Deepgram", "Google", "Telnyx", "xAI", "AssemblyAI", "Speechmatics", "Soniox", "Parakeet", "Cohere")
)
FORMATS: Final = frozenset(("mp3", "wav", "flac", "webm", "linear16", "linear32", "mulaw", "alaw"))
EVERYWHERE: Final = frozenset(("wav", "linear16"))
RAW: Final = frozenset(("linear16", "linear32", "mulaw", "alaw"))
INTERIM: Final = frozenset(("Deepgram", "Speechmatics", "Soniox"))

_NAMES: Final = frozenset(
    (
        *("transcription_engine", "model", "input_format", "sample_rate", "language", "interim_results"),
        *("endpointing", "redact", "keyterm", "keywords", "region", "channels", "encoding"),
    )
)


class TelnyxListenServer(RecogniserServer):
    """Only the engine `Deepgram` finalizes when it is asked; another makes final what it has heard when a test says
    `finish`.  Wrong parameters are told by a message, and the close that follows."""

    def admit(self, session_path: str, query: Mapping[str, str], headers: Headers) -> tuple[HTTPStatus, str] | None:
        if session_path != PATH:
            return _refusal(HTTPStatus.NOT_FOUND, "10005", "Resource not found")
        if self.key and headers.get("Authorization", "") != f"Bearer {self.key}":
            return _refusal(HTTPStatus.UNAUTHORIZED, "10009", "Authentication failed")
        return None

    def heard(self, session: Session) -> bytes:
        return session.audio

    async def talk(self, session: Session) -> None:
        wrong = _wrong(session.query)
        if wrong is not None:
            await session.send({"errors": [wrong]})
            await session.close()
            return
        asks = session.query["transcription_engine"] == "Deepgram"
        async for message in self.messages(session):
            if isinstance(message, bytes):
                continue
            match _type_of(message):
                case "Finalize" if asks:
                    await self.finish(session)
                case "CloseStream" if asks:
                    await self.finish(session)
                    await session.close()

    async def finish(self, session: Session) -> None:
        """Make final what was heard; nothing happens without words."""
        text = self.understand(session)
        if not text:
            return
        query = session.query
        if query.get("interim_results") == "true" and query["transcription_engine"] in INTERIM:
            await session.send(_transcript(text.partition(" ")[0], is_final=False, confidence=0.0))
        final = _transcript(text, is_final=True, confidence=0.98)
        if query["transcription_engine"] == "Deepgram":
            final["speech_final"] = True
        await session.send(final)
        if query["transcription_engine"] == "Deepgram":
            await session.send(_transcript("", is_final=True) | {"utterance_end": True})

    async def complain(self, session: Session) -> None:
        await session.send({"errors": [_error("50001", "Transcription failed", "The engine was lost.")]})
        await session.close(1011)


def _type_of(message: str) -> str:
    try:
        return str(json.loads(message)["type"])
    except (ValueError, KeyError, TypeError):
        return ""


def _transcript(text: str, **more: Any) -> Json:
    # The official client goes by `type`, of which the documentation does not speak.
    return {"type": "transcript", "transcript": text, **more}


def _wrong(query: Mapping[str, str]) -> Json | None:
    engine, audio = query.get("transcription_engine", "Deepgram"), query.get("input_format", "mp3")
    if not set(query) <= _NAMES:
        return _error("40001", "Invalid parameter", "Unknown parameter.")
    if engine not in ENGINES:
        return _error("40001", "Invalid parameter", f"Unknown engine '{engine}'.", "transcription_engine")
    if audio not in FORMATS or (engine != "Deepgram" and audio not in EVERYWHERE):
        return _error(
            "40002", "Unsupported format", f"Format '{audio}' is not supported by engine '{engine}'", "input_format"
        )
    if audio in RAW and "sample_rate" not in query:
        return _error("40003", "Missing sample rate", "Raw formats need a sample rate.", "sample_rate")
    if audio in RAW and query["sample_rate"] not in ("8000", "16000", "24000", "44100", "48000"):
        return _error("40005", "Invalid sample rate", "This sample rate is not supported.", "sample_rate")
    return None


def _error(code: str, title: str, detail: str, parameter: str = "") -> Json:
    return {"code": code, "title": title, "detail": detail, "source": {"parameter": parameter}}


def _refusal(status: HTTPStatus, code: str, title: str) -> tuple[HTTPStatus, str]:
    return status, json.dumps({"errors": [{"code": code, "title": title, "detail": f"{title}."}]})
