"""What recognisers that are reached by a WebSocket differ in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from getpatter.errors import ProviderError
from getpatter.metering import Used
from getpatter.stt.base import Transcript


class Ready:
    """The vendor is ready for audio."""


READY = Ready()

Happening = Transcript | Ready | Used | ProviderError
"""What a message comes to.  An error means that the session is lost.  What the vendor says that it counted holds no
seconds: those are counted here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a vendor wants to be dealt with; constant for one of its models."""

    bills: Literal["audio", "session"]
    """What its clock counts: the audio that it was sent, or the time for which the session is open.  A session that is
    paid for is opened with the first audio; before, there is only a connection without a request on it."""
    stands_idle: bool = True
    """A session may be open without audio.  One that may not is opened with the first audio as well."""
    piece_s: float = 0.06
    """Audio is sent in pieces of this length: one a frame would be three times as many, and nothing that is asked
    for is late, since a request for a final transcript sends the rest ahead."""
    shortest_s: float = 0.0
    """No message holds less: what is left over when a final transcript is asked for waits for the audio after it.  That
    much of the end of a pause is silence."""
    longest_s: float = 1.0
    """No message holds more: audio that has gathered, as while a connection is made anew, is cut."""
    waits_for_ready: bool = False
    """Audio before the vendor said `READY` would be lost."""
    ready_s: float = 10.0
    """Longest that it may take to say so, from the open socket on."""
    keep_alive_s: float | None = None
    """How long a pause may be before the vendor wants to hear that somebody is there."""
    finalize_s: float = 1.5
    """How long after a request the final transcript is taken to be empty: most vendors say nothing when they understood
    nothing."""


class Dialect(Protocol):
    """One recognition in one vendor's protocol.  No I/O: messages in and out, text as `str`, binary as `bytes`."""

    def begin(self) -> Iterable[str | bytes]:
        """What is said first, once the socket is open."""

    def audio(self, audio: bytes) -> str | bytes:
        """A piece of audio."""

    def finalize(self) -> Iterable[str | bytes]:
        """Ask for the final transcript of what was sent.  The transcript that answers has `from_finalize`."""

    def give_up(self) -> Iterable[Happening]:
        """The oldest request without an answer is not waited for any longer: what it held back, if anything, is told
        now.  Words of it that come later answer no request."""

    def keep_alive(self) -> Iterable[str | bytes]:
        """Sent after each `Terms.keep_alive_s` without audio."""

    def end(self) -> Iterable[str | bytes]:
        """Said before the socket is closed: with it the vendor stops counting."""

    def receive(self, message: str | bytes) -> Iterable[Happening]:
        """What a message means.  Raises `ValueError` for what cannot be read."""

    def closed(self, code: int, reason: str) -> ProviderError | None:
        """Why the vendor closed the socket, where its close codes say so."""
