"""A language model that stands on several: when one fails, the next gives the same reply."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from getpatter.clock import Clock, SystemClock, deadline
from getpatter.errors import ProviderError
from getpatter.failover import RETRY_AFTER_S, Roster, Seat, Standing, Switch, all_failed, report
from getpatter.llm.base import CallContext, ForCall, LanguageModel, Message, ReplyPart, ToolSpec
from getpatter.llm.partial import Given

FIRST_TOKEN_S = 4.0
"""Longest wait for a model's first output while there is another to ask.  A judgement: models on the net give it
within a second, and a switch that comes too early is paid for twice."""
LAST_TOKEN_S = 15.0
"""The same for the last one: a late answer is better than none."""


class FallbackLLM(Standing[LanguageModel]):
    """Several language models as one, the preferred first.

    Any `ProviderError` before the first output, and a first output that does not come within `first_token_s`, leads to
    the next model.  This does not ask whether a retry can help: what one server refuses, its key or its credit, says
    nothing of the next.  The one that failed is passed over for `retry_after_s`, then one reply probes it.

    After the first word or tool call there is no switch, since half a sentence would be said again: `PartialReply`.
    """

    def __init__(
        self,
        providers: Sequence[LanguageModel],
        *,
        retry_after_s: float = RETRY_AFTER_S,
        first_token_s: float = FIRST_TOKEN_S,
        clock: Clock | None = None,
    ) -> None:
        """Raises `ConfigurationError` without providers."""
        self._clock = clock or SystemClock()
        self._first_token_s = first_token_s
        self._in_call: dict[LanguageModel, LanguageModel] | None = None
        """What stands for each model in one call; None where this serves all calls."""
        super().__init__(Roster(providers, self._clock, retry_after_s=retry_after_s))

    @property
    def scripted(self) -> bool:
        """Some of the words may come from a script."""
        return any(provider.scripted for provider in self._roster.providers)

    async def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncGenerator[ReplyPart]:
        """See `LanguageModel.reply`.  Raises `PartialReply` after output, and one error that lists all before it."""
        errors: list[ProviderError] = []
        lost = ""
        for asked, seat in enumerate(self._roster.order(), 1):
            if errors:
                report(self._on_switch, Switch(lost, seat.name, errors[-1]))
            lost = seat.name
            given = Given()
            wait_s = self._first_token_s if asked < len(self._roster) else LAST_TOKEN_S
            try:
                async with aclosing(self._attempt(seat, messages, tools, wait_s)) as parts:
                    async for part in parts:
                        given.take(part)
                        yield part
            except ProviderError as error:
                seat.failed()
                if given:
                    raise given.broken_by(error) from error
                errors.append(error)
            else:
                seat.worked()
                return
        raise all_failed("answer", errors)

    def for_call(self, call: CallContext) -> LanguageModel:
        """See `ForCall`; what is known of failures stays shared."""
        view = copy.copy(self)
        models = self._roster.providers
        view._in_call = {model: model.for_call(call) for model in models if isinstance(model, ForCall)}
        return view

    async def warm(self) -> None:
        """Warm them all: a fallback is needed at once or not at all."""
        await asyncio.gather(*(self._model(provider).warm() for provider in self._roster.providers))

    async def close(self) -> None:
        if self._in_call is None:
            await super().close()
        else:
            await asyncio.gather(*(model.close() for model in self._in_call.values()))

    def _model(self, shared: LanguageModel) -> LanguageModel:
        return shared if self._in_call is None else self._in_call.get(shared, shared)

    async def _attempt(
        self, seat: Seat[LanguageModel], messages: Sequence[Message], tools: Sequence[ToolSpec], wait_s: float
    ) -> AsyncGenerator[ReplyPart]:
        give_up = self._clock.now() + wait_s
        async with aclosing(self._model(seat.provider).reply(messages, tools)) as parts:
            began = False
            while not began:
                try:
                    async with deadline(self._clock, give_up):
                        part = await anext(parts, None)
                except TimeoutError:
                    late = f"{seat.name} gave no first word within {wait_s:g} s."
                    raise ProviderError(late, provider=seat.name, retryable=True) from None
                if part is None:
                    return
                if began := Given().take(part):
                    seat.worked()  # known already now: who listens may break off at any word
                yield part
            async for part in parts:
                yield part
