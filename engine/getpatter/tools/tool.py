"""What the agent on the telephone can do besides talking, as configuration."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict, Unpack, overload

from getpatter.errors import ConfigurationError
from getpatter.llm.base import ToolSpec
from getpatter.tools.handler import Binding, ToolHandler, handler_name
from getpatter.tools.schema import NO_ARGUMENTS, Arguments, SchemaArguments
from getpatter.tools.ssrf import checked_url

DEFAULT_TIMEOUT_S = 10.0
MAX_TIMEOUT_S = 300.0

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}", re.ASCII)
"""What all providers of language models accept as a tool's name."""


@dataclass(frozen=True, slots=True)
class Reassurance:
    """Said to a caller who waits for a tool, when it has taken `after_s` seconds and said nothing itself.

    With `every_s` it is said again each so many seconds, else once.
    """

    message: str
    after_s: float = 1.5
    every_s: float | None = None

    def __post_init__(self) -> None:
        if self.every_s is not None and self.every_s <= 0:
            raise ConfigurationError(f"A reassurance cannot be said every {self.every_s:g} s.")
        if self.after_s < 0:
            raise ConfigurationError(f"A reassurance cannot come {self.after_s:g} s after its tool began.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One thing the agent can do, by a `handler` here or a webhook elsewhere.  Serves any number of calls at once.

    Raises `ConfigurationError` for what cannot work.
    """

    name: str
    description: str = ""
    """Tells the model when to use it; when empty the handler's docstring does."""
    parameters: Mapping[str, Any] | None = None
    """JSON schema of the arguments; when absent it is drawn from the handler's type hints and docstring."""
    handler: ToolHandler | None = None
    webhook_url: str = ""
    """Where `{tool, arguments, call_id, caller, callee}` is posted; its reply is the result."""
    timeout_s: float = DEFAULT_TIMEOUT_S
    reassurance: str | Reassurance = ""
    strict: bool = False
    """Have the model held to the schema, by providers that can; a drawn one is made fit for it: every argument
    required, none besides."""
    side_effects: bool = True
    """The tool changes something: once begun it runs to its end, though the caller spoke over the reply that
    asked for it."""
    binding: Binding | None = field(init=False, repr=False, compare=False)
    arguments: Arguments = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_name(self.name)
        self._check_timeout()
        if (self.handler is None) == (not self.webhook_url):
            raise ConfigurationError(f"The tool {self.name!r} needs a handler or a webhook_url, and not both.")
        try:
            binding = self._bind()
        except ConfigurationError as error:
            raise ConfigurationError(
                f"The tool {self.name!r} cannot be used. {error.message}", next_step=error.next_step
            ) from None
        arguments = SchemaArguments(self.parameters or NO_ARGUMENTS) if binding is None else binding.arguments
        # A frozen dataclass sets what it works out in this way.
        object.__setattr__(self, "binding", binding)
        object.__setattr__(self, "arguments", arguments)
        if binding is not None and not self.description:
            object.__setattr__(self, "description", binding.description)

    @property
    def spec(self) -> ToolSpec:
        return ToolSpec(self.name, self.description, self.arguments.schema, self.strict)

    @property
    def reassures(self) -> Reassurance | None:
        if isinstance(self.reassurance, Reassurance):
            return self.reassurance
        return Reassurance(self.reassurance) if self.reassurance else None

    def _check_timeout(self) -> None:
        if not 0 < self.timeout_s <= MAX_TIMEOUT_S:
            raise ConfigurationError(
                f"The tool {self.name!r} cannot have a time limit of {self.timeout_s:g} s.",
                next_step=f"timeout_s is above 0 and at most {MAX_TIMEOUT_S:g}.",
            )

    def _bind(self) -> Binding | None:
        if self.handler is not None:
            if not callable(self.handler):
                raise ConfigurationError("Its handler is not callable.")
            return Binding(self.handler, self.parameters, strict=self.strict)
        checked_url(self.webhook_url)
        return None


class ToolOptions(TypedDict, total=False):
    """Fields of `Tool`; see there."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    timeout_s: float
    reassurance: str | Reassurance
    strict: bool
    side_effects: bool


@overload
def tool(handler: ToolHandler, /) -> Tool: ...
@overload
def tool(*, handler: ToolHandler, **options: Unpack[ToolOptions]) -> Tool: ...
@overload
def tool(*, webhook_url: str, **options: Unpack[ToolOptions]) -> Tool: ...
@overload
def tool(**options: Unpack[ToolOptions]) -> Callable[[ToolHandler], Tool]: ...
def tool(given: ToolHandler | None = None, /, *, handler: ToolHandler | None = None, **options: Any) -> Any:
    """A `Tool`, from a function that it decorates (`@tool`, `@tool(timeout_s=30)`) or from keywords.

    Without `name` it is called like its handler.
    """
    found = given or handler
    if found is None and not options.get("webhook_url"):
        return lambda decorated: tool(handler=decorated, **options)
    if found is not None:
        options.setdefault("name", handler_name(found))
    if "name" not in options:
        raise ConfigurationError("A tool with a webhook_url needs a name.")
    return Tool(handler=found, **options)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} cannot be the name of a tool.",
            next_step="Use 1 to 64 letters, digits, underscores and hyphens.",
        )
