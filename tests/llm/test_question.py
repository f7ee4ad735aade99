"""What brains of somebody else's are asked."""

from __future__ import annotations

import pytest

from getpatter.llm.base import Message, ToolCall
from getpatter.llm.question import last_words, messages_as_json, tool_call_from

PROMPT = Message("system", "Be quick.")
HELLO = Message("assistant", "Hello.")
ASKED = Message("user", "Are you open?")
CALLED = Message("assistant", "", (ToolCall("1", "hours", '{"day":"Monday"}'),))
RESULT = Message("tool", "9 to 6", tool_call_id="1")


@pytest.mark.parametrize(
    ("messages", "text", "before"),
    [
        ([], "", []),
        ([PROMPT, HELLO], "", [HELLO]),
        ([PROMPT, HELLO, ASKED], "Are you open?", [HELLO]),
        ([PROMPT, ASKED, CALLED, RESULT], "", [ASKED]),
        ([ASKED, HELLO, Message("user", "")], "", [ASKED, HELLO]),
    ],
)
def test_what_the_caller_has_just_said_stands_apart(messages: list[Message], text: str, before: list[Message]) -> None:
    assert last_words(messages) == (text, before)


def test_calls_of_tools_are_written_as_objects() -> None:
    assert messages_as_json([CALLED, RESULT]) == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "1", "name": "hours", "arguments": {"day": "Monday"}}],
        },
        {"role": "tool", "content": "9 to 6", "tool_call_id": "1"},
    ]


def test_arguments_that_are_no_json_stay_as_the_model_wrote_them() -> None:
    (told,) = messages_as_json([Message("assistant", "", (ToolCall("1", "hours", "{day"),))])
    assert told["tool_calls"][0]["arguments"] == "{day"


def test_a_call_of_a_tool_is_read_in_each_of_its_forms() -> None:
    assert tool_call_from({"id": "7", "name": "hours", "arguments": {"day": "é"}}).arguments == '{"day": "é"}'
    assert tool_call_from({"name": "hours", "arguments": '{"day": 1}'}).arguments == '{"day": 1}'
    bare = tool_call_from({"name": "hours"})
    assert (bare.name, bare.arguments) == ("hours", "{}")
    assert bare.id != tool_call_from({"name": "hours"}).id


@pytest.mark.parametrize(
    "value", ["hours", {}, {"name": ""}, {"name": 5}, {"name": "hours", "arguments": [1]}, {"name": "hours", "id": 1}]
)
def test_anything_else_is_no_call_of_a_tool(value: object) -> None:
    with pytest.raises(ValueError, match=r"tool|hours"):
        tool_call_from(value)
