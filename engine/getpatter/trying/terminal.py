"""A conversation with an agent in a terminal: typed lines are what the caller says."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from getpatter.agent import Agent
from getpatter.events import Event
from getpatter.trying.outside import model_of
from getpatter.trying.record import Record
from getpatter.trying.screen import Screen
from getpatter.trying.trial_call import TURN_LIMIT_S, Listeners, TrialCall
from getpatter.trying.typed_lines import TypedLines

LEFT_S = 3.0
"""So much of an answer is left to be heard when the caller is asked for their next words, who may speak over it."""
KEYS = re.compile(r"[0-9A-D*#]{1,32}")
NUMBER = re.compile(r"\+[1-9]\d{6,14}")

HELP = """\
  /barge TEXT       say this over what the agent is saying
  /key DIGITS       press keys of the telephone
  /wait SECONDS     say nothing for so long
  /history          show the conversation as the language model is told it
  /transfer NUMBER  have the caller transferred
  /hangup           hang up
  /quit             leave
  /help             show this
Anything else is what you say; the agent is heard out first."""


async def run(
    agent: Agent,
    *,
    call_id: str = "",
    pace: bool = False,
    console: Console | None = None,
    lines: TypedLines | None = None,
    on_event: Callable[[Event], None] | None = None,
) -> Record:
    """Talk to an agent until either side hangs up; gives the whole conversation.

    With `pace` the agent's words come as fast as they would be spoken, else at once.  `lines` are standard input's
    when none are given.  `on_event` is told all that happens.  Raises `PatterError` where the agent cannot be used.
    """
    async with lines or TypedLines(sys.stdin) as typed:
        screen = Screen(console or Console(highlight=False, soft_wrap=True), interactive=typed.interactive, paced=pace)
        return await Terminal(agent, typed, screen, call_id=call_id, pace=pace, on_event=on_event).run()


class Terminal:
    """One such conversation."""

    def __init__(
        self,
        agent: Agent,
        lines: TypedLines,
        screen: Screen,
        *,
        call_id: str = "",
        pace: bool = False,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        self._agent = agent
        self._lines = lines
        self._screen = screen
        self._pace = pace
        self._on_event = on_event
        self._stopped = False
        self._call = TrialCall(agent, call_id=call_id, paced=pace, listeners=Listeners(self._event, screen.sounds))
        self._commands: dict[str, Callable[[str], Awaitable[None]]] = {
            "barge": self._barge,
            "key": self._key,
            "wait": self._wait,
            "history": self._history,
            "transfer": self._transfer,
            "hangup": self._hang_up,
            "quit": self._quit,
            "help": self._help,
        }

    async def run(self) -> Record:
        self._screen.opening(model_of(self._agent), self._call.call_id)
        async with self._call:
            with self._ends_by_interrupt():
                await self._converse()
        self._screen.closing()
        return self._call.record

    async def _converse(self) -> None:
        while True:
            await self._go_on()
            if self._call.ended is not None or self._stopped:
                return
            self._screen.show(self._call.voice.pending if self._call.agent_sounding else ())
            self._screen.prompt()
            line = await self._lines.next()
            if line is None or self._stopped:
                await self._hear_out()
                return
            await self._take(line.strip())

    async def _take(self, line: str) -> None:
        command = re.fullmatch(r"/(\w+)\s*(.*)", line)
        if command is None:
            if line:
                await self._hear_out()
                self._say(line)
        elif (do := self._commands.get(command[1])) is not None:
            await do(command[2].strip())
        else:
            self._screen.note(f"There is no /{command[1]}. /help shows what there is.")

    def _say(self, text: str) -> None:
        if self._call.ended is None:
            self._screen.caller(text)
            self._call.say(text)

    # -- time

    async def _go_on(self) -> None:
        """Until it is the caller's turn, or may be."""
        if self._pace:  # the caller may speak at any time, so nothing is kept for them to speak over
            await self._until(lambda: self._heard_out or self._lines.waiting)
        else:
            await self._until(lambda: self._heard_out or self._left(LEFT_S))

    async def _hear_out(self) -> None:
        await self._until(lambda: self._heard_out)

    @property
    def _heard_out(self) -> bool:
        return self._call.settles or self._call.awaits_keys

    async def _until(self, done: Callable[[], bool]) -> None:
        if not await self._call.until(lambda: self._stopped or done(), limit_s=TURN_LIMIT_S):
            self._screen.note(f"The agent has not come to an end within {TURN_LIMIT_S:g} s.")

    def _left(self, seconds: float) -> bool:
        """The agent has this much left to say, or less, and then waits for the caller."""
        left = self._call.said_all_but
        return left is not None and left <= seconds

    # -- commands

    async def _barge(self, text: str) -> None:
        left = self._call.said_all_but or 0.0
        if not text:
            self._screen.note("What is to be said? /barge TEXT")
        elif not self._call.agent_sounding:
            self._screen.note("The agent is not saying anything.")
        else:
            if not self._pace:
                await self._until(lambda: self._call.settles or self._left(left / 2))
            self._say(text)

    async def _key(self, digits: str) -> None:
        if KEYS.fullmatch(digits):
            self._call.press(digits)
        else:
            self._screen.note("Keys are 0 to 9, *, # and A to D. /key DIGITS")

    async def _wait(self, seconds: str) -> None:
        try:
            limit = float(seconds or 1.0)
        except ValueError:
            self._screen.note("How long? /wait SECONDS")
            return
        await self._hear_out()
        await self._call.until(lambda: self._stopped, limit_s=limit)

    async def _history(self, _: str) -> None:
        self._screen.history(self._call.record.messages)

    async def _transfer(self, number: str) -> None:
        if NUMBER.fullmatch(number):
            await self._hear_out()
            self._call.transfer(number)
        else:
            self._screen.note("Write the number in E.164 form. /transfer +12025550100")

    async def _hang_up(self, _: str) -> None:
        await self._call.hang_up()

    async def _quit(self, _: str) -> None:
        self._stopped = True

    async def _help(self, _: str) -> None:
        self._screen.text(HELP)

    # -- what happens

    def _event(self, event: Event) -> None:
        if self._call.agent_sounding:
            self._screen.show(self._call.voice.pending)
        self._screen.event(event)
        if self._on_event is not None:
            self._on_event(event)

    @contextmanager
    def _ends_by_interrupt(self) -> Iterator[None]:
        """The first Ctrl-C ends the conversation in good order; another one does what it always does."""
        loop = asyncio.get_running_loop()

        def stop() -> None:
            self._stopped = True
            self._lines.end()
            loop.remove_signal_handler(signal.SIGINT)

        try:
            loop.add_signal_handler(signal.SIGINT, stop)
        except (ValueError, RuntimeError, NotImplementedError):  # not in the main thread: it is not ours to handle
            yield
            return
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)
