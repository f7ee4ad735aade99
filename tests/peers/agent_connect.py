"""Twilio's own library for agents, twilio-agent-connect: how it reads callbacks, writes TwiML and checks signatures."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request, WebSocket, WebSocketDisconnect
from tac.channels.voice.media_streams.twiml import generate_twiml
from tac.core import analytics
from tac.models.stream import StreamStartMessage
from tac.models.voice import AmdEvent, CallStatusEvent, RecordingEvent, TwiMLRequest
from tac.server.signature_validation import build_websocket_signature_dependency, validate_twilio_webhook


def status(form: dict[str, str]) -> Any:
    event = CallStatusEvent.from_form(form)
    return {**event.model_dump(), "is_unreached": event.is_unreached}


def amd(form: dict[str, str]) -> Any:
    event = AmdEvent.from_form(form)
    return {**event.model_dump(), "is_machine": event.is_machine}


def recording(form: dict[str, str]) -> Any:
    return RecordingEvent.from_form(form).model_dump()


def voice(form: dict[str, str]) -> Any:
    return TwiMLRequest.from_form(form).model_dump()


def stream_start(start: dict[str, Any]) -> Any:
    return StreamStartMessage(**start).model_dump()


def twiml(url: str, options: dict[str, Any]) -> Any:
    return generate_twiml(url, options)


def webhook_is_valid(token: str, url: str, headers: dict[str, str], form: dict[str, str]) -> Any:
    return validate_twilio_webhook(Request(_scope("http", url, headers)), token, form)


def stream_is_valid(token: str, url: str, headers: dict[str, str]) -> bool:
    return asyncio.run(_stream_is_valid(token, _scope("websocket", url, headers)))


def telemetry() -> dict[str, Any]:
    """What becomes of an event of the library's own, and of attempts to reach somebody."""
    analytics.track_event("test", "AC" + "0" * 32)
    connect = ("127.0.0.1", 9)
    return {
        "client": analytics._client,
        "connection": _failure(lambda: socket.create_connection(connect, timeout=1)),
        "name": _failure(lambda: socket.getaddrinfo("localhost", 9)),
    }


def _failure(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except OSError as failed:
        return type(failed).__name__
    return "none"


async def _stream_is_valid(token: str, scope: dict[str, Any]) -> bool:
    async def nothing(*_: object) -> Any: ...

    try:
        await build_websocket_signature_dependency(token)(WebSocket(scope, nothing, nothing))
    except WebSocketDisconnect:
        return False
    return True


def _scope(kind: str, url: str, headers: dict[str, str]) -> dict[str, Any]:
    """A request as an ASGI server has it."""
    parts = urlsplit(url)
    named = {"host": parts.netloc, **headers}
    return {
        "type": kind,
        "method": "POST",
        "scheme": parts.scheme,
        "server": (parts.hostname, parts.port),
        "path": parts.path,
        "query_string": parts.query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in named.items()],
    }


ANSWERS = {
    "status": status,
    "amd": amd,
    "recording": recording,
    "voice": voice,
    "stream_start": stream_start,
    "twiml": twiml,
    "webhook_is_valid": webhook_is_valid,
    "stream_is_valid": stream_is_valid,
    "telemetry": telemetry,
}
