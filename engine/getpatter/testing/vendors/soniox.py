"""Soniox' recogniser."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from websockets.datastructures import Headers

from getpatter.testing.vendors.recogniser import RecogniserServer
from getpatter.testing.vendors.socket_server import Json, Session

MS_PER_TOKEN: Final = 120
_RAW: Final = ("mulaw", "alaw", "pcm_s16le")
_FIELDS: Final = frozenset(
    {
        "model",
        "audio_format",
        "sample_rate",
        "num_channels",
        "language_hints",
        "language_hints_strict",
        "context",
        "enable_speaker_diarization",
        "enable_language_identification",
        "enable_endpoint_detection",
        "max_endpoint_delay_ms",
        "endpoint_sensitivity",
        "client_reference_id",
    }
)
_CONTEXT: Final = frozenset({"general", "text", "terms", "translation_terms"})


class SonioxServer(RecogniserServer):
    """Answers a request to finalize with `<fin>`, also when nothing was said, and an empty message with the end."""

    def __init__(self, *utterances: str, key: str = "") -> None:
        super().__init__(*utterances, key=key)
        self.tokens_s: dict[Session, int] = {}
        """How many tokens each session was given: their times go on from there."""

    def admit(self, session_path: str, query: Mapping[str, str], headers: Headers) -> tuple[HTTPStatus, str] | None:
        if session_path != "/transcribe-websocket":
            return HTTPStatus.NOT_FOUND, ""
        if self.key and headers.get("Authorization") != f"Bearer {self.key}":
            body = {
                "status_code": 401,
                "error_type": "unauthenticated",
                "message": "Incorrect API key provided.",
                "request_id": "r-1",
            }
            return HTTPStatus.UNAUTHORIZED, json.dumps(body)
        return None

    async def talk(self, session: Session) -> None:
        configured = False
        async for message in self.messages(session):
            if not configured:
                if wrong := _misconfigured(message):
                    await self._fail(session, 400, wrong)
                    return
                configured = True
            elif not message:
                await self._end(session)
                return
            elif isinstance(message, str) and (wrong := await self._obey(session, json.loads(message))):
                await self._fail(session, 400, wrong)
                return

    def heard(self, session: Session) -> bytes:
        return session.audio

    async def complain(self, session: Session) -> None:
        await self._fail(session, 503, "Cannot continue request (code 1). Please restart the request.")

    async def utter(self, session: Session, mark: str) -> None:
        """Give what was understood: first as it may still change, then for good, up to `mark` (`<end>`, `<fin>`)."""
        language = "en" if self._configuration(session).get("enable_language_identification") else None
        tokens = self._tokens(session, self.understand(session), language)
        if tokens:
            await session.send(self._result([{**token, "is_final": False} for token in tokens]))
        final: list[Json] = [{**token, "is_final": True} for token in tokens]
        await session.send(self._result([*final, *([{"text": mark, "is_final": True}] if mark else [])]))

    async def _obey(self, session: Session, told: Json) -> str:
        match told:
            case {"type": "finalize"} if told.keys() <= {"type", "trailing_silence_ms"}:
                await self.utter(session, "<fin>")
            case {"type": "keepalive"}:
                pass
            case _:
                return "Invalid control message."
        return ""

    async def _end(self, session: Session) -> None:
        if not session.audio:
            await self._fail(session, 400, "No audio received.")
            return
        await self.utter(session, "")
        await session.send({**self._result([]), "finished": True})
        await session.close()

    def _tokens(self, session: Session, text: str, language: str | None) -> list[Json]:
        """Two for a word of more than four letters, the first of which begins with the space before it."""
        parts: list[str] = []
        for number, word in enumerate(text.split(" ") if text else []):
            spaced = f" {word}" if number else word
            parts += (spaced[:3], spaced[3:]) if len(word) > 4 else (spaced,)
        begun = self.tokens_s.get(session, 0)
        self.tokens_s[session] = begun + len(parts)
        tokens: list[Json] = []
        for number, part in enumerate(parts, begun):
            start_ms = number * MS_PER_TOKEN
            token: Json = {"text": part, "start_ms": start_ms, "end_ms": start_ms + MS_PER_TOKEN, "confidence": 0.9}
            tokens.append(token if language is None else {**token, "language": language})
        return tokens

    @staticmethod
    def _configuration(session: Session) -> Json:
        told: Json = json.loads(session.received[0])
        return told

    @staticmethod
    def _result(tokens: list[Json]) -> Json:
        return {"tokens": tokens, "final_audio_proc_ms": 0, "total_audio_proc_ms": 0}

    @staticmethod
    async def _fail(session: Session, code: int, words: str) -> None:
        await session.send({"tokens": [], "error_code": code, "error_message": words, "request_id": "r-1"})
        await session.close()


def _misconfigured(message: str | bytes) -> str:
    """What is wrong with a first message; empty when nothing is."""
    try:
        told = json.loads(message)
    except ValueError:
        return "Start request is not JSON."
    if "api_key" in told:
        return "The API key was sent with the connection and in the start request."
    if unknown := told.keys() - _FIELDS:
        return f"Unknown fields: {', '.join(sorted(unknown))}."
    if not str(told.get("model", "")).startswith("stt-rt-"):
        return "Invalid model specified."
    if told.get("audio_format") in _RAW and not (told.get("sample_rate") and told.get("num_channels")):
        return "sample_rate and num_channels are required for raw audio."
    if told.get("audio_format") not in (*_RAW, "auto"):
        return "Invalid audio format."
    if not all(len(code) == 2 for code in told.get("language_hints", ())):
        return "Invalid language hint."
    if not 500 <= told.get("max_endpoint_delay_ms", 2000) <= 3000:
        return "max_endpoint_delay_ms must be between 500 and 3000."
    if "endpoint_sensitivity" in told and told["model"] == "stt-rt-v4":
        return "endpoint_sensitivity is not supported by this model."
    context = told.get("context", {})
    if context.keys() - _CONTEXT or len(json.dumps(context)) > 20_000:
        return "Invalid context."
    return ""
