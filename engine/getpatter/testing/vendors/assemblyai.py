"""Stands in for AssemblyAI's streaming recognisers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from websockets.datastructures import Headers

from getpatter.testing.vendors.recogniser import RecogniserServer
from getpatter.testing.vendors.socket_server import Json, Session

PATH: Final = "/v3/ws"
SESSION_ID: Final = "3207b601-2054-48df-ba77-8784dfcf9fb8"
EXPIRES_AT: Final = 1_772_570_132
SHORTEST_MS: Final = 50
LONGEST_MS: Final = 1000

_UNIVERSAL: Final = ("universal-streaming-english", "universal-streaming-multilingual")
_PRO: Final = ("u3-rt-pro", "universal-3-5-pro", "universal-3-6-pro")
_SAMPLE_BYTES: Final = {"pcm_mulaw": 1, "pcm_s16le": 2}
_BOOLEANS: Final = ("format_turns", "language_detection", "filter_profanity")
_NUMBERS: Final = {
    "end_of_turn_confidence_threshold": (0.0, 1.0),
    "vad_threshold": (0.0, 1.0),
    "min_turn_silence": (0.0, 3_600_000.0),
    "max_turn_silence": (0.0, 3_600_000.0),
    "inactivity_timeout": (5.0, 3600.0),
    "sample_rate": (8000.0, 96_000.0),
}
_WORDS: Final = {
    "speech_model": (*_UNIVERSAL, *_PRO, "whisper-rt"),
    "encoding": tuple(_SAMPLE_BYTES),
    "domain": ("general", "medical-v1"),
    "mode": ("max_accuracy", "min_latency", "balanced"),
}
_LISTS: Final = ("keyterms_prompt", "language_codes")
_UPDATES: Final = frozenset(
    (
        *("type", "end_of_turn_confidence_threshold", "min_turn_silence", "max_turn_silence", "vad_threshold"),
        *("keyterms_prompt", "prompt", "language_codes"),
    )
)


class AssemblyAIServer(RecogniserServer):
    """Lets everybody in, as AssemblyAI does, and refuses by an `Error` and the close that follows.

    A turn is under way once there is something to understand; it ends when that is forced, or by `end_turn`.  Where
    nothing was said there is none to be forced.  It is stricter than AssemblyAI in one thing: parameters that it does
    not know are refused and not passed over, since nobody would notice a misspelled one.
    """

    def __init__(self, *utterances: str, key: str = "") -> None:
        super().__init__(*utterances, key=key)
        self._turn: dict[Session, int] = {}
        self._told_ms: dict[Session, int] = {}
        """Up to where turns were told."""

    def admit(self, session_path: str, query: Mapping[str, str], headers: Headers) -> tuple[HTTPStatus, str] | None:
        return None if session_path == PATH else (HTTPStatus.NOT_FOUND, "")

    def heard(self, session: Session) -> bytes:
        return session.audio

    async def talk(self, session: Session) -> None:
        given = session.headers.get("authorization", "")
        if self.key and given != self.key:
            reason = "Invalid API key" if given else "Missing Authorization header"
            await self._fail(session, 1008, f"Unauthorized Connection: {reason}")
            return
        if wrong := _misunderstood(session.query):
            await self._fail(session, 3006, f"Bad connection parameters: {wrong}")
            return
        configuration = {"model": session.query["speech_model"], "mode": "balanced", "api_version": "1.0.0"}
        await session.send(
            {"type": "Begin", "id": SESSION_ID, "expires_at": EXPIRES_AT, "configuration": configuration}
        )
        async for message in self.messages(session):
            fault = self._bad_audio(session, message) if isinstance(message, bytes) else None
            if isinstance(message, str):
                fault = await self._obey(session, message)
            if fault:
                await self._fail(session, *fault)
                return

    async def end_turn(self, session: Session) -> None:
        """The words of the turn as they come, and its end; nothing happens where nothing was said."""
        text = self.understand(session)
        if not text:
            return
        start_ms, end_ms = self._told_ms.get(session, 0), self._heard_ms(session)
        self._told_ms[session] = end_ms
        model = session.query["speech_model"]
        if model in _PRO:
            await session.send({"type": "SpeechStarted", "timestamp": start_ms})
        words = _timed(text, start_ms, end_ms)
        await session.send(self._partial(session, words))
        if model in _UNIVERSAL and _is_on(session, "format_turns"):
            plain = [{**word, "text": str(word["text"]).strip(".,?!").lower()} for word in words]
            await session.send(self._ended(session, plain, formatted=False))
            await session.send(self._ended(session, words, formatted=True))
        else:
            await session.send(self._ended(session, words, formatted=model in _PRO))
        self._turn[session] = self._turn.get(session, 0) + 1

    async def complain(self, session: Session) -> None:
        await self._fail(session, 3005, "Session Cancelled: An error occurred")

    async def _obey(self, session: Session, message: str) -> tuple[int, str] | None:
        """Do what it says; or the code and the words of what is wrong with it."""
        try:
            told = json.loads(message)
        except ValueError:
            return 3006, f"Invalid JSON: {message}"
        match told:
            case {"type": "ForceEndpoint"}:
                await self.end_turn(session)
            case {"type": "Terminate"}:
                await self.end_turn(session)
                seconds = self._heard_ms(session) // 1000
                await session.send(
                    {
                        "type": "Termination",
                        "audio_duration_seconds": seconds,
                        "session_duration_seconds": seconds,
                    }
                )
                await session.close()
            case {"type": "KeepAlive"}:
                pass
            case {"type": "UpdateConfiguration"} if told.keys() <= _UPDATES:
                pass
            case {"type": str(kind)}:
                return 3006, f"Invalid Message Type: {kind}"
            case _:
                return 3006, f"Invalid Message: {message}"
        return None

    def _bad_audio(self, session: Session, audio: bytes) -> tuple[int, str] | None:
        milliseconds = 1000 * len(audio) / self._bytes_per_second(session)
        if SHORTEST_MS <= milliseconds <= LONGEST_MS:
            return None
        expected = f"Expected between {SHORTEST_MS} and {LONGEST_MS} ms"
        return 3007, f"Input duration violation: {milliseconds:g} ms. {expected}"

    def _partial(self, session: Session, words: list[Json]) -> Json:
        """Pro models tell the words so far in the transcript; of the others only words that are final are there."""
        first = {**words[0], "word_is_final": False}
        pro = session.query["speech_model"] in _PRO
        transcript = str(first["text"]) if pro else ""
        return self._told(session, [first], transcript, end_of_turn=False, formatted=False)

    def _ended(self, session: Session, words: list[Json], *, formatted: bool) -> Json:
        transcript = " ".join(str(word["text"]) for word in words)
        return self._told(session, words, transcript, end_of_turn=True, formatted=formatted)

    def _told(
        self, session: Session, words: list[Json], transcript: str, *, end_of_turn: bool, formatted: bool
    ) -> Json:
        turn: Json = {
            "type": "Turn",
            "turn_order": self._turn.get(session, 0),
            "turn_is_formatted": formatted,
            "end_of_turn": end_of_turn,
            "transcript": transcript,
            "end_of_turn_confidence": 0.8 if end_of_turn else 0.01,
            "words": words,
            "utterance": transcript if end_of_turn else "",
        }
        if end_of_turn and _is_on(session, "language_detection"):
            turn |= {"language_code": "en", "language_confidence": 0.99}
        return turn

    def _heard_ms(self, session: Session) -> int:
        return 1000 * len(session.audio) // self._bytes_per_second(session)

    @staticmethod
    def _bytes_per_second(session: Session) -> int:
        return _SAMPLE_BYTES[session.query["encoding"]] * int(session.query["sample_rate"])

    @staticmethod
    async def _fail(session: Session, code: int, words: str) -> None:
        await session.send({"type": "Error", "error_code": code, "error": words})
        await session.close(code, "See Error message for details")


def _is_on(session: Session, name: str) -> bool:
    return session.query.get(name, "").lower() == "true"


def _misunderstood(query: Mapping[str, str]) -> str:
    """What is wrong with the parameters; empty when nothing is."""
    for name in ("speech_model", "sample_rate", "encoding"):
        if name not in query:
            return f"{name} is required."
    for name, value in query.items():
        if not _understood(name, value):
            return f"{name}={value} is not understood."
    terms = json.loads(query.get("keyterms_prompt", "[]"))
    return "Too many keyterms." if len(terms) > 100 else ""


def _understood(name: str, value: str) -> bool:
    if name in _BOOLEANS:
        return value.lower() in ("true", "false")  # the official client writes them as Python does
    if name in _WORDS:
        return value in _WORDS[name]
    if name in _LISTS:
        return _is_list_of_words(value)
    if name in _NUMBERS:
        low, high = _NUMBERS[name]
        try:
            return low <= float(value) <= high
        except ValueError:
            return False
    return name == "prompt"


def _is_list_of_words(value: str) -> bool:
    try:
        found = json.loads(value)
    except ValueError:
        return False
    return isinstance(found, list) and all(isinstance(item, str) and item for item in found)


def _timed(text: str, start_ms: int, end_ms: int) -> list[Json]:
    words = text.split()
    step_ms = (end_ms - start_ms) // len(words)
    return [
        {
            "text": word,
            "start": start_ms + step_ms * number,
            "end": start_ms + step_ms * (number + 1),
            "confidence": 0.9,
            "word_is_final": True,
        }
        for number, word in enumerate(words)
    ]
