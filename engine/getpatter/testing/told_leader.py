"""A speech-to-speech engine that decides by itself when to speak, without a network: when that is, the test says."""

from __future__ import annotations

from getpatter.engines.base import EngineConfig, InputTranscript, Interrupted, ResponseBegun, ResponseDone, TurnTaken
from getpatter.testing.realtime_session import Spoken
from getpatter.testing.told_engine import ToldEngine, ToldSession


class LeadingSession(ToldSession):
    """Hears the line and asks nobody.  `told` holds what it was told beside that."""

    def __init__(self, owner: LeadingEngine, config: EngineConfig) -> None:
        super().__init__(owner, config)
        self._leader = owner
        self._waiting: list[str] = []
        """Told, and not answered yet."""

    # -- what it decides

    def takes_turn(self, words: str = "", *, silently: bool = False) -> None:
        """The caller has finished, it thinks, and has said `words`; it answers at once, or with `silently` not."""
        self._break_off()
        self._out.put_nowait(TurnTaken(words))
        if silently:
            self._active = True
        else:
            self._speak(self._owner.next_answer())

    def understands_late(self, words: str) -> None:
        self._out.put_nowait(InputTranscript(words, final=True))

    def answers(self) -> None:
        """The response to a turn that it took silently."""
        self._active = False
        self._speak(self._owner.next_answer())

    def speaks_up(self) -> None:
        """It says something that nobody asked for."""
        self._break_off()
        self._out.put_nowait(ResponseBegun())
        self._speak(self._owner.next_answer())

    def hears_interruption(self) -> None:
        self._break_off()
        self._out.put_nowait(Interrupted())

    # -- commands

    def commit(self) -> None:
        raise AssertionError("nobody decides for this engine what a turn is")

    def tell(self, text: str) -> None:
        super().tell(text)
        self._waiting.append(text)

    def respond(self) -> None:
        self.asked += 1
        if self._waiting and not self._active:
            self._waiting.clear()
            self._speak(self._owner.next_answer())

    def say(self, text: str) -> None:
        self._break_off()
        self.said.append(text)
        if self._leader.stalls_words:
            self._active = True
        else:
            self._speak(Spoken(text))

    def tool_result(self, call_id: str, output: str) -> None:
        super().tool_result(call_id, output)
        self.speaks_up()

    def _break_off(self) -> None:
        if self._active:
            self._end(ResponseDone("cancelled"))


class LeadingEngine(ToldEngine):
    """A `ToldEngine` that `manages_turns`."""

    name = "leading engine"
    manages_turns = True
    stalls_words = False
    """Words that it is given it takes, and does not say."""

    async def open(self, config: EngineConfig) -> LeadingSession:
        if self.refuses is not None:
            raise self.refuses
        session = LeadingSession(self, config)
        self.sessions.append(session)
        return session

    @property
    def session(self) -> LeadingSession:
        """The latest."""
        session = self.sessions[-1]
        assert isinstance(session, LeadingSession)
        return session
