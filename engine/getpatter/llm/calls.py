"""Tool calls of a history, as every API takes them: another model may have made them, or made them up.  No I/O."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Final

MAX_ID: Final = 40
"""Characters; OpenAI refuses longer ids, and some servers write thousands."""
MAX_NAME: Final = 64
"""Characters; the same at OpenAI, Google and Anthropic's older models."""

_UNFIT = re.compile(r"[^a-zA-Z0-9_-]")


def call_id(given: str) -> str:
    """An id of letters, digits, `_` and `-`; the same for the same `given`, so that a result finds its call."""
    fit = _UNFIT.sub("_", given)
    return fit if len(fit) <= MAX_ID else hashlib.sha256(given.encode("utf-8", "replace")).hexdigest()[:MAX_ID]


def call_name(given: str) -> str:
    """A name as tools may have them: a call of `functions.look_up` is refused for ever after, a tool or none."""
    fit = _UNFIT.sub("_", given)[:MAX_NAME]
    return fit if fit[:1].isalpha() or fit[:1] == "_" else f"_{fit}"[:MAX_NAME]


def arguments_of(text: str) -> dict[str, Any]:
    """A call's arguments as an object; empty where the model wrote none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def arguments_text(text: str) -> str:
    """The same as JSON text: as the model wrote it, where that is an object."""
    return text if arguments_of(text) else "{}"
