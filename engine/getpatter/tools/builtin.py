"""Tools that act on the call itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated, Final, Literal

from pydantic import Field

from getpatter.errors import ConfigurationError, ToolError
from getpatter.tools.actions import CallActions
from getpatter.tools.context import ToolContext
from getpatter.tools.tool import MAX_TIMEOUT_S, Reassurance, Tool

E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
_ALLOWED = re.compile(r"\+[1-9]\d{0,14}\*?", re.ASCII)
_SEPARATORS = re.compile(r"[\s().\-]+")

MAX_KEYS = 32
"""Keys that one call of `send_dtmf` presses or one of `collect_digits` takes."""
MAX_KEY_WAIT_S = 60.0
TRANSFER_CALL: Final = "transfer_call"
WAIT_S: Final = 12.0
"""Silence after which somebody who waits for a transfer is told that it is still being tried; a cold one is over by
then."""


class TransferTargets:
    """Numbers (`+12025550100`) and prefixes (`+1202*`) to which a caller may be transferred."""

    def __init__(self, allowed: Iterable[str]) -> None:
        """Raises `ConfigurationError` for an entry that is neither."""
        self._allowed = [_SEPARATORS.sub("", entry) for entry in allowed]
        for entry in self._allowed:
            if not _ALLOWED.fullmatch(entry) or (not entry.endswith("*") and not E164.fullmatch(entry)):
                raise ConfigurationError(
                    f"{entry!r} cannot be a transfer target.",
                    next_step="Write a number in E.164 form such as +12025550100, or a prefix such as +1202*.",
                )

    @classmethod
    def parse(cls, text: str) -> TransferTargets:
        """Those of a list that is separated by commas.  Raises `ConfigurationError`."""
        return cls(entry for entry in map(str.strip, text.split(",")) if entry)

    @property
    def allowed(self) -> tuple[str, ...]:
        return tuple(self._allowed)

    def __bool__(self) -> bool:
        return bool(self._allowed)

    def __str__(self) -> str:
        return ", ".join(self._allowed)

    def check(self, number: str) -> str:
        """The number in E.164 form; raises `ToolError`, which names what is allowed."""
        compact = _SEPARATORS.sub("", number)
        if not E164.fullmatch(compact):
            raise ToolError(
                f"{number[:40]!r} is no number in E.164 form, e.g. +12025550100. Allowed: {self}.", status="rejected"
            )
        if not any(_matches(compact, entry) for entry in self._allowed):
            raise ToolError(f"Calls may not be transferred to {compact}. Allowed: {self}.", status="rejected")
        return compact


def _matches(number: str, entry: str) -> bool:
    return number.startswith(entry[:-1]) if entry.endswith("*") else number == entry


async def _end_call(context: ToolContext, reason: str = "") -> dict[str, str]:
    """End the telephone call. Say goodbye in the same message; it is heard before the line drops.

    Args:
        reason: Why the call ends, in a few words.
    """
    _actions(context).end(reason)
    return {"status": "ending", "reason": reason}


async def _send_dtmf(
    context: ToolContext, digits: Annotated[str, Field(pattern=f"^[0-9*#A-Dw]{{1,{MAX_KEYS}}}$")]
) -> dict[str, str]:
    """Press keys of the telephone, e.g. to choose from a menu or to enter a code.

    Args:
        digits: The keys: 0 to 9, *, #, A to D, and w for a pause of half a second.
    """
    await _actions(context).send_dtmf(digits)
    return {"status": "sent", "digits": digits}


async def _collect_digits(
    context: ToolContext,
    max_digits: Annotated[int, Field(ge=1, le=MAX_KEYS)] = MAX_KEYS,
    finish_on: Literal["#", "*", ""] = "#",
    timeout_s: Annotated[float, Field(gt=0, le=MAX_KEY_WAIT_S)] = 10.0,
) -> dict[str, str]:
    """Wait for keys that the caller presses. Ask for them in the same message.

    Args:
        max_digits: Stop after this many keys.
        finish_on: The key with which the caller says that it was all; empty for none.
        timeout_s: Seconds without a key after which it is over.
    """
    digits = await _actions(context).collect_digits(max_digits, finish_on, timeout_s)
    return {"status": "collected" if digits else "nothing_pressed", "digits": digits}


def _actions(context: ToolContext) -> CallActions:
    if context.actions is None:
        raise ToolError("There is no call to do this with.")
    return context.actions


# Made once: to draw a schema from a signature takes milliseconds, and every call has these.  Those with the longest
# time limit wait for what is being said.
END_CALL: Final = Tool(name="end_call", handler=_end_call)
SEND_DTMF: Final = Tool(name="send_dtmf", handler=_send_dtmf, timeout_s=MAX_TIMEOUT_S)
COLLECT_DIGITS: Final = Tool(
    name="collect_digits", handler=_collect_digits, timeout_s=MAX_TIMEOUT_S, side_effects=False
)


@lru_cache(maxsize=256)
def transfer_call(allowed: tuple[str, ...], wait_message: str = "") -> Tool:
    """`transfer_call(number, summary)`, to the targets in `allowed` (see `TransferTargets`) and nowhere else.

    A caller who waits while a colleague is called hears `wait_message` now and then.
    """
    targets = TransferTargets(allowed)
    if not targets:
        raise ConfigurationError("Calls cannot be transferred: no number is allowed.")

    async def handler(context: ToolContext, number: str, summary: str = "") -> dict[str, str]:
        """Transfer the caller to another number. Say so in the same message; it is heard before the transfer.

        Args:
            number: The number in E.164 form, e.g. +12025550100.
            summary: What whoever answers should know, in a sentence or two.
        """
        number = targets.check(number)
        await _actions(context).transfer(number, summary=summary)
        return {"status": "transferring", "to": number}

    waiting = Reassurance(wait_message, after_s=WAIT_S, every_s=WAIT_S) if wait_message else ""
    return Tool(name=TRANSFER_CALL, handler=handler, timeout_s=MAX_TIMEOUT_S, reassurance=waiting)


@lru_cache(maxsize=256)
def handoff_to(agents: tuple[tuple[str, str], ...]) -> Tool:
    """`handoff_to(name, reason)`, to `agents`: names, and what each is for."""
    if not agents:
        raise ConfigurationError("There is no agent to hand the call over to.")
    names = [name for name, _ in agents]

    async def handler(context: ToolContext, name: str, reason: str = "") -> dict[str, str]:
        if name not in names:
            raise ToolError(f"There is no agent {name[:40]!r}. Agents: {', '.join(names)}.", status="rejected")
        return {"status": "handed_over", "to": name, "instructions": _actions(context).handoff(name, reason)}

    purposes = " ".join(f"{name}: {purpose}." if purpose else f"{name}." for name, purpose in agents)
    properties = {
        "name": {"type": "string", "enum": names},
        "reason": {"type": "string", "description": "Why, in a few words, for the agent that takes over."},
    }
    return Tool(
        name="handoff_to",
        description=f"Hand the conversation over to another agent. {purposes}",
        parameters={
            "type": "object",
            "properties": properties,
            "required": ["name"],
            "additionalProperties": False,
        },
        handler=handler,
    )
