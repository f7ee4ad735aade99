"""Stands in for Deepgram's streaming recognisers: `/v1/listen` (Nova) and `/v2/listen` (Flux)."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from websockets.datastructures import Headers

from getpatter.testing.vendors.deepgram_query import SAMPLE_BYTES, flux_fault, nova_fault
from getpatter.testing.vendors.recogniser import RecogniserServer
from getpatter.testing.vendors.socket_server import Json, Session

REQUEST_ID: Final = "8c8ebea9-dbec-45fa-a035-e4632cb05b5f"
NOTICEABLE_S: Final = 0.1
"""So much audio has to wait for a `Finalize` to be answered."""


def authorised(headers: Headers, key: str) -> bool:
    """Keys come as `Token`, temporary tokens as `Bearer`."""
    scheme, _, given = headers.get("Authorization", "").partition(" ")
    return scheme.lower() in ("token", "bearer") and given == key


def refusal(status: HTTPStatus, code: str, message: str) -> tuple[HTTPStatus, str]:
    """How Deepgram words one."""
    return status, json.dumps({"err_code": code, "err_msg": message, "request_id": REQUEST_ID})


class _ListenServer(RecogniserServer):
    path: str

    def admit(self, session_path: str, query: Mapping[str, str], headers: Headers) -> tuple[HTTPStatus, str] | None:
        if session_path != self.path:
            return refusal(HTTPStatus.NOT_FOUND, "NOT_FOUND", "Not found.")
        if self.key and not authorised(headers, self.key):
            return refusal(HTTPStatus.UNAUTHORIZED, "INVALID_AUTH", "Invalid credentials.")
        wrong = self.wrong(query)
        return refusal(HTTPStatus.BAD_REQUEST, "Bad Request", wrong) if wrong else None

    @abstractmethod
    def wrong(self, query: Mapping[str, str]) -> str:
        """What is not right with the parameters; empty for nothing."""

    def heard(self, session: Session) -> bytes:
        return session.audio

    def heard_s(self, session: Session) -> float:
        """Seconds of audio that came."""
        query = session.query
        return len(session.audio) / SAMPLE_BYTES[query["encoding"]] / int(query["sample_rate"])


class DeepgramServer(_ListenServer):
    """Nova.  It gives an interim result and the final one when it is asked to finalize, and passes over a request that
    finds less than `NOTICEABLE_S`."""

    path = "/v1/listen"

    def __init__(self, *utterances: str, key: str = "") -> None:
        super().__init__(*utterances, key=key)
        self._finished_s: dict[Session, float] = {}
        """Up to where final results were given."""

    def wrong(self, query: Mapping[str, str]) -> str:
        return nova_fault(query)

    async def talk(self, session: Session) -> None:
        async for message in self.messages(session):
            if isinstance(message, bytes):
                if not message:
                    await session.close()
                continue
            match _type_of(message):
                case "Finalize":
                    await self.finish(session, from_finalize=True)
                case "KeepAlive":
                    pass
                case "CloseStream":
                    await self.finish(session, from_finalize=False)
                    await session.send(self._metadata(session))
                    await session.close()
                case _:
                    await session.send(
                        {
                            "type": "Error",
                            "variant": "SchemaError",
                            "description": "Could not deserialize last text message.",
                            "message": message,
                        }
                    )

    async def finish(self, session: Session, *, from_finalize: bool, speech_final: bool = True) -> None:
        """Make final what was heard; without `from_finalize`, of its own accord."""
        start_s, end_s = self._finished_s.get(session, 0.0), self.heard_s(session)
        if from_finalize and end_s - start_s < NOTICEABLE_S:
            return
        self._finished_s[session] = end_s
        text = self.understand(session)
        if text and session.query.get("interim_results") == "true":
            await session.send(_results(text.partition(" ")[0], start_s, end_s, is_final=False))
        await session.send(
            _results(text, start_s, end_s, is_final=True, from_finalize=from_finalize, speech_final=speech_final)
        )

    async def tell(self, session: Session, message: Json) -> None:
        """Say something else of what Deepgram says, e.g. `{"type": "UtteranceEnd", ...}`."""
        await session.send(message)

    async def complain(self, session: Session) -> None:
        await session.close(1011, "NET-0000")

    def _metadata(self, session: Session) -> Json:
        return {
            "type": "Metadata",
            "transaction_key": "deprecated",
            "request_id": REQUEST_ID,
            "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "created": "2026-01-01T00:00:00.000Z",
            "duration": self.heard_s(session),
            "channels": 1,
        }


class DeepgramFluxServer(_ListenServer):
    """Flux.  A turn is under way once there is something to understand; it ends when that is forced, or by
    `end_turn`."""

    path = "/v2/listen"

    def __init__(self, *utterances: str, key: str = "") -> None:
        super().__init__(*utterances, key=key)
        self._sequence: dict[Session, int] = {}
        self._turn: dict[Session, int] = {}

    def wrong(self, query: Mapping[str, str]) -> str:
        return flux_fault(query)

    async def talk(self, session: Session) -> None:
        await self._send(session, {"type": "Connected", "request_id": REQUEST_ID})
        async for message in self.messages(session):
            if isinstance(message, bytes):
                continue
            match _type_of(message):
                case "ForceEndTurn":
                    await self.end_turn(session, trigger="manual")
                case "Configure":
                    await self._send(session, {"type": "ConfigureSuccess", "request_id": REQUEST_ID, "keyterms": []})
                case "CloseStream":
                    await session.close()
                case _:
                    await self._send(
                        session,
                        {
                            "type": "Error",
                            "code": "UNPARSABLE_CLIENT_MESSAGE",
                            "description": "The message could not be deserialized.",
                        },
                    )
                    await session.close(1011)

    async def end_turn(self, session: Session, *, trigger: str = "model") -> None:
        """The words of the turn, and its end; nothing happens where nothing was said."""
        text = self.understand(session)
        if not text:
            return
        first = text.partition(" ")[0]
        await self._send(session, self._info(session, "StartOfTurn", first))
        await self._send(session, self._info(session, "Update", text))
        if trigger == "model" and "eager_eot_threshold" in session.query:
            await self._send(session, self._info(session, "EagerEndOfTurn", text))
            await self._send(session, self._info(session, "TurnResumed", text))
        await self._send(session, self._info(session, "EndOfTurn", text) | {"trigger": trigger})
        self._turn[session] = self._turn.get(session, 0) + 1

    async def complain(self, session: Session) -> None:
        await self._send(
            session, {"type": "Error", "code": "INTERNAL_SERVER_ERROR", "description": "An internal error occurred."}
        )
        await session.close(1011)

    def _info(self, session: Session, event: str, text: str) -> Json:
        end_s = self.heard_s(session)
        info: Json = {
            "type": "TurnInfo",
            "request_id": REQUEST_ID,
            "event": event,
            "turn_index": self._turn.get(session, 0),
            "audio_window_start": 0.0,
            "audio_window_end": end_s,
            "transcript": text,
            "words": [
                {"word": word, "confidence": 0.9, "start": start_s, "end": until_s}
                for word, start_s, until_s in _timed(text, 0.0, end_s)
            ],
            "end_of_turn_confidence": 0.8 if event == "EndOfTurn" else 0.1,
        }
        if session.query["model"].endswith("-multi"):
            info["languages"] = ["en"]
        return info

    async def _send(self, session: Session, message: Json) -> None:
        number = self._sequence.get(session, 0)
        self._sequence[session] = number + 1
        await session.send(message | {"sequence_id": number})


def _type_of(message: str) -> str:
    try:
        return str(json.loads(message)["type"])
    except (ValueError, KeyError, TypeError):
        return ""


def _timed(text: str, start_s: float, end_s: float) -> list[tuple[str, float, float]]:
    words = text.split()
    step_s = (end_s - start_s) / max(1, len(words))
    return [(word, start_s + step_s * n, start_s + step_s * (n + 1)) for n, word in enumerate(words)]


def _results(
    text: str,
    start_s: float,
    end_s: float,
    *,
    is_final: bool,
    from_finalize: bool = False,
    speech_final: bool = False,
) -> Json:
    words = [
        {
            "word": word.strip(".,").lower(),
            "punctuated_word": word,
            "start": begin_s,
            "end": until_s,
            "confidence": 0.97,
        }
        for word, begin_s, until_s in _timed(text, start_s, end_s)
    ]
    return {
        "type": "Results",
        "channel_index": [0, 1],
        "start": start_s,
        "duration": end_s - start_s,
        "is_final": is_final,
        "speech_final": speech_final,
        "from_finalize": from_finalize,
        "channel": {"alternatives": [{"transcript": text, "confidence": 0.98 if text else 0.0, "words": words}]},
        "metadata": {
            "request_id": REQUEST_ID,
            "model_info": {"name": "general-nova-3", "version": "2025-04-17.21547", "arch": "nova-3"},
            "model_uuid": "40bd3654-e622-47c4-a111-63a61b23bfe8",
        },
    }
