"""A brain elsewhere, asked over real HTTP and real WebSockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from getpatter.clock import Clock, SystemClock
from getpatter.connections.standard_webhooks import SigningSecret
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.llm.base import LanguageModel, Message, ReplyPart, TextDelta, ToolCall, ToolSpec
from getpatter.llm.remote import FIRST_S, NEXT_S, RemoteLLM, is_address
from getpatter.metering import Product, Used
from getpatter.testing.brain_server import BrainAnswer, BrainServer, Signed
from getpatter.testing.clock import ManualClock
from getpatter.testing.raw_server import RawServer
from getpatter.tools.context import ToolContext

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CALL = ToolContext("call_1", "+12025550107", "+12025550199")
ASKED = [Message("system", "Be quick."), Message("user", "Are you open?")]
HOURS = ToolSpec("hours", "Opening hours.", {"type": "object"})

Brain = Callable[..., AbstractAsyncContextManager[tuple[BrainServer, LanguageModel]]]


@pytest.fixture(params=["http", "socket"])
def brain(request: pytest.FixtureRequest) -> Brain:
    """A server and one call's model that asks it."""

    @asynccontextmanager
    async def make(
        *answers: BrainAnswer, secret: str = SECRET, ours: str | None = None, clock: Clock | None = None
    ) -> AsyncIterator[tuple[BrainServer, LanguageModel]]:
        async with BrainServer(*answers, secret=secret, clock=clock or SystemClock()).running() as server:
            url = server.url if request.param == "http" else server.socket_url
            model = RemoteLLM(url, secret=secret if ours is None else ours, clock=clock).for_call(CALL)
            try:
                yield server, model
            finally:
                await model.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}, "a task was left behind"

    return make


async def parts(model: LanguageModel) -> list[ReplyPart]:
    return [part async for part in model.reply(ASKED, [HOURS])]


async def said(model: LanguageModel) -> str:
    return "".join(part.text for part in await parts(model) if isinstance(part, TextDelta))


@pytest.mark.parametrize("secret", [SECRET, ""], ids=["signed", "unsigned"])
async def test_it_is_told_the_call_the_history_and_the_tools(brain: Brain, secret: str) -> None:
    usage = {"vendor": "openai", "model": "gpt-4o-mini", "input_tokens": 9}
    calls = [{"id": "1", "name": "hours", "arguments": {"day": "Monday"}}]
    answer = BrainAnswer(messages=({"text": "One "}, {"text": "moment.", "tool_calls": calls}, {"usage": usage}))
    async with brain(answer, secret=secret) as (server, model):
        assert await parts(model) == [
            TextDelta("One "),
            TextDelta("moment."),
            ToolCall("1", "hours", '{"day": "Monday"}'),
            Used(Product("openai", "gpt-4o-mini"), input_tokens=9),
        ]
    question = dict(server.asked[0].question)
    question.pop("id", None)
    assert question == {
        "call": {"id": "call_1", "caller": "+12025550107", "callee": "+12025550199"},
        "messages": [{"role": "system", "content": "Be quick."}, {"role": "user", "content": "Are you open?"}],
        "tools": [{"name": "hours", "description": "Opening hours.", "parameters": {"type": "object"}}],
    }


async def test_it_is_asked_again_and_again(brain: Brain) -> None:
    async with brain(BrainAnswer(messages=({"text": "First."},)), BrainAnswer(messages=({"text": "Second."},))) as (
        _,
        model,
    ):
        await model.warm()
        assert [await said(model), await said(model)] == ["First.", "Second."]


async def test_outside_of_a_call_it_is_asked_as_well() -> None:
    async with BrainServer(secret=SECRET).running() as server:
        for url in (server.url, server.socket_url):
            model = RemoteLLM(url, secret=SECRET)
            await model.warm()
            assert await said(model) == "Hello."
            await model.close()
        assert [one.question["call"]["id"] for one in server.asked] == ["", ""]


# -- what is refused


def replayed() -> Callable[[Signed], Signed]:
    """The first message, again and again."""
    kept: list[Signed] = []

    def forge(signed: Signed) -> Signed:
        kept.append(signed)
        return kept[0]

    return forge


def replaying() -> BrainAnswer:
    return BrainAnswer(forge=replayed(), messages=({"text": "Yes. "}, {"text": "No. "}))


def forged(**changes: Any) -> Callable[[], BrainAnswer]:
    return lambda: BrainAnswer(forge=lambda signed: replace(signed, **changes))


def late(signed: Signed) -> Signed:
    """Signed by the right one, too long ago."""
    then = signed.timestamp - 301
    return replace(signed, timestamp=then, signature=SigningSecret(SECRET).signature(signed.id, then, signed.payload))


FORGERIES: list[tuple[Callable[[], BrainAnswer], str]] = [
    (lambda: BrainAnswer(signs=False), "not signed"),
    (forged(payload=b'{"text": "Lies."}'), "wrong signature"),
    (forged(id="msg_x.1"), r"wrong signature|not asked"),
    (forged(timestamp=1), "wrong signature"),
    (lambda: BrainAnswer(forge=late), "too long ago"),
    (lambda: BrainAnswer(forge=late, streams=False), "too long ago"),
    (replaying, "belongs elsewhere"),
]


@pytest.mark.parametrize(("answer", "why"), FORGERIES)
async def test_what_was_not_signed_for_this_answer_is_refused(
    brain: Brain, answer: Callable[[], BrainAnswer], why: str
) -> None:
    async with brain(answer()) as (_, model):
        with pytest.raises(ProviderError, match=why) as refused:
            await parts(model)
    assert refused.value.next_step
    assert not refused.value.retryable
    assert SECRET not in str(refused.value)


async def test_an_answer_that_was_recorded_earlier_is_refused() -> None:
    kept: list[Signed] = []

    def forge(signed: Signed) -> Signed:
        kept.append(signed)
        return kept[0]

    answer = BrainAnswer(streams=False, forge=forge)
    async with BrainServer(answer, secret=SECRET).running() as server:
        model = RemoteLLM(server.url, secret=SECRET).for_call(CALL)
        assert await said(model) == "Hello."
        with pytest.raises(ProviderError, match="belongs elsewhere"):
            await said(model)
        await model.close()


@pytest.mark.parametrize("ours", ["", "whsec_" + "A" * 32], ids=["none", "another"])
async def test_who_does_not_know_the_secret_is_turned_away(brain: Brain, ours: str) -> None:
    async with brain(ours=ours) as (server, model):
        with pytest.raises(ProviderError, match="HTTP 401") as refused:
            await parts(model)
        assert server.asked == []
    assert "PATTER_BRAIN_SECRET" in (refused.value.next_step or "")


async def test_redirects_are_not_followed() -> None:
    answer = BrainAnswer(status=307, headers={"location": "http://127.0.0.1:9/"})
    async with BrainServer(answer).running() as server:
        model = RemoteLLM(server.url).for_call(CALL)
        with pytest.raises(ProviderError, match="redirects elsewhere"):
            await parts(model)
        await model.close()


async def test_an_answer_of_another_kind_is_refused() -> None:
    answer = BrainAnswer(streams=False, headers={"content-type": "text/html"})
    async with BrainServer(answer).running() as server:
        model = RemoteLLM(server.url).for_call(CALL)
        with pytest.raises(ProviderError, match="text/html") as refused:
            await parts(model)
        await model.close()
    assert "application/json" in (refused.value.next_step or "")


async def test_a_huge_answer_is_not_read() -> None:
    huge: dict[str, Any] = {"text": "x" * 1_100_000}
    async with BrainServer(BrainAnswer(streams=False, messages=(huge,))).running() as server:
        model = RemoteLLM(server.url).for_call(CALL)
        with pytest.raises(ProviderError, match="more than 1000000 bytes"):
            await parts(model)
        await model.close()


# -- what goes wrong


async def test_an_error_of_the_brain_is_a_providers(brain: Brain) -> None:
    answer = BrainAnswer(messages=({"text": "Well, "}, {"error": "The database is away."}))
    async with brain(answer) as (_, model):
        with pytest.raises(ProviderError, match="The database is away") as failed:
            await parts(model)
    assert failed.value.retryable


async def test_nobody_there_is_told(brain: Brain) -> None:
    async with brain() as (server, model):
        gone = server.url, server.socket_url
        await model.close()
    for url in gone:
        model = RemoteLLM(url).for_call(CALL)
        await model.warm()
        with pytest.raises(ProviderError, match="cannot be reached") as failed:
            await parts(model)
        assert failed.value.retryable
        await model.close()


async def test_a_stream_that_ends_too_soon_is_told() -> None:
    async with BrainServer(BrainAnswer(ends=False)).running() as server:
        model = RemoteLLM(server.url).for_call(CALL)
        with pytest.raises(ProviderError, match="broke off"):
            await parts(model)
        await model.close()


async def test_it_is_not_waited_for_without_end(brain: Brain) -> None:
    clock = ManualClock()
    answer = BrainAnswer(messages=({"text": "Well, "},), stalls=asyncio.Event())
    async with brain(answer, clock=clock) as (server, model):
        answering = model.reply(ASKED, [])
        assert await anext(answering) == TextDelta("Well, ")
        waiting = asyncio.ensure_future(anext(answering))
        await asyncio.sleep(0)
        clock.advance(NEXT_S)
        with pytest.raises(ProviderError, match="did not answer in time"):
            await waiting
        await (await server.question()).left.wait()
    assert FIRST_S > NEXT_S


async def test_comments_that_keep_a_stream_open_are_no_answer() -> None:
    clock = ManualClock()
    async with RawServer() as raw, asyncio.timeout(60):
        model = RemoteLLM(f"http://127.0.0.1:{raw.port}/", clock=clock).for_call(CALL)
        waiting = asyncio.ensure_future(parts(model))
        await raw.asked()
        await raw.say(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n:\n\n")
        clock.advance(FIRST_S - 1.0)
        await raw.say(b":\n\n")
        for _ in range(50):
            await asyncio.sleep(0)
        clock.advance(1.0)
        with pytest.raises(ProviderError, match="did not answer in time"):
            await waiting
        await model.close()


async def test_closing_ends_an_opening_that_is_under_way() -> None:
    async with RawServer() as raw, asyncio.timeout(60):
        model = RemoteLLM(f"ws://127.0.0.1:{raw.port}/").for_call(CALL)
        warming = asyncio.create_task(model.warm())
        await raw.asked()
        await model.close()
        await warming
        with pytest.raises(ProviderError, match="was closed"):
            await parts(model)


async def test_a_token_in_the_address_is_not_repeated() -> None:
    async with RawServer(answer=b"HTTP/1.1 404 No\r\nContent-Length: 26\r\n\r\nno /a?token=t0ken-1234567 x") as raw:
        for kind in ("http", "ws"):
            model = RemoteLLM(f"{kind}://127.0.0.1:{raw.port}/a?token=t0ken-1234567").for_call(CALL)
            with pytest.raises(ProviderError) as failed:
                await parts(model)
            assert "no /a?token=***" in failed.value.message
            await model.close()


async def test_it_is_told_when_nobody_waits_for_its_answer_any_more(brain: Brain) -> None:
    answer = BrainAnswer(messages=({"text": "Well, "},), stalls=asyncio.Event())
    async with asyncio.timeout(60), brain(answer, BrainAnswer()) as (server, model):
        answering = model.reply(ASKED, [])
        assert await anext(answering) == TextDelta("Well, ")
        await answering.aclose()
        await (await server.question()).left.wait()
        assert await said(model) == "Hello."


# -- one socket a call


async def test_a_call_has_one_socket() -> None:
    async with BrainServer(secret=SECRET).running() as server:
        model = RemoteLLM(server.socket_url, secret=SECRET).for_call(CALL)
        await model.warm()
        assert server.connections == 1
        assert [await said(model), await said(model)] == ["Hello.", "Hello."]
        assert {asked.connection for asked in server.asked} == {1}
        await model.close()


async def test_a_lost_socket_fails_its_answer_and_is_opened_anew_for_the_next() -> None:
    stalling = BrainAnswer(messages=({"text": "Well, "},), stalls=asyncio.Event())
    async with asyncio.timeout(60), BrainServer(stalling, BrainAnswer(), secret=SECRET).running() as server:
        model = RemoteLLM(server.socket_url, secret=SECRET).for_call(CALL)
        answering = model.reply(ASKED, [])
        await anext(answering)
        await server.cut()
        with pytest.raises(ProviderError, match="restarting") as lost:
            await anext(answering)
        assert lost.value.retryable
        assert await said(model) == "Hello."
        assert server.connections == 2
        await model.close()


# -- addresses and secrets


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://brain.example.com/answer?token=abc", "brain at brain.example.com"),
        (" wss://brain.example.com:8443/ ", "brain at brain.example.com:8443"),
        ("http://127.0.0.1:8000", "brain at 127.0.0.1:8000"),
        ("ws://localhost/", "brain at localhost"),
        ("http://[::1]:80/", "brain at ::1:80"),
    ],
)
def test_it_is_called_by_its_host_and_shows_no_more_of_its_address(url: str, name: str) -> None:
    model = RemoteLLM(url)
    assert model.name == name
    assert "abc" not in repr(model) + repr(vars(model))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://brain.example.com/", "in the clear"),
        ("ws://10.0.0.5/", "in the clear"),
        ("ftp://brain.example.com/", "https://"),
        ("https://", "a host"),
        ("https://me:pw@brain.example.com/", "password"),
        ("https://brain.example.com:x/", "no URL"),
    ],
)
def test_addresses_that_cannot_be_used_are_refused(url: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why) as refused:
        RemoteLLM(url)
    assert refused.value.next_step
    assert "pw" not in str(refused.value)


def test_the_secret_may_be_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATTER_BRAIN_SECRET", "none")
    with pytest.raises(ConfigurationError, match="signing secret"):
        RemoteLLM("https://brain.example.com/")
    RemoteLLM("https://brain.example.com/", secret=SECRET)


@pytest.mark.parametrize("text", ["https://a", "WSS://a", " http://a"])
def test_what_is_meant_for_an_address_is_known(text: str) -> None:
    assert is_address(text)
    assert not is_address("gpt-4o-mini")
