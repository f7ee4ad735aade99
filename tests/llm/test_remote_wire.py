"""Answers of a brain elsewhere, before any of it came over a network."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from getpatter.connections.standard_webhooks import TOLERANCE_S, SigningSecret
from getpatter.llm.base import ReplyPart, TextDelta, ToolCall
from getpatter.llm.remote_wire import MAX_ANSWER, AnswerReader, BadAnswer, question_of, sealed
from getpatter.metering import Product, Used

SECRET = SigningSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
OTHER = SigningSecret("whsec_" + "A" * 32)
NOW = 1_700_000_000.0
DEEP = b"[" * 100_000 + b"]" * 100_000


@dataclass
class Signing:
    """Reads one answer to `msg_1`, each of its messages signed."""

    reader: AnswerReader

    def frame(
        self, message: Any, message_id: str, *, signed_at: float = NOW, secret: SigningSecret = SECRET
    ) -> list[ReplyPart]:
        return self.reader.frame(sealed(secret, message_id, signed_at, json.dumps(message).encode()), NOW)


@pytest.fixture
def signing() -> Signing:
    return Signing(AnswerReader("msg_1", SECRET))


def plain(*messages: Any) -> list[ReplyPart]:
    reader = AnswerReader("msg_1", None)
    return [part for message in messages for part in reader.frame(json.dumps(message).encode(), NOW)]


def test_an_answer_is_text_tools_and_what_was_used() -> None:
    usage = {"vendor": "openai", "model": "gpt-4o-mini", "input_tokens": 9, "output_tokens": 3, "cached_tokens": 4}
    assert plain(
        {"text": "One "},
        {"usage": usage},
        {"text": "moment.", "tool_calls": [{"id": "1", "name": "look_up", "arguments": {"who": "Ann"}}]},
        {"done": True},
    ) == [
        TextDelta("One "),
        TextDelta("moment."),
        ToolCall("1", "look_up", '{"who": "Ann"}'),
        Used(Product("openai", "gpt-4o-mini"), input_tokens=9, output_tokens=3, cached_tokens=4),
    ]


def test_messages_may_hold_what_nobody_knows_yet() -> None:
    assert plain({"text": "Yes.", "mood": "good"}) == [TextDelta("Yes.")]


def test_signed_messages_in_their_order_are_taken(signing: Signing) -> None:
    assert signing.frame({"text": "Yes."}, "msg_1.1") == [TextDelta("Yes.")]
    assert signing.frame({"done": True}, "msg_1.2") == []
    assert signing.reader.done


@pytest.mark.parametrize(
    ("message_id", "why"),
    [
        ("msg_1.2", "a message is missing"),
        ("msg_1", "it is the question's own signature, sent back"),
        ("msg_2.1", "it is the answer to another question"),
    ],
)
def test_messages_that_belong_elsewhere_are_refused(signing: Signing, message_id: str, why: str) -> None:
    with pytest.raises(BadAnswer, match="belongs elsewhere") as refused:
        signing.frame({"text": "Yes."}, message_id)
    assert refused.value.next_step, why


def test_a_message_that_comes_twice_is_refused(signing: Signing) -> None:
    signing.frame({"text": "Yes."}, "msg_1.1")
    with pytest.raises(BadAnswer, match="belongs elsewhere"):
        signing.frame({"text": "Yes."}, "msg_1.1")


@pytest.mark.parametrize("signed_at", [NOW - TOLERANCE_S - 1, NOW + TOLERANCE_S + 1])
def test_a_message_that_was_not_signed_now_is_refused(signing: Signing, signed_at: float) -> None:
    with pytest.raises(BadAnswer, match="too long ago, or in the future"):
        signing.frame({"text": "Yes."}, "msg_1.1", signed_at=signed_at)


def test_a_message_signed_with_another_secret_is_refused(signing: Signing) -> None:
    with pytest.raises(BadAnswer, match="wrong signature"):
        signing.frame({"text": "Yes."}, "msg_1.1", secret=OTHER)


def test_a_message_without_a_signature_is_refused(signing: Signing) -> None:
    with pytest.raises(BadAnswer, match="not signed"):
        signing.reader.frame(b'{"text": "Yes."}', NOW)


@pytest.mark.parametrize("missing", ["webhook-timestamp", "webhook-signature", "webhook-id"])
def test_a_whole_answer_needs_all_three_headers(missing: str) -> None:
    body = b'{"text": "Yes."}'
    headers = SECRET.headers("msg_1.1", NOW, body)
    assert AnswerReader("msg_1", SECRET).whole(headers, body, NOW) == [TextDelta("Yes.")]
    del headers[missing]
    with pytest.raises(BadAnswer):
        AnswerReader("msg_1", SECRET).whole(headers, body, NOW)


@pytest.mark.parametrize("frame", [b'{"tool_calls": %b}' % DEEP, b'"\xff"', b"[]"])
@pytest.mark.parametrize("signed", [True, False])
def test_what_is_no_message_belongs_to_no_question(frame: bytes, signed: bool) -> None:
    with pytest.raises(BadAnswer):
        question_of(frame, signed=signed)


@pytest.mark.parametrize("timestamp", ["", "now", "-5", "²", "1e9", "9" * 5000])
def test_a_timestamp_that_is_no_number_is_none(timestamp: str) -> None:
    headers = SECRET.headers("msg_1.1", NOW, b"{}") | {"webhook-timestamp": timestamp}
    with pytest.raises(BadAnswer, match="not signed"):
        AnswerReader("msg_1", SECRET).whole(headers, b"{}", NOW)


@pytest.mark.parametrize(
    "payload",
    [
        *(b"", b"Yes.", b"[]", b'{"text": 5}', b'{"tool_calls": [{"id": "1"}]}', b'{"text": "\xff"}'),
        b'{"tool_calls": %b}' % DEEP,
        b'{"usage": {"input_tokens": -1}}',
        b'{"usage": {"output_tokens": 99999999999999999999}}',
        b'{"usage": {"model": "%b"}}' % (b"m" * 10_000),
    ],
)
def test_what_is_no_answer_is_refused(payload: bytes) -> None:
    with pytest.raises(BadAnswer, match="no answer"):
        AnswerReader("msg_1", None).frame(payload, NOW)


def test_an_error_of_the_brain_is_told_in_its_words() -> None:
    with pytest.raises(BadAnswer, match=r"failed: The database is away\.") as told:
        plain({"error": "The database\n is away."})
    assert told.value.retryable


def test_an_answer_has_an_end() -> None:
    with pytest.raises(BadAnswer, match="went on"):
        plain({"done": True}, {"text": "And"})


def test_an_answer_has_a_limit() -> None:
    with pytest.raises(BadAnswer, match="more than"):
        plain(*[{"text": "x" * 100_000}] * (MAX_ANSWER // 100_000))


def test_a_message_on_a_socket_names_its_question() -> None:
    assert question_of(sealed(SECRET, "msg_1.7", NOW, b"{}"), signed=True) == "msg_1"
    assert question_of(b'{"reply": "msg_1", "text": "Yes."}', signed=False) == "msg_1"
    for signed in (True, False):
        with pytest.raises(BadAnswer):
            question_of(b"Yes.", signed=signed)
