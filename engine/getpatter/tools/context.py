"""What a tool is told of the call it works for, and what it says while it works."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from getpatter.tools.actions import CallActions


@dataclass(frozen=True, slots=True)
class ToolContext:
    """The call that a tool works for.  `caller` and `callee` are numbers in E.164 form, empty where withheld."""

    call_id: str
    caller: str = ""
    callee: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    """What the call was given to fill its prompt with, e.g. a customer's number."""
    actions: CallActions | None = field(default=None, repr=False, compare=False)
    """What may be done with the call itself; None where a tool runs outside of one."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Said to the caller while the tool still works; yielded by a handler that is an async generator."""

    text: str


def progress_text(item: object) -> str | None:
    """What an item of a handler's stream says on the way: a `Progress` or `{"progress": text}`; None for a result."""
    if isinstance(item, Progress):
        return item.text
    if isinstance(item, Mapping) and list(item) == ["progress"] and isinstance(item["progress"], str):
        return item["progress"]
    return None
