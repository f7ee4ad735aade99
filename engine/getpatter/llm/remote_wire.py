"""What passes between the engine and a brain elsewhere: questions out, answers in, signed both ways.  No I/O.

A question is `{"call": {"id", "caller", "callee"}, "messages": [...], "tools": [...]}`.  An answer is one message, or
several, each with some of `text`, `tool_calls`, `usage`, `error` and `done`.  Messages of an answer are numbered from
1: their ids are the question's id, a dot, and the number.  So none fits another question, another place, or twice.

A message that has no headers of its own, in an event stream or on a WebSocket, is signed in an envelope:
`{"id", "timestamp", "signature", "payload"}`, where `payload` is the message's JSON as text.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

import msgspec

from getpatter.clock import Clock
from getpatter.connections.faults import Faults
from getpatter.connections.http import Waits
from getpatter.connections.messages import BROKEN, json_bytes
from getpatter.connections.standard_webhooks import (
    ID_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    SigningSecret,
    is_timely,
)
from getpatter.llm.base import CallContext, Message, ReplyPart, TextDelta, ToolSpec
from getpatter.llm.question import messages_as_json, tool_call_from, tools_as_json
from getpatter.metering import MAX_COUNT, Product, Used

MAX_ANSWER: Final = 1_000_000
"""Bytes of one answer: two hours of speech."""
MAX_WORDS: Final = 300
"""Characters of the brain's own words about a failure that are passed on."""

MAX_NAME: Final = 200
"""Characters of a vendor's or model's name."""
MAX_TIMESTAMP: Final = 20
"""Digits."""

SIGN_SO = "Sign each answer with the same secret, as docs/brains.md shows."
NAME_IT = "Give each message the id of its question, as docs/brains.md shows."


class BadAnswer(Exception):
    """An answer that cannot be taken; the text completes a sentence that begins with the brain's name."""

    def __init__(self, what: str, *, next_step: str | None = None, retryable: bool = False) -> None:
        super().__init__(what)
        self.what = what
        self.next_step = next_step
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class Remote:
    """Where a brain is and how it is dealt with.  `url` may hold a token: it is never shown."""

    url: str = field(repr=False)
    secret: SigningSecret | None = field(repr=False)
    faults: Faults
    waits: Waits
    clock: Clock

    @property
    def name(self) -> str:
        return self.faults.name

    @contextmanager
    def translated(self) -> Iterator[None]:
        """`BadAnswer` as `ProviderError`."""
        try:
            yield
        except BadAnswer as error:
            raise self.faults.failed(error.what, retryable=error.retryable, next_step=error.next_step) from None


def new_id() -> str:
    return f"msg_{uuid.uuid4().hex}"


def question(call: CallContext, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> dict[str, Any]:
    return {
        "call": {"id": call.call_id, "caller": call.caller, "callee": call.callee},
        "messages": messages_as_json(messages),
        "tools": tools_as_json(tools),
    }


def encoded(message: Mapping[str, Any]) -> bytes:
    return json_bytes(message)


def sealed(secret: SigningSecret, message_id: str, now: float, payload: bytes) -> bytes:
    """The envelope around a message; `now` is in Unix seconds."""
    timestamp = int(now)
    return encoded(
        {
            "id": message_id,
            "timestamp": timestamp,
            "signature": secret.signature(message_id, timestamp, payload),
            "payload": payload.decode(),
        }
    )


class _Envelope(msgspec.Struct, frozen=True):
    id: str
    timestamp: int
    signature: str
    payload: str


_Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_COUNT)]
_Name = Annotated[str, msgspec.Meta(max_length=MAX_NAME)]


class _Usage(msgspec.Struct, frozen=True):
    vendor: _Name = ""
    model: _Name = ""
    input_tokens: _Count = 0
    output_tokens: _Count = 0
    cached_tokens: _Count = 0
    cache_write_tokens: _Count = 0


class _Message(msgspec.Struct, frozen=True):
    reply: str = ""
    text: str = ""
    tool_calls: list[Any] = []
    usage: _Usage | None = None
    error: str = ""
    done: bool = False


_envelope = msgspec.json.Decoder(_Envelope).decode
_message = msgspec.json.Decoder(_Message).decode


def question_of(frame: bytes, *, signed: bool) -> str:
    """The id of the question that a message on a WebSocket belongs to, before anything of it is verified.

    Raises `BadAnswer`.
    """
    try:
        return _envelope(frame).id.rpartition(".")[0] if signed else _message(frame).reply
    except BROKEN as broken:
        if signed:
            raise BadAnswer("sent a message that is not signed", next_step=SIGN_SO) from None
        raise BadAnswer(f"sent what is no message: {broken}", next_step=NAME_IT) from None


class AnswerReader:
    """Reads the messages of one answer, in order.  With a secret each must be signed."""

    def __init__(self, question_id: str, secret: SigningSecret | None) -> None:
        self._question_id = question_id
        self._secret = secret
        self._number = 0
        self._left = MAX_ANSWER
        self._used: list[Used] = []
        self.done = False

    def frame(self, frame: bytes, now: float) -> list[ReplyPart]:
        """What a message of a stream says.  `now` is in Unix seconds.  Raises `BadAnswer`."""
        if self._secret is None:
            return self._parts(frame)
        try:
            envelope = _envelope(frame)
        except BROKEN:
            raise BadAnswer("sent a message that is not signed", next_step=SIGN_SO) from None
        payload = envelope.payload.encode()
        self._verify(envelope.id, envelope.timestamp, envelope.signature, payload, now)
        return self._parts(payload)

    def whole(self, headers: Mapping[str, str], body: bytes, now: float) -> list[ReplyPart]:
        """What an answer says that is one message with headers of its own.  Raises `BadAnswer`."""
        if self._secret is not None:
            timestamp, signature = headers.get(TIMESTAMP_HEADER, ""), headers.get(SIGNATURE_HEADER, "")
            is_time = timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= MAX_TIMESTAMP
            if not is_time or not signature:
                raise BadAnswer("sent an answer that is not signed", next_step=SIGN_SO)
            self._verify(headers.get(ID_HEADER, ""), int(timestamp), signature, body, now)
        parts = self._parts(body)
        return parts if self.done else [*parts, *self._end()]

    def _verify(self, message_id: str, timestamp: int, signatures: str, body: bytes, now: float) -> None:
        assert self._secret is not None
        if not self._secret.signed(message_id, timestamp, body, signatures):
            raise BadAnswer("sent an answer with a wrong signature", next_step="See that both sides have one secret.")
        if not is_timely(timestamp, now):
            raise BadAnswer(
                "sent an answer that was signed too long ago, or in the future",
                next_step="See that the clocks of both machines are right.",
            )
        self._number += 1
        if message_id != f"{self._question_id}.{self._number}":
            raise BadAnswer(
                "sent an answer that belongs elsewhere: to another question, or not in this place",
                next_step="Number the messages of each answer from 1: the question's id, a dot, and the number.",
            )

    def _parts(self, payload: bytes) -> list[ReplyPart]:
        self._left -= len(payload)
        if self._left < 0:
            raise BadAnswer(f"sent an answer of more than {MAX_ANSWER} bytes")
        if self.done:
            raise BadAnswer("went on after the end of its answer")
        try:
            message = _message(payload)
            calls = [tool_call_from(call) for call in message.tool_calls]
        except (*BROKEN, ValueError) as broken:
            raise BadAnswer(f"sent what is no answer: {broken}") from None
        if message.error:
            words = " ".join(message.error.split())
            raise BadAnswer(f"failed: {words[:MAX_WORDS]}", retryable=True)
        if message.usage is not None:
            self._used.append(_used(message.usage))
        said: list[ReplyPart] = [TextDelta(message.text)] if message.text else []
        return [*said, *calls, *(self._end() if message.done else ())]

    def _end(self) -> list[Used]:
        self.done = True
        return self._used


def _used(usage: _Usage) -> Used:
    return Used(
        Product(usage.vendor, usage.model),
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_tokens=usage.cached_tokens,
        cache_write_tokens=usage.cache_write_tokens,
    )
