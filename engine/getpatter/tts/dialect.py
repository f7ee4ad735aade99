"""What voices that are reached over the network differ in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from getpatter.connections.http import HttpRequest
from getpatter.errors import ProviderError
from getpatter.tts.base import SpeechChunk


class Ready:
    """The vendor is ready for text."""


READY = Ready()


@dataclass(frozen=True, slots=True)
class Part:
    """Sound of one sentence.  `context` is empty where the vendor speaks one sentence at a time and names none."""

    chunk: SpeechChunk
    context: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """A sentence is complete."""

    context: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """A sentence cannot be spoken; the socket is as good as before."""

    error: ProviderError
    context: str = ""


Happening = Part | Done | Failed | Ready | ProviderError
"""What a message comes to.  A bare error means that the socket is lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a vendor's voice wants to be dealt with."""

    contexts: bool
    """Several sentences may be under way, told apart by the names that we give them."""
    cancels: bool
    """A sentence can be broken off on a socket that goes on; otherwise it is dropped, and another is opened."""
    waits_for_ready: bool = False
    keep_alive_s: float | None = None
    """How long a pause may be before the vendor wants to hear that somebody is there."""
    max_sentences: int | None = None
    """A socket is replaced after so many; None for any number."""


class SocketDialect(Protocol):
    """One socket of one vendor's voice.  No I/O: messages in and out, text as `str`, binary as `bytes`."""

    def begin(self) -> Iterable[str | bytes]:
        """What is said first, once the socket is open; nothing that costs money."""

    def speak(self, context: str, text: str) -> Iterable[str | bytes]:
        """A whole sentence, to be spoken at once."""

    def cancel(self, context: str) -> Iterable[str | bytes]:
        """Stop a sentence.  What still comes of it is passed over, by its context or by the dialect."""

    def keep_alive(self) -> Iterable[str | bytes]:
        """Sent after each `Terms.keep_alive_s` of silence."""

    def end(self) -> Iterable[str | bytes]:
        """Said before the socket is closed."""

    def receive(self, message: str | bytes) -> Iterable[Happening]:
        """What a message means.  Raises `ValueError` for what cannot be read."""

    def closed(self, code: int, reason: str) -> ProviderError | Done | None:
        """Why the vendor closed the socket, where its close codes say so; `Done` where it closes after a sentence."""


class Decoder(Protocol):
    """Takes the body of one answer apart.  One that is `Metered` knows what the vendor counted beside the characters of
    the text and the seconds of the sound; it is asked once the answer is over or left."""

    def feed(self, data: bytes) -> Iterable[SpeechChunk]:
        """The sound that is complete with `data`.  Raises `ValueError`, and `ProviderError` for a failure that the body
        tells."""

    def close(self) -> Iterable[SpeechChunk]:
        """What is left at the end.  Raises `ValueError` when something is missing."""


class HttpDialect(Protocol):
    """One vendor's voice, a request a sentence."""

    def request(self, text: str) -> HttpRequest: ...

    def decoder(self) -> Decoder: ...


class RawAudio:
    """A `Decoder` for vendors that answer with nothing but sound in the format that was asked for."""

    def feed(self, data: bytes) -> Iterable[SpeechChunk]:
        return (SpeechChunk(data),)

    def close(self) -> Iterable[SpeechChunk]:
        return ()
