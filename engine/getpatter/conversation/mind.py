"""What stands behind a conversation: something that understands the caller and makes the agent's words and sounds.

`pipeline` puts it together from a recogniser, a language model and a voice; `realtime` has one engine do it all.
Turns, playout, tools and the record are the same around both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from getpatter.conversation.history import ReplyEntry
from getpatter.conversation.speaker import Speaker
from getpatter.conversation.timing import Timing
from getpatter.llm.base import Message
from getpatter.stt.base import Intake, Recognition


class Speech(Protocol):
    """One thing that the agent says.  Run one of `answer` and `say`; cancel the task that runs it to stop it."""

    @property
    def timing(self) -> Timing: ...

    @property
    def voice_lost(self) -> bool:
        """The voice failed, so nothing more can be said in this call."""

    async def answer(self) -> None:
        """Answer the caller and speak meanwhile.  Tools wait for `commit`.  Raises `ProviderError`."""

    async def say(self, text: str) -> None:
        """Speak given words.  Raises `ProviderError`."""

    def commit(self, entry: ReplyEntry) -> None:
        """What is said answers what the caller said: tools may run, and `entry` is its place in the history."""

    def interject(self, text: str) -> None:
        """Say this to bridge the wait for the answer, unless there is something of it to be said."""

    def play(self, audio: bytes) -> None:
        """Have line audio heard after what is being said, such as the tones of keys."""

    async def heard_out(self) -> bool:
        """Wait until all that was given to be said so far was heard; False when it never will be."""

    def withdraw(self) -> None:
        """It is taken back: nothing that it asked for is done any more."""


class Mind(Protocol):
    """One call's."""

    async def prepare(self, phrases: Sequence[str]) -> None:
        """Open what is behind it, while the call rings.  Raises `ProviderError`; `close` is due all the same."""

    @property
    def hears_as(self) -> Intake:
        """The audio that the recognition takes."""

    @property
    def recognition(self) -> Recognition:
        """Understands the caller, once prepared."""

    @property
    def needs_words(self) -> bool:
        """A turn without a transcript is no turn.  False where the caller's audio itself is answered."""

    def begin(self, speaker: Speaker, timing: Timing, messages: Callable[[], Sequence[Message]]) -> Speech:
        """Something new that the agent says; `speaker` was made ready for it, and `messages` is what it follows."""

    async def close(self) -> None:
        """Let go of everything.  May be called twice."""
