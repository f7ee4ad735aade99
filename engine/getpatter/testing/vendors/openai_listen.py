"""Stands in for the transcription sessions of OpenAI's realtime API: `/v1/realtime?intent=transcription`."""

from __future__ import annotations

import binascii
import itertools
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from websockets.datastructures import Headers

from getpatter.testing.vendors.recogniser import RecogniserServer
from getpatter.testing.vendors.socket_server import Json, Session

MODELS: Final = (
    *("whisper-1", "gpt-transcribe", "gpt-live-transcribe", "gpt-realtime-whisper"),
    *("gpt-4o-transcribe", "gpt-4o-mini-transcribe", "gpt-4o-mini-transcribe-2025-12-15", "gpt-4o-transcribe-diarize"),
)
STREAMING: Final = ("gpt-realtime-whisper", "gpt-live-transcribe")
"""They have no voice activity detection."""
LISTS: Final = ("gpt-transcribe", "gpt-live-transcribe")
"""They take `languages` and `keywords`."""
BYTES_PER_S: Final = {"audio/pcmu": 8000, "audio/pcma": 8000, "audio/pcm": 48_000}
MIN_COMMIT_S: Final = 0.1
TRANSCRIPTION: Final = "conversation.item.input_audio_transcription"


class _Refused(Exception):
    """`code` and `param` are those of the error event."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.param = param


class OpenAIListenServer(RecogniserServer):
    """Transcribes what is committed.  A session begins with the server's own voice activity detection and without a
    model, as the real one; detection is not played here, so nothing is understood before it is turned off."""

    def __init__(self, *utterances: str, key: str = "") -> None:
        super().__init__(*utterances, key=key)
        self._talks: dict[Session, _Talk] = {}
        self.forgets = 0
        """Of so many commits only the name is told, and never what was understood."""

    def admit(self, session_path: str, query: Mapping[str, str], headers: Headers) -> tuple[HTTPStatus, str] | None:
        if session_path != "/v1/realtime":
            return HTTPStatus.NOT_FOUND, _body("invalid_request_error", None, "Invalid URL")
        if self.key and headers.get("Authorization") != f"Bearer {self.key}":
            words = f"Incorrect API key provided: {headers.get('Authorization', '')[7:10]}***."
            return HTTPStatus.UNAUTHORIZED, _body("invalid_request_error", "invalid_api_key", words)
        return None

    def heard(self, session: Session) -> bytes:
        return bytes(self._talk(session).audio)

    def configured(self, session: Session) -> Json:
        """The session's configuration."""
        return self._talk(session).session

    async def talk(self, session: Session) -> None:
        talk = self._talk(session)
        if session.query != {"intent": "transcription"}:
            await session.send(talk.error(_Refused("missing_model", "You must provide a model parameter.")))
            await session.close(4000, "invalid_request_error.missing_model")
            return
        await session.send(talk.event("session.created", session=talk.session))
        async for message in self.messages(session):
            told = json.loads(message)
            try:
                await self._take(session, talk, told)
            except _Refused as refused:
                await session.send(talk.error(refused, told.get("event_id")))

    async def complain(self, session: Session) -> None:
        await self.fail(session, "server_error", None, "The server had an error while processing your request.")
        await session.close()

    async def fail(self, session: Session, kind: str, code: str | None, message: str) -> None:
        """An error that is about none of the client's messages."""
        error = {"type": kind, "code": code, "message": message, "param": None, "event_id": None}
        await session.send(self._talk(session).event("error", error=error))

    async def tell(self, session: Session, kind: str, **fields: Any) -> None:
        """Say something else of what OpenAI says."""
        await session.send(self._talk(session).event(kind, **fields))

    async def _take(self, session: Session, talk: _Talk, told: Json) -> None:
        match told.get("type"):
            case "session.update":
                talk.configure(told["session"])
                await session.send(talk.event("session.updated", session=talk.session))
            case "input_audio_buffer.append":
                talk.append(told["audio"])
                await self.note()
            case "input_audio_buffer.commit":
                item_id = talk.commit()
                await session.send(talk.event("input_audio_buffer.committed", item_id=item_id, previous_item_id=None))
                if self.forgets:
                    self.forgets -= 1
                    await self.note()
                    return
                for event in talk.transcribe(item_id, self.understand(session)):
                    await session.send(event)
            case "input_audio_buffer.clear":
                talk.buffered = 0
                await session.send(talk.event("input_audio_buffer.cleared"))
            case kind:
                raise _Refused("invalid_value", f"Invalid value: '{kind}'.", "type")

    def _talk(self, session: Session) -> _Talk:
        return self._talks.setdefault(session, _Talk())


class _Talk:
    """One session's state."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self.audio = bytearray()
        self.buffered = 0
        """Bytes that were not committed."""
        self.session: Json = {
            "id": "sess_1",
            "object": "realtime.transcription_session",
            "type": "transcription",
            "expires_at": 1_800_000_000,
            "include": None,
            "audio": {
                "input": {
                    "format": {"type": "audio/pcm", "rate": 24_000},
                    "transcription": None,
                    "noise_reduction": None,
                    "turn_detection": {
                        "type": "server_vad",
                        "threshold": 0.5,
                        "prefix_padding_ms": 300,
                        "silence_duration_ms": 200,
                    },
                }
            },
        }

    @property
    def model(self) -> str:
        transcription = self.session["audio"]["input"]["transcription"]
        return str(transcription["model"]) if transcription else ""

    def event(self, kind: str, **fields: Any) -> Json:
        return {"type": kind, "event_id": f"event_{next(self._numbers)}", **fields}

    def error(self, refused: _Refused, about: str | None = None) -> Json:
        error = {
            "type": "invalid_request_error",
            "code": refused.code,
            "message": str(refused),
            "param": refused.param,
            "event_id": about,
        }
        return self.event("error", error=error)

    # -- what is asked

    def configure(self, change: Json) -> None:
        if change.get("type") != "transcription":
            raise _Refused(
                "invalid_parameter",
                "Passing a realtime session update event to a transcription session is not allowed.",
                "session.type",
            )
        _only(change, ("type", "audio", "include"), "session")
        heard = change.get("audio", {}).get("input", {})
        _only(heard, ("format", "transcription", "noise_reduction", "turn_detection"), "session.audio.input")
        if "format" in heard:
            _check_format(heard["format"])
        if heard.get("transcription"):
            _check_transcription(heard["transcription"])
        wanted = {**self.session["audio"]["input"], **heard}
        if wanted["turn_detection"] and (wanted["transcription"] or {}).get("model") in STREAMING:
            raise _Refused(
                "invalid_value", "Turn detection is not supported for this model.", "session.audio.input.turn_detection"
            )
        reduction = wanted["noise_reduction"]
        if reduction and reduction.get("type") not in ("near_field", "far_field"):
            raise _Refused("invalid_value", "Invalid value.", "session.audio.input.noise_reduction.type")
        self.session["audio"]["input"] = wanted

    def append(self, audio: str) -> None:
        try:
            sound = binascii.a2b_base64(audio, strict_mode=True)
        except (binascii.Error, ValueError):
            raise _Refused("invalid_value", "Invalid 'audio'. Expected base64-encoded bytes.", "audio") from None
        self.audio += sound
        self.buffered += len(sound)

    def commit(self) -> str:
        """The item's id."""
        kind = self.session["audio"]["input"]["format"]["type"]
        seconds = self.buffered / BYTES_PER_S[kind]
        if seconds < MIN_COMMIT_S:
            raise _Refused(
                "input_audio_buffer_commit_empty",
                "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, "
                f"but buffer only has {1000 * seconds:.2f}ms of audio.",
            )
        self.buffered = 0
        return f"item_{next(self._numbers)}"

    def transcribe(self, item_id: str, words: str) -> list[Json]:
        if not self.model or self.session["audio"]["input"]["turn_detection"]:
            return []
        pieces = [words] if self.model == "whisper-1" else words.split(" ")
        deltas = [piece if number == 0 else f" {piece}" for number, piece in enumerate(pieces) if words]
        done: Json = {"transcript": words, "usage": _usage(self.model)}
        if self.model == "gpt-transcribe":
            done["languages"] = [{"code": "en"}]
        return [
            *(self.event(f"{TRANSCRIPTION}.delta", item_id=item_id, content_index=0, delta=delta) for delta in deltas),
            self.event(f"{TRANSCRIPTION}.completed", item_id=item_id, content_index=0, **done),
        ]


def _check_format(format: Json) -> None:
    if format.get("type") not in BYTES_PER_S:
        raise _Refused("invalid_value", "Invalid value.", "session.audio.input.format.type")
    if format["type"] == "audio/pcm" and format.get("rate", 24_000) < 24_000:
        raise _Refused("integer_below_min_value", "Expected a value >= 24000.", "session.audio.input.format.rate")


def _check_transcription(wanted: Json) -> None:
    where = "session.audio.input.transcription"
    _only(wanted, ("model", "language", "languages", "prompt", "keywords", "delay"), where)
    model = wanted.get("model")
    if model not in MODELS:
        raise _Refused("invalid_value", f"Invalid value: '{model}'.", f"{where}.model")
    wrong = {
        "languages": model not in LISTS,
        "keywords": model not in LISTS,
        "prompt": model in ("gpt-realtime-whisper", "gpt-4o-transcribe-diarize"),
        "delay": model not in STREAMING,
    }
    for name, is_wrong in wrong.items():
        if is_wrong and name in wanted:
            raise _Refused("unsupported_parameter", f"'{name}' is not supported for {model}.", f"{where}.{name}")
    for language in (wanted.get("language", "en"), *wanted.get("languages", ())):
        if not (isinstance(language, str) and len(language) == 2 and language.islower()):
            raise _Refused("invalid_value", f"Invalid language '{language}'.", f"{where}.language")


def _only(fields: Json, names: tuple[str, ...], where: str) -> None:
    for name in fields:
        if name not in names:
            raise _Refused("unknown_parameter", f"Unknown parameter: '{where}.{name}'.", f"{where}.{name}")


def _usage(model: str) -> Json:
    if not model.startswith("gpt-4o"):
        return {"type": "duration", "seconds": 1}
    return {
        "type": "tokens",
        "total_tokens": 26,
        "input_tokens": 17,
        "output_tokens": 9,
        "input_token_details": {"text_tokens": 0, "audio_tokens": 17},
    }


def _body(kind: str, code: str | None, message: str) -> str:
    return json.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}})
