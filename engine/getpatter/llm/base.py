"""What a language model is to the conversation: messages in, a stream of text and tool calls out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol, runtime_checkable

from getpatter.metering import Used


@dataclass(frozen=True, slots=True)
class ToolCall:
    """`arguments` is JSON text as the model wrote it.

    `signature` is what some models want back with a call of theirs, as it came; nobody else can read it.
    """

    id: str
    name: str
    arguments: str
    signature: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of the history.  `tool_calls` belong to an assistant's, `tool_call_id` to a tool's message."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model sees it; `parameters` is a JSON schema.

    `strict` asks for calls whose arguments keep to the schema; it holds at APIs that can see to it, for schemas that
    `llm.strict_schema` finds fit.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    strict: bool = False


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


ReplyPart = TextDelta | ToolCall | Used
"""`Used` tells the tokens of the whole reply and comes once, as the last part, also where they had to be estimated."""


class LanguageModel(Protocol):
    """Shared by all calls; holds no conversation of its own."""

    @property
    def name(self) -> str:
        """Shown to people, e.g. `gpt-4o-mini at api.openai.com`."""

    @property
    def scripted(self) -> bool:
        """True when the words come from a script, which whoever shows them must say."""

    def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncGenerator[ReplyPart]:
        """The next assistant message.  Closing the iterator cancels.  Raises `ProviderError`."""

    async def warm(self) -> None:
        """Open what the next reply will need and what costs no money, e.g. a connection.  Never raises: the reply will
        tell what is wrong."""

    async def close(self) -> None: ...


class CallContext(Protocol):
    """The call that a model answers in; numbers in E.164 form, empty where withheld."""

    @property
    def call_id(self) -> str: ...

    @property
    def caller(self) -> str: ...

    @property
    def callee(self) -> str: ...


@dataclass(frozen=True, slots=True)
class NoCall:
    """A model is asked outside of any call."""

    call_id: str = ""
    caller: str = ""
    callee: str = ""


NO_CALL: Final = NoCall()


@runtime_checkable
class ForCall(Protocol):
    """A language model that has to know whose call it answers, or that keeps something of each call."""

    def for_call(self, call: CallContext) -> LanguageModel:
        """The same model for one call.  It is closed when the call ends, which leaves open what calls share."""
