"""What a reply used, where the server does not tell."""

from __future__ import annotations

import json
from collections.abc import Sequence

from getpatter.llm.base import Message, ReplyPart, TextDelta, ToolCall, ToolSpec
from getpatter.metering import Product, Used

CHARACTERS_PER_TOKEN = 4
"""Of English text, by OpenAI's and Google's own rule of thumb.  Other languages have fewer."""


class Estimate:
    """Counts one reply: what was asked, and each part of the answer."""

    def __init__(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> None:
        self._messages = messages
        self._tools = tools
        self._written = 0

    def take(self, part: ReplyPart) -> None:
        if isinstance(part, TextDelta):
            self._written += len(part.text)
        elif isinstance(part, ToolCall):
            self._written += len(part.name) + len(part.arguments)

    def used(self, product: Product) -> Used:
        asked = sum(_length(message) for message in self._messages) + sum(_size(tool) for tool in self._tools)
        return Used(product, input_tokens=_tokens(asked), output_tokens=_tokens(self._written), estimated=True)


def _length(message: Message) -> int:
    return len(message.content) + sum(len(call.name) + len(call.arguments) for call in message.tool_calls)


def _size(tool: ToolSpec) -> int:
    return len(tool.name) + len(tool.description) + len(json.dumps(dict(tool.parameters)))


def _tokens(characters: int) -> int:
    return -(-characters // CHARACTERS_PER_TOKEN)
