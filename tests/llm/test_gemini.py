from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from getpatter.connections.sse import ServerSentEvent
from getpatter.llm.base import Message, ReplyPart, TextDelta, ToolCall, ToolSpec
from getpatter.llm.dialect import StreamError
from getpatter.llm.gemini import NO_SIGNATURE, Gemini, GeminiAssembler
from getpatter.llm.options import Chosen
from getpatter.llm.turns import OPENING
from getpatter.metering import Product, Used

PRODUCT = Product("google", "gemini-3-flash")
API = Gemini(url="https://host/v1", product=PRODUCT, authorise=lambda: {"x-goog-api-key": "sk-secret"})
OLD = replace(API, product=Product("google", "gemini-2.5-flash"))
CALL = ToolCall("call_1", "look_up", '{"day": "Monday"}', "c2ln")
OTHER = ToolCall("call_2", "note", "{}")


def feed(*chunks: dict[str, Any]) -> list[ReplyPart]:
    assembler = GeminiAssembler(PRODUCT)
    parts = [part for chunk in chunks for part in assembler.feed(ServerSentEvent("message", json.dumps(chunk)))]
    return [*parts, *assembler.close()]


def said(*parts: dict[str, Any], end: str | None = None) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": list(parts)}, "finishReason": end}]}


def test_the_key_goes_in_a_header_and_the_model_in_the_path() -> None:
    request = API.request([], [])
    assert request.url == "https://host/v1/models/gemini-3-flash:streamGenerateContent"
    assert request.params == {"alt": "sse"}
    assert request.headers == {"x-goog-api-key": "sk-secret"}
    assert "sk-secret" not in repr(request)


def test_prompt_turns_and_tools_have_their_places() -> None:
    tools = [ToolSpec("look_up", "Look up.", {"type": "object", "properties": {"day": {"type": "string"}}})]
    tools += [ToolSpec("hang_up", "Hang up.", {"type": "object", "properties": {}})]
    body = API.body([Message("system", "Be brief."), Message("assistant", "Hello."), Message("user", "Hi.")], tools)
    assert body["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
    assert body["contents"] == [
        {"role": "user", "parts": [{"text": OPENING}]},
        {"role": "model", "parts": [{"text": "Hello."}]},
        {"role": "user", "parts": [{"text": "Hi."}]},
    ]
    parameters = {"type": "OBJECT", "properties": {"day": {"type": "STRING"}}}
    assert body["tools"] == [
        {
            "functionDeclarations": [
                {"name": "look_up", "description": "Look up.", "parameters": parameters},
                {"name": "hang_up", "description": "Hang up."},
            ]
        }
    ]
    assert "generationConfig" not in body


def test_calls_go_back_with_their_signatures_and_results_under_their_names() -> None:
    messages = [
        Message("user", "When?"),
        Message("assistant", "", (CALL, OTHER)),
        Message("tool", '{"at": 8}', tool_call_id="call_1"),
        Message("tool", "noted", tool_call_id="call_2"),
    ]
    _, calls, results = API.body(messages, [])["contents"]
    assert calls["parts"] == [
        {"functionCall": {"id": "call_1", "name": "look_up", "args": {"day": "Monday"}}, "thoughtSignature": "c2ln"},
        {"functionCall": {"id": "call_2", "name": "note", "args": {}}},
    ]
    assert results == {
        "role": "user",
        "parts": [
            {"functionResponse": {"id": "call_1", "name": "look_up", "response": {"at": 8}}},
            {"functionResponse": {"id": "call_2", "name": "note", "response": {"output": "noted"}}},
        ],
    }


@pytest.mark.parametrize("theirs", ["", '[{"type":"redacted_thinking","data":"x"}]'])
@pytest.mark.parametrize(("api", "signature"), [(API, NO_SIGNATURE), (OLD, None)])
def test_a_call_of_another_model_is_sent_without_a_signature_as_the_family_wants_it(
    api: Gemini, signature: str | None, theirs: str
) -> None:
    messages = [
        Message("user", "When?"),
        Message("assistant", "", (replace(OTHER, signature=theirs),)),
        Message("tool", "", tool_call_id="call_2"),
    ]
    (part,) = api.body(messages, [])["contents"][1]["parts"]
    assert part.get("thoughtSignature") == signature


@pytest.mark.parametrize(
    ("api", "effort", "thinking"),
    [
        (API, "low", {"thinkingLevel": "LOW"}),
        (API, "none", {"thinkingLevel": "MINIMAL"}),
        (OLD, "none", {"thinkingBudget": 0}),
        (OLD, "low", {"thinkingBudget": 1024}),
    ],
)
def test_thinking_is_asked_for_as_the_family_counts_it(api: Gemini, effort: str, thinking: dict[str, Any]) -> None:
    chosen = Chosen(reasoning_effort=effort, temperature=0.0, top_p=0.5, max_tokens=9)
    assert replace(api, options=chosen).body([], [])["generationConfig"] == {
        "temperature": 0.0,
        "topP": 0.5,
        "maxOutputTokens": 9,
        "thinkingConfig": thinking,
    }


def test_text_and_calls_come_as_they_are_and_thoughts_do_not() -> None:
    call = {"functionCall": {"name": "look_up", "args": {"day": "Mondaÿ"}}, "thoughtSignature": "c2ln"}
    text, found = feed(said({"text": "Hm.", "thought": True}, {"text": "Wait."}), said(call, {"text": ""}, end="STOP"))
    assert text == TextDelta("Wait.")
    assert isinstance(found, ToolCall)
    assert (found.name, json.loads(found.arguments), found.signature) == ("look_up", {"day": "Mondaÿ"}, "c2ln")
    assert found.id


def test_the_last_usage_counts_and_thoughts_are_output() -> None:
    usage = {"promptTokenCount": 30, "candidatesTokenCount": 5, "thoughtsTokenCount": 4, "cachedContentTokenCount": 20}
    chunk = {"usageMetadata": usage, "modelVersion": "gemini-3-flash-001"}
    assert feed({"usageMetadata": {"promptTokenCount": 30}}, chunk) == [
        Used(Product("google", "gemini-3-flash-001"), input_tokens=30, output_tokens=9, cached_tokens=20)
    ]


@pytest.mark.parametrize(
    ("chunk", "words", "retryable"),
    [
        (said(end="SAFETY"), "SAFETY", False),
        (said(end="MALFORMED_FUNCTION_CALL"), "MALFORMED", True),
        ({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}, "PROHIBITED", False),
        ({"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}, "overloaded", True),
        ({"error": {"code": 400, "message": "", "status": "INVALID_ARGUMENT"}}, "INVALID", False),
        ({"candidates": 5}, "no chunk", True),
    ],
)
def test_what_goes_wrong_is_raised(chunk: dict[str, Any], words: str, retryable: bool) -> None:
    with pytest.raises(StreamError, match=words) as failed:
        feed(chunk)
    assert failed.value.retryable is retryable


def test_an_end_by_length_is_a_failure_where_nothing_was_given_and_none_after_words() -> None:
    with pytest.raises(StreamError, match=r"without a word \(MAX_TOKENS\)") as failed:
        feed(said({"text": "Hm.", "thought": True}, end="MAX_TOKENS"))
    assert not failed.value.retryable
    assert feed(said({"text": "Hello"}, end="MAX_TOKENS")) == [TextDelta("Hello")]
    assert feed(said(end="STOP")) == []


def test_fields_that_are_null_are_as_those_that_are_not_there() -> None:
    nulls = {"text": None, "thought": None, "thoughtSignature": None, "functionCall": None}
    no_parts = {"candidates": [{"content": {"parts": None}}], "usageMetadata": None, "modelVersion": None}
    assert feed(said(nulls, {"functionCall": {}}), no_parts, {"candidates": None}) == []


def test_what_was_written_is_words_and_calls_and_no_thoughts() -> None:
    assembler = GeminiAssembler(PRODUCT)
    call = {"functionCall": {"name": "xy", "args": {}}}
    written = []
    for part in ({"text": "Hm.", "thought": True}, {"text": "Wait."}, call):
        assembler.feed(ServerSentEvent("message", json.dumps(said(part))))
        written.append(assembler.written)
    assert written == [0, 5, 9]


@pytest.mark.parametrize(
    "usage", [{"promptTokenCount": -4}, {"candidatesTokenCount": 10**18}, {"thoughtsTokenCount": 5}, [], "x"]
)
def test_counts_that_cannot_be_are_none(usage: object) -> None:
    assert feed({"usageMetadata": usage, "modelVersion": 5}) == []


def test_a_call_that_the_api_would_refuse_is_made_fit_and_so_is_its_result() -> None:
    call = ToolCall("call_1", "functions.look_up", '{"day": "Mon')
    messages = [
        Message("user", "When?"),
        Message("assistant", "", (call,)),
        Message("tool", "[" * 50_000, tool_call_id="call_1"),
    ]
    _, asked, result = API.body(messages, [])["contents"]
    assert asked["parts"][0]["functionCall"] == {"id": "call_1", "name": "functions_look_up", "args": {}}
    assert result["parts"][0]["functionResponse"]["name"] == "functions_look_up"
