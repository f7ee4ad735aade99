"""A program's own function in the place of a language model."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import Any

import anyio.to_thread

from getpatter.clock import Clock, Patience
from getpatter.errors import ProviderError
from getpatter.extension import contained
from getpatter.llm.base import Message, ReplyPart, TextDelta, ToolSpec

REPLY_S = 30.0
"""Longest wait for an answer, or for its next piece."""

_OVER = object()

MessageHandler = Callable[..., Any]
"""Given what the caller said, answers with text, now or later, or is an async generator of pieces of text.  A plain
function runs in a thread."""


class MessageHandlerLLM:
    """For one call: `asked(message)` calls the handler with what it is to be told of the message."""

    name = "on_message"
    scripted = False

    def __init__(
        self, asked: Callable[[dict[str, Any]], Any], facts: Callable[[], Mapping[str, str]], clock: Clock
    ) -> None:
        """`facts` of the call are told with each message."""
        self._asked = asked
        self._facts = facts
        self._clock = clock

    async def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncGenerator[ReplyPart]:
        """See `LanguageModel.reply`.  The handler is told `text`, `history` and the facts."""
        patience = Patience(self._clock)
        patience.until(self._clock.now() + REPLY_S)
        try:
            answer = await self._given(patience, self._answer(self._message(messages)))
            if not inspect.isasyncgen(answer):
                if answer:
                    yield TextDelta(_text(answer))
                return
            try:
                while (piece := await self._given(patience, anext(answer, _OVER))) is not _OVER:
                    yield TextDelta(_text(piece))
                    patience.until(self._clock.now() + REPLY_S)
            finally:
                await answer.aclose()
        finally:
            patience.close()

    async def warm(self) -> None:
        """There is nothing to open."""

    async def close(self) -> None:
        """There is nothing to let go of."""

    def _message(self, messages: Sequence[Message]) -> dict[str, Any]:
        said = [message for message in messages if message.role in ("user", "assistant") and message.content]
        text = said.pop().content if said and said[-1].role == "user" else ""
        history = [{"role": message.role, "text": message.content} for message in said]
        return {"text": text, **self._facts(), "history": history}

    async def _answer(self, message: dict[str, Any]) -> Any:
        answer = self._asked(message)
        return await answer if inspect.isawaitable(answer) else answer

    async def _given(self, patience: Patience, coming: Awaitable[Any]) -> Any:
        """What the handler gives; raises `ProviderError` for whatever goes wrong in it."""
        try:
            with contained():
                return await patience.wait(coming)
        except TimeoutError:
            raise ProviderError(f"on_message gave nothing within {REPLY_S:g} s.", provider=self.name) from None
        except Exception as error:  # the program's code may raise anything, with words of the call in its text
            raise ProviderError(f"on_message failed: {type(error).__name__}.", provider=self.name) from error


def asked(handler: MessageHandler, control: object) -> Callable[[dict[str, Any]], Any]:
    """The handler, with the control of the call where it takes two arguments."""
    takes_control = _arity(handler) >= 2

    def ask(message: dict[str, Any]) -> Any:
        given = (message, control) if takes_control else (message,)
        if inspect.isasyncgenfunction(handler) or inspect.iscoroutinefunction(handler):
            return handler(*given)
        return anyio.to_thread.run_sync(lambda: handler(*given), abandon_on_cancel=True)

    return ask


def _arity(handler: MessageHandler) -> int:
    parameters = inspect.signature(handler).parameters.values()
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return 2 if any(p.kind is p.VAR_POSITIONAL for p in parameters) else len(positional)


def _text(piece: object) -> str:
    if not isinstance(piece, str):
        raise ProviderError(f"on_message gave {type(piece).__name__} in place of text.", provider="on_message")
    return piece
