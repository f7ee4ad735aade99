"""What Anthropic's models think before they use a tool: the API wants it back with the tool's result.  No I/O.

Reference: `ThinkingBlockParam` and `RedactedThinkingBlockParam` of the official client `anthropic`.  Blocks go back
unmodified and in their order, each with its own signature.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from getpatter.llm.dialect import MAX_WRITTEN, StreamError


class _Thinking(msgspec.Struct, tag_field="type", tag="thinking"):
    thinking: str = ""
    signature: str = ""


class _Redacted(msgspec.Struct, tag_field="type", tag="redacted_thinking"):
    data: str = ""


_decode: Final = msgspec.json.Decoder(list[_Thinking | _Redacted]).decode


class ThoughtBlocks:
    """Those of one message, by the index of each block."""

    def __init__(self) -> None:
        self._blocks: dict[int, _Thinking | _Redacted] = {}
        self._size = 0

    def open(self, index: int, kind: str, *, thinking: str, signature: str, data: str) -> None:
        """A block begins; one of another kind is passed over."""
        if kind == "thinking":
            self._blocks[index] = _Thinking()
            self.go_on(index, thinking=thinking, signature=signature)
        elif kind == "redacted_thinking":
            self._blocks[index] = _Redacted(data)
            self._count(len(data))

    def go_on(self, index: int, *, thinking: str = "", signature: str = "") -> None:
        """A delta of it.  Raises `StreamError` where all thoughts are too long."""
        block = self._blocks.get(index)
        if isinstance(block, _Thinking):
            block.thinking += thinking
            block.signature += signature
            self._count(len(thinking) + len(signature))

    def taken(self) -> str:
        """What a tool's call is to carry as its signature: all blocks since the last one.  A thought without a
        signature would be refused."""
        blocks = [block for block in self._blocks.values() if isinstance(block, _Redacted) or block.signature]
        self._blocks.clear()
        return msgspec.json.encode(blocks).decode() if blocks else ""

    def _count(self, characters: int) -> None:
        self._size += characters
        if self._size > MAX_WRITTEN:
            raise StreamError(f"it thought for more than {MAX_WRITTEN} characters", retryable=False)


def thought_blocks(signature: str) -> list[dict[str, Any]]:
    """The blocks that belong before a call; none where another vendor's model signed it."""
    try:
        return [msgspec.to_builtins(block) for block in _decode(signature)] if signature else []
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return []
