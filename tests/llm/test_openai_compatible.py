from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from getpatter.clock import Clock
from getpatter.errors import ConfigurationError, PartialReply, ProviderError
from getpatter.llm.base import Message, ReplyPart, TextDelta, ToolCall, ToolSpec
from getpatter.llm.openai_compatible import OpenAICompatibleLLM
from getpatter.metering import UNKNOWN, Product, Used
from getpatter.testing.clock import ManualClock
from getpatter.testing.http import served
from getpatter.testing.vendors.openai_chat import Answer, OpenAIServer

KEY = "sk-very-secret"
HELLO = [Message("user", "Hello?")]
TOOLS = [ToolSpec("end_call", "Hang up.", {"type": "object"})]


@asynccontextmanager
async def model(url: str, *, key: str = KEY, clock: Clock | None = None) -> AsyncIterator[OpenAICompatibleLLM]:
    llm = OpenAICompatibleLLM(url, "m", key, timeout_s=30, idle_timeout_s=15, clock=clock)
    try:
        yield llm
    finally:
        await llm.close()


async def collect(llm: OpenAICompatibleLLM) -> list[ReplyPart]:
    return [part async for part in llm.reply(HELLO, TOOLS)]


async def failure(llm: OpenAICompatibleLLM) -> ProviderError:
    async with asyncio.timeout(30):
        with pytest.raises(ProviderError) as raised:
            await collect(llm)
    return raised.value


def text_of(parts: list[ReplyPart]) -> str:
    return "".join(part.text for part in parts if isinstance(part, TextDelta))


async def test_an_answer_is_streamed_with_its_tool_calls_and_usage() -> None:
    call = ToolCall("call_1", "end_call", '{"reason": "done"}')
    answer = Answer(
        text="Thank you, goodbye. ¡Adiós!",
        tool_calls=(call,),
        usage=Used(UNKNOWN, input_tokens=30, output_tokens=9, cached_tokens=20),
    )
    async with OpenAIServer(answer).running() as server, model(server.url) as llm:
        *texts, tool_call, usage = await collect(llm)
    assert text_of(texts) == answer.text
    assert len(texts) > 1
    assert tool_call == call
    assert answer.usage is not None
    host = server.url.removeprefix("http://").removesuffix("/v1")
    assert usage == replace(answer.usage, product=Product(host, "m"))


async def test_the_request_holds_model_messages_tools_and_key() -> None:
    async with OpenAIServer(key=KEY, model="m").running() as server, model(server.url) as llm:
        await collect(llm)
    body = server.requests[0].body
    assert body["model"] == "m"
    assert body["messages"] == [{"role": "user", "content": "Hello?"}]
    assert body["tools"][0]["function"]["name"] == "end_call"


async def test_without_a_key_none_is_sent() -> None:
    async with OpenAIServer().running() as server, model(server.url, key="") as llm:
        await collect(llm)
    assert "authorization" not in server.requests[0].headers


async def test_replies_share_a_connection() -> None:
    async with OpenAIServer().running() as server, model(server.url) as llm:
        for _ in range(3):
            await collect(llm)
    assert len({request.connection for request in server.requests}) == 1


@pytest.mark.parametrize("key", [KEY, "another"])
async def test_a_warmed_connection_serves_the_first_reply_whatever_the_server_said(key: str) -> None:
    async with OpenAIServer(key=KEY).running() as server, model(server.url, key=key) as llm:
        await llm.warm()
        with suppress(ProviderError):
            await collect(llm)
    assert server.warmed == [request.connection for request in server.requests]


async def test_warming_does_not_mind_a_server_that_is_away() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    async with model(f"http://127.0.0.1:{port}/v1") as llm:
        await llm.warm()


async def test_warming_does_not_wait_for_ever() -> None:
    clock = ManualClock()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with model(f"http://127.0.0.1:{silent.getsockname()[1]}/v1", clock=clock) as llm, asyncio.timeout(30):
            warming = asyncio.create_task(llm.warm())
            while clock.next_timer is None:  # noqa: ASYNC110 -- the clock has no event
                await asyncio.sleep(0)
            clock.advance(5.0)
            await warming


async def test_calls_are_served_at_once() -> None:
    async with OpenAIServer(Answer(text="Good evening.")).running() as server, model(server.url) as llm:
        replies = await asyncio.gather(*(collect(llm) for _ in range(8)))
    assert {text_of(parts) for parts in replies} == {"Good evening."}


async def test_closing_the_iterator_closes_the_connection() -> None:
    async with OpenAIServer(Answer(text="Good evening.", stall_after=2)).running() as server, model(server.url) as llm:
        async with asyncio.timeout(30), aclosing(llm.reply(HELLO, [])) as parts:
            assert await anext(parts) == TextDelta("Good ev")
        async with asyncio.timeout(30):
            await (await server.request()).left.wait()


async def test_cancelling_the_reader_closes_the_connection() -> None:
    async with OpenAIServer(Answer(text="Good evening.", stall_after=2)).running() as server, model(server.url) as llm:
        began = asyncio.Event()

        async def read() -> None:
            async for _ in llm.reply(HELLO, []):
                began.set()

        reading = asyncio.create_task(read())
        async with asyncio.timeout(30):
            await began.wait()
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            await (await server.request()).left.wait()


@pytest.mark.parametrize("stall_after", [0, 1])
async def test_a_first_token_that_does_not_come_is_not_waited_for_for_ever(stall_after: int) -> None:
    clock = ManualClock()
    answer = Answer(text="Hello.", stall_after=stall_after)
    async with OpenAIServer(answer).running() as server, model(server.url, clock=clock) as llm:
        reading = asyncio.create_task(failure(llm))
        async with asyncio.timeout(30):
            request = await server.request()
            clock.advance(29.9)
            assert not reading.done()
            clock.advance(0.1)
            error = await reading
            await request.left.wait()
    assert error.retryable
    assert "in time" in error.message


async def test_an_answer_that_stalls_is_given_up() -> None:
    clock = ManualClock()
    answer = Answer(text="Good evening.", stall_after=2)
    async with OpenAIServer(answer).running() as server, model(server.url, clock=clock) as llm, asyncio.timeout(30):
        parts = llm.reply(HELLO, [])
        assert await anext(parts) == TextDelta("Good ev")
        clock.advance(60)  # the reader's own time does not count
        reading = asyncio.create_task(anext(parts))
        await asyncio.sleep(0)
        clock.advance(15)
        with pytest.raises(ProviderError, match="in time"):
            await reading


async def test_a_dropped_connection_is_an_error_after_what_came() -> None:
    async with OpenAIServer(Answer(text="Good evening.", drop_after=2)).running() as server, model(server.url) as llm:
        parts = llm.reply(HELLO, [])
        assert await anext(parts) == TextDelta("Good ev")
        with pytest.raises(ProviderError, match="broke off") as raised:
            await anext(parts)
    assert raised.value.retryable


async def test_an_error_in_the_stream_is_passed_on_without_the_key() -> None:
    answer = Answer(text="Good evening.", error_after=2, error={"message": f"overloaded {KEY}"})
    async with OpenAIServer(answer).running() as server, model(server.url) as llm:
        error = await failure(llm)
    assert "overloaded" in error.message
    assert KEY not in error.message


async def test_a_wrong_key_names_its_setting() -> None:
    async with OpenAIServer(key="another").running() as server, model(server.url) as llm:
        error = await failure(llm)
    assert "HTTP 401" in error.message
    assert KEY not in error.message
    assert "`api_key`" in (error.next_step or "")
    assert not error.retryable


async def test_an_unknown_model_names_its_setting() -> None:
    async with OpenAIServer(model="another").running() as server, model(server.url) as llm:
        error = await failure(llm)
    assert "'m'" in error.message
    assert "`model`" in (error.next_step or "")


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_server_in_trouble_may_be_asked_again(status: int) -> None:
    answers = Answer(status=status, error={"message": "busy"}), Answer(text="Hello.")
    async with OpenAIServer(*answers).running() as server, model(server.url) as llm:
        error = await failure(llm)
        assert error.retryable
        assert "busy" in error.message
        assert text_of(await collect(llm)) == "Hello."


async def test_a_server_that_does_not_run_names_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    async with model(f"http://127.0.0.1:{port}/v1") as llm:
        error = await failure(llm)
    assert error.retryable
    assert "cannot be reached" in error.message
    assert "`base_url`" in (error.next_step or "")


async def test_a_redirect_is_refused_so_that_the_key_stays_here() -> None:
    async with OpenAIServer().running() as other:

        async def elsewhere(request: Request) -> Response:
            return RedirectResponse(f"{other.url}/chat/completions", 307)

        app = Starlette(routes=[Route("/v1/chat/completions", elsewhere, methods=["POST"])])
        async with served(app) as address, model(f"{address}/v1") as llm:
            error = await failure(llm)
    assert other.requests == []
    assert "`base_url`" in (error.next_step or "")


async def test_a_page_is_no_answer() -> None:
    async def page(request: Request) -> Response:
        return HTMLResponse("<html>Welcome</html>")

    async with (
        served(Starlette(routes=[Route("/v1/chat/completions", page, methods=["POST"])])) as address,
        model(f"{address}/v1") as llm,
    ):
        error = await failure(llm)
    assert not error.retryable
    assert "`base_url`" in (error.next_step or "")


@pytest.mark.parametrize(
    "base", ["http://localhost:1/v1", "http://localhost:1/v1/", "http://localhost:1/v1/chat/completions"]
)
async def test_a_name_shows_model_and_server_and_nothing_else(base: str) -> None:
    llm = OpenAICompatibleLLM(base, "m", SecretStr(KEY))
    assert llm.name == "m at localhost:1"
    assert not llm.scripted
    assert KEY not in repr(llm)


@pytest.mark.parametrize(
    ("url", "key", "setting"),
    [
        ("localhost:11434/v1", "", "`base_url`"),
        ("http://", "", "`base_url`"),
        ("http://localhost:port/v1", "", "`base_url`"),
        ("http://me:secret@localhost/v1", "", "`api_key`"),
        ("http://localhost/v1?key=secret", "", "`api_key`"),
        ("http://localhost/v1", "“quoted”", "The key"),
    ],
)
def test_settings_that_cannot_work_are_refused_at_once(url: str, key: str, setting: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        OpenAICompatibleLLM(url, "m", key)
    assert setting in f"{raised.value.message} {raised.value.next_step}"
    assert "secret" not in raised.value.message


async def test_white_space_around_a_key_is_not_sent() -> None:
    async with OpenAIServer(key=KEY).running() as server, model(server.url, key=f" {KEY}\n") as llm:
        assert text_of(await collect(llm)) == "Hello."


async def test_what_only_opens_a_stream_does_not_shorten_the_wait_for_the_first_word() -> None:
    clock, opened, goes_on = ManualClock(), asyncio.Event(), asyncio.Event()

    async def stream() -> AsyncIterator[str]:
        yield ': keep-alive\n\ndata: {"choices": [{"delta": {"role": "assistant", "content": ""}}]}\n\n'
        opened.set()
        await goes_on.wait()
        yield 'data: {"choices": [{"delta": {"content": "Hello."}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'

    async def complete(request: Request) -> Response:
        return StreamingResponse(stream(), media_type="text/event-stream")

    app = Starlette(routes=[Route("/v1/chat/completions", complete, methods=["POST"])])
    async with served(app) as address, model(f"{address}/v1", clock=clock) as llm, asyncio.timeout(30):
        reading = asyncio.create_task(collect(llm))
        await opened.wait()
        for _ in range(100):  # so that the piece has been read
            await asyncio.sleep(0)
        clock.advance(29)
        goes_on.set()
        assert text_of(await reading) == "Hello."


@asynccontextmanager
async def telling(stream: AsyncIterator[str], *, clock: Clock | None = None) -> AsyncIterator[OpenAICompatibleLLM]:
    async def complete(request: Request) -> Response:
        return StreamingResponse(stream, media_type="text/event-stream")

    app = Starlette(routes=[Route("/v1/chat/completions", complete, methods=["POST"])])
    async with served(app) as address, model(f"{address}/v1", clock=clock) as llm, asyncio.timeout(30):
        yield llm


def words(text: str, finish: str | None = None) -> str:
    chunk = {"choices": [{"delta": {"content": text}, "finish_reason": finish}]}
    return f"data: {json.dumps(chunk)}\n\n"


async def test_events_without_words_do_not_keep_a_reply_alive() -> None:
    clock = ManualClock()

    async def stream() -> AsyncIterator[str]:
        yield words("Good evening.")
        for _ in range(1000):
            for _ in range(10):  # so that it has been read
                await asyncio.sleep(0)
            clock.advance(1.0)
            yield words("")

    async with telling(stream(), clock=clock) as llm:
        with pytest.raises(PartialReply, match="in time") as failed:
            await collect(llm)
    assert failed.value.said == "Good evening."


async def test_a_reply_that_is_complete_is_not_lost_with_its_connection() -> None:
    async def stream() -> AsyncIterator[str]:
        yield words("Hello.", "stop")
        raise ConnectionResetError

    async with telling(stream()) as llm:
        assert text_of(await collect(llm)) == "Hello."


async def test_a_complete_reply_waits_two_seconds_for_its_usage_and_no_longer() -> None:
    clock, complete = ManualClock(), asyncio.Event()

    async def stream() -> AsyncIterator[str]:
        yield words("Hello.", "stop")
        complete.set()
        await asyncio.Event().wait()

    async with telling(stream(), clock=clock) as llm:
        reading = asyncio.create_task(collect(llm))
        await complete.wait()
        while clock.next_timer is None or clock.next_timer > 2.0:  # noqa: ASYNC110 -- the clock has no event
            await asyncio.sleep(0)
        clock.advance(2.0)
        *_, used = await reading
    assert isinstance(used, Used)
    assert used.estimated


async def test_a_reply_without_end_is_broken_off() -> None:
    async def stream() -> AsyncIterator[str]:
        for _ in range(30):
            yield words("on and on " * 1000)

    async with telling(stream()) as llm:
        with pytest.raises(PartialReply, match="200000 characters"):
            await collect(llm)
