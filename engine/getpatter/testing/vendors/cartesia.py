"""Stands in for Cartesia's recognisers: `/stt/websocket`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from websockets.datastructures import Headers

from getpatter.testing.vendors.recogniser import RecogniserServer
from getpatter.testing.vendors.socket_server import Json, Session

REQUEST_ID: Final = "c7e52ec4-2d72-4b1c-9ba2-3b6b1d1f0e5a"
SAMPLE_BYTES: Final = {
    "pcm_s16le": 2,
    "pcm_s32le": 4,
    "pcm_f16le": 2,
    "pcm_f32le": 4,
    "pcm_mulaw": 1,
    "pcm_alaw": 1,
}

_DATE: Final = re.compile(r"20\d\d-\d\d-\d\d")
_NAMES: Final = frozenset({"model", "encoding", "sample_rate", "language", "keyterm", "cartesia_version"})
_WHISPER: Final = frozenset({"max_silence_duration_secs", "min_volume"})


def not_admitted(headers: Headers, key: str) -> tuple[HTTPStatus, str] | None:
    """A refusal of the handshake, on both services."""
    if not _DATE.fullmatch(headers.get("Cartesia-Version", "")):
        return refusal(HTTPStatus.BAD_REQUEST, "Missing version", "The Cartesia-Version header is a date.")
    bearer = headers.get("Authorization", "").removeprefix("Bearer ")
    if key and key not in (bearer, headers.get("X-API-Key")):
        return refusal(HTTPStatus.UNAUTHORIZED, "Unauthorized", "The API key is invalid.")
    return None


def refusal(status: HTTPStatus, title: str, message: str) -> tuple[HTTPStatus, str]:
    """How Cartesia words one."""
    return status, json.dumps(complaint(status, title, message))


def complaint(status: int, title: str, message: str) -> Json:
    """The fields of an error, in a body and in a message."""
    return {
        "error_code": title.lower().replace(" ", "_"),
        "title": title,
        "message": message,
        "request_id": REQUEST_ID,
        "status_code": int(status),
        "doc_url": "https://docs.cartesia.ai/api-reference/errors",
    }


class CartesiaServer(RecogniserServer):
    """Ink.  On `finalize` it gives what it may still change, then what is final in two parts, then `flush_done`; that
    alone where it understood nothing."""

    def __init__(self, *utterances: str, key: str = "") -> None:
        super().__init__(*utterances, key=key)
        self._finished_s: dict[Session, float] = {}
        """Up to where final words were given."""

    def admit(self, session_path: str, query: Mapping[str, str], headers: Headers) -> tuple[HTTPStatus, str] | None:
        if session_path != "/stt/websocket":
            return refusal(HTTPStatus.NOT_FOUND, "Not found", "Not found.")
        if (refused := not_admitted(headers, self.key)) is not None:
            return refused
        wrong = _wrong(query)
        return refusal(HTTPStatus.BAD_REQUEST, "Invalid parameter", wrong) if wrong else None

    async def talk(self, session: Session) -> None:
        async for message in self.messages(session):
            match message:
                case bytes():
                    continue
                case "finalize":
                    await self.finish(session)
                    await session.send({"type": "flush_done", "request_id": REQUEST_ID})
                case "close":
                    await self.finish(session)
                    await session.send({"type": "done", "request_id": REQUEST_ID})
                    await session.close()
                case _:
                    await self._fail(session, HTTPStatus.BAD_REQUEST, "Invalid command", "Unknown command.")

    def heard(self, session: Session) -> bytes:
        return session.audio

    async def finish(self, session: Session) -> None:
        """Make final what was heard."""
        query = session.query
        end_s = len(session.audio) / SAMPLE_BYTES[query["encoding"]] / int(query["sample_rate"])
        start_s = self._finished_s.get(session, 0.0)
        self._finished_s[session] = end_s
        text = self.understand(session)
        if not text:
            return
        first, space, rest = text.partition(" ")
        middle_s = (start_s + end_s) / 2 if rest else end_s
        await session.send(_transcript(first[:3], start_s, middle_s, is_final=False))
        await session.send(_transcript(first, start_s, middle_s, is_final=True))
        if rest:
            await session.send(_transcript(space + rest, middle_s, end_s, is_final=True))

    async def complain(self, session: Session) -> None:
        await self._fail(session, HTTPStatus.INTERNAL_SERVER_ERROR, "Internal error", "Transcription failed.")

    async def _fail(self, session: Session, status: HTTPStatus, title: str, message: str) -> None:
        await session.send({"type": "error", **complaint(status, title, message)})
        await session.close(1011)


def _transcript(text: str, start_s: float, end_s: float, *, is_final: bool) -> Json:
    words = text.split()
    step_s = (end_s - start_s) / max(1, len(words))
    return {
        "type": "transcript",
        "is_final": is_final,
        "request_id": REQUEST_ID,
        "text": text,
        "duration": end_s - start_s,
        "language": "en",
        "words": [
            {
                "words": words,
                "start": [start_s + step_s * number for number in range(len(words))],
                "end": [start_s + step_s * (number + 1) for number in range(len(words))],
            }
        ],
    }


def _wrong(query: Mapping[str, str]) -> str:
    """What is not right with the parameters; empty for nothing."""
    model = query.get("model", "")
    if not model.startswith(("ink-whisper", "ink-2")):
        return "The model is unknown."
    if unknown := query.keys() - _NAMES - (_WHISPER if model.startswith("ink-whisper") else frozenset()):
        return f"Unknown parameters: {', '.join(sorted(unknown))}."
    if query.get("encoding") not in SAMPLE_BYTES:
        return "The encoding is not supported."
    if not query.get("sample_rate", "").isdecimal():
        return "sample_rate is required."
    language = query.get("language", "en")
    if not re.fullmatch("[a-z]{2,3}", language) or (model.startswith("ink-2") and language != "en"):
        return "The language is not supported."
    return ""
