"""What comes of a speech-to-speech engine's responses, and for whom: one at a time, some of them unasked for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from getpatter.conversation.coming import Coming
from getpatter.engines.base import ResponseDone, ResponseEvent
from getpatter.errors import ProviderError


class Response:
    """One that somebody waits for."""

    def __init__(self, came: Sequence[ResponseEvent]) -> None:
        """`came` is what there is of it already."""
        self._events: asyncio.Queue[ResponseEvent | ProviderError] = asyncio.Queue()
        for event in came:
            self._events.put_nowait(event)
        self.complete = bool(came) and isinstance(came[-1], ResponseDone)
        """All of it was there from the beginning."""

    def add(self, event: ResponseEvent | ProviderError) -> None:
        self._events.put_nowait(event)

    async def next(self) -> ResponseEvent:
        """What comes next of it; the last is `ResponseDone`.  Raises `ProviderError` when the session is lost."""
        event = await self._events.get()
        if isinstance(event, ProviderError):
            raise event
        return event


class Responses:
    """One call's: `begin` one to wait for, `add` what comes.  What nobody waits for is kept until it is claimed."""

    def __init__(self, bytes_per_second: int) -> None:
        """`bytes_per_second` of the engine's audio."""
        self._coming = Coming(bytes_per_second)
        self._current: Response | None = None
        self._free = asyncio.Event()
        """None is under way at the engine."""
        self._free.set()
        self._wanted = False
        """The one under way was asked for, or claimed."""
        self._follows = False
        """The one that comes next follows a tool's result, and will be claimed."""
        self._adds = False
        """What is kept answers nobody: the engine adds it by itself."""
        self._over = False
        """The engine has ended the conversation."""
        self.late = False
        """One was put off, and nothing of it has come since."""
        self.taken = ""
        """What was said in the turn that the engine has taken, until its response is claimed."""

    @property
    def wanted(self) -> bool:
        """One is under way that was asked for, or claimed."""
        return self._wanted and not self._free.is_set()

    @property
    def comes_unasked(self) -> bool:
        """One is under way that nobody has asked for, or waits for any more."""
        return not (self._wanted or self._free.is_set())

    async def free(self) -> None:
        """Wait until another one can be asked for."""
        await self._free.wait()

    # -- for whoever asks

    def begin(self, *, claims: bool) -> Response:
        """One to wait for: with `claims` what the engine has begun by itself, as far as it has come."""
        came: list[ResponseEvent] = []
        if claims:
            came, self.taken, self._adds = self._coming.claim(), "", False
        self.late = False
        if self._over and not came:
            came = [ResponseDone()]
        response = Response(came)
        if not response.complete:
            self._current, self._wanted = response, True
            self._free.clear()
        return response

    def leave(self, response: Response) -> bool:
        """Nobody waits for it any more; tells whether more of it is to come."""
        comes = self._current is response
        if comes:
            self._current = None
        return comes

    def put_off(self, response: Response) -> None:
        """Nobody waits for it any more, but whenever it comes it may be claimed."""
        if self.leave(response):
            self._coming.begin()
            self._wanted, self.late = False, True

    def give_way(self) -> None:
        """The one that nobody waits for is cut short, and what has come of it is not to be heard either."""
        self._coming.begin()

    def void_addition(self) -> bool:
        """What is kept and answers nobody is not to be claimed as an answer; tells whether more of it is to come."""
        if not self._adds:
            return False
        comes, self._adds = self.comes_unasked, False
        self._coming.drop()
        self._wanted |= comes  # whoever asks next waits for its end
        return comes

    def retry(self) -> bool:
        """Tells whether something was put off, which another session is asked for then."""
        if self.late:
            self._free.clear()
        return self.late

    def follows(self, follows: bool) -> None:
        """Whether what comes next of the engine's own accord is waited for."""
        self._follows = follows

    # -- from the engine

    def add(self, event: ResponseEvent) -> bool:
        """Tells whether it begins what was put off, so that it can be claimed now."""
        done = isinstance(event, ResponseDone)
        if self._current is not None:
            self._current.add(event)
        elif self.late and done:  # it chose to say nothing
            self._coming.drop()
        else:
            self._coming.add(event)
        begins, self.late = self.late and not done, False
        if done:
            self._end()
        return begins

    def turn_taken(self, text: str) -> None:
        """The engine answers the caller, who said this; what it had to say before is void."""
        if self._current is not None:  # it was asked for, and never begun
            self._current.add(ResponseDone("cancelled"))
            self._end()
        self._announced()
        self._adds, self._follows, self.late, self.taken = False, False, False, text

    def begun(self) -> bool:
        """The engine speaks unasked; tells whether nobody waits for that."""
        if self._current is not None:
            return False
        self._announced()
        self._adds = True
        unasked = self.late or not self._follows
        self._follows = self.late = False
        return unasked

    def interrupted(self) -> None:
        self._coming.drop()
        self.late = False

    def hung_up(self) -> None:
        """No more is to be asked for."""
        self._over = True

    def lost(self, error: ProviderError) -> None:
        """The session is gone, and what it was saying; what was put off may yet be asked of another one."""
        if self._current is not None:
            self._current.add(error)
        self._end()
        self._coming.drop()
        if self.late:
            self._coming.begin()
        self._follows = False

    def _announced(self) -> None:
        self._coming.begin()
        self._wanted = False
        self._free.clear()

    def _end(self) -> None:
        self._current, self._wanted = None, False
        self._free.set()
