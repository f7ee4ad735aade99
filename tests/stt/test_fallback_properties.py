"""Whatever order audio, pauses, losses and finals come in: nothing is lost that need not be, and nothing comes twice.

The recogniser takes bytes for letters and every byte sent is another one, so what the reader got tells what was heard.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from getpatter.errors import ProviderError
from getpatter.stt.base import SpeechHints, Transcript
from getpatter.stt.fallback import FallbackRecognition, FallbackSTT
from getpatter.testing.clock import ManualClock
from getpatter.testing.failing import HANGS, REFUSES, Fault, LiteralRecognition, LiteralSTT

BUFFER_BYTES = 40
ATTEMPTS = 2
FEWEST_TROUBLES = 3
"""That end a call: a loss, and a server that hangs on each side."""


class LossyHearing(RuleBasedStateMachine):
    """A primary and a fallback, each of which may be lost and may refuse or hang when it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = ManualClock()
        self.primary = LiteralSTT(name="primary")
        self.fallback = LiteralSTT(name="fallback", continuous=False)
        self.sent = ""
        self.asked = 0
        self.troubles = 0
        self.transcripts: list[Transcript] = []
        self.ended: ProviderError | None = None

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        self.runner.run(work)

    @initialize()
    def call(self) -> None:
        self.run(self._open())

    async def _open(self) -> None:
        stt = FallbackSTT(
            self.primary, self.fallback, attempts=ATTEMPTS, buffer_s=BUFFER_BYTES / 8000, clock=self.clock
        )
        self.recognition: FallbackRecognition = await stt.open(SpeechHints())
        self.reading = asyncio.create_task(self._read())
        await self._settle()

    async def _read(self) -> None:
        try:
            async for transcript in self.recognition.transcripts():
                self.transcripts.append(transcript)
        except ProviderError as error:
            self.ended = error

    async def _settle(self) -> None:
        for _ in range(25):
            await asyncio.sleep(0)

    @property
    def opened(self) -> list[LiteralRecognition]:
        return self.primary.opened + self.fallback.opened

    @property
    def answers(self) -> list[str]:
        return [transcript.text for transcript in self.transcripts if transcript.from_finalize]

    @property
    def understood(self) -> str:
        return "".join(transcript.text for transcript in self.transcripts)

    # -- what may happen

    @rule(count=st.integers(1, 12))
    def speak(self, count: int) -> None:
        run = bytes((len(self.sent) + i) % 251 for i in range(count)).decode("latin-1")
        self.sent += run
        self.recognition.send(run.encode("latin-1"))

    @rule()
    def pause(self) -> None:
        self.asked += 1
        self.recognition.finalize()

    @rule()
    def run_on(self) -> None:
        self.run(self._settle())

    @rule(number=st.integers(0, 20))
    def lose(self, number: int) -> None:
        """Any connection, also one that is long forgotten."""
        self.troubles += 1
        self.opened[number % len(self.opened)].lose()

    @rule(number=st.integers(0, 20))
    def hang(self, number: int) -> None:
        self.troubles += 1
        self.opened[number % len(self.opened)].hang()

    @rule()
    def endpoint(self) -> None:
        """A final that nobody asked for.  What is said between it and its reading has no safe place, so nothing is."""
        self.opened[-1].endpoint()
        self.run(self._settle())

    @rule(fault=st.sampled_from([REFUSES, HANGS]), primary=st.booleans())
    def trouble_ahead(self, fault: Fault, primary: bool) -> None:
        self.troubles += 1
        (self.primary if primary else self.fallback).faults.add(fault)

    @rule(seconds=st.sampled_from([0.1, 0.4, 2.0, 5.0, 15.0]))
    def time_passes(self, seconds: float) -> None:
        self.run(self._pass(seconds))

    async def _pass(self, seconds: float) -> None:
        await self._settle()
        self.clock.advance(seconds)
        await self._settle()

    # -- what must hold

    @invariant()
    def no_request_is_answered_twice(self) -> None:
        assert len(self.answers) <= self.asked

    @invariant()
    def nothing_is_understood_twice_or_out_of_order(self) -> None:
        sent = iter(self.sent)
        for letter in self.understood:
            assert letter in sent, "a word came twice"

    def teardown(self) -> None:
        self.run(self._end())
        self.runner.close()

    async def _end(self) -> None:
        """If anything still works, every request is answered and the newest audio understood; then all is closed."""
        self.recognition.finalize()
        self.asked += 1
        for _ in range(60):
            await self._pass(1.0)
        if self.ended is None:
            assert len(self.answers) == self.asked
            assert self.understood.endswith(self.sent[-BUFFER_BYTES:])
        else:
            assert self.troubles >= FEWEST_TROUBLES
        await self.recognition.close()
        await self._settle()
        assert self.reading.done()
        assert all(opened.closed for opened in self.opened)
        assert self.clock.next_timer is None


TestLossyHearing = LossyHearing.TestCase
TestLossyHearing.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
