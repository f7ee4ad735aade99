"""What the replies of a call use of its language model, also those that are broken off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from getpatter.llm.base import LanguageModel, Message, ReplyPart, TextDelta, ToolCall
from getpatter.metering import LOCAL, UNKNOWN, Product, Used

CHARACTERS_PER_TOKEN = 4
"""Of English, as vendors of language models say."""


class ReplyMeter:
    """One call's.  `tell` is given one `Used` for each reply that cost something or may have."""

    def __init__(self, llm: LanguageModel, tell: Callable[[Used], None]) -> None:
        self._llm = llm
        self._tell = tell
        self._product: Product | None = None
        """What the latest reply was bought of."""

    def begin(self, messages: Sequence[Message]) -> ReplyUse:
        """The model is asked this."""
        return ReplyUse(self, messages)

    def told(self, used: Used) -> None:
        """The model said what a reply used."""
        self._product = used.product
        self._tell(used)

    def untold(self, asked: int, written: int) -> None:
        """A reply ended and the model did not say what it used; characters asked and written."""
        if self._product is None and self._llm.scripted:
            self._tell(Used(LOCAL))
            return
        guess = Used(self._product or UNKNOWN, input_tokens=_tokens(asked), output_tokens=_tokens(written))
        self._tell(replace(guess, estimated=True))


class ReplyUse:
    """One reply: `take` its parts, `failed` where it is an error that ends it, and `end` it, whatever became of it."""

    def __init__(self, meter: ReplyMeter, messages: Sequence[Message]) -> None:
        self._meter = meter
        self._messages = messages
        self._written = 0
        self._used: Used | None = None
        self._failed = False

    def take(self, part: ReplyPart) -> None:
        if isinstance(part, Used):
            self._used = part
        elif isinstance(part, TextDelta):
            self._written += len(part.text)
        elif isinstance(part, ToolCall):
            self._written += len(part.name) + len(part.arguments)

    def failed(self) -> None:
        self._failed = True

    def end(self) -> None:
        """A request that failed before it gave anything is not paid; one that was broken off is."""
        if self._used is not None:
            self._meter.told(self._used)
        elif self._written or not self._failed:
            self._meter.untold(sum(len(message.content) for message in self._messages), self._written)


def _tokens(characters: int) -> int:
    return -(-characters // CHARACTERS_PER_TOKEN)
