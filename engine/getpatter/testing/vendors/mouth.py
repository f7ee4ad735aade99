"""What one connection to a voice is saying."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from getpatter.audio.format import AudioFormat
from getpatter.testing.vendors.socket_server import Session
from getpatter.testing.vendors.speaker import PIECE_S, SECONDS_PER_CHARACTER, SpeakerServer, pieces, sound

_WORD: Final = re.compile(r"(?<!\S)\S+")


class Mouth:
    """Says texts one after the other, as the server's `orders` want it."""

    def __init__(self, server: SpeakerServer, session: Session, format: AudioFormat) -> None:
        self._server = server
        self._session = session
        self._format = format
        self._turn = asyncio.Lock()
        self._under_way: dict[asyncio.Task[None], str] = {}

    async def say(
        self,
        text: str,
        piece: Callable[[int, bytes], Awaitable[None]],
        end: Callable[[], Awaitable[None]],
        complain: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Begin it.  `piece` sends a piece of its sound, which has a number, `end` what follows the last; `complain`
        fails instead, by default for the whole session."""
        self._server.orders.spoken.append(text)
        task = asyncio.create_task(self._say(text, piece, end, complain), name="a voice speaks")
        self._under_way[task] = text
        task.add_done_callback(lambda done: self._under_way.pop(done, None))
        await self._server.note()

    async def stop(self) -> None:
        """Drop all that is being said."""
        under_way = dict(self._under_way)
        self._server.orders.cancelled += under_way.values()
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        await self._server.note()

    async def finish(self) -> None:
        """Say all of it."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _say(
        self,
        text: str,
        piece: Callable[[int, bytes], Awaitable[None]],
        end: Callable[[], Awaitable[None]],
        complain: Callable[[], Awaitable[None]] | None,
    ) -> None:
        async with self._turn:
            async for number, audio in self._pieces(text):
                if number == self._server.orders.complain_after:
                    await (complain() if complain else self._server.complain(self._session))
                    return
                await piece(number, audio)
                await asyncio.sleep(0)
            await end()

    async def _pieces(self, text: str) -> AsyncIterator[tuple[int, bytes]]:
        orders = self._server.orders
        for number, audio in enumerate(pieces(sound(text, self._format), self._format)):
            if number == orders.stall_after:
                await asyncio.Event().wait()
            if orders.drops(number):
                self._session.drop()
                await asyncio.Event().wait()
            yield number, audio


def words_in(text: str, number: int) -> list[tuple[str, float, float]]:
    """The words that begin in the piece of sound of this number, and when in the text's sound each begins and ends, in
    seconds."""
    characters = round(PIECE_S / SECONDS_PER_CHARACTER)
    found = []
    for match in _WORD.finditer(text, number * characters):
        if match.start() >= (number + 1) * characters:
            break
        start_s, end_s = (round(at * SECONDS_PER_CHARACTER, 3) for at in match.span())
        found.append((match.group(), start_s, end_s))
    return found
