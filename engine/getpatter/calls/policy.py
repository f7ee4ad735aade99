"""Which numbers may be dialled: refuse by default what could do harm or cost money."""

from __future__ import annotations

import re
from collections.abc import Iterable

from getpatter.calls.views import E164
from getpatter.errors import InvalidRequest, PolicyDenied

EMERGENCY = frozenset({"000", "110", "111", "112", "113", "118", "119", "911", "933", "988", "999"})
"""Emergency and crisis lines; no assistant calls them, whatever the allowlist says."""

_E164 = re.compile(E164, re.ASCII)
_SEPARATORS = re.compile(r"[\s().\-]+")
"""What people put between digits to read them more easily (RFC 3966, "visual separators"), and spaces."""


def normalize(number: str) -> str:
    """The number in E.164 form, separators removed; a country code is never guessed.

    Raises `InvalidRequest` when it is none, and `PolicyDenied` for emergency lines.
    """
    compact = _SEPARATORS.sub("", number)
    if compact.lstrip("+") in EMERGENCY:
        raise PolicyDenied(
            f"{number} is an emergency or crisis line. Assistants may not call it.",
            rule="emergency_number",
            next_step="A person who needs help must dial this number themselves.",
        )
    if not _E164.match(compact):
        raise InvalidRequest(
            f"{number[:40]!r} is not an international telephone number.",
            next_step="Write it in E.164 form: a plus sign, the country code and the number, 7 to 15 digits, "
            "e.g. +12025550100. Ask for the country code where it is not known.",
        )
    return compact


class DialPolicy:
    """An allowlist of numbers (`+12025550100`) and prefixes (`+1202*`).

    `open_to_all` is for carriers that reach nobody real, such as the simulated network.
    """

    def __init__(self, allowed: Iterable[str], *, open_to_all: bool = False) -> None:
        self._open = open_to_all
        self._numbers = {entry for entry in allowed if not entry.endswith("*")}
        self._prefixes = tuple(entry[:-1] for entry in allowed if entry.endswith("*"))

    @classmethod
    def parse(cls, allow: str, *, open_to_all: bool = False) -> DialPolicy:
        """From the setting: entries separated by commas."""
        entries = [_SEPARATORS.sub("", entry) for entry in allow.split(",")]
        return cls([entry for entry in entries if entry], open_to_all=open_to_all)

    def check(self, number: str) -> str:
        """The number in E.164 form if it may be dialled; raises `InvalidRequest` or `PolicyDenied`."""
        compact = normalize(number)
        if self._open or compact in self._numbers or compact.startswith(self._prefixes or ("\0",)):
            return compact
        raise PolicyDenied(
            f"{compact} is not on the list of numbers that may be called.",
            rule="not_allowed",
            next_step="The owner of this engine can add it to PATTER_ALLOW "
            "(numbers or prefixes such as +1202*, separated by commas) and restart the engine.",
        )
