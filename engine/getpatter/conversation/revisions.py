"""What the caller said, on its way through the hook after the transcript."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from getpatter.conversation.history import UserEntry

Revise = Callable[[UserEntry], Awaitable[bool]]
"""Changes what the caller is taken to have said; False when it is not to be answered."""


class Revisions:
    """One turn after the other.

    A turn is no message before its revision is done, and a revision goes on when the answer that waits for it is
    taken back: nobody is told what the hook has not seen.
    """

    def __init__(self) -> None:
        self._latest: asyncio.Task[bool] | None = None

    def begin(self, said: UserEntry, revise: Revise) -> asyncio.Task[bool]:
        """Hide it until it is revised; gives whether it is to be answered.  Not to be cancelled."""
        said.settled = False
        self._latest = asyncio.create_task(self._run(said, revise, self._latest), name="revision")
        return self._latest

    async def done(self) -> None:
        """Wait for those begun so far."""
        if self._latest is not None:
            await asyncio.wait((self._latest,))

    async def _run(self, said: UserEntry, revise: Revise, before: asyncio.Task[bool] | None) -> bool:
        if before is not None:
            await asyncio.wait((before,))
        try:
            answered = await revise(said)
        except BaseException:
            said.text = ""  # nobody knows what the hook would have left of it
            raise
        finally:
            said.settled = True
        return answered
