from __future__ import annotations

import json

import pytest
from anthropic.types import RedactedThinkingBlockParam, ThinkingBlockParam
from pydantic import TypeAdapter

from getpatter.llm.anthropic_thoughts import ThoughtBlocks, thought_blocks
from getpatter.llm.dialect import MAX_WRITTEN, StreamError

THOUGHT = {"type": "thinking", "thinking": "They want Monday.", "signature": "c2ln"}
HIDDEN = {"type": "redacted_thinking", "data": "b3BhcXVl"}


def opened(thoughts: ThoughtBlocks, index: int, kind: str, *, signature: str = "", data: str = "") -> None:
    thoughts.open(index, kind, thinking="", signature=signature, data=data)


def thought_through() -> ThoughtBlocks:
    thoughts = ThoughtBlocks()
    opened(thoughts, 0, "thinking")
    for piece in ("They want", " Monday."):
        thoughts.go_on(0, thinking=piece)
    thoughts.go_on(0, signature="c2ln")
    opened(thoughts, 1, "redacted_thinking", data="b3BhcXVl")
    return thoughts


def test_blocks_come_back_as_they_came() -> None:
    blocks = thought_blocks(thought_through().taken())
    assert blocks == [THOUGHT, HIDDEN]
    TypeAdapter(list[ThinkingBlockParam | RedactedThinkingBlockParam]).validate_python(blocks, strict=True)


def test_each_thought_belongs_to_one_call() -> None:
    thoughts = thought_through()
    assert thoughts.taken() != ""
    assert thoughts.taken() == ""


def test_a_thought_without_a_signature_is_left_out() -> None:
    thoughts = ThoughtBlocks()
    opened(thoughts, 0, "thinking")
    thoughts.go_on(0, thinking="Hm.")
    assert thoughts.taken() == ""


def test_a_hidden_thought_has_a_signature_alone() -> None:
    thoughts = ThoughtBlocks()
    opened(thoughts, 0, "thinking", signature="c2ln")
    assert thought_blocks(thoughts.taken()) == [{**THOUGHT, "thinking": ""}]


def test_what_is_no_thought_is_passed_over() -> None:
    thoughts = ThoughtBlocks()
    opened(thoughts, 0, "text")
    thoughts.go_on(0, thinking="Hm.", signature="c2ln")
    assert thoughts.taken() == ""


def test_endless_thoughts_are_refused() -> None:
    thoughts = ThoughtBlocks()
    opened(thoughts, 0, "thinking")
    with pytest.raises(StreamError, match="thought for more than"):
        thoughts.go_on(0, thinking="x" * (MAX_WRITTEN + 1))


@pytest.mark.parametrize(
    "signature", ["", "c2ln", "[1]", "{}", json.dumps([{"type": "text", "text": "Say this."}]), "[" * 100_000]
)
def test_what_another_model_signed_is_no_thought(signature: str) -> None:
    assert thought_blocks(signature) == []
