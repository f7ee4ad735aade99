"""What the agent's tools do with the call they work in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from getpatter.agent import Agent
from getpatter.audio.dtmf import tones
from getpatter.audio.format import LINE
from getpatter.clock import Clock, sleep
from getpatter.conversation.attention import Attention
from getpatter.conversation.keys import DigitCollector
from getpatter.conversation.mind import Speech
from getpatter.errors import ToolError
from getpatter.tools.builtin import COLLECT_DIGITS, END_CALL, SEND_DTMF, handoff_to, transfer_call
from getpatter.tools.tool import Tool

Transfer = Callable[[str, str], Awaitable[None]]
"""Connects the caller to a number, with a summary for who answers; raises `CarrierError`."""

Press = Callable[[str], Awaitable[bool]]
"""Has the carrier press keys; False where it has no way to.  Raises `CarrierError`."""

INTERRUPTED = "The caller spoke before it was done, so it was not done. Answer them first."


class Acting:
    """A `CallActions` on one conversation."""

    def __init__(
        self,
        clock: Clock,
        *,
        end: Callable[[str], None],
        speech: Callable[[], Speech | None],
        become: Callable[[str, str], str],
        transfer: Transfer | None,
        press: Press | None,
        sound: Callable[[bytes], None],
        gone: Callable[[], None],
        attention: Attention,
        pressed: Callable[[str], None],
    ) -> None:
        """`become` hands over to the agent of a name, for a reason, and gives its instructions.

        `sound` sends audio while the agent says nothing.  `gone` is told when a transfer has taken the call from us,
        `pressed` which keys were heard.
        """
        self._clock = clock
        self._end = end
        self._speech = speech
        self._become = become
        self._transfer = transfer
        self._press = press
        self._sound = sound
        self._gone = gone
        self._attention = attention
        self._pressed = pressed
        self._collector: DigitCollector | None = None
        """The latest."""
        self._transfers = 0

    def tools(self, agent: Agent) -> Sequence[Tool]:
        """The built-in tools of this agent."""
        tools = [END_CALL]
        if agent.use_keys:
            tools += [SEND_DTMF, COLLECT_DIGITS]
        if agent.transfer_to and self._transfer is not None:
            tools.append(transfer_call(agent.transfer_to, agent.transfer_wait_message if agent.warm_transfers else ""))
        if agent.handoffs:
            tools.append(handoff_to(tuple((other.name, other.purpose) for other in agent.handoffs)))
        return tools

    @property
    def transferring(self) -> bool:
        """Somebody is being called, or the carrier was asked to connect the caller."""
        return self._transfers > 0

    def key(self, digit: str) -> bool:
        """The caller pressed a key; tells whether it was waited for."""
        return self._collector is not None and self._collector.press(digit)

    # -- for tools

    def end(self, reason: str) -> None:
        self._end(reason)

    async def transfer(self, number: str, *, summary: str = "") -> None:
        assert self._transfer is not None
        speech = self._speech()
        if speech is not None and not await speech.heard_out():
            raise ToolError(INTERRUPTED)
        await self.give_away(partial(self._transfer, number, summary))

    async def give_away(self, transfer: Callable[[], Awaitable[None]]) -> None:
        """Have somebody else take the caller, who is on hold meanwhile."""
        self._transfers += 1
        try:
            await transfer()
        finally:
            self._transfers -= 1
        self._gone()

    async def send_dtmf(self, digits: str) -> None:
        speech = self._speech()
        if speech is None:
            raise ToolError(INTERRUPTED)
        await self._press_keys(speech, digits)

    async def press_keys(self, digits: str) -> None:
        """As somebody above asks: the agent may be silent then.  Raises as `send_dtmf` does."""
        await self._heard_out(self._speech())
        # What was being said may be over by now, and would not play them any more.
        await self._press_keys(None, digits)

    async def _press_keys(self, speech: Speech | None, digits: str) -> None:
        await self._heard_out(speech)
        self._attention.turn_away()
        try:
            if self._press is None or not await self._press(digits):
                await self._play_keys(speech, digits)
            self._pressed(digits.replace("w", ""))
        finally:
            self._attention.turn_back()

    async def _play_keys(self, speech: Speech | None, digits: str) -> None:
        audio = tones(digits)
        if speech is not None:
            speech.play(audio)
            await self._heard_out(speech)
        else:
            self._sound(audio)
            await sleep(self._clock, len(audio) / LINE.bytes_per_second)

    @staticmethod
    async def _heard_out(speech: Speech | None) -> None:
        if speech is not None and not await speech.heard_out():
            raise ToolError(INTERRUPTED)

    async def collect_digits(self, max_digits: int, finish_on: str, timeout_s: float) -> str:
        collector = self._collector = DigitCollector(self._clock, max_digits, finish_on, timeout_s)
        asking = asyncio.create_task(self._asked(collector))
        try:
            return await collector.digits
        finally:
            collector.finish()
            asking.cancel()

    async def _asked(self, collector: DigitCollector) -> None:
        """The caller's time begins when they have heard what they are to press."""
        speech = self._speech()
        if speech is None or await speech.heard_out():
            collector.wait()

    def handoff(self, name: str, reason: str) -> str:
        return self._become(name, reason)
