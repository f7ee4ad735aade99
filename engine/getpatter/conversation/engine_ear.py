"""What a speech-to-speech engine understands of the caller, as a recogniser would tell it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from getpatter.engines.base import InputTranscript
from getpatter.errors import ProviderError
from getpatter.stt.base import Transcript


class EngineEar:
    """A `Recognition`.  The engine is asked for an answer and not for words, so these come when they come."""

    def __init__(self, name: str, *, send: Callable[[bytes], None], commit: Callable[[], None]) -> None:
        self._name = name
        self._commit = commit
        self._out: asyncio.Queue[Transcript | Callable[[], None] | ProviderError | None] = asyncio.Queue()
        """Callables are news that must not overtake the words before them."""
        self.send = send
        """Takes line audio."""

    @property
    def name(self) -> str:
        return self._name

    def finalize(self) -> None:
        self._commit()

    async def transcripts(self) -> AsyncIterator[Transcript]:
        while (item := await self._out.get()) is not None:
            if isinstance(item, ProviderError):
                raise item
            if isinstance(item, Transcript):
                yield item
            else:
                item()

    async def close(self) -> None:
        self._out.put_nowait(None)

    # -- from the engine

    def understood(self, transcript: InputTranscript) -> None:
        self._out.put_nowait(Transcript(transcript.text, transcript.final, from_finalize=transcript.final))

    def deaf(self, error: ProviderError) -> None:
        self._out.put_nowait(error)
