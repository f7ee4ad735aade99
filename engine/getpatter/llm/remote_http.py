"""A brain that is asked by HTTP: one POST an answer, which comes whole or as an event stream."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from getpatter.connections.http import Answer, HttpRequest, HttpService
from getpatter.connections.sse import EventStreamParser
from getpatter.llm.base import CallContext, Message, ReplyPart, ToolSpec
from getpatter.llm.remote_wire import MAX_ANSWER, AnswerReader, BadAnswer, Remote, encoded, new_id, question

EVENT_STREAM, JSON = "text/event-stream", "application/json"


class HttpBrain:
    """One call's, over connections of its own."""

    scripted = False

    def __init__(self, remote: Remote, call: CallContext) -> None:
        self._remote = remote
        self._call = call
        self._service = HttpService(remote.faults, remote.clock)

    @property
    def name(self) -> str:
        return self._remote.name

    async def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncGenerator[ReplyPart]:
        """See `LanguageModel.reply`.  Closing the iterator closes the connection."""
        remote = self._remote
        question_id, body = new_id(), encoded(question(self._call, messages, tools))
        reader = AnswerReader(question_id, remote.secret)
        with remote.translated():
            request = HttpRequest(url=remote.url, headers=self._headers(question_id, body), content=body)
            async with self._service.stream(request, remote.waits) as answer:
                async with aclosing(self._parts(answer, reader)) as parts:
                    async for part in parts:
                        yield part
                if not reader.done:
                    raise BadAnswer("broke off before its answer was done", retryable=True)
                await answer.drain()

    async def warm(self) -> None:
        """See `LanguageModel.warm`."""
        await self._service.warm(self._remote.url)

    async def close(self) -> None:
        await self._service.close()

    async def _parts(self, answer: Answer, reader: AnswerReader) -> AsyncGenerator[ReplyPart]:
        wall = self._remote.clock.wall
        if answer.media_type == JSON:
            for part in reader.whole(answer.headers, await _body(answer), wall()):
                yield part
        elif answer.media_type == EVENT_STREAM:
            parser = EventStreamParser()
            while not reader.done and (piece := await answer.piece()) is not None:
                events = _events(parser, piece)
                for event in events:
                    for part in reader.frame(event, wall()):
                        yield part
                if events:  # comments keep the stream open, but are no answer
                    answer.alive()
        else:
            raise BadAnswer(
                f"answered with {answer.media_type[:60] or 'no media type'}",
                next_step=f"Answer with {JSON} or {EVENT_STREAM}.",
            )

    def _headers(self, question_id: str, body: bytes) -> dict[str, str]:
        remote = self._remote
        headers = {
            "Content-Type": JSON,
            "Accept": f"{EVENT_STREAM}, {JSON}",
            # A compressed answer could be far larger than it looks.
            "Accept-Encoding": "identity",
        }
        signed = remote.secret.headers(question_id, remote.clock.wall(), body) if remote.secret else {}
        return headers | signed


async def _body(answer: Answer) -> bytes:
    try:
        return await answer.body(MAX_ANSWER)
    except ValueError as error:
        raise BadAnswer(f"sent {error}") from None


def _events(parser: EventStreamParser, piece: bytes) -> list[bytes]:
    try:
        return [event.data.encode() for event in parser.feed(piece)]
    except ValueError as error:
        raise BadAnswer(f"sent {error}") from None
