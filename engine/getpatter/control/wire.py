"""What both ends of the control API agree on: paths, limits, and how an error travels."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from getpatter.calls.views import InboundView
from getpatter.errors import (
    AccessDenied,
    AtCapacity,
    CallEnded,
    CallNotFound,
    CarrierError,
    EngineUnavailable,
    InvalidRequest,
    PatterError,
    PolicyDenied,
    ProviderError,
    StoreError,
    from_wire,
)
from getpatter.events import TransferMode

PREFIX = "/api/control"

KEYS = r"^[0-9*#A-Dw]{1,64}$"
"""What one request may press; `w` is a pause of half a second."""

MAX_WAIT_S = 110.0
"""Longest long poll: below the 120 s after which common proxies give up on a silent answer."""

# The nearest ancestor in the error tree decides.
_STATUS: dict[type[PatterError], int] = {
    CallNotFound: 404,
    InvalidRequest: 422,
    AccessDenied: 401,
    PolicyDenied: 403,
    AtCapacity: 503,
    EngineUnavailable: 503,
    CarrierError: 502,
    ProviderError: 502,
    StoreError: 503,
    CallEnded: 409,
    PatterError: 500,
}


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True)


class ErrorBody(_Wire):
    """One error of the tree: `code` is `PatterError.code`, `details` are those of its kind."""

    code: str
    message: str
    next_step: str | None = None
    details: dict[str, Any] = {}
    """Of any type: a newer engine's may be of others than ours, and its text is to be read all the same."""


class ErrorEnvelope(_Wire):
    error: ErrorBody


class HangUp(_Wire):
    """Why a call is ended, for the record."""

    reason: str = Field("", max_length=1000)


class Transfer(_Wire):
    """Whom a call is given to, and how."""

    number: str = Field(max_length=40)
    mode: TransferMode = "cold"
    summary: str = Field("", max_length=2000)


class SendDtmf(_Wire):
    """Keys to press."""

    digits: str = Field(pattern=KEYS)


class EngineStatus(_Wire):
    """The engine as it runs."""

    version: str
    pid: int
    live_calls: int
    inbound: InboundView | None = None
    """How incoming calls are answered; None where nobody has asked for that yet."""


def status_of(error: PatterError) -> int:
    """The HTTP status that fits the error best."""
    return next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)


def error_to_wire(error: PatterError) -> dict[str, Any]:
    """`{"error": {"code", "message", "next_step", "details"}}`."""
    body = ErrorBody(code=error.code, message=error.message, next_step=error.next_step, details=dict(error.details))
    return ErrorEnvelope(error=body).model_dump()


def error_from_wire(content: bytes) -> PatterError | None:
    """The error in an answer's body, or None when the body is not one of ours."""
    try:
        body = ErrorEnvelope.model_validate_json(content).error
    except ValidationError:
        return None
    return from_wire(body.code, body.message, body.next_step, body.details)
