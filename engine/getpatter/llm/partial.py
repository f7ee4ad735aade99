"""What a reply gave before it broke off."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from getpatter.errors import PartialReply, ProviderError
from getpatter.llm.base import ReplyPart, TextDelta, ToolCall


async def telling_what_was_said(reply: AsyncGenerator[ReplyPart]) -> AsyncGenerator[ReplyPart]:
    """The same reply, which raises `PartialReply` where it breaks off after words.  Calls alone make it a failure like
    any other: nobody has heard anything."""
    given = Given()
    try:
        async with aclosing(reply) as parts:
            async for part in parts:
                given.take(part)
                yield part
    except ProviderError as error:
        if given.said:
            raise given.broken_by(error) from None
        raise


class Given:
    """The output of one reply: what makes a difference that cannot be taken back."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._tools: list[str] = []

    def take(self, part: ReplyPart) -> bool:
        """Whether the part is output."""
        if isinstance(part, ToolCall):
            self._tools.append(part.name)
        elif isinstance(part, TextDelta) and part.text:
            self._texts.append(part.text)
        else:
            return False
        return True

    @property
    def said(self) -> bool:
        return bool(self._texts)

    def __bool__(self) -> bool:
        return bool(self._texts or self._tools)

    def broken_by(self, error: ProviderError) -> PartialReply:
        return PartialReply(
            error.message,
            provider=error.provider,
            retryable=error.retryable,
            next_step=error.next_step,
            said="".join(self._texts),
            tools=tuple(self._tools),
        )
