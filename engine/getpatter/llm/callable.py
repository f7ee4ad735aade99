"""A program's own function in the place of a language model."""

from __future__ import annotations

import copy
import inspect
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Generator, Sequence
from typing import Any, Protocol, runtime_checkable

import anyio.to_thread

from getpatter.clock import Clock, SystemClock
from getpatter.llm.base import NO_CALL, CallContext, Message, ReplyPart, TextDelta, ToolCall, ToolSpec
from getpatter.llm.foreign import REPLY_S, Waiting
from getpatter.llm.question import last_words, messages_as_json, tools_as_json
from getpatter.metering import Used

_OVER = object()

MessageHandler = Callable[..., Any]
"""Given what the caller said, answers with text, now or later, or piece by piece.  A plain function and a plain
generator run in threads."""


@runtime_checkable
class _Closable(Protocol):
    async def aclose(self) -> None: ...


class CallableLLM:
    """`function` as a language model.

    It is given a dict: `text`, what the caller has just said; `history`, what was said before, each with `role` and
    `text`; `call_id`, `caller`, `callee`; and for functions that ask a model themselves `messages` (with the prompt and
    the results of tools) and `tools`, as `llm.question` writes them.  Where it takes two arguments, the second is the
    call: what a tool's handler is given as its context.

    It answers with text, or is a generator, asynchronous or plain, of pieces of text and of `ToolCall`s.  Tools are run
    when it is done, and then it is asked again, with an empty `text` and the results at the end of `messages`.
    """

    scripted = False

    def __init__(
        self,
        function: MessageHandler,
        *,
        name: str = "",
        timeout_s: float = REPLY_S,
        clock: Clock | None = None,
    ) -> None:
        """`timeout_s` is the longest wait for an answer, and for each further piece of it."""
        self._function = function
        self._takes_call = _arity(function) >= 2
        self._timeout_s = timeout_s
        self._clock = clock or SystemClock()
        self._call: CallContext = NO_CALL
        self._control: object = None
        self.name = name or _name(function)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def for_call(self, call: CallContext) -> CallableLLM:
        """See `llm.base.ForCall`."""
        model = copy.copy(self)
        model._call = call
        return model

    def controlled_by(self, control: object) -> CallableLLM:
        """The same function, which gets `control` for its second argument."""
        model = copy.copy(self)
        model._control = control
        return model

    async def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncGenerator[ReplyPart]:
        """See `LanguageModel.reply`."""
        waiting = Waiting(self.name, self._timeout_s, self._clock)
        try:
            answer = await waiting.given(self._answer(self._asked(messages, tools)))
            pieces = _pieces(answer)
            if pieces is None:
                if answer:
                    yield _part(answer, waiting)
                return
            try:
                while (piece := await waiting.given(anext(pieces, _OVER))) is not _OVER:
                    if piece:
                        yield _part(piece, waiting)
            finally:
                if isinstance(pieces, _Closable):
                    await pieces.aclose()
        finally:
            waiting.close()

    async def warm(self) -> None:
        """There is nothing to open."""

    async def close(self) -> None:
        """There is nothing to let go of."""

    def _asked(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> dict[str, Any]:
        text, before = last_words(messages)
        call = self._call
        return {
            "text": text,
            "call_id": call.call_id,
            "caller": call.caller,
            "callee": call.callee,
            "history": [{"role": message.role, "text": message.content} for message in before],
            "messages": messages_as_json(messages),
            "tools": tools_as_json(tools),
        }

    async def _answer(self, asked: dict[str, Any]) -> Any:
        function = self._function
        given = (asked, self._call if self._control is None else self._control) if self._takes_call else (asked,)
        if inspect.isasyncgenfunction(function) or inspect.iscoroutinefunction(function):
            answer = function(*given)
        else:
            answer = await anyio.to_thread.run_sync(lambda: function(*given), abandon_on_cancel=True)
        return await answer if inspect.isawaitable(answer) else answer


def _part(piece: object, waiting: Waiting) -> ReplyPart:
    match piece:
        case str():
            return TextDelta(piece)
        case TextDelta() | ToolCall() | Used():
            return piece
    raise waiting.failed(f"gave {type(piece).__name__} in place of text")


def _pieces(answer: object) -> AsyncIterator[Any] | None:
    """The pieces of an answer that comes in pieces."""
    if isinstance(answer, AsyncIterable):
        return aiter(answer)
    return _in_threads(answer) if isinstance(answer, Generator) else None


async def _in_threads(pieces: Generator[Any]) -> AsyncGenerator[Any]:
    """A plain generator, each step in a thread."""
    working = False
    try:
        while True:
            working = True
            piece = await anyio.to_thread.run_sync(next, pieces, _OVER, abandon_on_cancel=True)
            working = False
            if piece is _OVER:
                return
            yield piece
    finally:
        if not working:  # else a thread that was given up on has it still, and nobody else may touch it
            await anyio.to_thread.run_sync(pieces.close)


def _arity(function: MessageHandler) -> int:
    parameters = inspect.signature(function).parameters.values()
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return 2 if any(p.kind is p.VAR_POSITIONAL for p in parameters) else len(positional)


def _name(function: MessageHandler) -> str:
    named = function if inspect.isroutine(function) else type(function)
    return named.__name__
