"""The ear of an engine that decides by itself when the caller has finished."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from getpatter.clock import Clock, TimerHandle
from getpatter.conversation.engine_ear import EngineEar
from getpatter.engines.base import InputTranscript
from getpatter.stt.base import Transcript

WORDS_S = 1.0
"""How long after a request for words there are taken to be none.  The engine gives them when it takes the turn, within
some tenths of a second of silence, and to a cough never."""


class EngineNews(Protocol):
    """Told what the engine decides, in order with what it understands."""

    def engine_speaks(self) -> None:
        """It begins to say something that nobody asked for."""

    def engine_stopped(self) -> None:
        """It heard the caller over what it said, and goes on with nothing of it."""

    def engine_hung_up(self, reason: str) -> None:
        """It has ended the conversation, and what it said is still to be heard out; `reason` is that of `HungUp`."""


class LeadingEar(EngineEar):
    """A `Recognition`.  That the engine takes a turn is a final transcript with `end_of_turn`, words or not."""

    def __init__(self, name: str, *, send: Callable[[bytes], None], clock: Clock, news: EngineNews) -> None:
        super().__init__(name, send=send, commit=self._ask)
        self._clock = clock
        self._news = news
        self._asked = 0
        """Requests for words that were not answered."""
        self._timer: TimerHandle | None = None

    async def close(self) -> None:
        self._forget_requests()
        await super().close()

    def _ask(self) -> None:
        self._asked += 1
        if self._timer is None:
            self._timer = self._clock.call_at(self._clock.now() + WORDS_S, self._understood_nothing)

    def _understood_nothing(self) -> None:
        for _ in range(self._asked):
            self._out.put_nowait(Transcript("", final=True, from_finalize=True))
        self._forget_requests()

    def _forget_requests(self) -> None:
        self._asked = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- from the engine

    def understood(self, transcript: InputTranscript) -> None:
        self._out.put_nowait(Transcript(transcript.text, transcript.final))

    def turn_taken(self, text: str) -> None:
        self._forget_requests()
        self._out.put_nowait(Transcript(text, final=True, end_of_turn=True))

    def speaks(self) -> None:
        self._out.put_nowait(self._news.engine_speaks)

    def stopped(self) -> None:
        self._out.put_nowait(self._news.engine_stopped)

    def hung_up(self, reason: str) -> None:
        self._out.put_nowait(partial(self._news.engine_hung_up, reason))
