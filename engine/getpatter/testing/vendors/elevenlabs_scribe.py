"""ElevenLabs' recogniser."""

from __future__ import annotations

import binascii
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from websockets.datastructures import Headers

from getpatter.testing.vendors.recogniser import RecogniserServer
from getpatter.testing.vendors.socket_server import Json, Session

SECONDS_PER_WORD: Final = 0.3
MIN_COMMIT_S: Final = 0.3
_PATH: Final = "/v1/speech-to-text/realtime"
_BYTES_PER_SECOND: Final = {
    "ulaw_8000": 8000,
    **{f"pcm_{rate}": 2 * rate for rate in (8000, 16000, 22050, 24000, 44100, 48000)},
}
_KNOWN: Final[Mapping[str, tuple[str, ...] | None]] = {
    "model_id": ("scribe_v2_realtime", "scribe_v3_live"),
    "audio_format": tuple(_BYTES_PER_SECOND),
    "commit_strategy": ("manual", "vad", "turn_prediction"),
    "include_timestamps": ("true", "false"),
    "include_language_detection": ("true", "false"),
    "no_verbatim": ("true", "false"),
    "enable_logging": ("true", "false"),
    "language_code": None,
    "keyterms": None,
    "vad_silence_threshold_secs": None,
    "vad_threshold": None,
    "min_speech_duration_ms": None,
    "min_silence_duration_ms": None,
}
"""None: anything."""
_FIELDS: Final = frozenset({"message_type", "audio_base_64", "commit", "sample_rate", "previous_text"})


class ElevenLabsScribeServer(RecogniserServer):
    """Answers a commit with what it understood; one of too little audio it passes over, and says so."""

    def __init__(self, *utterances: str, key: str = "") -> None:
        super().__init__(*utterances, key=key)
        self._audio: dict[Session, bytearray] = {}
        self._committed: dict[Session, int] = {}

    def admit(self, session_path: str, query: Mapping[str, str], headers: Headers) -> tuple[HTTPStatus, str] | None:
        if session_path != _PATH:
            return HTTPStatus.NOT_FOUND, '{"detail": "Not Found"}'
        return None

    async def talk(self, session: Session) -> None:
        if self.key and session.headers.get("xi-api-key") != self.key:
            await self._fail(session, "auth_error", "You must be authenticated to use this endpoint.")
            return
        if wrong := _misunderstood(parameters(session)):
            await self._fail(session, "invalid_request", wrong)
            return
        self._audio[session] = bytearray()
        self._committed[session] = 0
        await session.send(self._started(session))
        async for message in self.messages(session):
            if wrong := await self._take(session, json.loads(message)):
                await self._fail(session, "input_error", wrong)
                return

    def heard(self, session: Session) -> bytes:
        return bytes(self._audio.get(session, b""))

    async def complain(self, session: Session) -> None:
        await self._fail(session, "transcriber_error", "The transcriber failed.")

    async def commit(self, session: Session) -> None:
        """End the segment, asked or of its own accord, as with the strategies "vad" and "turn_prediction"."""
        self._committed[session] = len(self._audio[session])
        text = self.understand(session)
        if text:
            await session.send({"message_type": "partial_transcript", "text": text})
        await session.send({"message_type": "committed_transcript", "text": text})
        if session.query.get("include_timestamps") == "true":
            await session.send(
                {
                    "message_type": "committed_transcript_with_timestamps",
                    "text": text,
                    "language_code": session.query.get("language_code", "en"),
                    "words": _words(text),
                }
            )

    async def _take(self, session: Session, told: Json) -> str:
        """What is wrong with a message; empty when nothing is."""
        if told.get("message_type") != "input_audio_chunk" or told.keys() - _FIELDS:
            return "Unknown message."
        if not isinstance(told.get("commit"), bool) or "audio_base_64" not in told:
            return "audio_base_64 and commit are required."
        if told.get("sample_rate") != int(session.query["audio_format"].partition("_")[2]):
            return "The sample rate is not that of the audio format."
        if told.get("previous_text") and self._audio[session]:
            return "previous_text goes with the first audio."
        try:
            self._audio[session] += binascii.a2b_base64(told["audio_base_64"], strict_mode=True)
        except binascii.Error:
            return "audio_base_64 is no base64."
        await self.note()
        if told["commit"]:
            fresh_s = (len(self._audio[session]) - self._committed[session]) / self._bytes_per_second(session)
            if fresh_s < MIN_COMMIT_S:
                words = f"Commit request ignored: only {fresh_s:.2f}s of uncommitted audio."
                await session.send({"message_type": "commit_throttled", "error": words})
            else:
                await self.commit(session)
        return ""

    def _started(self, session: Session) -> Json:
        query = session.query
        return {
            "message_type": "session_started",
            "session_id": "s-1",
            "config": {
                "sample_rate": int(query["audio_format"].partition("_")[2]),
                "audio_format": query["audio_format"],
                "language_code": query.get("language_code"),
                "model_id": query["model_id"],
                "commit_strategy": query.get("commit_strategy", "manual"),
                "include_timestamps": query.get("include_timestamps") == "true",
                "keyterms": parameters(session).get("keyterms"),
            },
        }

    @staticmethod
    def _bytes_per_second(session: Session) -> int:
        return _BYTES_PER_SECOND[session.query["audio_format"]]

    @staticmethod
    async def _fail(session: Session, kind: str, words: str) -> None:
        await session.send({"message_type": kind, "error": words})
        await session.close(1000, kind)


def parameters(session: Session) -> dict[str, list[str]]:
    """What the address asks for; a name may be there more than once."""
    assert session.socket.request is not None
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(urlsplit(session.socket.request.path).query, keep_blank_values=True):
        found.setdefault(name, []).append(value)
    return found


def _misunderstood(query: Mapping[str, list[str]]) -> str:
    for name, values in query.items():
        known = _KNOWN.get(name, ())
        if known is not None and not set(values) <= set(known):
            return f"{name}={values[0]} is not understood."
    for name in ("model_id", "audio_format"):
        if name not in query:
            return f"{name} is required."
    terms = query.get("keyterms", [])
    if len(terms) > 50 or any(len(term) > 20 for term in terms):
        return "Too many keyterms, or too long ones."
    return ""


def _words(text: str) -> list[dict[str, Any]]:
    words: list[dict[str, Any]] = []
    for number, word in enumerate(text.split()):
        start_s = round(number * SECONDS_PER_WORD, 3)
        if number:
            words.append({"text": " ", "start": start_s, "end": start_s, "type": "spacing"})
        end_s = round(start_s + SECONDS_PER_WORD, 3)
        words.append({"text": word, "start": start_s, "end": end_s, "type": "word", "logprob": -0.1})
    return words
