from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import pytest

from getpatter.audio.format import LINE, AudioFormat
from getpatter.clock import Clock
from getpatter.engines.base import (
    AudioDelta,
    EngineConfig,
    EngineEvent,
    EngineSession,
    InputTranscript,
    ResponseDone,
)
from getpatter.engines.openai_realtime import KEEP_ALIVE_S, OpenAIRealtime, OpenAIRealtime2
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.llm.base import Message, TextDelta, ToolCall, ToolSpec
from getpatter.metering import used_by
from getpatter.stt.openai_wire import PCM16, TRANSCRIPT_S
from getpatter.testing.clock import ManualClock, SkippingClock
from getpatter.testing.contracts.realtime import RealtimeContract
from getpatter.testing.realtime_server import RealtimeServer
from getpatter.testing.realtime_session import Spoken

KEY = "sk-secret-0123456789"
LOOK_UP = ToolSpec("look_up", "Finds somebody.", {"type": "object", "properties": {}})
CONFIG = EngineConfig("You book tables.", (LOOK_UP,))
SECOND = b"\x55" * 8000


class TestOpenAIRealtime(RealtimeContract):
    key_variable = "OPENAI_API_KEY"

    def server(self, *answers: Spoken, heard: tuple[str, ...] = (), key: str = "", pace: float = 0.0) -> RealtimeServer:
        return RealtimeServer(*answers, heard=heard, key=key, pace=pace)

    def engine(self, url: str, *, api_key: str, clock: Clock) -> OpenAIRealtime:
        return OpenAIRealtime(api_key, url=url, clock=clock)


def engine_at(server: RealtimeServer, **changes: object) -> OpenAIRealtime:
    return OpenAIRealtime(KEY, **{"url": server.url, "model": "gpt-realtime"} | changes)  # type: ignore[arg-type]  # settings by name


@asynccontextmanager
async def session_with(server: RealtimeServer, config: EngineConfig = CONFIG) -> AsyncIterator[EngineSession]:
    async with server.running(), asyncio.timeout(20):
        session = await engine_at(server).open(config)
        try:
            yield session
        finally:
            await session.close()
            await session.close()


async def until(session: EngineSession, kind: type[EngineEvent]) -> list[EngineEvent]:
    events: list[EngineEvent] = []
    async for event in session.events():
        events.append(event)
        if isinstance(event, kind) and not (isinstance(event, InputTranscript) and not event.final):
            break
    return events


async def test_a_session_is_open_once_the_whole_configuration_was_taken() -> None:
    server = RealtimeServer(key=KEY, model="gpt-realtime")
    async with session_with(server):
        session = server.sessions[0].session
    assert session["instructions"] == "You book tables."
    assert [tool["name"] for tool in session["tools"]] == ["look_up"]
    assert session["audio"]["input"]["turn_detection"] is None


async def test_a_turn_is_understood_and_answered() -> None:
    server = RealtimeServer(Spoken("At what time?"), heard=("a table",))
    async with session_with(server) as session:
        session.send(SECOND)
        session.commit()
        session.respond()
        events = await until(session, ResponseDone)
    assert InputTranscript("a table", final=True) in events
    assert InputTranscript("a", final=False) in events
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "At what time?"
    sound = [event for event in events if isinstance(event, AudioDelta)]
    assert b"".join(event.audio for event in sound) == b"\x55" * int(3 * 0.4 * 8000)
    assert len({event.item_id for event in sound}) == 1
    done = events[-1]
    assert isinstance(done, ResponseDone)
    assert done.usage is not None
    assert done.usage.output_audio_tokens == 60


async def test_every_commit_is_answered_even_one_of_nothing() -> None:
    server = RealtimeServer(heard=("a table",))
    async with session_with(server) as session:
        session.send(SECOND)
        session.commit()
        session.commit()
        events = [*await until(session, InputTranscript), *await until(session, InputTranscript)]
    finals = [event.text for event in events if isinstance(event, InputTranscript) and event.final]
    assert finals == ["a table", ""]
    assert server.sessions[0].errors == []


async def test_a_tool_is_called_and_its_result_taken() -> None:
    server = RealtimeServer(Spoken(tool_calls=(ToolCall("1", "look_up", "{}"),)), Spoken("She is here."))
    async with session_with(server) as session:
        session.respond()
        assert ToolCall("1", "look_up", "{}") in await until(session, ResponseDone)
        session.tool_result("1", "found")
        session.respond()
        await until(session, ResponseDone)
        items = list(server.sessions[0].items.values())
    assert [item["output"] for item in items if item["type"] == "function_call_output"] == ["found"]


async def test_nothing_comes_of_a_response_that_was_cancelled() -> None:
    server = RealtimeServer(Spoken("one two three " * 100), pace=50)
    async with session_with(server) as session:
        session.respond()
        await until(session, AudioDelta)
        session.cancel()
        session.cancel()
        [done] = await until(session, ResponseDone)
        assert isinstance(done, ResponseDone)
        assert done.status == "cancelled"
        session.cancel()
        session.say("Good morning.")
        events = await until(session, ResponseDone)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "Good morning."
    assert server.sessions[0].errors == []


async def test_the_engine_is_told_what_was_heard() -> None:
    server = RealtimeServer(Spoken("one two three"))
    async with session_with(server) as session:
        session.respond()
        events = await until(session, ResponseDone)
        item_id = next(event.item_id for event in events if isinstance(event, AudioDelta))
        session.truncate(item_id, 500)
        await server.received("conversation.item.truncate")
    assert server.sessions[0].truncated == {item_id: 500}


async def test_a_handover_changes_prompt_and_tools() -> None:
    server = RealtimeServer()
    async with session_with(server) as session:
        session.configure("You cook.", ())
        await server.received("session.update", 2)
    assert server.sessions[0].session["instructions"] == "You cook."
    assert server.sessions[0].session["tools"] == []
    assert server.sessions[0].session["audio"]["output"]["voice"] == "marin"


async def test_a_session_in_the_place_of_another_knows_what_was_said() -> None:
    server = RealtimeServer()
    said = (Message("user", "a table"), Message("assistant", "At what time?"))
    async with session_with(server, EngineConfig("You book tables.", history=said)):
        await server.received("conversation.item.create", 2)
    words = [item["content"][0]["text"] for item in server.sessions[0].items.values()]
    assert words == ["a table", "At what time?"]


async def test_a_failed_response_ends_with_its_reason() -> None:
    server = RealtimeServer(Spoken("one", fails="server_error"))
    async with session_with(server) as session:
        session.respond()
        done = (await until(session, ResponseDone))[-1]
    assert isinstance(done, ResponseDone)
    assert done.status == "failed"
    assert done.error is not None
    assert done.error.retryable


async def test_a_response_that_is_refused_ends_too() -> None:
    server = RealtimeServer(Spoken("one two three"), pace=0.01)
    async with session_with(server) as session:
        session.respond()
        session.respond()
        done = (await until(session, ResponseDone))[-1]
    assert isinstance(done, ResponseDone)
    assert done.status == "failed"


async def test_a_session_that_has_expired_is_worth_another_one() -> None:
    server = RealtimeServer()
    async with session_with(server) as session:
        await server.complain("session_expired", "Your session hit the maximum duration of 60 minutes.")
        with pytest.raises(ProviderError, match="60 minutes") as lost:
            await until(session, ResponseDone)
    assert lost.value.retryable


async def test_too_many_requests_fail_the_response_and_leave_the_session() -> None:
    server = RealtimeServer(Spoken("one", fails="rate_limit_exceeded"), Spoken("two"))
    async with session_with(server) as session:
        session.respond()
        done = (await until(session, ResponseDone))[-1]
        assert isinstance(done, ResponseDone)
        assert done.error is not None
        assert done.error.retryable
        session.respond()
        assert ResponseDone("completed", done.usage) in await until(session, ResponseDone)


@pytest.mark.parametrize(("reason", "status"), [("content_filter", "incomplete"), ("turn_detected", "cancelled")])
async def test_a_response_that_the_server_ends_early_says_so(reason: str, status: str) -> None:
    server = RealtimeServer(Spoken("one", stops=reason))
    async with session_with(server) as session:
        session.respond()
        done = (await until(session, ResponseDone))[-1]
    assert isinstance(done, ResponseDone)
    assert (done.status, done.error) == (status, None)


async def test_events_of_later_versions_are_passed_over() -> None:
    server = RealtimeServer(Spoken("one"))
    async with session_with(server) as session:
        await server.remark()
        session.respond()
        kinds = {type(event) for event in await until(session, ResponseDone)}
    assert kinds == {TextDelta, AudioDelta, ResponseDone}


async def test_a_server_of_the_beta_is_told_from_others() -> None:
    server = RealtimeServer()
    server.is_beta = True
    async with server.running(), asyncio.timeout(20):
        with pytest.raises(ProviderError, match="speaks the beta") as refusal:
            await engine_at(server).open(CONFIG)
    assert not refusal.value.retryable


async def test_a_session_to_which_nothing_is_said_is_kept_alive() -> None:
    clock = SkippingClock()
    server = RealtimeServer()
    async with server.running(), asyncio.timeout(20):
        session = await engine_at(server, clock=clock).open(CONFIG)
        for count in (2, 3):
            clock.skip(KEEP_ALIVE_S)
            unchanged = await server.received("session.update", count)
            assert unchanged["session"] == {"type": "realtime"}
        await session.close()
    assert [tool["name"] for tool in server.sessions[0].session["tools"]] == ["look_up"]


async def test_what_transcripts_cost_is_counted_beside_the_answers() -> None:
    server = RealtimeServer(Spoken("At what time?"), heard=("a table",))
    async with session_with(server) as session:
        session.send(SECOND)
        session.commit()
        session.respond()
        await until(session, ResponseDone)
        used = {str(one.product): one for one in used_by(session)}
    assert used["openai/gpt-transcribe"].seconds == 1
    assert used["openai/gpt-realtime"].cached_tokens == 64


async def test_azure_has_a_key_and_a_header_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_OPENAI_API_KEY", raising=False)
    url = "wss://house.openai.azure.com/openai/v1/realtime"
    with pytest.raises(ConfigurationError) as missing:
        OpenAIRealtime(url=url)
    assert "AZURE_OPENAI_API_KEY" in str(missing.value.next_step)
    address = OpenAIRealtime(KEY, url=url, model="my deployment").address
    assert address.url == f"{url}?model=my%20deployment"
    assert address.headers == {"api-key": KEY}


def test_the_second_engine_is_one_that_reasons() -> None:
    engine = OpenAIRealtime2(KEY)
    assert engine.name == "gpt-realtime-2 at api.openai.com"
    assert engine.input_format == PCM16
    assert isinstance(engine.with_voice("cedar"), OpenAIRealtime2)


def test_a_temperature_is_ignored_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    OpenAIRealtime(KEY, temperature=0.7)
    assert "temperature" in caplog.text


@pytest.mark.parametrize("wrong", [{"speed": 2.0}, {"max_output_tokens": 0}, {"max_output_tokens": 5000}])
def test_settings_that_the_api_refuses_are_refused_before_a_call(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match="cannot be"):
        OpenAIRealtime(KEY, **wrong)  # type: ignore[arg-type]  # settings by name


async def test_a_lost_connection_is_told() -> None:
    server = RealtimeServer(Spoken("one two three", drop_after=3))
    async with session_with(server) as session:
        session.respond()
        with pytest.raises(ProviderError, match="broke off") as lost:
            await until(session, ResponseDone)
    assert lost.value.retryable


@pytest.mark.parametrize(
    ("status", "retryable"),
    [(HTTPStatus.UNAUTHORIZED, False), (HTTPStatus.TOO_MANY_REQUESTS, True), (HTTPStatus.BAD_GATEWAY, True)],
)
async def test_a_refusal_says_whether_to_try_again(status: HTTPStatus, retryable: bool) -> None:
    server = RealtimeServer()
    server.refuses = status
    async with server.running():
        with pytest.raises(ProviderError, match=str(status.value)) as refusal:
            await engine_at(server).open(CONFIG)
    assert refusal.value.retryable is retryable


async def test_an_engine_that_is_not_there_is_worth_another_try() -> None:
    async with RealtimeServer().running() as server:
        gone = server.url
    with pytest.raises(ProviderError, match="cannot be reached") as refusal:
        await OpenAIRealtime(KEY, url=gone).open(CONFIG)
    assert refusal.value.retryable


async def test_a_server_that_never_begins_is_not_waited_for() -> None:
    clock = ManualClock()
    server = RealtimeServer()
    server.begins = asyncio.Event()
    async with server.running(), asyncio.timeout(20):
        opening = asyncio.create_task(engine_at(server, clock=clock).open(CONFIG))
        await server.connected()
        while not opening.done():
            clock.advance(15)
            await asyncio.sleep(0)
        with pytest.raises(ProviderError, match="did not answer within"):
            await opening
        server.begins.set()


async def test_the_key_is_in_no_log_and_no_error(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.INFO, "websockets.server")  # the other side's
    async with session_with(RealtimeServer(key=KEY)) as session:
        session.respond()
        await until(session, ResponseDone)
    async with RealtimeServer(key="another").running() as server:
        engine = engine_at(server)
        with pytest.raises(ProviderError) as refusal:
            await engine.open(CONFIG)
    assert KEY not in caplog.text + str(refusal.value) + repr(engine)


@pytest.mark.parametrize("key", ["", "   ", "sk\x00", "schlüssel"])
def test_without_a_usable_key_no_engine_is_made(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ConfigurationError, match="key"):
        OpenAIRealtime(key)


def test_the_key_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert OpenAIRealtime().name == "gpt-realtime-2.1-mini at api.openai.com"


@pytest.mark.parametrize("url", ["https://api.openai.com/v1", "wss://", "wss://a:b@host/v1", "wss://host/v1?x=y"])
def test_an_address_that_cannot_work_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="address"):
        OpenAIRealtime(KEY, url=url)


def test_only_formats_that_the_api_takes_are_taken() -> None:
    with pytest.raises(ConfigurationError, match="16000"):
        OpenAIRealtime(KEY, format=AudioFormat("pcm16", 16000))
    assert OpenAIRealtime(KEY, format=PCM16).output_format == PCM16
    assert OpenAIRealtime(KEY, format=LINE).input_format == LINE


@pytest.mark.parametrize(
    ("model", "format", "effort"),
    [
        ("", PCM16, "minimal"),
        ("gpt-realtime-2.1", PCM16, "minimal"),
        ("gpt-realtime-1.5", LINE, None),
        ("my own", LINE, None),
    ],
)
async def test_what_a_model_wants_follows_from_its_name(model: str, format: AudioFormat, effort: str | None) -> None:
    server = RealtimeServer(key=KEY)
    named = OpenAIRealtime(KEY, url=server.url, model=model)
    assert named.input_format == named.output_format == format
    async with server.running():
        session = (
            await OpenAIRealtime(KEY, url=server.url, model="another").with_model(named.name.split()[0]).open(CONFIG)
        )
        asked = (await server.received("session.update"))["session"]
        await session.close()
    assert asked.get("reasoning") == (effort and {"effort": effort})


async def test_a_model_that_thinks_may_be_told_how_much() -> None:
    server = RealtimeServer(key=KEY)
    async with server.running():
        engine = OpenAIRealtime(KEY, url=server.url, reasoning_effort="high", voice="cedar").with_voice("alloy")
        session = await engine.with_model("gpt-realtime-2.1").open(CONFIG)
        asked = (await server.received("session.update"))["session"]
        await session.close()
    assert asked["reasoning"] == {"effort": "high"}
    assert asked["audio"]["output"]["voice"] == "alloy"


async def test_a_commit_whose_transcript_never_comes_hides_none_of_those_after_it() -> None:
    clock = SkippingClock()
    server = RealtimeServer(heard=("at eight", "two"))
    server.forgets = 1
    async with server.running(), asyncio.timeout(20):
        session = await engine_at(server, clock=clock).open(CONFIG)
        session.send(SECOND)
        session.commit()
        await server.received("input_audio_buffer.commit")
        clock.skip(TRANSCRIPT_S)
        finals: list[str] = []
        for count in (2, 3):
            session.send(SECOND)
            session.commit()
            while len(finals) < count:
                events = await until(session, InputTranscript)
                finals += [event.text for event in events if isinstance(event, InputTranscript) and event.final]
        await session.close()
    assert finals == ["", "at eight", "two"]
