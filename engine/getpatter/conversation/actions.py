"""What the turn machine decides, for a shell to carry out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from getpatter.events import DismissedAs, EndedBy, TurnTrigger

TimerName = Literal[
    "silence",  # nobody speaks
    "transcript",  # a final transcript is due
    "hold",  # the caller may go on
    "monologue",  # the caller's voice does not end
    "overlap",  # a voice over the agent may count from then on
    "confirm",  # a voice over the agent has brought no words
    "stable",  # an interim transcript does not change
    "filler",  # the answer takes long
    "keys",  # more keys may be pressed
    "duration",
    "goodbye",
    "greeting",
]


@dataclass(frozen=True, slots=True)
class Farewell:
    """Why the call is to end, decided before the goodbye is heard."""

    ended_by: EndedBy
    reason: str


@dataclass(frozen=True, slots=True)
class FinalizeTranscript:
    """Ask for the final transcript of what was said so far."""


@dataclass(frozen=True, slots=True)
class JudgeTurn:
    """Ask the turn detector whether the caller has finished; the answer is `on_turn_judged`."""


@dataclass(frozen=True, slots=True)
class StartDraft:
    """Begin to answer these words in advance: nothing of it is heard and no tool runs before `StartReply`."""

    text: str


@dataclass(frozen=True, slots=True)
class DropDraft:
    """The caller went on: the draft answers what they did not mean."""


@dataclass(frozen=True, slots=True)
class StartReply:
    """The caller's turn is over: answer it.

    `text` is what they said since the last reply began; it is empty when that one was withdrawn before any of it was
    heard and is due again.
    """

    text: str
    trigger: TurnTrigger | None = "silence"
    """None where no turn has ended, and an engine speaks of its own accord."""


@dataclass(frozen=True, slots=True)
class NoteWords:
    """The caller's words, understood after the answer to their sound was begun: for the record."""

    text: str


@dataclass(frozen=True, slots=True)
class Say:
    """Speak these words; no language model is asked."""

    text: str


@dataclass(frozen=True, slots=True)
class Interject:
    """Speak these words before what the reply under way is going to say."""

    text: str


@dataclass(frozen=True, slots=True)
class HoldReply:
    """Stop the sound of the reply where it is, and go on making it."""


@dataclass(frozen=True, slots=True)
class ResumeReply:
    """Go on with the sound at the first word that was not heard."""


@dataclass(frozen=True, slots=True)
class CancelReply:
    """Drop the reply: its generation, and what is queued on the line.  Keep only what was heard.

    `barge_in` tells an interruption by the caller from one by ourselves.
    """

    barge_in: bool


@dataclass(frozen=True, slots=True)
class Dismiss:
    """A voice over the agent turned out to be no interruption."""

    kind: DismissedAs
    words: str = ""


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Replaces a timer of the same name."""

    name: TimerName
    at: float


@dataclass(frozen=True, slots=True)
class StopTimer:
    name: TimerName


@dataclass(frozen=True, slots=True)
class Ending:
    """The end was decided; what is being said is still to be heard."""

    farewell: Farewell


@dataclass(frozen=True, slots=True)
class HangUp:
    farewell: Farewell


Action = (
    FinalizeTranscript
    | JudgeTurn
    | StartDraft
    | DropDraft
    | StartReply
    | NoteWords
    | Say
    | Interject
    | HoldReply
    | ResumeReply
    | CancelReply
    | Dismiss
    | StartTimer
    | StopTimer
    | Ending
    | HangUp
)


@dataclass(frozen=True, slots=True)
class Lines:
    """What the machine has the agent say by itself; what is empty is not said."""

    first_message: str = ""
    still_there: str = ""
    on_hold: str = ""
    silence: str = ""
    time_limit: str = ""
    error: str = ""
    shutdown: str = ""
    voicemail: str = ""
    filler: str = ""
