"""What can be set of a language model, whoever makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

from pydantic import SecretStr

from getpatter.clock import Clock
from getpatter.errors import ConfigurationError
from getpatter.llm.faults import ARGUMENTS, SetBy
from getpatter.llm.http import FIRST_TOKEN_S, NEXT_PIECE_S

SECRET_LENGTH = 8
"""Values of headers from this length on are kept out of errors; shorter ones are no secrets."""


class Options(TypedDict, total=False):
    """Keyword arguments of every model.  What is left out, the server decides."""

    temperature: float | None
    max_tokens: int | None
    """Longest reply, in tokens."""
    top_p: float | None
    reasoning_effort: str
    """How long a reasoning model may think, in the vendor's words, e.g. `low`.  Callers hear the time it takes."""
    extra_headers: Mapping[str, str]
    extra_body: Mapping[str, Any]
    """Fields of the request's JSON body that have no argument of their own; they win."""
    timeout_s: float
    """Longest wait for the first token."""
    idle_timeout_s: float
    """Longest wait for each later piece of a reply."""
    clock: Clock | None
    set_by: SetBy
    """Where the user chose the model, for errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The `Options` that were given, and the defaults of the others.  Raises `ConfigurationError`."""

    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    reasoning_effort: str = ""
    extra_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    extra_body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    timeout_s: float = FIRST_TOKEN_S
    idle_timeout_s: float = NEXT_PIECE_S
    clock: Clock | None = None
    set_by: SetBy = ARGUMENTS

    def __post_init__(self) -> None:
        for name, value in self.extra_headers.items():
            if not (is_header_text(name) and name and is_header_text(value)):
                raise ConfigurationError(
                    "One of `extra_headers` cannot be sent: headers are printable ASCII.",
                    next_step="Take line ends and other characters out of their names and values.",
                )

    @property
    def secrets(self) -> tuple[SecretStr, ...]:
        """Headers that may be keys, which servers repeat in their errors."""
        return tuple(SecretStr(value) for value in self.extra_headers.values() if len(value) >= SECRET_LENGTH)


def is_header_text(text: str) -> bool:
    return text.isascii() and text.isprintable()
