"""The edge to code that the agent was given: hooks, checks, tools, providers.  Its faults are not to end a call."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Iterator
from contextlib import contextmanager


class InnerCancellation(Exception):
    """Something that foreign code waited for was cancelled."""


def is_cancelled() -> bool:
    """Whether the current task itself is to stop, and not only something that it waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@contextmanager
def contained() -> Iterator[None]:
    """Turn a cancellation that began inside into `InnerCancellation`; that of the task itself passes."""
    try:
        yield
    except asyncio.CancelledError as error:
        if is_cancelled():
            raise
        raise InnerCancellation("Something that it waited for was cancelled.") from error


def place(error: BaseException) -> str:
    """File and line of the innermost frame.

    For logs, in place of the error's text, which may repeat what was said in the call.
    """
    frames = traceback.extract_tb(error.__traceback__)
    return f"at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
