"""What engines that are reached by a WebSocket differ in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from getpatter.engines.base import EngineEvent
from getpatter.errors import ProviderError
from getpatter.llm.base import ToolSpec
from getpatter.metering import Used


class Ready:
    """The engine has taken the configuration."""


READY = Ready()

Happening = EngineEvent | Ready | ProviderError
"""What comes of a message.  An error means that the session is lost."""


@dataclass(frozen=True, slots=True)
class Ends:
    """Where a dialect puts what it has to say: messages for the vendor, and what has happened for us."""

    send: Callable[[str | bytes], None]
    """Text as `str`, binary as `bytes`."""
    emit: Callable[[Happening], None]


class Dialect(Protocol):
    """One session in one vendor's protocol: commands and messages in, by `Ends` messages and events out.  No I/O.

    The commands are those of `EngineSession`; none comes before `READY` was emitted.
    """

    def begin(self) -> None:
        """The socket is open."""

    def receive(self, message: str | bytes) -> None:
        """The vendor sent this.  Raises `ValueError` for what cannot be read, with which the session is lost."""

    def send(self, audio: bytes) -> None: ...

    def commit(self) -> None: ...

    def tell(self, text: str) -> None: ...

    def respond(self) -> None: ...

    def say(self, text: str) -> None: ...

    def cancel(self) -> None: ...

    def truncate(self, item_id: str, audio_end_ms: int) -> None: ...

    def tool_result(self, call_id: str, output: str) -> None: ...

    def configure(self, instructions: str, tools: Sequence[ToolSpec]) -> None: ...

    def keep_alive(self) -> None:
        """Nothing went either way for as long as the vendor lets pass."""

    def end(self) -> None:
        """The socket will be closed."""

    def closed(self, code: int, reason: str) -> ProviderError | None:
        """Why the vendor closed the socket, where its close codes say so; `HungUp` is emitted for what is no fault."""

    @property
    def usage_due(self) -> bool:
        """The vendor is bound to tell soon what something was used for that is over, or was broken off."""

    def used(self, open_s: float) -> tuple[Used, ...]:
        """What the vendor counts, of a session that has been open for this long."""
