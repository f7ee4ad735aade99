"""A brain that is asked over a WebSocket: one socket a call, one message a question, answers in pieces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from getpatter.clock import Patience
from getpatter.connections.websocket import Address, WebSocket, closed
from getpatter.errors import ProviderError
from getpatter.llm.base import CallContext, Message, ReplyPart, ToolSpec
from getpatter.llm.remote_wire import (
    NAME_IT,
    AnswerReader,
    BadAnswer,
    Remote,
    encoded,
    new_id,
    question,
    question_of,
    sealed,
)


class _Asked:
    """One question that is being answered."""

    def __init__(self, reader: AnswerReader) -> None:
        self.reader = reader
        self.came: asyncio.Queue[list[ReplyPart] | ProviderError] = asyncio.Queue()


class SocketBrain:
    """One call's, over a socket of its own; one that was lost is opened anew for the next answer.  A `Sink`."""

    scripted = False

    def __init__(self, remote: Remote, call: CallContext) -> None:
        self._remote = remote
        self._call = call
        self._socket: WebSocket | None = None
        self._opening = asyncio.Lock()
        self._asked: dict[str, _Asked] = {}
        self._closed = False
        self._past: set[str] = set()
        """Questions whose answer nobody waits for any more; what still comes for them is passed over."""

    @property
    def name(self) -> str:
        return self._remote.name

    async def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncGenerator[ReplyPart]:
        """See `LanguageModel.reply`.  Closing the iterator tells the brain to stop."""
        remote = self._remote
        patience = Patience(remote.clock)
        patience.until(remote.clock.now() + remote.waits.first_s)
        question_id = new_id()
        asked = self._asked[question_id] = _Asked(AnswerReader(question_id, remote.secret))
        try:
            socket = await self._open()
            self._send(socket, question_id, {"id": question_id, **question(self._call, messages, tools)})
            while not asked.reader.done or not asked.came.empty():
                came = await patience.wait(asked.came.get())
                if isinstance(came, ProviderError):
                    raise came
                for part in came:
                    yield part
                patience.until(remote.clock.now() + remote.waits.next_s)
        except TimeoutError:
            raise remote.faults.late() from None
        finally:
            patience.close()
            del self._asked[question_id]
            self._past.add(question_id)
            if not asked.reader.done and self._socket is not None:
                self._send(self._socket, f"{question_id}.cancel", {"cancel": question_id})

    async def warm(self) -> None:
        """See `LanguageModel.warm`."""
        with suppress(ProviderError):  # the first answer will tell
            await self._open()

    async def close(self) -> None:
        """An opening that is under way fails."""
        self._closed = True
        if self._socket is not None:
            await self._socket.close()

    # -- Sink

    def on_message(self, message: str | bytes) -> None:
        remote = self._remote
        frame = message.encode() if isinstance(message, str) else message
        try:
            with remote.translated():
                question_id = question_of(frame, signed=remote.secret is not None)
                if question_id in self._past:
                    return
                asked = self._asked.get(question_id)
                if asked is None:
                    raise BadAnswer("answered a question that was not asked", next_step=NAME_IT)
        except ProviderError as error:
            self._fail(error)
            return
        try:
            with remote.translated():
                asked.came.put_nowait(asked.reader.frame(frame, remote.clock.wall()))
        except ProviderError as error:
            asked.came.put_nowait(error)

    def on_closed(self, code: int, reason: str) -> None:
        self._fail(closed(self._remote.faults, code, reason))

    def _fail(self, error: ProviderError) -> None:
        for asked in self._asked.values():
            asked.came.put_nowait(error)

    # -- the socket

    async def _open(self) -> WebSocket:
        async with self._opening:
            if self._closed:
                raise self._remote.faults.closed()
            if self._socket is None or not self._socket.is_open:
                remote = self._remote
                secret = remote.secret
                headers = secret.headers(new_id(), remote.clock.wall(), b"") if secret else {}
                self._socket = WebSocket(Address(remote.url, headers), self, remote.faults, remote.clock)
                await self._socket.open()
            return self._socket

    def _send(self, socket: WebSocket, message_id: str, message: Mapping[str, Any]) -> None:
        payload, secret = encoded(message), self._remote.secret
        if secret is not None:
            payload = sealed(secret, message_id, self._remote.clock.wall(), payload)
        socket.send(payload.decode())
