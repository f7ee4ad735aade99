"""Stands in for Speechmatics' realtime recogniser."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from websockets.datastructures import Headers

from getpatter.testing.vendors.recogniser import RecogniserServer
from getpatter.testing.vendors.socket_server import Json, Session
from getpatter.testing.vendors.speechmatics_config import SAMPLE_BYTES, misconfigured, too_long

SESSION_ID: Final = "807670e9-14af-4fa2-9e8f-5d525c22156e"
MARKS: Final = ".,?!"
_PATHS: Final = ("/v2", "/v2/")
_PARAMETERS: Final = frozenset({"sm-sdk", "sm-app", "jwt"})
_CLOSE_CODES: Final = {
    "invalid_message": 1003,
    "protocol_error": 1003,
    "invalid_config": 1003,
    "invalid_language": 1003,
    "invalid_audio_type": 1003,
    "invalid_model": 4004,
    "not_authorised": 4001,
    "quota_exceeded": 4005,
    "job_error": 4013,
}


class SpeechmaticsServer(RecogniserServer):
    """Understands when the end of an utterance is forced, or by `end_utterance`.  Where nothing was said, or all of it
    was told before, no utterance ends."""

    def __init__(self, *utterances: str, key: str = "") -> None:
        super().__init__(*utterances, key=key)
        self.crowded = False
        """More sessions are open than the account may have: the next ones are told so when they start."""
        self._pieces: dict[Session, int] = {}
        self._told_s: dict[Session, float] = {}
        """Up to where transcripts were given."""

    def admit(self, session_path: str, query: Mapping[str, str], headers: Headers) -> tuple[HTTPStatus, str] | None:
        if session_path not in _PATHS or query.keys() - _PARAMETERS:
            return HTTPStatus.NOT_FOUND, ""
        if self.key and headers.get("Authorization") != f"Bearer {self.key}":
            return HTTPStatus.UNAUTHORIZED, '{"code": 401, "error": "Permission Denied"}'
        return None

    def heard(self, session: Session) -> bytes:
        return session.audio

    async def talk(self, session: Session) -> None:
        started = False
        async for message in self.messages(session):
            if isinstance(message, bytes):
                fault = await self._take(session) if started else ("protocol_error", "Audio before StartRecognition.")
            elif started:
                fault = await self._obey(session, message)
            else:
                fault = await self._start(session, message)
                started = fault is None
            if fault is not None:
                await self.fail(session, *fault)
                return

    async def end_utterance(self, session: Session, *, forced: bool = False) -> None:
        """Give what was understood, first as it may still change, and tell that the utterance has ended."""
        text = self.understand(session)
        if not text:
            return
        at_s = self._heard_s(session)
        if _configuration(session).get("enable_partials"):
            await session.send(self._transcript(session, text.partition(" ")[0], at_s, final=False))
        mark = {"forced": True} if forced else {}
        await session.send(self._transcript(session, text, at_s, final=True) | mark)
        self._told_s[session] = at_s
        await session.send({"message": "EndOfUtterance", "metadata": {"start_time": at_s, "end_time": at_s}, **mark})

    async def tell(self, session: Session, text: str) -> None:
        """Make words final of its own accord, since `max_delay` is over."""
        await session.send(self._transcript(session, text, self._heard_s(session), final=True))

    async def complain(self, session: Session) -> None:
        await self.fail(session, "job_error", "Worker lost.")

    async def fail(self, session: Session, kind: str, reason: str) -> None:
        """In words, and by the close that follows."""
        await session.send({"message": "Error", "type": kind, "reason": reason})
        code = _CLOSE_CODES.get(kind, 1011)
        await session.close(code, kind)

    async def _start(self, session: Session, message: str) -> tuple[str, str] | None:
        """Begin; or the type and the reason of the refusal."""
        told = _read(message)
        if told is None or told.get("message") != "StartRecognition":
            return "protocol_error", "StartRecognition has to come first."
        if self.crowded:
            return "quota_exceeded", "Concurrent Quota Exceeded"
        if fault := misconfigured(told):
            return fault
        quality = "telephony" if told["audio_format"].get("sample_rate", 44_100) < 12_000 else "broadcast"
        await session.send(
            {
                "message": "Info",
                "type": "recognition_quality",
                "reason": f"Running recognition using a {quality} model quality.",
                "quality": quality,
            }
        )
        if too_long(told["transcription_config"].get("additional_vocab", [])):
            await session.send(
                {"message": "Warning", "type": "validation_warning", "reason": "Entries of over 6 words were dropped."}
            )
        await session.send(
            {
                "message": "RecognitionStarted",
                "orchestrator_version": "2025.11.07+cd4ff775c0+14.7.0",
                "id": SESSION_ID,
                "language_pack_info": {
                    "adapted": False,
                    "itn": True,
                    "language_description": "English",
                    "word_delimiter": " ",
                    "writing_direction": "left-to-right",
                },
            }
        )
        return None

    async def _take(self, session: Session) -> tuple[str, str] | None:
        self._pieces[session] = self._pieces.get(session, 0) + 1
        await session.send({"message": "AudioAdded", "seq_no": self._pieces[session]})
        return None

    async def _obey(self, session: Session, message: str) -> tuple[str, str] | None:
        match _read(message):
            case {"message": "ForceEndOfUtterance", **rest} if not rest.keys() - {"timestamp"}:
                at_s = rest.get("timestamp", 0)
                if not isinstance(at_s, int | float) or not 0 <= at_s <= self._heard_s(session):
                    return "invalid_message", f"The timestamp {at_s} is not one of audio that came."
                await self.end_utterance(session, forced=True)
            case {"message": "EndOfStream", "last_seq_no": int(count)}:
                if count > self._pieces.get(session, 0):
                    return "protocol_error", f"There was no audio with the number {count}."
                await self.end_utterance(session)
                await session.send({"message": "EndOfTranscript"})
                await session.close()
            case {"message": "SetRecognitionConfig", "transcription_config": {}} | {"message": "GetSpeakers"}:
                pass
            case {"message": "StartRecognition"}:
                return "protocol_error", "The recognition has started already."
            case _:
                return "invalid_message", "The message was not understood."
        return None

    def _transcript(self, session: Session, text: str, end_s: float, *, final: bool) -> Json:
        start_s = self._told_s.get(session, 0.0)
        return {
            "message": "AddTranscript" if final else "AddPartialTranscript",
            "format": "2.9",
            "metadata": {"start_time": start_s, "end_time": end_s, "transcript": f"{text} "},
            "results": _results(text, start_s, end_s, _configuration(session)["language"]),
        }

    def _heard_s(self, session: Session) -> float:
        audio = json.loads(session.received[0])["audio_format"]
        return len(session.audio) / SAMPLE_BYTES[audio["encoding"]] / int(audio["sample_rate"])


def _configuration(session: Session) -> Json:
    configuration: Json = json.loads(session.received[0])["transcription_config"]
    return configuration


def _read(message: str | bytes) -> Json | None:
    try:
        told = json.loads(message)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None


def _results(text: str, start_s: float, end_s: float, language: str) -> list[Json]:
    words = text.split()
    step_s = (end_s - start_s) / max(1, len(words))
    results: list[Json] = []
    for number, word in enumerate(words):
        bare = word.rstrip(MARKS) or word
        from_s, to_s = start_s + step_s * number, start_s + step_s * (number + 1)
        results.append(_result("word", bare, from_s, to_s, language))
        for mark in word[len(bare) :]:
            closing = {"attaches_to": "previous", "is_eos": mark != ","}
            results.append(_result("punctuation", mark, to_s, to_s, language) | closing)
    return results


def _result(kind: str, content: str, start_s: float, end_s: float, language: str) -> dict[str, Any]:
    return {
        "type": kind,
        "start_time": start_s,
        "end_time": end_s,
        "alternatives": [{"content": content, "confidence": 0.9, "language": language}],
    }
