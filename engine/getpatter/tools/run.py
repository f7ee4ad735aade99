"""One call of a tool: arguments held to their schema, a time limit, and an answer for the model whatever happens."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Any

from anyio import CapacityLimiter
from pydantic_core import PydanticSerializationError, to_json

from getpatter.clock import Clock, deadline
from getpatter.errors import ConfigurationError, PatterError, ToolError
from getpatter.extension import contained, place
from getpatter.llm.base import ToolCall
from getpatter.tools.context import ToolContext, progress_text
from getpatter.tools.tool import Reassurance, Tool
from getpatter.tools.webhook import WebhookClient

log = logging.getLogger(__name__)

MAX_RESULT = 64_000
"""Bytes of a result that the model is given."""
MAX_THREADS = 8
"""Blocking handlers of one call that run at once."""

OnProgress = Callable[[str], None]
"""Told what the caller should hear while a tool works."""

_FAILED = "The tool failed. It may or may not have done it: do not repeat it, and tell the caller."
_TOO_LATE = "The tool did not finish in time. It may or may not have done it: do not repeat it, and tell the caller."


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """What became of one call of a tool."""

    result: str
    """For the model: the tool's answer, or a JSON object with `error`."""
    error: str = ""
    """For the record; empty when the tool did what it was asked."""
    seconds: float = 0.0


def failed(message: str, *, seconds: float = 0.0, **more: str) -> ToolOutcome:
    """An outcome that tells the model what went wrong; `more` stands beside the text where it is not empty."""
    envelope = {"error": message} | {key: value for key, value in more.items() if value}
    return ToolOutcome(to_json(envelope).decode(), message, seconds)


class ToolRunner:
    """Runs the tools of one call.  Each runs once: whatever fails is told to the model and never tried again."""

    def __init__(self, clock: Clock, webhooks: WebhookClient | None = None) -> None:
        """Without `webhooks`, which calls share, tools with a `webhook_url` are refused."""
        self._clock = clock
        self._webhooks = webhooks
        self._threads = CapacityLimiter(MAX_THREADS)

    async def run(
        self, tool: Tool, call: ToolCall, context: ToolContext, *, on_progress: OnProgress | None = None
    ) -> ToolOutcome:
        """Do what the model asked for.  Raises nothing; cancelling stops what can be stopped."""
        began = self._clock.now()
        try:
            async with deadline(self._clock, began + tool.timeout_s):
                with self._reassured(tool, on_progress or _unheard) as say:
                    result = await self._result(tool, call, context, say)
        except TimeoutError:
            outcome = failed(_TOO_LATE)
        except ToolError as error:
            outcome = failed(error.message, status=error.status, next_step=error.next_step or "")
        except PatterError as error:
            outcome = failed(error.message, next_step=error.next_step or "")
        else:
            outcome = ToolOutcome(result)
        return ToolOutcome(outcome.result, outcome.error, max(0.0, self._clock.now() - began))

    async def _result(self, tool: Tool, call: ToolCall, context: ToolContext, say: OnProgress) -> str:
        """The answer as text; raises `PatterError`."""
        arguments = tool.arguments.parse(call.arguments)
        try:
            with contained():
                return capped(_text(await self._value(tool, arguments, context, say)))
        except PatterError:
            raise
        except Exception as error:  # noqa: BLE001 - the edge to handlers: what they raise does not reach the call
            # Without the error's text, which may repeat what the caller said.
            log.warning(
                "tool %s in call %s failed: %s %s", tool.name, context.call_id, type(error).__name__, place(error)
            )
        raise ToolError(_FAILED)

    async def _value(self, tool: Tool, arguments: dict[str, Any], context: ToolContext, say: OnProgress) -> object:
        if tool.binding is None:
            if self._webhooks is None:
                raise ConfigurationError("Tools with a webhook cannot be used here.")
            return await self._webhooks.post(tool.webhook_url, tool.name, arguments, context)
        result: object = None
        async with aclosing(tool.binding.items(arguments, context, self._threads)) as items:
            async for item in items:
                said = progress_text(item)
                if said is None:
                    result = item
                else:
                    say(said)
        return result

    @contextmanager
    def _reassured(self, tool: Tool, on_progress: OnProgress) -> Iterator[OnProgress]:
        """Says the tool's reassurance when its time comes, unless the tool has said something itself."""
        reassurance = tool.reassures
        if reassurance is None:
            yield on_progress
            return
        reassuring = _Reassuring(self._clock, reassurance, on_progress)
        try:
            yield reassuring.say
        finally:
            reassuring.stop()


class _Reassuring:
    """Says a reassurance when it is due, until the tool speaks for itself or has ended."""

    def __init__(self, clock: Clock, reassurance: Reassurance, on_progress: OnProgress) -> None:
        self._clock = clock
        self._reassurance = reassurance
        self._on_progress = on_progress
        self._timer = clock.call_at(clock.now() + reassurance.after_s, self._due)

    def say(self, text: str) -> None:
        self.stop()
        self._on_progress(text)

    def stop(self) -> None:
        self._timer.cancel()

    def _due(self) -> None:
        if (every_s := self._reassurance.every_s) is not None:
            self._timer = self._clock.call_at(self._clock.now() + every_s, self._due)
        self._on_progress(self._reassurance.message)


def capped(text: str) -> str:
    """The text, or its beginning and a word about the rest, when it is longer than the model is given."""
    data = text.encode(errors="replace")
    if len(data) <= MAX_RESULT:
        return text
    kept = data[:MAX_RESULT].decode(errors="ignore")
    return f"{kept}\n[cut: the first {MAX_RESULT} of {len(data)} bytes]"


def _text(value: object) -> str:
    if value is None:
        return "Done."
    if isinstance(value, str):
        return value
    try:
        return to_json(value).decode()
    except PydanticSerializationError:
        raise ToolError("The tool did it, but its answer cannot be read.") from None


def _unheard(text: str) -> None:
    """Nobody listens to progress."""
