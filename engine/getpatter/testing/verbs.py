"""What a carrier can be told to do with a call that was answered, one thing after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Hook:
    """A URL that is told, or asked what is to be done next; an empty one is neither."""

    url: str = ""
    method: Literal["GET", "POST"] = "POST"


NOBODY = Hook()


@dataclass(frozen=True, slots=True)
class ConnectStream:
    url: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    status: Hook = NOBODY


@dataclass(frozen=True, slots=True)
class DialNumber:
    """Connect the call to somebody else."""

    number: str
    timeout_s: float = 30.0
    """How long it rings there."""
    caller_id: str = ""
    then: Hook = NOBODY
    """Asked what is to be done when that call is over or was not taken."""


@dataclass(frozen=True, slots=True)
class JoinRoom:
    """Be in a conference."""

    name: str
    opens: bool = True
    """Those who wait hear each other from now on."""
    closes: bool = False
    """The conference ends when this call leaves it."""
    status: Hook = NOBODY
    events: frozenset[str] = frozenset()
    """Which of the carrier's events of a conference are told; those of its first member count."""


@dataclass(frozen=True, slots=True)
class SayText:
    """In the carrier's own voice."""

    text: str


@dataclass(frozen=True, slots=True)
class GatherKey:
    """Have the carrier's voice say something until the party presses a key, and wait for one a while longer."""

    prompts: tuple[str, ...] = ()
    timeout_s: float = 5.0
    """From the end of what was said."""
    times: int = 1
    """How often all of it at most."""
    then: Hook = NOBODY
    """Asked what is to be done once a key was pressed; without one, what follows is done."""


@dataclass(frozen=True, slots=True)
class PressKeys:
    digits: str
    """`w` is a pause of half a second."""


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: float


@dataclass(frozen=True, slots=True)
class GoTo:
    """Do what the document at this URL says instead of what was to follow."""

    hook: Hook


@dataclass(frozen=True, slots=True)
class HangUpCall:
    pass


@dataclass(frozen=True, slots=True)
class RejectCall:
    """Only as the first thing: the call is not answered."""

    reason: str
    """`busy` or `rejected`."""


Verb = ConnectStream | DialNumber | JoinRoom | SayText | GatherKey | PressKeys | Wait | GoTo | HangUpCall | RejectCall
