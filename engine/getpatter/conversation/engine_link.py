"""A call's session with its speech-to-speech engine, from the first ring to the end, over a loss in between."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace

from getpatter.clock import Clock, Patience, deadline
from getpatter.conversation.caller_feed import CallerFeed
from getpatter.conversation.engine_ear import EngineEar
from getpatter.conversation.engine_responses import Response, Responses
from getpatter.conversation.engine_sessions import EngineSessions
from getpatter.conversation.leading_ear import EngineNews, LeadingEar
from getpatter.engines.base import (
    EngineConfig,
    EngineEvent,
    EngineSession,
    HungUp,
    InputTranscript,
    Interrupted,
    RealtimeEngine,
    ResponseBegun,
    ResponseDone,
    ResponseEvent,
    Resumption,
    TurnNews,
    TurnTaken,
)
from getpatter.errors import PatterError, ProviderError
from getpatter.llm.base import Message, ToolSpec
from getpatter.metering import Used

log = logging.getLogger(__name__)

CANCEL_S = 2.0
"""Longest that a cancelled response is waited for before the next one is asked for."""
STALL_S = 10.0
"""An engine that takes longer for what comes next will not be waited for: nobody stays on a silent line."""

Ask = Callable[[EngineSession], None]


class EngineLink:
    """`open`, then audio and commits in, transcripts to `ear`, and one `response` after the other.

    A session that is lost is opened once more, with the history of the call and with what the caller said that was not
    answered.  Should that one be lost before anything came of it, the engine is given up: `lost` says why.  Nobody is
    told of one that was lost while it waited for the call to be answered, or that the vendor ends in its own time.

    An engine that manages turns is told the history alone, in which the words of its turns stand.  A response that it
    begins by itself is kept until `response` claims it, and so is one that was not waited for.
    """

    def __init__(
        self,
        engine: RealtimeEngine,
        config: Callable[[], EngineConfig],
        clock: Clock,
        on_problem: Callable[[PatterError], None],
        news: EngineNews,
    ) -> None:
        """`config` gives what a session is to be now; its history may end in words that are not answered yet."""
        self._engine = engine
        self._config = config
        self._clock = clock
        self._on_problem = on_problem
        self._sessions = EngineSessions(engine, clock)
        self._session: EngineSession | None = None
        self._opened = asyncio.Event()
        """There is a session, or there will be none any more."""
        self._configured: tuple[str, Sequence[ToolSpec]] = ("", ())
        self._useful = True
        """Something has come of the session."""
        self._asked = False
        """Something was asked of the session; before, it waits for the call to be answered."""
        self._missed: list[Ask] = []
        """What came for the session that is being opened, and is not in the history that it is told."""
        self._feed = CallerFeed(engine.input_format, self._give)
        self._responses = Responses(engine.output_format.bytes_per_second)
        self._reader: asyncio.Task[None] | None = None
        self._leading: LeadingEar | None = None
        """There is one where the engine manages turns."""
        if engine.manages_turns:
            self._leading = LeadingEar(engine.name, send=self._feed.send, clock=clock, news=news)
        self.ear = self._leading or EngineEar(engine.name, send=self._feed.hear, commit=self._commit)
        self.lost: ProviderError | None = None

    @property
    def name(self) -> str:
        """The engine's, for people."""
        return self._engine.name

    @property
    def engine_leads(self) -> bool:
        """The engine decides by itself when to speak, and may choose to say nothing."""
        return self._leading is not None

    # -- life

    async def open(self, *, greets: bool) -> None:
        """`greets`: the agent speaks first.  Raises `ProviderError`."""
        config = replace(self._config(), greets=greets)
        self._take_up(await self._sessions.open(config), config)
        self._reader = asyncio.create_task(self._read(), name=f"{self._engine.name} reader")

    async def close(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        await self._sessions.let_go()
        await self.ear.close()

    @property
    def used(self) -> tuple[Used, ...]:
        """What the engine was used for so far."""
        return self._sessions.used

    def _take_up(self, session: EngineSession, config: EngineConfig) -> None:
        self._session = session
        self._asked = False
        self._configured = (config.instructions, config.tools)
        self._opened.set()

    # -- the caller

    def _give(self, audio: bytes) -> None:
        if self._session is not None:
            self._asked = True
            self._session.send(audio)

    def _commit(self) -> None:
        self._feed.commit()
        if self._session is not None:
            self._session.commit()

    def answered(self) -> None:
        """The caller has heard an answer to what they said so far."""
        self._feed.answered()

    # -- the agent

    async def response(self, ask: Ask, *, claims: bool) -> AsyncGenerator[ResponseEvent]:
        """Ask for a response; it ends with `ResponseDone`.  Closing the iterator cancels.

        With `claims` it is the one that the engine has begun by itself, where it has.  Raises `ProviderError` when the
        session is lost; another may be there for the next try.  Raises `TimeoutError` when nothing comes for `STALL_S`:
        what an engine that leads has to say is kept for whoever claims it then.
        """
        session = await self._ready(claims=claims)
        response = self._responses.begin(claims=claims)
        if not response.complete:
            self._asked = True
            ask(session)
        patience = Patience(self._clock)
        try:
            while True:
                yield (event := await self._next(response, patience))
                if isinstance(event, ResponseDone):
                    return
        except TimeoutError:
            if claims and self.engine_leads:
                self._responses.put_off(response)
            raise
        finally:
            patience.close()
            if self._responses.leave(response):
                self.cancel()

    async def _next(self, response: Response, patience: Patience) -> ResponseEvent:
        patience.until(self._clock.now() + STALL_S)
        return await patience.wait(response.next())

    async def _ready(self, *, claims: bool) -> EngineSession:
        """A session that can be asked for a response.  Raises `ProviderError`."""
        if not (claims and self._responses.comes_unasked):
            await self._free()
        try:
            async with deadline(self._clock, self._clock.now() + STALL_S):
                await self._opened.wait()
        except TimeoutError:
            raise ProviderError(f"{self.name} was not there again within {STALL_S:g} s.", retryable=True) from None
        if self.lost is not None:
            raise self.lost
        assert self._session is not None
        self._keep_configured(self._session)
        return self._session

    async def _free(self) -> None:
        """Have no response under way at the engine."""
        if self._responses.comes_unasked and self._session is not None:
            if self._responses.late:
                self._on_problem(ProviderError(f"{self.name} had not answered when it was to say something else."))
            self._responses.give_way()
            self._session.cancel()
        try:
            async with deadline(self._clock, self._clock.now() + CANCEL_S):
                await self._responses.free()
        except TimeoutError:
            log.warning("%s did not end a response that was cancelled", self._engine.name)

    def _keep_configured(self, session: EngineSession) -> None:
        """Another agent may lead the call by now, and tools may have come since the session was opened."""
        config = self._config()
        wanted = (config.instructions, config.tools)
        if wanted != self._configured:
            session.configure(*wanted)
            self._configured = wanted

    def cancel(self) -> None:
        """Break off the response under way, if there is one."""
        self._responses.follows(False)
        if self._session is not None and self._responses.wanted:
            self._session.cancel()

    def truncate(self, item_id: str, audio_end_ms: int) -> None:
        if self._session is not None:
            self._session.truncate(item_id, audio_end_ms)

    def tell(self, text: str) -> None:
        """The caller told this otherwise than by voice, and is to have an answer to it."""
        if self._responses.void_addition() and self._session is not None:
            self._session.cancel()
        self._do(lambda session: session.tell(text))

    def tool_result(self, call_id: str, output: str, *, follows: bool) -> None:
        """`follows`: a response to it will be asked for."""
        self._responses.follows(follows)
        self._do(lambda session: session.tool_result(call_id, output))

    def _do(self, command: Ask) -> None:
        if self._session is not None:
            command(self._session)
        else:
            self._missed.append(command)

    # -- events

    async def _read(self) -> None:
        session = self._session
        while session is not None:
            reason: ProviderError | None = None
            try:
                async for event in session.events():
                    self._take(event)
                    if isinstance(event, HungUp):
                        return
                    if isinstance(event, Resumption) and event.due:
                        break
                else:
                    return
            except ProviderError as error:
                reason = error
            except Exception as error:  # an engine's fault ends this call, not the process
                log.exception("%s failed", self._engine.name)
                reason = ProviderError(f"{self._engine.name} failed: {type(error).__name__}.")
            session = await self._replace(reason)

    def _take(self, event: EngineEvent) -> None:
        self._useful = True
        if isinstance(event, Resumption):
            self._sessions.can_resume(event)
        elif isinstance(event, InputTranscript):
            if self.engine_leads or self._feed.is_news(event):
                self.ear.understood(event)
        elif isinstance(event, TurnNews):
            self._decided(event)
        elif self._responses.add(event) and self._leading is not None:
            self._leading.speaks()

    def _decided(self, news: TurnNews) -> None:
        """An engine that manages turns has decided something."""
        assert self._leading is not None, "a session of an engine that manages no turns told of one"
        match news:
            case TurnTaken(text):
                self._responses.turn_taken(text)
                self._leading.turn_taken(text)
            case ResponseBegun():
                if self._responses.begun():
                    self._leading.speaks()
            case Interrupted():
                self._responses.interrupted()
                self._leading.stopped()
            case HungUp(reason):
                self._responses.hung_up()
                self._leading.hung_up(reason)

    async def _replace(self, reason: ProviderError | None) -> EngineSession | None:
        """A session in the place of one that was lost, or that will be (None); None when there is none to be had."""
        was_asked, self._session = self._asked, None
        self._opened.clear()
        self._responses.lost(reason or ProviderError(f"{self._engine.name} has moved.", retryable=True))
        self._useful |= self._sessions.was_steady
        await self._sessions.let_go()
        try:
            if reason is not None and not (reason.retryable and self._useful):
                raise reason
            session = await self._reopen()
        except ProviderError as error:
            self.lost = error
            self._opened.set()
            self.ear.deaf(error)
            return None
        if reason is not None and was_asked:
            self._on_problem(
                ProviderError(f"{reason.message} (it was connected again)", provider=reason.provider, retryable=True)
            )
        return session

    async def _reopen(self) -> EngineSession:
        self._useful = False
        config = self._config()
        self._missed.clear()
        if not self._feed.is_answered:
            # What they said last is told as the sound that it was.
            config = replace(config, history=_without_last_turn(config.history))
        session = await self._sessions.open(config)
        again = self._feed.again()
        for _ in range(again.missing):
            self.ear.understood(InputTranscript("", final=True))
        for audio in again.utterances:
            session.send(audio)
            session.commit()
        if self._responses.taken:  # the history does not hold it yet
            session.tell(self._responses.taken)
        if again.rest:
            session.send(again.rest)
        for command in self._missed:
            command(session)
        self._take_up(session, config)
        if self._responses.retry():
            self._asked = True
            session.respond()
        return session


def _without_last_turn(history: Sequence[Message]) -> Sequence[Message]:
    return history[:-1] if history and history[-1].role == "user" else history
