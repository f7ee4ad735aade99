from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from getpatter.connections.sse import ServerSentEvent
from getpatter.llm.anthropic_messages import AnthropicMessages, MessageAssembler
from getpatter.llm.base import Message, ReplyPart, TextDelta, ToolCall, ToolSpec
from getpatter.llm.dialect import StreamError
from getpatter.llm.options import Chosen
from getpatter.llm.turns import OPENING, SILENCE
from getpatter.metering import Product, Used

PRODUCT = Product("anthropic", "claude-haiku-4-5")
API = AnthropicMessages(url="https://host", product=PRODUCT, key=SecretStr("sk-secret"))
CACHED = {"cache_control": {"type": "ephemeral"}}
CALL = ToolCall("call_1", "look_up", '{"day": "Monday"}')


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def assemble(*events: dict[str, Any]) -> list[ReplyPart]:
    assembler = MessageAssembler(PRODUCT)
    parts = [part for event in events for part in assembler.feed(ServerSentEvent(event["type"], json.dumps(event)))]
    return [*parts, *assembler.close()]


def delta(index: int, **delta: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": delta}


def test_the_prompt_stands_apart_and_is_cached_with_the_tools() -> None:
    tools = [ToolSpec("one", "One.", {}), ToolSpec("two", "Two.", {"type": "object", "properties": {}})]
    body = API.body([Message("system", "Be brief."), Message("user", "Hello?")], tools)
    assert body["system"] == [text("Be brief.") | CACHED]
    assert body["tools"] == [
        {"name": "one", "description": "One.", "input_schema": {"type": "object"}},
        {"name": "two", "description": "Two.", "input_schema": {"type": "object", "properties": {}}} | CACHED,
    ]
    assert body["messages"] == [{"role": "user", "content": [text("Hello?")]}]
    assert body["max_tokens"] == 1024


def test_a_strict_tool_is_one_where_its_schema_can_be() -> None:
    closed = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    tools = [ToolSpec("one", "One.", closed, strict=True), ToolSpec("two", "Two.", {}, strict=True)]
    assert [tool.get("strict") for tool in API.body([], tools)["tools"]] == [True, None]


def test_uses_of_tools_and_their_results_are_blocks() -> None:
    other = ToolCall("call|2", "note", "not JSON")
    messages = [
        Message("user", "When?"),
        Message("assistant", "Wait.", (CALL, other)),
        Message("tool", "at eight", tool_call_id="call_1"),
        Message("tool", "", tool_call_id="call|2"),
        Message("user", "Well?"),
    ]
    assert API.body(messages, [])["messages"] == [
        {"role": "user", "content": [text("When?")]},
        {
            "role": "assistant",
            "content": [
                text("Wait."),
                {"type": "tool_use", "id": "call_1", "name": "look_up", "input": {"day": "Monday"}},
                {"type": "tool_use", "id": "call_2", "name": "note", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "call_1", "content": "at eight"},
                {"type": "tool_result", "tool_use_id": "call_2", "content": ""},
                text("Well?"),
            ],
        },
    ]


def test_what_was_thought_before_a_tool_was_used_goes_back_with_it() -> None:
    thought = {"type": "thinking", "thinking": "They want Monday.", "signature": "c2ln"}
    doubt = {"type": "redacted_thinking", "data": "b3BhcXVl"}
    calls = (replace(CALL, signature=json.dumps([thought])), replace(CALL, id="call_2", signature=json.dumps([doubt])))
    (_, said, _) = API.body([Message("user", "When?"), Message("assistant", "Wait.", calls)], [])["messages"]
    assert [block["type"] for block in said["content"]] == [
        *("thinking", "text", "tool_use"),
        *("redacted_thinking", "tool_use"),
    ]
    assert (said["content"][0], said["content"][3]) == (thought, doubt)


def test_the_user_has_the_first_turn_and_the_last() -> None:
    messages = [Message("assistant", "Hello, Ann."), Message("user", " "), Message("assistant", "Still there?")]
    assert API.body(messages, [])["messages"] == [
        {"role": "user", "content": [text(OPENING)]},
        {"role": "assistant", "content": [text("Hello, Ann."), text("Still there?")]},
        {"role": "user", "content": [text(SILENCE)]},
    ]


@pytest.mark.parametrize(
    ("chosen", "version"),
    [
        (Chosen(), "2026-10-21"),
        (Chosen(temperature=0.0), "2023-06-01"),
        (Chosen(top_p=0.9), "2023-06-01"),
    ],
)
def test_the_version_is_one_that_has_what_was_chosen(chosen: Chosen, version: str) -> None:
    request = replace(API, options=chosen).request([], [])
    assert request.headers["anthropic-version"] == version
    assert request.headers["Authorization"] == "Bearer sk-secret"
    assert "sk-secret" not in repr(request) + repr(API)


def test_what_was_chosen_is_asked_for() -> None:
    chosen = Chosen(temperature=0.5, max_tokens=50, reasoning_effort="low", extra_body={"service_tier": "auto"})
    body = replace(API, options=chosen).body([], [])
    assert (body["temperature"], body["max_tokens"], body["service_tier"]) == (0.5, 50, "auto")
    assert body["output_config"] == {"effort": "low"}


def test_text_comes_at_once_and_a_tool_call_when_it_is_whole() -> None:
    assert assemble(
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        delta(0, type="thinking_delta", thinking="Hm."),
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": text("")},
        {"type": "ping"},
        delta(1, type="text_delta", text="Wait."),
        {"type": "content_block_stop", "index": 1},
        {"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use", "id": "t", "name": "x"}},
        delta(2, type="input_json_delta", partial_json='{"a'),
        delta(2, type="input_json_delta", partial_json='": 1}'),
        {"type": "content_block_stop", "index": 2},
        {"type": "something_new", "index": 5},
    ) == [TextDelta("Wait."), ToolCall("t", "x", '{"a": 1}')]


def test_counts_are_of_the_whole_message_and_cached_tokens_are_part_of_the_sum() -> None:
    usage = {"input_tokens": 10, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 5, "output_tokens": 1}
    begun = {"type": "message_start", "message": {"model": "claude-haiku-4-5-20251001", "usage": usage}}
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}}
    assert assemble(begun, end) == [
        Used(
            Product("anthropic", "claude-haiku-4-5-20251001"),
            input_tokens=35,
            output_tokens=9,
            cached_tokens=20,
            cache_write_tokens=5,
        )
    ]


@pytest.mark.parametrize(
    ("kind", "retryable"), [("overloaded_error", True), ("api_error", True), ("invalid_request_error", False)]
)
def test_an_error_in_the_stream_says_whether_it_may_pass(kind: str, retryable: bool) -> None:
    with pytest.raises(StreamError, match="sorry") as failed:
        assemble({"type": "error", "error": {"type": kind, "message": "sorry"}})
    assert failed.value.retryable is retryable


@pytest.mark.parametrize("reason", ["refusal", "max_tokens", "model_context_window_exceeded"])
def test_an_early_end_is_a_failure_where_nothing_was_given_and_none_after_words(reason: str) -> None:
    end = {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 1}}
    call = {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "t", "name": "x"}}
    for before in ([], [delta(0, type="thinking_delta", thinking="Hm.")], [call]):
        with pytest.raises(StreamError, match=rf"without a word \({reason}\)") as failed:
            assemble(*before, end)
        assert not failed.value.retryable
    said, _ = assemble(delta(0, type="text_delta", text="I cannot."), end)
    assert said == TextDelta("I cannot.")


def test_an_end_of_the_models_own_may_be_silent() -> None:
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}
    assert assemble(end) == [Used(PRODUCT, output_tokens=1)]


def test_fields_that_are_null_are_as_those_that_are_not_there() -> None:
    begun = {"type": "message_start", "message": {"model": None, "usage": None}}
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": None}}
    assert assemble(begun, block, delta(0, type="text_delta", text=None)) == []


@pytest.mark.parametrize("usage", [{"input_tokens": -5}, {"output_tokens": 2.5}, [], "x"])
def test_counts_that_cannot_be_are_none(usage: object) -> None:
    assert assemble({"type": "message_start", "message": {"model": "m", "usage": usage}}) == []


@pytest.mark.parametrize(
    ("model", "given", "effort", "limit"),
    [
        ("claude-sonnet-5-5", Chosen(), {"effort": "low"}, 5120),
        ("claude-haiku-5-5-20261001", Chosen(), {"effort": "low"}, 5120),
        ("claude-opus-5", Chosen(reasoning_effort="high", max_tokens=300), {"effort": "high"}, 300),
        ("claude-haiku-4-5-20251001", Chosen(), None, 1024),
        ("claude-sonnet-4-6", Chosen(), None, 1024),
    ],
)
def test_nobody_waits_for_long_thoughts_and_short_ones_leave_room_for_words(
    model: str, given: Chosen, effort: object, limit: int
) -> None:
    body = replace(API, product=Product("anthropic", model), options=given).body([Message("user", "Hi.")], [])
    assert (body.get("output_config"), body["max_tokens"]) == (effort, limit)


@pytest.mark.parametrize(
    ("later", "goes_back"),
    [
        ([], True),
        ([Message("user", "And on Tuesday?")], True),  # said while the tool was at work
        ([Message("assistant", "At eight.")], True),
        ([Message("assistant", "At eight."), Message("user", "Fine.")], False),
        ([Message("assistant", "At eight."), Message("user", "Fine."), Message("assistant", "", (CALL,))], False),
    ],
)
def test_a_thought_goes_back_until_its_turn_is_over(later: list[Message], goes_back: bool) -> None:
    """Newer models refuse a thought before which the conversation was changed, as by a handover."""
    thought = {"type": "thinking", "thinking": "They want Monday.", "signature": "c2ln"}
    call = replace(CALL, signature=json.dumps([thought]))
    turn = [Message("user", "When?"), Message("assistant", "", (call,)), Message("tool", "8", tool_call_id=call.id)]
    sent = json.dumps(API.body([*turn, *later], [])["messages"])
    assert ("They want Monday." in sent) is goes_back


def test_what_was_written_is_words_and_calls_and_no_thoughts() -> None:
    call = {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "t", "name": "xy"}}
    assembler = MessageAssembler(PRODUCT)
    written = []
    events: tuple[dict[str, Any], ...] = (
        delta(0, type="thinking_delta", thinking="Hm."),
        delta(0, type="text_delta", text="Wait."),
        call,
        delta(1, type="input_json_delta", partial_json="{}"),
    )
    for event in events:
        assembler.feed(ServerSentEvent(event["type"], json.dumps(event)))
        written.append(assembler.written)
    assert written == [0, 5, 7, 9]


def test_without_tools_those_of_the_history_are_told_of_and_may_not_be_called() -> None:
    messages = [
        Message("user", "When?"),
        Message("assistant", "", (CALL, CALL)),
        Message("tool", "8", tool_call_id="call_1"),
    ]
    body = API.body(messages, [])
    assert body["tools"] == [{"name": "look_up", "description": "", "input_schema": {"type": "object"}}]
    assert body["tool_choice"] == {"type": "none"}
    assert "tool_choice" not in API.body(messages, [ToolSpec("note", "Note.", {})])
    assert "tools" not in API.body([Message("user", "When?")], [])


def test_calls_that_the_api_would_refuse_are_made_fit_and_so_are_their_results() -> None:
    call = ToolCall("x" * 100, "functions.look_up", '{"day": "Mon')
    messages = [Message("user", "When?"), Message("assistant", "", (call,)), Message("tool", "8", tool_call_id=call.id)]
    _, asked, result = API.body(messages, [])["messages"]
    (use,), (found,) = asked["content"], result["content"]
    assert (use["name"], use["input"]) == ("functions_look_up", {})
    assert use["id"] == found["tool_use_id"]
    assert len(use["id"]) <= 40


@pytest.mark.parametrize("data", ["<html>", "[]", '{"type": 5}'])
def test_what_is_no_event_is_an_error(data: str) -> None:
    with pytest.raises(StreamError, match="no event"):
        MessageAssembler(PRODUCT).feed(ServerSentEvent("message", data))
