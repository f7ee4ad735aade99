from __future__ import annotations

import json
from typing import Any

import pytest

from getpatter.llm.base import Message, ReplyPart, TextDelta, ToolCall, ToolSpec
from getpatter.llm.chat_completions import ReplyAssembler, StreamError, request_body
from getpatter.metering import UNKNOWN, Used


def assemble(*deltas: dict[str, Any], finish: str | None = "stop") -> list[ReplyPart]:
    assembler = ReplyAssembler()
    parts: list[ReplyPart] = []
    for delta in deltas:
        parts += assembler.feed(json.dumps({"choices": [{"index": 0, "delta": delta}]}))
    if finish:
        parts += assembler.feed(json.dumps({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}))
    return [*parts, *assembler.close()]


def piece(index: int | None = None, id: str | None = None, name: str | None = None, arguments: str = "") -> Any:
    return {"tool_calls": [{"index": index, "id": id, "function": {"name": name, "arguments": arguments}}]}


def test_a_request_asks_for_a_stream_with_usage() -> None:
    assert request_body("m", [Message("user", "Hello?")], []) == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hello?"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert request_body("m", [], [], temperature=0.0)["temperature"] == 0.0


def test_tools_their_calls_and_results_are_written_as_the_api_has_them() -> None:
    call = ToolCall("call_1", "look_up", '{"day": "Monday"}')
    body = request_body(
        "m",
        [Message("assistant", "", tool_calls=(call,)), Message("tool", "at eight", tool_call_id="call_1")],
        [ToolSpec("look_up", "Find a time.", {"type": "object"})],
    )
    function = {"name": "look_up", "arguments": '{"day": "Monday"}'}
    assert body["messages"] == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "at eight"},
    ]
    assert body["tools"] == [
        {
            "type": "function",
            "function": {"name": "look_up", "description": "Find a time.", "parameters": {"type": "object"}},
        }
    ]


def test_text_comes_as_it_is_written() -> None:
    assert assemble({"role": "assistant", "content": ""}, {"content": "Hel"}, {"content": "lo"}) == [
        TextDelta("Hel"),
        TextDelta("lo"),
    ]


def test_tool_calls_come_whole_when_the_model_is_done() -> None:
    assert assemble(
        {"content": "Wait."},
        piece(0, "a", "look_up", '{"da'),
        piece(1, "b", "end_call"),
        piece(0, arguments='y": 1}'),
        finish="tool_calls",
    ) == [TextDelta("Wait."), ToolCall("a", "look_up", '{"day": 1}'), ToolCall("b", "end_call", "{}")]


def test_calls_that_share_an_index_are_told_apart_by_their_ids() -> None:
    assert assemble(piece(0, "a", "one", "{}"), piece(0, "b", "two", "{}")) == [
        ToolCall("a", "one", "{}"),
        ToolCall("b", "two", "{}"),
    ]


def test_calls_without_index_and_id_are_told_apart_by_their_names() -> None:
    calls = assemble(piece(name="one", arguments="{"), piece(arguments="}"), piece(name="two"))
    assert [(call.name, call.arguments) for call in calls if isinstance(call, ToolCall)] == [
        ("one", "{}"),
        ("two", "{}"),
    ]
    assert len({call.id for call in calls if isinstance(call, ToolCall)}) == 2


def test_the_last_usage_counts() -> None:
    assembler = ReplyAssembler()
    assembler.feed('{"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 1}}')
    assembler.feed(
        '{"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 9,'
        ' "prompt_tokens_details": {"cached_tokens": 4}}}'
    )
    assert assembler.close() == [Used(UNKNOWN, input_tokens=5, output_tokens=9, cached_tokens=4)]
    assert assembler.close() == []


def test_nothing_has_begun_before_text_or_a_call() -> None:
    assembler = ReplyAssembler()
    assembler.feed('{"choices": [{"delta": {"role": "assistant", "content": ""}}]}')
    assembler.feed('{"choices": [{"delta": {"reasoning_content": "Hm."}}]}')
    assert not assembler.began
    assembler.feed('{"choices": [{"delta": {"content": "Hello"}}]}')
    assert assembler.began
    assert not assembler.finished


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ('{"error": {"message": "overloaded", "code": 503}}', "overloaded"),
        ('{"error": "overloaded"}', "overloaded"),
        ('{"error": {"code": "server_error"}}', "server_error"),
        ("<html>", "no completion chunk"),
        ('{"choices": 5}', "no completion chunk"),
    ],
)
def test_an_error_in_the_stream_is_raised(data: str, words: str) -> None:
    with pytest.raises(StreamError, match=words):
        ReplyAssembler().feed(data)


@pytest.mark.parametrize("data", ["{}", '{"choices": null}', '{"choices": [{"delta": null}], "usage": null}'])
def test_chunks_that_say_nothing_are_passed_over(data: str) -> None:
    assembler = ReplyAssembler()
    assert [*assembler.feed(data), *assembler.close()] == []
