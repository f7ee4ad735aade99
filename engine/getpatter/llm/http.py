"""Language models behind HTTP event streams: the shell around every `llm.dialect`."""

from __future__ import annotations

import copy
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from typing import Self

from getpatter.clock import Clock, SystemClock
from getpatter.connections.http import Answer, HttpService, Waits
from getpatter.connections.sse import EventStreamParser, ServerSentEvent
from getpatter.errors import ProviderError
from getpatter.llm.base import Message, ReplyPart, ToolSpec
from getpatter.llm.dialect import MAX_WRITTEN, Dialect, StreamError
from getpatter.llm.estimate import Estimate
from getpatter.llm.faults import ModelFaults
from getpatter.llm.partial import telling_what_was_said
from getpatter.metering import Product, Used

FIRST_TOKEN_S = 30.0
"""Longest wait for the first token, by default.  A judgement: on the telephone nobody waits longer."""
NEXT_PIECE_S = 15.0
"""The same for each later piece of an answer."""

_NO_STREAMS = frozenset({"text/html", "application/json"})


class HttpLLM:
    """One model on one server, for any number of calls at once, over shared connections.

    The first token may take `timeout_s`, each later piece `idle_timeout_s`; comments that keep the stream open are no
    pieces.  The key goes to that server alone: redirects are refused.
    """

    scripted = False

    def __init__(
        self,
        dialect: Dialect,
        faults: ModelFaults,
        *,
        timeout_s: float = FIRST_TOKEN_S,
        idle_timeout_s: float = NEXT_PIECE_S,
        clock: Clock | None = None,
    ) -> None:
        self._dialect = dialect
        self._faults = faults
        self._waits = Waits(timeout_s, idle_timeout_s)
        self._clock = clock or SystemClock()
        self._service = HttpService(faults, self._clock)
        self._in_call = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    @property
    def name(self) -> str:
        return self._faults.name

    @property
    def product(self) -> Product:
        """What replies are bought of, as it was configured."""
        return self._dialect.product

    def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncGenerator[ReplyPart]:
        """See `LanguageModel.reply`.  Closing the iterator closes the connection, which stops the server's work.

        Raises `PartialReply` where it breaks off after words were given.
        """
        return telling_what_was_said(self._answer(messages, tools))

    async def warm(self) -> None:
        """Have an open connection in the pool."""
        with suppress(ProviderError):  # a key that is not to be had: the reply will say so
            await self._service.warm(self._dialect.models_url, self._dialect.headers())

    async def close(self) -> None:
        """Close the connections; `reply` cannot be used any more.  The view of one call leaves them to the others."""
        if not self._in_call:
            await self._service.close()

    async def _answer(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncGenerator[ReplyPart]:
        estimate = Estimate(messages, tools)
        told = False
        request = self._dialect.request(messages, tools)
        async with self._service.stream(request, self._waits, self._faults) as answer:
            if answer.media_type in _NO_STREAMS:
                raise self._faults.no_stream()
            async with aclosing(self._parts(answer)) as parts:
                async for part in parts:
                    told = told or isinstance(part, Used)
                    estimate.take(part)
                    yield part
            if not told:
                yield estimate.used(self._dialect.product)
            await answer.drain()

    async def _parts(self, answer: Answer) -> AsyncGenerator[ReplyPart]:
        """All that the stream holds."""
        parser, reply = EventStreamParser(), self._dialect.assembler()
        try:
            while not reply.over and (piece := await answer.piece()) is not None:
                before = reply.written
                for event in self._events(parser, piece):
                    for part in reply.feed(event):
                        yield part
                if reply.finished:
                    answer.complete()
                elif reply.written > before:
                    answer.alive()
                if reply.written > MAX_WRITTEN:
                    raise self._faults.broke_off(f"a reply of more than {MAX_WRITTEN} characters")
        except StreamError as error:
            raise self._faults.failed(f"failed while answering: {error}", retryable=error.retryable) from None
        if not reply.finished:
            raise self._faults.broke_off("the answer ended before it was complete")
        for part in reply.close():
            yield part

    def _events(self, parser: EventStreamParser, piece: bytes) -> list[ServerSentEvent]:
        try:
            return parser.feed(piece)
        except ValueError as error:
            raise self._faults.nonsense(str(error)) from None

    def _with(self, dialect: Dialect, faults: ModelFaults | None = None, *, in_call: bool = False) -> Self:
        """The same connections for another model or for one call."""
        other = copy.copy(self)
        other._dialect = dialect
        other._faults = faults or self._faults
        other._in_call = in_call or self._in_call
        return other
