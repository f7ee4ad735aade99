"""A conversation for APIs in which both sides take turns, the user first and last.  No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

OPENING = "(The call is connected.)"
"""Stands for the user where we spoke first."""
SILENCE = "(They say nothing.)"
"""Stands for the user where we spoke last: these APIs would go on with our sentence, or refuse."""

Turn = tuple[str, list[dict[str, Any]]]
"""Who speaks, and what: blocks or parts, as the API calls them."""


def in_turns(turns: Iterable[Turn], *, user: str, opening: dict[str, Any], silence: dict[str, Any]) -> list[Turn]:
    """The turns with neighbours of one side joined and empty ones left out, from the user's to the user's."""
    joined: list[Turn] = []
    for side, blocks in turns:
        if not blocks:
            continue
        if joined and joined[-1][0] == side:
            joined[-1][1].extend(blocks)
        else:
            joined.append((side, list(blocks)))
    if not joined or joined[0][0] != user:
        joined.insert(0, (user, [opening]))
    if joined[-1][0] != user:
        joined.append((user, [silence]))
    return joined
