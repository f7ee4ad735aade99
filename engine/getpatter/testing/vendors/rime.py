"""Stands in for Rime's voices: `/ws3`."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from websockets.datastructures import Headers

from getpatter.audio.format import AudioFormat
from getpatter.testing.vendors.mouth import Mouth, words_in
from getpatter.testing.vendors.socket_server import Json, Session
from getpatter.testing.vendors.speaker import SpeakerServer

MAX_TEXT: Final = 1000
FORMATS: Final = {
    ("mulaw", "8000"): AudioFormat("mulaw", 8000),
    **{("pcm", str(rate)): AudioFormat("pcm16", rate) for rate in (8000, 16_000, 22_050, 24_000, 44_100, 48_000)},
}
_LANGUAGES: Final = frozenset(
    ("eng", "spa", "fra", "por", "ger", "jpn", "ara", "hin", "en", "es", "fr", "pt", "de", "ja", "ar", "hi")
)
_TIMED: Final = frozenset(("eng", "spa", "en", "es"))
_NAMES: Final = frozenset(
    {
        *("speaker", "modelId", "audioFormat", "samplingRate", "lang", "segment", "speedAlpha", "inlineSpeedAlpha"),
        *("pauseBetweenBrackets", "phonemizeBetweenBrackets", "noTextNormalization"),
        *("repetition_penalty", "temperature", "top_p", "max_tokens"),
    }
)


class RimeServer(SpeakerServer):
    """Speaks what was flushed, one after the other; `clear` drops only what was not.  A message that it cannot read is
    told of and passed over; what fails otherwise closes the connection."""

    def admit(self, session_path: str, query: Mapping[str, str], headers: Headers) -> tuple[HTTPStatus, str] | None:
        if session_path != "/ws3":
            return HTTPStatus.NOT_FOUND, "not found"
        if "Authorization" not in headers:
            return HTTPStatus.UNAUTHORIZED, "Missing Authorization header"
        if self.key and headers["Authorization"] != f"Bearer {self.key}":
            return HTTPStatus.UNAUTHORIZED, "invalid api key"
        wrong = _wrong(query)
        return (HTTPStatus.BAD_REQUEST, wrong) if wrong else None

    async def talk(self, session: Session) -> None:
        voice = _Voice(self, session)
        try:
            async for message in self.messages(session):
                await voice.take(message)
        finally:
            await voice.mouth.stop()

    async def complain(self, session: Session) -> None:
        await session.close(1011, "500: internal error")


class _Voice:
    """Of one connection."""

    def __init__(self, server: RimeServer, session: Session) -> None:
        query = session.query
        self.mouth = Mouth(server, session, FORMATS[query["audioFormat"], query["samplingRate"]])
        self._session = session
        self._timed = query.get("lang", "eng") in _TIMED
        self._text = ""
        self._context: str | None = None

    async def take(self, message: str | bytes) -> None:
        try:
            told = json.loads(message)
        except ValueError:
            told = None
        match told:
            case {"text": str(text)} if told.keys() <= {"text", "contextId"}:
                if len(text) > MAX_TEXT:
                    await self._session.close(1011, "400: text is too long")
                    return
                self._text += text
                self._context = told.get("contextId")
            case {"operation": "flush"}:
                await self._flush()
            case {"operation": "clear"}:
                self._text = ""
            case {"operation": "eos"}:
                await self._flush()
                await self.mouth.finish()
                await self._session.close()
            case _:
                await self._session.send({"type": "error", "message": "malformed message"})

    async def _flush(self) -> None:
        text, self._text = self._text, ""
        if not text:
            return
        context = {"contextId": self._context}

        async def piece(number: int, audio: bytes) -> None:
            await self._session.send({"type": "chunk", "data": base64.b64encode(audio).decode(), **context})
            if self._timed and (words := words_in(text, number)):
                await self._session.send({"type": "timestamps", "word_timestamps": _times(words), **context})

        async def end() -> None:
            await self._session.send({"type": "done", **context})

        await self.mouth.say(text, piece, end)


def _times(words: list[tuple[str, float, float]]) -> Json:
    return {
        "words": [word for word, _, _ in words],
        "start": [start_s for _, start_s, _ in words],
        "end": [end_s for _, _, end_s in words],
    }


def _wrong(query: Mapping[str, str]) -> str:
    """What is not right with the parameters; empty for nothing.  Rime itself serves an unknown model by another, and
    passes over names that it does not know; here both are mistakes."""
    if unknown := query.keys() - _NAMES:
        return f"unknown parameters: {', '.join(sorted(unknown))}"
    if not query.get("speaker"):
        return "speaker is required"
    if not query.get("modelId", "mistv3").startswith(("coda", "mist")):
        return "unknown model"
    if query.get("lang", "eng") not in _LANGUAGES:
        return f"Language {query['lang']} is not supported for model {query.get('modelId', 'mistv3')}"
    if (query.get("audioFormat"), query.get("samplingRate")) not in FORMATS:
        return "this audio is not made here"
    return "" if query.get("segment") == "never" else "only what is flushed is spoken here"
