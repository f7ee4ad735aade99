from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from getpatter.connections.sse import ServerSentEvent
from getpatter.llm.base import Message, NoCall, ReplyPart, TextDelta, ToolCall, ToolSpec
from getpatter.llm.chat_completions import ChatCompletions, ReplyAssembler
from getpatter.llm.dialect import StreamError
from getpatter.llm.options import Chosen
from getpatter.llm.session import Session, SessionRule
from getpatter.metering import UNKNOWN, Product, Used

CHAT = ChatCompletions(url="https://host/v1", product=Product("vendor", "m"), key=SecretStr("sk-secret"))


def event(data: object) -> ServerSentEvent:
    return ServerSentEvent("message", data if isinstance(data, str) else json.dumps(data))


def assemble(*deltas: dict[str, Any], finish: str | None = "stop") -> list[ReplyPart]:
    assembler = ReplyAssembler()
    parts: list[ReplyPart] = []
    for delta in deltas:
        parts += assembler.feed(event({"choices": [{"index": 0, "delta": delta}]}))
    if finish:
        parts += assembler.feed(event({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}))
    return [*parts, *assembler.close()]


def piece(index: int | None = None, id: str | None = None, name: str | None = None, arguments: object = "") -> Any:
    return {"tool_calls": [{"index": index, "id": id, "function": {"name": name, "arguments": arguments}}]}


def test_a_request_asks_for_a_stream_with_usage() -> None:
    assert CHAT.body([Message("user", "Hello?")], []) == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hello?"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_tools_their_calls_and_results_are_written_as_the_api_has_them() -> None:
    call = ToolCall("call_1", "look_up", '{"day": "Monday"}')
    body = CHAT.body(
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


CLOSED = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


@pytest.mark.parametrize(
    ("can", "asked", "schema", "strict"),
    [
        (True, True, CLOSED, True),
        (True, True, {"type": "object"}, None),
        (True, False, CLOSED, None),
        (False, True, CLOSED, None),
    ],
)
def test_strict_is_asked_for_where_server_and_schema_can(
    can: bool, asked: bool, schema: dict[str, Any], strict: bool | None
) -> None:
    chat = replace(CHAT, strict_tools=can)
    (tool,) = chat.body([], [ToolSpec("look_up", "Look up.", schema, strict=asked)])["tools"]
    assert tool["function"].get("strict") is strict


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
    assembler.feed(event('{"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 1}}'))
    usage = {"prompt_tokens": 5, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 4}}
    assembler.feed(event({"choices": [], "usage": usage}))
    assert assembler.close() == [Used(UNKNOWN, input_tokens=5, output_tokens=9, cached_tokens=4)]
    assert assembler.close() == []


@pytest.mark.parametrize(
    ("delta", "written"),
    [
        ({"role": "assistant", "content": ""}, 0),
        ({"reasoning_content": "Hm."}, 0),
        ({"content": "<think>Hm."}, 0),
        ({"content": "Hello"}, 5),
        ({"refusal": "I cannot."}, 9),
        (piece(0, "call_1"), 0),
        (piece(0, "call_1", "xy", "{}"), 4),
    ],
)
def test_what_was_written_is_words_and_calls_and_no_thoughts(delta: dict[str, Any], written: int) -> None:
    assembler = ReplyAssembler()
    assembler.feed(event({"choices": [{"delta": delta}]}))
    assert assembler.written == written
    assert not assembler.finished


@pytest.mark.parametrize(("reason", "retryable"), [("length", False), ("content_filter", False), ("tool_calls", True)])
def test_an_early_end_is_a_failure_where_nothing_was_given_and_none_after_words(reason: str, retryable: bool) -> None:
    with pytest.raises(StreamError, match=rf"without a word \({reason}\)") as failed:
        assemble({"reasoning_content": "Hm."}, finish=reason)
    assert failed.value.retryable is retryable
    assert assemble({"content": "Hello"}, finish=reason) == [TextDelta("Hello")]


def test_an_end_of_the_models_own_may_be_silent() -> None:
    assert assemble(finish="stop") == []


def test_a_refusal_is_said() -> None:
    assert assemble({"content": None, "refusal": "I cannot."}) == [TextDelta("I cannot.")]


def test_thoughts_among_the_words_are_left_out() -> None:
    assert assemble({"content": "<thi"}, {"content": "nk>Hm.</think>"}, {"content": "Hello"}) == [TextDelta("Hello")]


def test_a_beginning_that_only_looked_like_thoughts_comes_before_the_end() -> None:
    assert assemble({"content": "<thi"}) == [TextDelta("<thi")]
    assert assemble({"content": "<thi"}, finish="length") == [TextDelta("<thi")]


def test_words_in_parts_are_those_of_the_texts() -> None:
    parts = [{"type": "thinking", "thinking": []}, {"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}, 5]
    assert assemble({"content": parts}, {"content": [{"type": "text", "text": None}]}) == [TextDelta("Hello")]


def test_a_call_goes_on_under_an_id_of_each_piece_of_its_own() -> None:
    assert assemble(piece(0, "a", "one", '{"x'), piece(0, "b", arguments='": 1}')) == [ToolCall("a", "one", '{"x": 1}')]


def test_calls_that_share_an_index_and_have_no_ids_are_told_apart_by_their_names() -> None:
    calls = assemble(piece(0, None, "one", "{}"), piece(0, None, "two", '{"x": 1}'), piece(0, None, "two", '{"x": 2}'))
    assert [(call.name, call.arguments) for call in calls if isinstance(call, ToolCall)] == [
        ("one", "{}"),
        ("two", '{"x": 1}'),
        ("two", '{"x": 2}'),
    ]


def test_a_name_that_is_told_with_each_piece_begins_no_call() -> None:
    assert assemble(piece(0, "a", "one", '{"x'), piece(0, "a", "one", '": 1}')) == [ToolCall("a", "one", '{"x": 1}')]


def test_arguments_may_come_as_an_object() -> None:
    assert assemble(piece(0, "a", "one", {"day": "Mondaÿ"})) == [ToolCall("a", "one", '{"day": "Mondaÿ"}')]


@pytest.mark.parametrize(
    "usage", [{"prompt_tokens": -5}, {"prompt_tokens": 10**18}, {"completion_tokens": "5"}, [], "x"]
)
def test_counts_that_cannot_be_are_none(usage: object) -> None:
    assembler = ReplyAssembler()
    assembler.feed(event({"choices": [], "model": 5, "usage": usage}))
    assert assembler.close() == []


def test_calls_that_servers_would_refuse_are_made_fit_and_so_are_their_results() -> None:
    call = ToolCall("x" * 100, "functions.look_up", '{"day": "Mon')
    asked, result = CHAT.body([Message("assistant", "", (call,)), Message("tool", "8", tool_call_id=call.id)], [])[
        "messages"
    ]
    (written,) = asked["tool_calls"]
    assert written["function"] == {"name": "functions_look_up", "arguments": "{}"}
    assert written["id"] == result["tool_call_id"]
    assert len(written["id"]) <= 40


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ('{"error": {"message": "overloaded", "code": 503}}', "overloaded"),
        ('{"error": "overloaded"}', "overloaded"),
        ('{"error": {"code": "server_error"}}', "server_error"),
        ("<html>", "no completion chunk"),
        ('{"choices": 5}', "no completion chunk"),
        ('{"x_groq": {"error": "over capacity"}}', "over capacity"),
    ],
)
def test_an_error_in_the_stream_is_raised(data: str, words: str) -> None:
    with pytest.raises(StreamError, match=words):
        ReplyAssembler().feed(event(data))


@pytest.mark.parametrize("data", ["{}", '{"choices": null}', '{"choices": [{"delta": null}], "usage": null}'])
def test_chunks_that_say_nothing_are_passed_over(data: str) -> None:
    assembler = ReplyAssembler()
    assert [*assembler.feed(event(data)), *assembler.close()] == []


def test_what_was_chosen_is_asked_for_under_the_servers_own_names() -> None:
    chosen = Chosen(temperature=0.0, max_tokens=50, top_p=0.9, reasoning_effort="low", extra_body={"seed": 1, "n": 1})
    body = replace(CHAT, options=chosen, limit_field="max_completion_tokens").body([], [])
    assert (body["temperature"], body["top_p"], body["reasoning_effort"], body["seed"]) == (0.0, 0.9, "low", 1)
    assert body["max_completion_tokens"] == 50
    assert "max_tokens" not in body
    assert replace(CHAT, options=Chosen(max_tokens=5)).body([], [])["max_tokens"] == 5


def test_a_request_holds_the_key_and_what_the_server_is_told_of_the_call() -> None:
    assert CHAT.request([], []).headers["Authorization"] == "Bearer sk-secret"
    rule = SessionRule(id_header="X-Session", id_prefix="patter-", user_prefix="u-")
    session = Session(rule, NoCall("call_1"), CHAT.key)
    request = replace(CHAT, session=session, options=Chosen(extra_headers={"X-Team": "a"})).request([], [])
    assert (request.headers["X-Session"], request.headers["X-Team"]) == ("patter-call_1", "a")
    assert request.json["user"] == "u-call_1"
    assert "sk-secret" not in repr(request)
    assert "sk-secret" not in repr(CHAT)


def test_usage_is_found_where_groq_has_it() -> None:
    assembler = ReplyAssembler(Product("groq", "m"))
    assembler.feed(event({"x_groq": {"usage": {"prompt_tokens": 5, "completion_tokens": 9}}, "choices": []}))
    assert assembler.close() == [Used(Product("groq", "m"), input_tokens=5, output_tokens=9)]


def test_nothing_of_use_follows_the_last_event() -> None:
    assembler = ReplyAssembler()
    assert assembler.feed(event("[DONE]")) == []
    assert assembler.over
    assert assembler.feed(event("anything")) == []
