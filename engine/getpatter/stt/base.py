"""What a speech recogniser is to the conversation.

A provider object holds settings and what may be shared between calls (connections, models, worker processes); it is
immutable for its users.  `open` gives one live recognition, for one call.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from getpatter.audio.format import AudioFormat
from getpatter.connections.messages import sendable


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word, and where it stands in the recognition's audio, in seconds since the first that was sent."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was understood.  A final transcript covers the audio since the last final one and does not change.

    `text` may be empty: nothing was understood.  `confidence` is between 0 and 1 where the provider gives one.
    """

    text: str
    final: bool
    confidence: float | None = None
    from_finalize: bool = False
    """This final one answers a `finalize`; streaming recognisers also give finals of their own accord."""
    end_of_turn: bool = False
    """The recogniser itself judges that the speaker has finished, not only paused."""
    words: tuple[HeardWord, ...] = ()
    """Where the provider tells them."""
    language: str = ""
    """What was spoken (BCP 47), where the provider recognises it."""


@dataclass(frozen=True, slots=True)
class SpeechHints:
    """What is known before a call: its language (BCP 47) and sentences the far end is likely to say."""

    language: str = "en-US"
    phrases: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # A phrase that cannot be sent would keep every recogniser from being opened.
        object.__setattr__(self, "phrases", tuple(map(sendable, self.phrases)))


class Recognition(Protocol):
    """One call's speech being recognised."""

    @property
    def name(self) -> str:
        """What does it, for people: the provider, and the model or mode that this call's hints led to."""

    def send(self, audio: bytes) -> None:
        """Take audio in the provider's format; returns at once."""

    def finalize(self) -> None:
        """The speaker paused: give a final transcript of what came so far, soon and exactly once, even an empty one."""

    def transcripts(self) -> AsyncIterator[Transcript]:
        """Transcripts as they come, until `close`.  Raises `ProviderError` when the provider is lost."""

    async def close(self) -> None:
        """Let go of everything.  May be called twice."""


class Intake(Protocol):
    """The audio that is to be given to a recognition."""

    @property
    def format(self) -> AudioFormat:
        """What `Recognition.send` takes."""

    @property
    def continuous(self) -> bool:
        """True: wants the line's audio all the time.  False: only while somebody speaks, with a short lead-in."""


class SpeechToText(Intake, Protocol):
    @property
    def name(self) -> str:
        """Shown to people, e.g. `pocketsphinx`."""

    async def open(self, hints: SpeechHints) -> Recognition:
        """Start for one call; raises `ProviderError`."""

    async def close(self) -> None:
        """Let go of what calls shared."""
