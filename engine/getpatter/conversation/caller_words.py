"""What the caller said, put on record as the hook after the transcript leaves it."""

from __future__ import annotations

from getpatter.clock import Clock
from getpatter.conversation.history import UserEntry
from getpatter.conversation.log import ConversationLog
from getpatter.conversation.persona import Persona
from getpatter.conversation.timing import Timing
from getpatter.events import TurnTrigger


class CallerWords:
    """One call's."""

    def __init__(self, persona: Persona, log: ConversationLog, clock: Clock) -> None:
        self._persona = persona
        self._log = log
        self._clock = clock
        self._last: list[str] = []
        """What was said when nobody could answer any more."""

    async def write_down(self, said: UserEntry) -> bool:
        """Put on record what the hook leaves of it; tells whether that is anything."""
        said.text = await self._persona.hooks.after_transcribe(said.text) or ""
        if said.text:
            self._log.caller_turn(said.text)
        return bool(said.text)

    async def revise(self, trigger: TurnTrigger | None, timing: Timing, said: UserEntry) -> bool:
        """The hook says what the caller said in a turn that has ended, and whether they are answered."""
        try:
            said.text = await self._persona.hooks.after_transcribe(said.text) or ""
        finally:
            timing.hooked = self._clock.now()
            self.turn(said.text, trigger, timing)
        return bool(said.text)

    def turn(self, text: str, trigger: TurnTrigger | None, timing: Timing) -> None:
        """A turn has ended; without `trigger` it is nobody's."""
        if text:
            self._log.caller_turn(text)
        if trigger is not None:
            self._log.end_of_turn(trigger, timing)

    def too_late(self, text: str) -> None:
        """The call is over: nobody is answered, but what they said is written down by `close`."""
        self._last.append(text)

    async def close(self, unanswered: str) -> None:
        for text in (*self._last, unanswered):
            if text:
                await self.write_down(UserEntry(text))
