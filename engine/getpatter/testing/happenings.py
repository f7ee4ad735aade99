"""What happens in a simulated call, in no carrier's words: each `Wire` spells these as its carrier does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from getpatter.testing.recordings import Recording
from getpatter.testing.verbs import ConnectStream, JoinRoom

Status = Literal["initiated", "ringing", "in-progress", "completed", "busy", "no-answer", "canceled", "failed"]
OVER: frozenset[Status] = frozenset({"completed", "busy", "no-answer", "canceled", "failed"})

Verdict = Literal["human", "machine", "fax", "unknown"]


@dataclass(frozen=True, slots=True)
class Progressed:
    """The call has come to `status`, the last of which is one of `OVER`."""

    status: Status


@dataclass(frozen=True, slots=True)
class Recognised:
    """Who or what took the call."""

    verdict: Verdict


@dataclass(frozen=True, slots=True)
class GreetingEnded:
    """A machine's greeting is over.  Where the beep came before anything else, this is all that is told of it."""

    beep: bool


@dataclass(frozen=True, slots=True)
class StreamOpened:
    stream: ConnectStream
    stream_id: str


@dataclass(frozen=True, slots=True)
class StreamClosed:
    stream: ConnectStream
    stream_id: str


@dataclass(frozen=True, slots=True)
class StreamRefused:
    stream: ConnectStream
    stream_id: str
    cause: str


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """By the party."""

    digit: str


@dataclass(frozen=True, slots=True)
class RoomEvent:
    """Of a conference.  `terms` are those of its first member, `own` of the one who comes or goes: carriers differ in
    whose count."""

    kind: Literal["start", "join", "leave", "end"]
    room_id: str
    terms: JoinRoom
    own: JoinRoom
    number: int
    """The events of one conference, counted from 1."""


@dataclass(frozen=True, slots=True)
class Connected:
    """The call was connected with another one."""


@dataclass(frozen=True, slots=True)
class Announced:
    """The carrier's voice has said something to its end, or was stopped."""

    ended_by: Literal["done", "call_over"]


@dataclass(frozen=True, slots=True)
class Gathered:
    """The carrier waits for a key no more; `key` is empty where none was pressed."""

    key: str
    ended_by: Literal["key", "timeout", "call_over"]


@dataclass(frozen=True, slots=True)
class RecordingSaved:
    recording: Recording


Happening = (
    Progressed
    | Recognised
    | GreetingEnded
    | StreamOpened
    | StreamClosed
    | StreamRefused
    | KeyPressed
    | RoomEvent
    | Connected
    | Announced
    | Gathered
    | RecordingSaved
)
