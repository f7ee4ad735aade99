from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from getpatter.errors import ConfigurationError, ProviderError
from getpatter.llm.base import CallContext, NoCall
from getpatter.llm.custom import CustomLLM
from getpatter.llm.openai_compatible import OpenAICompatibleLLM
from getpatter.llm.presets import HermesLLM, OpenClawLLM
from getpatter.llm.session import Session, SessionRule
from getpatter.testing.contracts.replies import HELLO, reply
from getpatter.testing.vendors.openai_chat import OpenAIServer

KEY = SecretStr("sk-secret")
CALL = NoCall("call_1", "+12025550123", "+12025550199")


def headers(rule: SessionRule, call: CallContext = CALL, key: SecretStr = KEY) -> dict[str, str]:
    return dict(Session(rule, call, key).headers)


def test_a_caller_is_known_again_by_a_hash_that_hides_the_number() -> None:
    rule = SessionRule(key_header="X-Key", key_from="caller_hash")
    found = headers(rule)["X-Key"]
    assert len(found) == 32
    assert found == headers(rule, NoCall("call_2", CALL.caller))["X-Key"]
    assert found != headers(rule, NoCall("call_1", "+12025550124"))["X-Key"]
    assert found != headers(rule, key=SecretStr("another"))["X-Key"]
    assert "555" not in found


def test_callers_who_withhold_their_number_share_nothing() -> None:
    rule = SessionRule(key_header="X-Key", key_from="caller_hash")
    assert headers(rule, NoCall("call_1")) != headers(rule, NoCall("call_2"))


def test_a_key_may_be_made_of_the_call_once() -> None:
    made: list[str] = []

    def make(call: CallContext) -> str:
        made.append(call.call_id)
        return f"key-{len(made)}"

    session = Session(SessionRule(key_header="X-Key", key_factory=make), CALL, KEY)
    assert session.headers == session.headers == {"X-Key": "key-1"}


@pytest.mark.parametrize("made", [5, "two\nlines"])
def test_a_key_that_cannot_be_sent_is_a_failure_of_the_reply(made: Any) -> None:
    with pytest.raises(ProviderError, match="printable"):
        headers(SessionRule(key_header="X-Key", key_factory=lambda call: made))


def test_a_factory_that_fails_tells_nothing_of_the_caller() -> None:
    def fail(call: CallContext) -> str:
        raise KeyError(call.caller)

    with pytest.raises(ProviderError) as failed:
        headers(SessionRule(key_header="X-Key", key_factory=fail))
    assert "KeyError" in failed.value.message
    assert CALL.caller not in failed.value.message


@pytest.mark.parametrize(
    "rule",
    [
        {"key": "a"},
        {"key_header": "X-Key"},
        {"key_header": "X-Key", "key": "a", "key_from": "caller_hash"},
        {"key_header": "X-Key", "key_from": "name"},
        {"id_header": "X-Id\r\n"},
    ],
)
def test_rules_that_cannot_work_are_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        SessionRule(**rule)


@pytest.mark.parametrize(
    ("make", "model", "expected"),
    [
        (lambda url: HermesLLM(base_url=url), "hermes-agent", {"x-hermes-session-id": "patter-call-call_1"}),
        (
            lambda url: OpenClawLLM("main", base_url=url),
            "openclaw/main",
            {"x-openclaw-session-key": "patter-call-call_1"},
        ),
        (
            lambda url: CustomLLM(url, "m", session_id_header="X-S", session_key_header="X-K", session_key="fix"),
            "m",
            {"x-s": "call_1", "x-k": "fix"},
        ),
    ],
    ids=["hermes", "openclaw", "custom"],
)
async def test_each_request_of_a_call_says_so_and_no_other(
    make: Any, model: str, expected: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("API_SERVER_KEY", "API_SERVER_MODEL_NAME", "OPENCLAW_GATEWAY_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    async with OpenAIServer().running() as server:
        shared: OpenAICompatibleLLM = make(server.url)
        in_call = shared.for_call(CALL)
        await reply(in_call, HELLO)
        await in_call.close()
        await reply(shared, HELLO)
        await shared.close()
    inside, outside = server.requests
    assert expected.items() <= inside.headers.items()
    assert not expected.keys() & outside.headers.keys()
    assert inside.body["model"] == model
    assert inside.connection == outside.connection, "a call's end leaves the connection to the others"
    assert CALL.caller not in str(inside)


async def test_callers_are_remembered_where_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("API_SERVER_KEY", raising=False)
    async with OpenAIServer().running() as server:
        llm = HermesLLM("sk-secret", base_url=server.url, remember_callers=True)
        await reply(llm.for_call(CALL), HELLO)
        await llm.close()
    assert len(server.requests[0].headers["x-hermes-session-key"]) == 32
