"""What a speech-to-speech engine is to the conversation.

An engine object holds settings and what calls share; `open` gives one session, for one call.

As a rule the conversation decides whose turn it is: it commits the caller's audio, asks for responses, and cuts back
what was not heard.  An engine that `manages_turns` decides that at its end, and tells (`TurnNews`):

- It hears the line all the time, since it needs the silence.  Commits mean nothing to it.
- `TurnTaken` or `ResponseBegun` announces each response that was not asked for.  `respond` then only claims it; where
  none was announced, it asks for one to what was told or is the result of a tool.
- The response under way ends with `ResponseDone` before another is announced.
- It goes by its own ears in what was heard, so `truncate` means nothing to it, and `cancel` drops what still comes of
  a response.
- `HungUp` comes last, behind the `ResponseDone` of a response under way; whoever holds the session closes it.
- What is paid for by the minute begins with the first command, not with `open`, and a `say` that comes before any other
  is the agent's first message.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from getpatter.audio.format import AudioFormat
from getpatter.errors import ProviderError
from getpatter.llm.base import Message, TextDelta, ToolCall, ToolSpec
from getpatter.metering import Used


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """All that a session is, from its first message on: a session without the call's own tools is another agent's."""

    instructions: str
    tools: Sequence[ToolSpec] = ()
    language: str = "en-US"
    """BCP 47."""
    history: Sequence[Message] = ()
    """What was said before, where a session takes the place of one that was lost; without a system prompt."""
    resumes: str = ""
    """What the session that was lost gave by `Resumption`; engines that give none have the history alone."""
    greets: bool = False
    """The agent speaks first: what it says comes by `say`."""


@dataclass(frozen=True, slots=True)
class AudioDelta:
    """The next audio of an item, in the engine's output format."""

    item_id: str
    audio: bytes


@dataclass(frozen=True, slots=True)
class InputTranscript:
    """What the caller said in audio that was committed.

    Each commit gives one that is final, in the order of the commits; it may be empty.  One that is not final replaces
    the one before.  Of an engine that manages turns, a final one is about the turn that it took last.
    """

    text: str
    final: bool


@dataclass(frozen=True, slots=True)
class ResponseDone:
    """A response has ended, and another may be asked for."""

    status: Literal["completed", "cancelled", "incomplete", "failed"] = "completed"
    usage: Used | None = None
    """Of this response, where the engine tells it."""
    error: ProviderError | None = None
    """Why it failed."""


ResponseEvent = AudioDelta | TextDelta | ToolCall | ResponseDone
"""What a response consists of; `TextDelta` is the transcript of its audio, of which it runs ahead or with which it
comes."""


@dataclass(frozen=True, slots=True)
class TurnTaken:
    """The engine takes what the caller said for a turn: a response to it follows.

    `text` is what it understood; empty where that comes later, in an `InputTranscript`.
    """

    text: str = ""


@dataclass(frozen=True, slots=True)
class ResponseBegun:
    """A response follows that nobody asked for, and that answers no turn of the caller."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The engine has heard the caller over what it said, and says no more of it: what was not heard yet must not be."""


@dataclass(frozen=True, slots=True)
class HungUp:
    """The engine has ended the conversation in good order, as an agent does that has said goodbye."""

    reason: str = ""
    """What else than the agent's own decision ended it, such as a limit at the vendor's, as a sentence."""


TurnNews = TurnTaken | ResponseBegun | Interrupted | HungUp
"""What an engine that manages turns decides."""


@dataclass(frozen=True, slots=True)
class Resumption:
    """Another session can go on where this one stands: `EngineConfig.resumes` takes `handle`."""

    handle: str
    due: bool = False
    """The vendor will soon end this one.  It is said while nothing is under way, so the other can take over unheard."""


EngineEvent = ResponseEvent | InputTranscript | TurnNews | Resumption


class EngineSession(Protocol):
    """One call's.  Commands return at once and are carried out in order; `events` raises when they cannot be."""

    def send(self, audio: bytes) -> None:
        """The caller's audio, in the engine's input format."""

    def commit(self) -> None:
        """What was sent since the last commit is a turn of the caller, or a part of one."""

    def tell(self, text: str) -> None:
        """The caller told this otherwise than by voice, e.g. with keys."""

    def respond(self) -> None:
        """Ask for a response to what was said.  At most one is under way: wait for `ResponseDone`."""

    def say(self, text: str) -> None:
        """Ask for a response that says these words.  At most one is under way: wait for `ResponseDone`."""

    def cancel(self) -> None:
        """Break off the response under way.  Of it nothing more comes than its `ResponseDone`; without one, nothing
        happens."""

    def truncate(self, item_id: str, audio_end_ms: int) -> None:
        """The caller heard no more of an item than its first `audio_end_ms` milliseconds."""

    def tool_result(self, call_id: str, output: str) -> None:
        """What became of a tool call; it takes `respond` to have the engine go on."""

    def configure(self, instructions: str, tools: Sequence[ToolSpec]) -> None:
        """Replace both, for the responses to come."""

    def events(self) -> AsyncIterator[EngineEvent]:
        """Events as they come, until `close`.  Raises `ProviderError` when the session is lost."""

    async def close(self) -> None:
        """Let go of everything.  May be called twice."""


@runtime_checkable
class Gated(Protocol):
    """An engine that may want to be asked for an answer only once there are words; others answer the sound."""

    @property
    def needs_words(self) -> bool:
        """A turn of which nothing was understood, a cough, is none."""


class RealtimeEngine(Protocol):
    """Settings; shared by calls."""

    @property
    def name(self) -> str:
        """Shown to people, e.g. `gpt-realtime at api.openai.com`."""

    @property
    def manages_turns(self) -> bool:
        """It decides at its end when the caller has finished, and answers without being asked."""

    @property
    def input_format(self) -> AudioFormat:
        """What `EngineSession.send` takes."""

    @property
    def output_format(self) -> AudioFormat:
        """What `AudioDelta` holds."""

    async def open(self, config: EngineConfig) -> EngineSession:
        """Start for one call; returns when the engine has taken the configuration.  Raises `ProviderError`."""

    async def close(self) -> None:
        """Let go of what calls shared."""
