"""What differs between the APIs of language models: requests out, events of a stream in.  No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from getpatter.connections.http import HttpRequest
from getpatter.connections.sse import ServerSentEvent
from getpatter.llm.base import Message, ReplyPart, ToolSpec
from getpatter.metering import Product

MAX_WRITTEN: Final = 200_000
"""Characters of one reply: hours of speech, which no model means."""


class StreamError(Exception):
    """The server reported an error inside the stream, or sent what is none of its protocol.

    The text completes a sentence that begins with the model's name.
    """

    def __init__(self, what: str, *, retryable: bool = True) -> None:
        super().__init__(what)
        self.retryable = retryable


def too_early(reason: str, *, retryable: bool = False) -> StreamError:
    """The model ended before it had given anything, which leaves the caller in silence; `reason` in the API's words."""
    return StreamError(f"it ended without a word ({reason})", retryable=retryable)


class Assembler(Protocol):
    """Turns the events of one answer into reply parts: text at once, tool calls when they are whole."""

    @property
    def written(self) -> int:
        """Characters that the model has written so far, of words and of calls; what it thinks does not count."""

    @property
    def finished(self) -> bool:
        """The model said that it is done; usage may still follow."""

    @property
    def over(self) -> bool:
        """Nothing follows that is of use, whether or not the server closes the stream."""

    def feed(self, event: ServerSentEvent) -> list[ReplyPart]:
        """The parts that an event completes.  Raises `StreamError`."""

    def close(self) -> list[ReplyPart]:
        """What is left when the stream is over; `Used` comes last, where the server told it."""


class Dialect(Protocol):
    """One API, and one model there."""

    @property
    def product(self) -> Product: ...

    @property
    def models_url(self) -> str:
        """What may be asked for without cost, to have a connection opened."""

    def headers(self) -> Mapping[str, str]:
        """What each request carries, the key among it."""

    def request(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> HttpRequest:
        """The request for one streamed answer."""

    def assembler(self) -> Assembler: ...
