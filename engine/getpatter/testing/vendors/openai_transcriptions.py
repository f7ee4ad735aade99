"""Stands in for `POST /v1/audio/transcriptions`, as OpenAI's client speaks to it."""

from __future__ import annotations

import io
import json
import wave
from http import HTTPStatus
from typing import Any, Final

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from getpatter.testing.vendors.http_recogniser import HttpRecogniserServer, Utterance

MAX_FILE: Final = 26_214_400
"""Bytes."""
SHORTEST_S: Final = 0.1
LISTS: Final = ("gpt-transcribe",)
"""They take `languages` and `keywords`."""
MODELS: Final = (
    *("whisper-1", "gpt-transcribe", "gpt-4o-transcribe", "gpt-4o-mini-transcribe"),
    *("gpt-4o-mini-transcribe-2025-12-15", "gpt-4o-transcribe-diarize"),
)
EXTENSIONS: Final = ("flac", "mp3", "mp4", "mpeg", "mpga", "m4a", "ogg", "wav", "webm")

_FIELDS: Final = frozenset(
    (
        *("file", "model", "language", "languages[]", "prompt", "keywords[]", "response_format", "temperature"),
        *("timestamp_granularities[]", "include[]", "chunking_strategy", "stream"),
    )
)


class OpenAITranscriptionsServer(HttpRecogniserServer):
    """Takes mono pcm16 in WAV alone; the real one takes more.  Answers are `json` or `verbose_json`."""

    paths = ("/v1/audio/transcriptions", "/openai/v1/audio/transcriptions")
    """The latter is where Groq has it."""

    def __init__(self, *texts: str, key: str = "") -> None:
        super().__init__(*texts, key=key)
        self.silent = False
        """Set it, and the model says of what it understood that nobody said it."""

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def admit(self, request: Request) -> Response | None:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.key and given != self.key:
            return _refused(
                HTTPStatus.UNAUTHORIZED, f"Incorrect API key provided: {given[:3]}***.", code="invalid_api_key"
            )
        return None

    async def read(self, request: Request) -> Utterance | Response:
        async with request.form() as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                return _refused(HTTPStatus.BAD_REQUEST, "you must provide a file", param="file")
            content = await file.read()
            if (fault := _file_fault(file, content) or _field_fault(form)) is not None:
                return fault
            fields = {name: [str(value) for value in form.getlist(name)] for name in form if name != "file"}
        return _utterance(content, fields)

    def refusal(self, status: HTTPStatus) -> Response:
        return _refused(status, status.phrase, kind="server_error" if status >= 500 else "requests")

    def answer(self, text: str, utterance: Utterance) -> bytes:
        model = utterance.fields["model"][0]
        answer: dict[str, Any] = {"text": text}
        if utterance.fields.get("response_format") == ["verbose_json"]:
            answer |= self._verbose(text, utterance)
        if model.startswith("gpt-4o"):
            tokens = {"input_tokens": 14, "output_tokens": 5, "total_tokens": 19}
            details = {"input_token_details": {"audio_tokens": 12, "text_tokens": 2}}
            answer["usage"] = {"type": "tokens", **tokens, **details}
        else:
            answer["usage"] = {"type": "duration", "seconds": round(utterance.seconds) or 1}
        if model in LISTS:
            answer["languages"] = [{"code": "en"}]
        return json.dumps(answer).encode()

    def _verbose(self, text: str, utterance: Utterance) -> dict[str, Any]:
        words = text.split()
        step_s = utterance.seconds / max(1, len(words))
        segment = {
            "id": 0,
            "seek": 0,
            "start": 0.0,
            "end": utterance.seconds,
            "text": f" {text}",
            "tokens": [50_364, 2425, 50_464],
            "temperature": 0.0,
            "avg_logprob": -1.4 if self.silent else -0.25,
            "compression_ratio": 0.9,
            "no_speech_prob": 0.95 if self.silent else 0.01,
        }
        granularities = utterance.fields.get("timestamp_granularities[]", ["segment"])
        verbose: dict[str, Any] = {"task": "transcribe", "language": "english", "duration": utterance.seconds}
        if "segment" in granularities:
            verbose["segments"] = [segment] if text else []
        if "word" in granularities:
            verbose["words"] = [
                {"word": word.strip(".,"), "start": n * step_s, "end": (n + 1) * step_s} for n, word in enumerate(words)
            ]
        return verbose


def _utterance(content: bytes, fields: dict[str, list[str]]) -> Utterance | Response:
    try:
        with wave.open(io.BytesIO(content)) as wav:
            if wav.getnchannels() != 1 or wav.getsampwidth() != 2:
                raise wave.Error("not mono pcm16")
            utterance = Utterance(wav.readframes(wav.getnframes()), wav.getframerate(), fields)
    except (wave.Error, EOFError):
        return _refused(HTTPStatus.BAD_REQUEST, "Invalid file format.", param="file")
    if utterance.seconds < SHORTEST_S:
        words = f"Audio file is too short. Minimum audio length is {SHORTEST_S} seconds."
        return _refused(HTTPStatus.BAD_REQUEST, words, param="file", code="audio_too_short")
    return utterance


def _file_fault(file: UploadFile, content: bytes) -> Response | None:
    if len(content) > MAX_FILE:
        words = f"413: Maximum content size limit ({MAX_FILE}) exceeded ({len(content)} bytes read)"
        return _refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, words, kind="server_error")
    if (file.filename or "").rpartition(".")[2] not in EXTENSIONS:
        words = f"Unrecognized file format. Supported formats: {list(EXTENSIONS)}"
        return _refused(HTTPStatus.BAD_REQUEST, words, param="file")
    return None


def _field_fault(form: FormData) -> Response | None:
    model = str(form.get("model", ""))
    if model not in MODELS:
        words = f"The model `{model}` does not exist or you do not have access to it."
        return _refused(HTTPStatus.NOT_FOUND, words, code="model_not_found")
    kind = form.get("response_format", "json")
    wrong = {
        "response_format": kind not in (("json", "verbose_json") if model == "whisper-1" else ("json",)),
        "timestamp_granularities[]": "timestamp_granularities[]" in form and kind != "verbose_json",
        "languages[]": "languages[]" in form and model not in LISTS,
        "keywords[]": "keywords[]" in form and model not in LISTS,
        "prompt": "prompt" in form and model == "gpt-4o-transcribe-diarize",
        "language": len(str(form.get("language", "en"))) != 2,
        "temperature": not _is_share(str(form.get("temperature", "0"))),
        **{name: True for name in form if name not in _FIELDS},
    }
    for name, is_wrong in wrong.items():
        if is_wrong:
            words = f"Invalid value for '{name}' with model '{model}'."
            return _refused(HTTPStatus.BAD_REQUEST, words, param=name, code="unsupported_value")
    return None


def _is_share(text: str) -> bool:
    try:
        return 0 <= float(text) <= 1
    except ValueError:
        return False


def _refused(
    status: HTTPStatus,
    message: str,
    *,
    kind: str = "invalid_request_error",
    param: str | None = None,
    code: str | None = None,
) -> Response:
    return JSONResponse({"error": {"message": message, "type": kind, "param": param, "code": code}}, status)
