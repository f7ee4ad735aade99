"""What the commands share: consoles, running on an event loop, and telling errors."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, NoReturn, TypeVar

from rich.console import Console
from rich.markup import escape

from getpatter.control.launch import find_engine, find_or_start
from getpatter.control.remote import RemoteSwitchboard
from getpatter.errors import EngineUnavailable, PatterError
from getpatter.settings import Settings, load

_T = TypeVar("_T")

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def run(work: Coroutine[Any, Any, _T]) -> _T:
    """Run a command's work; an error of ours is told in words and ends the process with status 1."""
    try:
        return asyncio.run(work)
    except PatterError as error:
        fail(error)
    except BaseExceptionGroup as group:
        # The MCP client's task groups wrap what is raised inside them.
        if (ours := _first_of_ours(group)) is None:
            raise
        fail(ours)
    except KeyboardInterrupt:
        sys.exit(130)


def _first_of_ours(group: BaseExceptionGroup[BaseException]) -> PatterError | None:
    for error in group.exceptions:
        if isinstance(error, PatterError):
            return error
        if isinstance(error, BaseExceptionGroup) and (inner := _first_of_ours(error)) is not None:
            return inner
    return None


def fail(error: PatterError) -> NoReturn:
    """Say what is wrong and what to do about it."""
    err.print(f"[red]{escape(error.message)}[/]")
    if error.next_step:
        err.print(escape(error.next_step))
    sys.exit(1)


def settings(**overrides: Any) -> Settings:
    """The settings, with those of `overrides` that were given."""
    try:
        return load(**{name: value for name, value in overrides.items() if value is not None})
    except PatterError as error:
        fail(error)


@asynccontextmanager
async def switchboard(of: Settings, *, start: bool = False) -> AsyncIterator[RemoteSwitchboard]:
    """The running engine's switchboard; with `start` the engine is started if need be."""
    if start:
        engine = await find_or_start(of, on_progress=lambda words: err.print(f"[dim]{escape(words)}[/]"))
    elif (running := find_engine(of)) is not None:
        engine = running
    else:
        raise EngineUnavailable(f"No engine runs for {of.home}.", next_step="Start one: getpatter serve")
    remote = RemoteSwitchboard(engine.private_url, engine.token)
    try:
        yield remote
    finally:
        await remote.aclose()
