"""Messages are held against OpenAI's own types."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from openai.types.realtime import RealtimeClientEvent
from pydantic import SecretStr, TypeAdapter

from getpatter.connections.faults import Faults
from getpatter.connections.vendor import Vendor
from getpatter.engines import openai_wire as wire
from getpatter.engines.base import EngineConfig, ResponseDone
from getpatter.llm.base import Message, ToolCall, ToolSpec
from getpatter.metering import Product, Used
from getpatter.stt.openai_wire import PCM16, append

SETTINGS = wire.SessionSettings(
    voice="marin",
    speed=1.1,
    transcription_model="gpt-4o-mini-transcribe",
    noise_reduction="near_field",
    max_output_tokens=500,
    reasons=True,
    reasoning_effort="low",
)
PRODUCT = Product("openai", "gpt-realtime-2")
FAULTS = Faults("OpenAI", Vendor("OpenAI", "OPENAI_API_KEY"), [SecretStr("sk-1")])
LOOK_UP = ToolSpec("look_up", "Finds somebody.", {"type": "object", "properties": {}})
CONFIG = EngineConfig("You book tables.", (LOOK_UP,), "de-DE")
CLIENT: TypeAdapter[Any] = TypeAdapter(RealtimeClientEvent)

EVERY_MESSAGE = [
    wire.session_update(SETTINGS, CONFIG),
    wire.session_update(replace(SETTINGS, voice="voice_1234", tool_choice="look_up", format=PCM16), CONFIG),
    wire.reconfigure("You cook.", (), SETTINGS),
    wire.UNCHANGED,
    json.loads(append(b"\xff" * 160)),
    wire.COMMIT,
    wire.RESPOND,
    wire.CANCEL,
    wire.say("Good morning.", SETTINGS),
    wire.truncate("item_1", 1500),
    wire.tool_result("call_1", "found"),
    wire.told("[pressed 1]"),
    *wire.history(
        [
            Message("user", "Is Ada there?"),
            Message("assistant", "I shall look.", tool_calls=(ToolCall("call_1", "look_up", "{}"),)),
            Message("tool", "found", tool_call_id="call_1"),
        ]
    ),
]


@pytest.mark.parametrize("message", EVERY_MESSAGE, ids=lambda message: message["type"])
def test_messages_are_such_as_the_official_types_allow(message: dict[str, Any]) -> None:
    parsed = CLIENT.validate_python(message)
    assert parsed.type == message["type"]
    assert not parsed.model_extra


def test_the_whole_configuration_is_in_the_first_message() -> None:
    session = wire.session_update(SETTINGS, CONFIG)["session"]
    assert session["instructions"] == "You book tables."
    assert [tool["name"] for tool in session["tools"]] == ["look_up"]
    assert session["audio"]["input"] == {
        "format": {"type": "audio/pcmu"},
        "transcription": {"model": "gpt-4o-mini-transcribe", "language": "de"},
        "turn_detection": None,
        "noise_reduction": {"type": "near_field"},
    }
    assert session["audio"]["output"] == {"format": {"type": "audio/pcmu"}, "voice": "marin", "speed": 1.1}
    assert session["reasoning"] == {"effort": "low"}


def test_a_recogniser_is_told_the_language_as_it_takes_it() -> None:
    settings = replace(SETTINGS, transcription_model="gpt-transcribe")
    heard = wire.session_update(settings, CONFIG)["session"]["audio"]["input"]
    assert heard["transcription"] == {"model": "gpt-transcribe", "languages": ["de"]}


def test_what_is_not_set_is_left_to_the_model() -> None:
    session = wire.session_update(wire.SessionSettings(voice="marin"), CONFIG)["session"]
    assert session.keys().isdisjoint({"max_output_tokens", "reasoning"})
    assert "speed" not in session["audio"]["output"]


@pytest.mark.parametrize(("tag", "told"), [("fil-PH", {"language": "tl"}), ("yue-HK", {})])
def test_a_language_that_the_recogniser_knows_otherwise_or_not_is_no_reason_to_refuse_the_session(
    tag: str, told: dict[str, str]
) -> None:
    session = wire.session_update(SETTINGS, replace(CONFIG, language=tag))["session"]
    assert session["audio"]["input"]["transcription"] == {"model": "gpt-4o-mini-transcribe", **told}


def test_the_language_of_transcripts_may_be_another_than_the_calls() -> None:
    settings = replace(SETTINGS, transcription_language="fr")
    session = wire.session_update(settings, CONFIG)["session"]
    assert session["audio"]["input"]["transcription"]["language"] == "fr"


def test_a_custom_voice_goes_by_its_id() -> None:
    session = wire.session_update(replace(SETTINGS, voice="voice_1234"), CONFIG)["session"]
    assert session["audio"]["output"]["voice"] == {"id": "voice_1234"}


@pytest.mark.parametrize(
    ("choice", "tools", "sent"),
    [
        ("look_up", (LOOK_UP,), {"type": "function", "name": "look_up"}),
        ("look_up", (), "auto"),
        ("required", (LOOK_UP,), "required"),
        ("required", (), "auto"),
        ("none", (LOOK_UP,), "none"),
    ],
)
def test_a_choice_of_tools_is_made_where_there_are_such(choice: str, tools: tuple[ToolSpec, ...], sent: object) -> None:
    session = wire.reconfigure("You cook.", tools, replace(SETTINGS, tool_choice=choice))["session"]
    assert session["tool_choice"] == sent


def test_words_to_be_read_out_answer_nobody() -> None:
    response = wire.say("Good morning.", SETTINGS)["response"]
    assert response["input"] == []
    assert response["tool_choice"] == "none"
    assert response["instructions"].endswith("Good morning.")
    assert response["reasoning"] == {"effort": "minimal"}


def test_only_a_model_that_reasons_is_told_how_much() -> None:
    assert "reasoning" not in wire.say("Good morning.", replace(SETTINGS, reasons=False))["response"]


def test_history_has_calls_between_their_words_and_their_results() -> None:
    kinds = [(item["item"]["type"], item["item"].get("role")) for item in EVERY_MESSAGE[-4:]]
    assert kinds == [
        ("message", "user"),
        ("message", "assistant"),
        ("function_call", None),
        ("function_call_output", None),
    ]


def done_with(response: dict[str, Any]) -> ResponseDone:
    event = wire.parse(json.dumps({"type": "response.done", "response": response}))
    return wire.response_done(event, PRODUCT, FAULTS)


@pytest.mark.parametrize("status", ["completed", "cancelled", "incomplete"])
def test_a_response_ends_with_its_status_and_its_usage(status: str) -> None:
    usage = {
        "input_tokens": 5,
        "output_tokens": 7,
        "input_token_details": {
            "audio_tokens": 3,
            "cached_tokens": 2,
            "cached_tokens_details": {"audio_tokens": 1},
        },
        "output_token_details": {"audio_tokens": 6},
    }
    done = done_with({"status": status, "usage": usage})
    used = Used(
        PRODUCT,
        input_tokens=5,
        output_tokens=7,
        cached_tokens=2,
        input_audio_tokens=3,
        output_audio_tokens=6,
        cached_audio_tokens=1,
    )
    assert (done.status, done.usage, done.error) == (status, used, None)


@pytest.mark.parametrize(("code", "retryable"), [("server_error", True), ("insufficient_quota", False)])
def test_a_failed_response_says_why_and_whether_to_ask_again(code: str, retryable: bool) -> None:
    reason = {"type": "x", "code": code, "message": "No, sk-1 may\n not."}
    error = done_with({"status": "failed", "status_details": {"error": reason}}).error
    assert error is not None
    assert error.retryable is retryable
    assert error.message == "OpenAI failed: No, *** may not."


@pytest.mark.parametrize("code", ["model_not_found", "invalid_model"])
def test_a_model_that_was_retired_is_told_with_what_took_its_place(code: str) -> None:
    gone = Faults("m", Vendor("OpenAI", "OPENAI_API_KEY"), model="gpt-4o-realtime-preview-2024-12-17")
    other = Faults("m", Vendor("OpenAI", "OPENAI_API_KEY"), model="gpt-realtime-9")
    event = wire.parse(json.dumps({"type": "error", "error": {"type": "invalid_request_error", "code": code}}))
    told = wire.complaint(event, gone)
    assert not told.retryable
    assert told.next_step == "gpt-4o-realtime-preview-2024-12-17 was retired on 2026-05-07: use gpt-realtime-1.5."
    assert "name of the model" in (wire.complaint(event, other).next_step or "")


@pytest.mark.parametrize(("code", "fatal"), [("session_expired", True), ("response_cancel_not_active", False)])
def test_most_complaints_leave_the_session_alive(code: str, fatal: bool) -> None:
    event = {"type": "error", "error": {"type": "invalid_request_error", "code": code}}
    assert wire.is_fatal(wire.parse(json.dumps(event))) is fatal


@pytest.mark.parametrize("nonsense", ["", "{}", "[]", '{"type": 5}'])
def test_what_is_no_event_is_refused(nonsense: str) -> None:
    with pytest.raises(ValueError, match="none"):
        wire.parse(nonsense)


def test_audio_that_is_no_base64_is_refused() -> None:
    with pytest.raises(ValueError, match="base64"):
        wire.audio(wire.parse('{"type": "response.output_audio.delta", "delta": "ÄÖ"}'))
