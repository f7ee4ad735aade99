"""What a call is to us: our word for it goes along in `client_state` and comes back with its events.

A call without one is a conversation's, placed or answered by us: its state has the parameters of its stream, and of a
call that we place our own name, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from getpatter.carriers.telnyx import client_state

COLLEAGUE: Final = "colleague"
BRIEFED: Final = "briefed"
TRANSFERRED: Final = "transferred"
MESSAGE: Final = "message"
RECORDED: Final = "recorded"

_ROLE: Final = "patter"
_NAME: Final = "patter_call"


def placed(name: str, parameters: Mapping[str, str]) -> str:
    """The state of a call that we place and know by `name`: it comes back although Telnyx's answer was lost."""
    return client_state.encode({**parameters, _NAME: name})


def answered(parameters: Mapping[str, str]) -> str:
    """The state of a call that came in."""
    return client_state.encode(parameters)


def colleague(key: str) -> str:
    """The state of a call to whoever is consulted; `key` finds what they are to be told."""
    return client_state.encode({_ROLE: COLLEAGUE, "key": key})


def briefed(key: str) -> str:
    """The state of that call once whoever took it has pressed a key."""
    return client_state.encode({_ROLE: BRIEFED, "key": key})


def transferred(caller: str) -> str:
    """The state of a call that Telnyx makes to put `caller` (a call's id) through."""
    return client_state.encode({_ROLE: TRANSFERRED, "call": caller})


def message() -> str:
    """The state of a call that is over once Telnyx has spoken."""
    return client_state.encode({_ROLE: MESSAGE})


def recorded(call: str) -> str:
    """The state of a call that is recorded: the event that brings the recording does not name the call."""
    return client_state.encode({_ROLE: RECORDED, "call": call})


def name(fields: Mapping[str, str]) -> str:
    """Of decoded states: our name for a call that we placed; empty for all others."""
    return fields.get(_NAME, "")


def parameters(fields: Mapping[str, str]) -> dict[str, str]:
    """Of decoded states: the parameters of the call's stream."""
    return {key: value for key, value in fields.items() if key != _NAME}


def role(fields: Mapping[str, str]) -> str:
    """Of decoded states; empty for a conversation's call."""
    return fields.get(_ROLE, "")
