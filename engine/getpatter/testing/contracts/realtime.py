"""What every speech-to-speech engine that is reached by a WebSocket has to do."""

from __future__ import annotations

import asyncio
import json
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from typing import Any, ClassVar, Protocol

import pytest

from getpatter.clock import Clock, SystemClock
from getpatter.engines.base import (
    AudioDelta,
    EngineConfig,
    EngineEvent,
    EngineSession,
    InputTranscript,
    RealtimeEngine,
    ResponseDone,
    TurnTaken,
)
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.llm.base import Message, TextDelta, ToolCall, ToolSpec
from getpatter.metering import used_by
from getpatter.testing.clock import SkippingClock
from getpatter.testing.contracts.leaks import nothing_left
from getpatter.testing.contracts.stt import KEY, PATIENCE_S
from getpatter.testing.realtime_session import Spoken
from getpatter.testing.vendors.seen import Seen

LATE_S = 30.0
"""An engine that is not ready by then never will be."""
LOOK_UP = ToolSpec(
    "look_up", "Finds somebody.", {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
)
CONFIG = EngineConfig("You book tables.", (LOOK_UP,))
EVERY_SCRIPT = "Grüß Gott, señor – 東京 👋 “quoted” <break/> & \\ \n end."


class EngineServer(Protocol):
    """What stands in for the vendor: says its answers in order, and understands what it was told to."""

    refuses: HTTPStatus | None
    begins: asyncio.Event | None

    @property
    def url(self) -> str: ...

    def running(self) -> AbstractAsyncContextManager[Any]: ...

    def seen(self, number: int = 0) -> Seen:
        """What came over the connection of this number."""

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is so; it is looked at whenever anything came."""

    async def quiet(self) -> None:
        """Wait until all connections are closed."""

    def cut(self) -> None:
        """Drop all connections."""


class RealtimeContract(ABC):
    """Inherit it in a class whose name begins with `Test`, and say what is tested."""

    key_variable: ClassVar[str]
    """Where the vendor's key is looked for."""
    counts_tokens: ClassVar[bool] = True
    """The vendor is paid for tokens."""
    tells_usage: ClassVar[bool] = True
    """Each response comes with its tokens."""

    @abstractmethod
    def server(self, *answers: Spoken, heard: tuple[str, ...] = (), key: str = "", pace: float = 0.0) -> EngineServer:
        """What stands in for the vendor; sound comes `pace` times as fast as it is heard, at once where that is 0."""

    @abstractmethod
    def engine(self, url: str, *, api_key: str, clock: Clock) -> RealtimeEngine:
        """The adapter, led to the server; with an empty `api_key` it looks for its variable."""

    # -- the session

    async def test_a_session_has_its_instructions_and_tools_once_it_is_open(self) -> None:
        async with self._call() as (_, _, server):
            seen = server.seen()
        assert seen.instructions == "You book tables."
        assert seen.tools == ("look_up",)

    async def test_instructions_may_be_huge_and_in_every_script(self) -> None:
        instructions = EVERY_SCRIPT * 5_000
        async with self._call(config=EngineConfig(instructions)) as (_, _, server):
            assert server.seen().instructions == instructions

    async def test_a_session_in_the_place_of_another_knows_what_was_said(self) -> None:
        said = (
            Message("user", "Is Ada there?"),
            Message("assistant", "I shall look.", (ToolCall("call_0", "look_up", '{"name": "Ada"}'),)),
            Message("tool", "found", tool_call_id="call_0"),
            Message("assistant", "She is."),
        )
        async with self._call(config=EngineConfig("You book tables.", history=said)) as (engine, session, server):
            await ask(engine, session)
            await spoken(session)
            words = server.seen().words
        assert [word for word in words if word in {"Is Ada there?", "I shall look.", "She is."}] == [
            "Is Ada there?",
            "I shall look.",
            "She is.",
        ]

    async def test_another_agent_may_take_over(self) -> None:
        async with self._call() as (engine, session, server):
            session.configure("You cook.", ())
            await ask(engine, session)
            await spoken(session)
            seen = server.seen()
        assert (seen.instructions, seen.tools) == ("You cook.", ())

    # -- turns

    async def test_a_turn_is_understood_and_answered(self) -> None:
        async with self._call(Spoken("At what time?"), heard=("a table",)) as (engine, session, _):
            await ask(engine, session)
            events = await spoken(session, and_heard=True)
        assert text_of(events) == "At what time?"
        assert heard_in(events) == ["a table"]
        seconds = len(audio_of(events)) / engine.output_format.bytes_per_second
        assert seconds == pytest.approx(3 * 0.4, abs=0.05)
        assert len({event.item_id for event in events if isinstance(event, AudioDelta)}) == 1
        assert done_in(events).status == "completed"

    async def test_words_of_every_script_are_told_as_they_are(self) -> None:
        words = EVERY_SCRIPT.replace("\n ", "")
        async with self._call(Spoken(words), heard=(words,)) as (engine, session, _):
            await ask(engine, session)
            events = await spoken(session, and_heard=True)
        assert text_of(events) == words
        assert heard_in(events) == [words]

    async def test_turns_follow_each_other(self) -> None:
        answers = (Spoken("At what time?"), Spoken("For how many?"), Spoken("Goodbye."))
        async with self._call(*answers, heard=("a table", "at eight", "two")) as (engine, session, _):
            for answer, words in zip(answers, ("a table", "at eight", "two"), strict=True):
                await ask(engine, session)
                events = await spoken(session, and_heard=True)
                assert (heard_in(events), text_of(events)) == ([words], answer.text)

    async def test_words_of_ours_are_said(self) -> None:
        async with self._call() as (_, session, _):
            session.say("Good morning.")
            assert text_of(await spoken(session)) == "Good morning."

    async def test_what_was_told_otherwise_than_by_voice_is_answered(self) -> None:
        async with self._call(Spoken("Thank you.")) as (_, session, server):
            session.tell("[pressed 1]")
            session.respond()
            assert text_of(await spoken(session)) == "Thank you."
            assert any("[pressed 1]" in words for words in server.seen().words)

    # -- tools

    async def test_a_tool_is_called_and_its_result_talked_about(self) -> None:
        call = ToolCall("call_1", "look_up", '{"name": "Ada"}')
        answers = (Spoken("Let me see.", tool_calls=(call,)), Spoken("She is here."))
        async with self._call(*answers) as (engine, session, server):
            await ask(engine, session)
            [called] = tools_in(await spoken(session))
            assert (called.id, called.name, json.loads(called.arguments)) == ("call_1", "look_up", {"name": "Ada"})
            session.tool_result("call_1", EVERY_SCRIPT)
            session.respond()
            assert text_of(await spoken(session)) == "She is here."
            assert server.seen().results == (("call_1", EVERY_SCRIPT),)

    async def test_tools_may_be_called_side_by_side(self) -> None:
        calls = tuple(ToolCall(f"call_{who}", "look_up", f'{{"name": "{who}"}}') for who in ("Ada", "Bob"))
        async with self._call(Spoken(tool_calls=calls), Spoken("Both are here.")) as (engine, session, server):
            await ask(engine, session)
            assert [call.id for call in tools_in(await spoken(session))] == ["call_Ada", "call_Bob"]
            session.tool_result("call_Bob", "found")
            session.tool_result("call_Ada", "found, too")
            session.respond()
            assert text_of(await spoken(session)) == "Both are here."
            assert dict(server.seen().results) == {"call_Ada": "found, too", "call_Bob": "found"}

    # -- interruptions

    async def test_of_an_answer_that_is_cancelled_nothing_more_comes(self) -> None:
        answers = (Spoken("one two three " * 100), Spoken("Go on."))
        async with self._call(*answers, pace=20.0) as (engine, session, _):
            await ask(engine, session)
            await until(session, AudioDelta)
            session.send(speech(engine))
            session.cancel()
            session.cancel()
            events = await spoken(session)
            assert not audio_of(events)
            assert not text_of(events)
            assert done_in(events).status == "cancelled"
            session.commit()
            session.respond()
            assert text_of(await spoken(session)) == "Go on."

    async def test_there_is_nothing_to_cancel_between_answers(self) -> None:
        async with self._call(Spoken("Yes."), Spoken("No.")) as (engine, session, _):
            session.cancel()
            await ask(engine, session)
            assert text_of(await spoken(session)) == "Yes."
            session.cancel()
            await ask(engine, session)
            assert text_of(await spoken(session)) == "No."

    async def test_an_answer_of_which_little_was_heard_is_no_hindrance(self) -> None:
        async with self._call(Spoken("one two three four"), Spoken("Go on.")) as (engine, session, _):
            await ask(engine, session)
            events = await spoken(session)
            item_id = next(event.item_id for event in events if isinstance(event, AudioDelta))
            session.truncate(item_id, 500)
            await ask(engine, session)
            assert text_of(await spoken(session)) == "Go on."

    # -- money and secrets

    async def test_what_is_paid_for_is_counted(self) -> None:
        async with self._call(Spoken("Yes."), Spoken("No.")) as (engine, session, _):
            for _ in range(2):
                await ask(engine, session)
                done = done_in(await spoken(session))
                assert (done.usage is not None) is self.tells_usage
            await self._has_counted(session)
            used = used_by(session)
        assert used
        assert all(one.product.vendor for one in used)
        if self.counts_tokens:
            most = max(used, key=lambda one: one.input_tokens)
            assert (most.input_tokens, most.output_tokens) == (240, 160)
            assert (most.input_audio_tokens, most.output_audio_tokens) == (160, 120)

    async def _has_counted(self, session: EngineSession) -> None:
        """Some vendors tell tokens later than that the response is complete, with which no event comes."""
        while self.counts_tokens and sum(used.input_tokens for used in used_by(session)) < 240:  # noqa: ASYNC110
            await asyncio.sleep(0)

    async def test_a_missing_key_is_told_when_the_engine_is_made(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(self.key_variable, raising=False)
        with pytest.raises(ConfigurationError) as missing:
            self.engine("ws://127.0.0.1:1", api_key="", clock=SystemClock())
        assert self.key_variable in str(missing.value.next_step)

    async def test_the_key_is_taken_from_its_variable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(self.key_variable, KEY)
        async with self._call(api_key="") as (engine, session, _):
            await ask(engine, session)
            assert text_of(await spoken(session))

    async def test_the_key_is_shown_nowhere(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        caplog.set_level(logging.INFO, "websockets.server")  # the other side's
        async with self._call() as (engine, session, _):
            await ask(engine, session)
            await spoken(session)
            assert KEY not in engine.name + repr(engine) + repr(session)
        assert KEY not in caplog.text

    # -- failures

    @pytest.mark.parametrize("status", [HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY])
    async def test_a_refusal_says_what_to_do(self, status: HTTPStatus) -> None:
        server = self.server(key=KEY)
        server.refuses = status
        async with server.running(), asyncio.timeout(PATIENCE_S), nothing_left():
            error = await self._failure(self.engine(server.url, api_key=KEY, clock=SystemClock()))
        assert error.retryable is (status is not HTTPStatus.UNAUTHORIZED)
        assert KEY not in error.message
        assert error.next_step is not None
        if status is HTTPStatus.UNAUTHORIZED:
            assert self.key_variable in error.next_step

    async def test_a_wrong_key_is_refused(self) -> None:
        server = self.server(key=KEY)
        async with server.running(), asyncio.timeout(PATIENCE_S), nothing_left():
            error = await self._failure(self.engine(server.url, api_key="sk-wrong", clock=SystemClock()))
        assert not error.retryable
        assert "sk-wrong" not in error.message

    async def test_an_engine_that_is_not_there_is_worth_another_try(self) -> None:
        async with self.server().running() as server:
            gone = server.url
        error = await self._failure(self.engine(gone, api_key=KEY, clock=SystemClock()))
        assert error.retryable

    async def test_a_server_that_never_begins_is_not_waited_for(self) -> None:
        clock, server = SkippingClock(), self.server()
        server.begins = asyncio.Event()
        async with server.running(), asyncio.timeout(PATIENCE_S):
            opening = asyncio.create_task(self._failure(self.engine(server.url, api_key=KEY, clock=clock)))
            try:
                while not opening.done():
                    clock.skip(LATE_S)
                    await asyncio.wait([opening], timeout=0.05)  # whichever wait it has come to
                assert (await opening).retryable
            finally:
                server.begins.set()

    async def test_a_connection_that_breaks_in_an_answer_is_told(self) -> None:
        async with self._call(Spoken("one two three", drop_after=2)) as (engine, session, _):
            await ask(engine, session)
            with pytest.raises(ProviderError) as lost:
                await spoken(session)
            assert lost.value.retryable
            session.respond()  # nobody hears it, and nothing happens

    async def test_a_connection_that_breaks_between_answers_is_told(self) -> None:
        async with self._call() as (engine, session, server):
            await ask(engine, session)
            await spoken(session)
            server.cut()
            with pytest.raises(ProviderError) as lost:
                await until(session, ResponseDone)
            assert lost.value.retryable

    # -- the end

    async def test_closing_ends_the_events_and_the_connection(self) -> None:
        async with self._call() as (_, session, server):
            reading = asyncio.create_task(spoken_to_the_end(session))
            await asyncio.sleep(0)
            await session.close()
            await session.close()
            assert not any(isinstance(event, ResponseDone) for event in await reading)
            await server.quiet()

    async def test_nothing_happens_when_something_is_asked_after_the_end(self) -> None:
        async with self._call() as (engine, session, _):
            await session.close()
            await ask(engine, session)
            session.cancel()
            session.say("Hello?")

    # -- helpers

    @asynccontextmanager
    async def _call(
        self,
        *answers: Spoken,
        heard: tuple[str, ...] = (),
        pace: float = 0.0,
        api_key: str = KEY,
        config: EngineConfig = CONFIG,
    ) -> AsyncIterator[tuple[RealtimeEngine, EngineSession, Any]]:
        """One call's session; afterwards nothing of it is left, here and at the vendor."""
        server = self.server(*answers, heard=heard, key=KEY, pace=pace)
        async with server.running(), asyncio.timeout(PATIENCE_S), nothing_left():
            engine = self.engine(server.url, api_key=api_key, clock=SystemClock())
            session = await engine.open(config)
            try:
                yield engine, session, server
            finally:
                await session.close()
                await session.close()
                await engine.close()
                await server.quiet()

    async def _failure(self, engine: RealtimeEngine) -> ProviderError:
        """Of opening, or of the first answer: what is paid for by the minute begins no sooner."""
        try:
            with pytest.raises(ProviderError) as failure:
                await self._open_and_ask(engine)
        finally:
            await engine.close()
        return failure.value

    async def _open_and_ask(self, engine: RealtimeEngine) -> None:
        session = await engine.open(CONFIG)
        try:
            await ask(engine, session)
            await spoken(session)
        finally:
            await session.close()


def speech(engine: RealtimeEngine, seconds: float = 0.5) -> bytes:
    return b"\x55" * int(seconds * engine.input_format.bytes_per_second)


def silence(engine: RealtimeEngine, seconds: float = 0.5) -> bytes:
    zero = b"\xff" if engine.input_format.encoding == "mulaw" else b"\x00"
    return zero * int(seconds * engine.input_format.bytes_per_second)


async def ask(engine: RealtimeEngine, session: EngineSession) -> None:
    """The caller says something that is to be answered."""
    session.send(speech(engine))
    if engine.manages_turns:  # which needs the silence
        session.send(silence(engine))
    session.commit()
    session.respond()


async def until(session: EngineSession, kind: type[EngineEvent]) -> list[EngineEvent]:
    """The events up to the first of this kind."""
    events: list[EngineEvent] = []
    async for event in session.events():
        events.append(event)
        if isinstance(event, kind):
            break
    return events


async def spoken(session: EngineSession, *, and_heard: bool = False) -> list[EngineEvent]:
    """The events of one response; with `and_heard` also the final transcript of what it answers."""
    events: list[EngineEvent] = []
    async for event in session.events():
        events.append(event)
        done = any(isinstance(event, ResponseDone) for event in events)
        if done and (heard_in(events) or not and_heard):
            break
    return events


async def spoken_to_the_end(session: EngineSession) -> list[EngineEvent]:
    return [event async for event in session.events()]


def text_of(events: list[EngineEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def audio_of(events: list[EngineEvent]) -> bytes:
    return b"".join(event.audio for event in events if isinstance(event, AudioDelta))


def heard_in(events: list[EngineEvent]) -> list[str]:
    taken = [event.text for event in events if isinstance(event, TurnTaken) and event.text]
    return taken + [event.text for event in events if isinstance(event, InputTranscript) and event.final]


def tools_in(events: list[EngineEvent]) -> list[ToolCall]:
    return [event for event in events if isinstance(event, ToolCall)]


def done_in(events: list[EngineEvent]) -> ResponseDone:
    return next(event for event in events if isinstance(event, ResponseDone))
