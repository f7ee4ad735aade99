"""A server that speaks Google's Gemini Live API and says what it was told to say."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from contextlib import suppress
from typing import Final

from websockets.exceptions import ConnectionClosed

from getpatter.clock import Clock, SystemClock, sleep
from getpatter.testing.realtime_session import Spoken
from getpatter.testing.vendors.gemini_session import GeminiSession, Json, ProtocolError
from getpatter.testing.vendors.seen import Seen
from getpatter.testing.vendors.socket_server import Session, SocketServer

PATH: Final = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
BAD_KEY: Final = "API key not valid. Please pass a valid API key."


class GeminiLiveServer(SocketServer):
    """Gives `answers` in order, the last one again and again; `heard` is what is understood of each activity.

    `talks` holds what was said over each connection.  Without `key` any is taken.  Sound comes `pace` times as fast as
    it is heard; 0 is as fast as it can be sent.
    """

    def __init__(
        self,
        *answers: Spoken,
        heard: tuple[str, ...] = (),
        key: str = "",
        pace: float = 0.0,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(key=key)
        self._answers = deque(answers or (Spoken("Hello."),))
        self._heard = deque(heard)
        self._pace = pace
        self._clock = clock or SystemClock()
        self.talks: list[GeminiSession] = []
        self.forgets = False
        """Set it, and no session is taken up again."""

    def seen(self, number: int = 0) -> Seen:
        """See `contracts.engine_stand.EngineServer`."""
        talk = self.talks[number]
        tools = [tool for group in talk.setup.get("tools", ()) for tool in group["functionDeclarations"]]
        return Seen(
            "".join(part["text"] for part in talk.setup["systemInstruction"]["parts"]),
            tuple(tool["name"] for tool in tools),
            tuple((result["id"], result["response"]["output"]) for result in talk.results),
            tuple(words for _, words in talk.turns),
        )

    async def leave(self) -> None:
        """Tell every client that its connection will end."""
        for session in self.sessions:
            await _send(session, {"goAway": {"timeLeft": "60s"}})

    async def talk(self, session: Session) -> None:
        if self.key and session.headers.get("x-goog-api-key") != self.key:
            # The API lets everybody in, and says then what is wrong.
            await session.close(1007, BAD_KEY)
            return
        talk = GeminiSession(self._answer, self._understand)
        self.talks.append(talk)
        speaking: asyncio.Task[None] | None = None
        try:
            async for message in self.messages(session):
                try:
                    answers = talk.receive(json.loads(message))
                except ProtocolError as error:
                    await session.close(1007, str(error))
                    return
                if self.forgets and talk.setup.get("sessionResumption", {}).get("handle"):
                    await session.close(1007, "Session not found.")
                    return
                await _send(session, *answers)
                if talk.to_speak is not None:
                    if speaking is not None:
                        await speaking
                    speaking = asyncio.create_task(self._speak(session, talk, talk.take_up()))
                await self.note()
        finally:
            if speaking is not None:
                speaking.cancel()
                await asyncio.gather(speaking, return_exceptions=True)

    async def _speak(self, session: Session, talk: GeminiSession, spoken: Spoken) -> None:
        for number, (seconds, messages) in enumerate(talk.speak(spoken)):
            if number == spoken.drop_after:
                session.drop()
                return
            if number == spoken.stall_after:
                return
            await _send(session, *messages)
            if self._pace and seconds:
                await sleep(self._clock, seconds / self._pace)
            else:
                await asyncio.sleep(0)  # an interruption may come in between
        if spoken.fails:
            with suppress(ConnectionClosed):
                await session.close(1011, spoken.fails)

    def _answer(self) -> Spoken:
        return self._answers.popleft() if len(self._answers) > 1 else self._answers[0]

    def _understand(self) -> str:
        return self._heard.popleft() if self._heard else ""


async def _send(session: Session, *messages: Json) -> None:
    for message in messages:
        await session.send(json.dumps(message).encode())  # the API's text comes in binary messages
