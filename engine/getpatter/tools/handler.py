"""A tool's handler: how a Python function is described to the model, and how it is called."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from functools import partial
from typing import Any, get_origin

import anyio.to_thread
import docstring_parser
from anyio import CapacityLimiter

from getpatter.errors import ConfigurationError
from getpatter.tools.context import ToolContext
from getpatter.tools.schema import NO_ARGUMENTS, Arguments, SchemaArguments, SignatureArguments

ToolHandler = Callable[..., Any]
"""`async def`, plain `def` (run in a thread) or an async generator, in one of two styles.

By keywords: `f(party_size: int, name: str = "")`, where a parameter annotated `ToolContext` is given the context.
By mapping: `f(arguments: dict)` or `f(arguments: dict, context)`, where `arguments` is the first parameter's name and
`context` a `ToolContext`.
"""

_KEYWORD = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Binding:
    """A handler whose signature was read once, when its tool was made."""

    def __init__(self, handler: ToolHandler, schema: Mapping[str, Any] | None, *, strict: bool) -> None:
        """`schema` are the parameters as they were given with the tool.  Raises `ConfigurationError`."""
        self._handler = handler
        parameters = _parameters(handler)
        docstring = docstring_parser.parse(inspect.getdoc(handler) or "")
        self.description = (docstring.description or "").strip()
        self._by_mapping = _takes_mapping(parameters)
        self._context = None if self._by_mapping else _context_name(parameters)
        self._arity = len(parameters)
        self.arguments: Arguments
        if self._by_mapping:
            self.arguments = SchemaArguments(schema or NO_ARGUMENTS)
        else:
            own = [parameter for parameter in parameters if parameter.name != self._context]
            _refuse_uncallable(own)
            told = {item.arg_name: item.description for item in docstring.params if item.description}
            self.arguments = SignatureArguments(own, told, strict=strict, schema=schema)
        called = handler if inspect.isroutine(handler) or isinstance(handler, partial) else type(handler).__call__
        self._streams = inspect.isasyncgenfunction(called)
        self._is_async = inspect.iscoroutinefunction(called)
        if inspect.isgeneratorfunction(called):
            raise ConfigurationError("A tool's handler that yields must be an async generator: write `async def`.")

    async def items(
        self, arguments: dict[str, Any], context: ToolContext, threads: CapacityLimiter
    ) -> AsyncGenerator[object]:
        """Call the handler: what it says on the way, if anything, and last its result.

        Closing the generator stops a coroutine; a thread is left to run to its end, and keeps its place in `threads`.
        """
        call = self._call(arguments, context)
        if self._streams:
            stream: AsyncGenerator[object] = call()
            try:
                async for item in stream:
                    yield item
            finally:
                await stream.aclose()
        elif self._is_async:
            yield await call()
        else:
            result = await anyio.to_thread.run_sync(call, abandon_on_cancel=True, limiter=threads)
            yield await result if isinstance(result, Awaitable) else result

    def _call(self, arguments: dict[str, Any], context: ToolContext) -> Callable[[], Any]:
        if self._by_mapping:
            return partial(self._handler, *(arguments, context)[: self._arity])
        extra = {} if self._context is None else {self._context: context}
        return partial(self._handler, **arguments, **extra)


def handler_name(handler: ToolHandler) -> str:
    """The name of a function or method, of what a partial calls, or of a callable object's class."""
    inner = handler.func if isinstance(handler, partial) else handler
    return inner.__name__ if inspect.isroutine(inner) else type(inner).__name__


def _parameters(handler: ToolHandler) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(handler, eval_str=True).parameters.values())
    except NameError as error:
        reason = f"{error}: annotations must name things of the handler's module"
    except (TypeError, ValueError) as error:
        reason = str(error)
    raise ConfigurationError(f"The signature of a tool's handler cannot be read: {reason}.")


def _takes_mapping(parameters: list[inspect.Parameter]) -> bool:
    """Whether it is `f(arguments)` or `f(arguments, context)`, and no annotation says otherwise."""
    if not 1 <= len(parameters) <= 2 or parameters[0].name != "arguments":
        return False
    return all(
        parameter.kind is not parameter.KEYWORD_ONLY and _is_mapping_or_open(parameter.annotation)
        for parameter in parameters
    )


def _is_mapping_or_open(annotation: Any) -> bool:
    if annotation in (inspect.Parameter.empty, Any, object, ToolContext):
        return True
    kind = get_origin(annotation) or annotation
    return isinstance(kind, type) and issubclass(kind, Mapping)


def _context_name(parameters: list[inspect.Parameter]) -> str | None:
    return next((parameter.name for parameter in parameters if parameter.annotation is ToolContext), None)


def _refuse_uncallable(parameters: list[inspect.Parameter]) -> None:
    for parameter in parameters:
        if parameter.kind not in _KEYWORD:
            raise ConfigurationError(
                f"A tool's handler cannot have the parameter {str(parameter)!r}: the model gives arguments by name.",
                next_step="Name each parameter, or write `handler(arguments: dict, context)` and give `parameters`.",
            )
