"""Many callers at once from one process, and what they saw."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from statistics import fmean
from time import monotonic
from uuid import uuid4

from getpatter.audio.format import FRAME_S
from getpatter.errors import CarrierError
from getpatter.testing.clips import load_clip
from getpatter.testing.load_caller import LoadCaller
from getpatter.testing.raw_socket import RawSocket
from getpatter.testing.twilio_line import TwilioLineCodec

CLOSE_TIMEOUT_S = 2.0
PHASES = 10
"""Callers are spread over the 20 ms of a frame, as those of a real carrier are."""

SPEECH = (
    ("rms", "And at what time would you like to come?"),
    ("rms", "And are you open on Sunday?"),
    ("slt", "Welcome to the city library."),
)
"""Clips without a pause inside, which an engine with a short end of turn would take for the end."""


@dataclass(frozen=True)
class LoadPlan:
    """`callers` join over `ramp_s`; then `seconds` are measured.  `url` is ws://, the same for all."""

    url: str
    callers: int
    seconds: float = 20.0
    ramp_s: float = 2.0
    interrupt_every: int = 3
    parameters: Mapping[str, str] = field(default_factory=dict)
    utterances: Sequence[bytes] = ()
    """µ-law; our own clips when empty."""
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Spread:
    """Nearest-rank percentiles and the mean; zeros where `count` is 0."""

    count: int
    p50: float
    p95: float
    p99: float
    max: float
    mean: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        ranked = sorted(values)
        if not ranked:
            return cls(0, 0.0, 0.0, 0.0, 0.0, 0.0)
        p50, p95, p99 = (ranked[min(len(ranked) - 1, int(share * len(ranked)))] for share in (0.5, 0.95, 0.99))
        return cls(len(ranked), p50, p95, p99, ranked[-1], fmean(ranked))


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What all callers together saw in the measured time; `Tally` has the meanings."""

    callers: int
    seconds: float
    response_ms: Spread
    clear_ms: Spread
    turns: int
    missing_answers: int
    missing_clears: int
    early_answers: int
    underruns: int
    stray_frames: int
    faults: int
    lost_sockets: int
    """Connections that were refused or that the engine closed."""
    lateness_ms: Spread
    """How late our own frames went out: distrust latencies where its p99 is above 5 ms."""


class _Line:
    """A caller on its socket."""

    def __init__(self, caller: LoadCaller) -> None:
        self.caller = caller
        self.alive = False
        self.refusal: CarrierError | None = None
        self._socket = RawSocket(self._on_message, self._on_closed)

    async def open(self, url: str) -> None:
        try:
            await self._socket.connect(url)
        except CarrierError as refusal:
            self.refusal = refusal
            return
        self.alive = True
        self._send(self.caller.open(monotonic()))

    def tick(self, now: float) -> None:
        if self.alive:
            self._send(self.caller.tick(now))

    async def hang_up(self) -> None:
        if self.alive:
            self._send([self.caller.stop()])
        self._socket.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._socket.wait_closed()

    def _on_message(self, message: bytes) -> None:
        self._send(self.caller.receive(message, monotonic()))

    def _on_closed(self) -> None:
        self.alive = False

    def _send(self, messages: list[bytes]) -> None:
        for message in messages:
            self._socket.send(message)


class _Ticker:
    """Ticks the lines of one phase after the other, on an absolute schedule."""

    def __init__(self) -> None:
        self.lateness_ms: list[float] = []
        self._phases: list[list[_Line]] = [[] for _ in range(PHASES)]

    def add(self, line: _Line) -> None:
        min(self._phases, key=len).append(line)

    async def run(self) -> None:
        # Not the loop's own time: uvloop counts that in milliseconds.
        due = monotonic()
        while True:
            for phase in self._phases:
                due += FRAME_S / PHASES
                await asyncio.sleep(due - monotonic())
                if phase:
                    self.lateness_ms.append((monotonic() - due) * 1000)
                for line in phase:
                    line.tick(monotonic())


async def run_load(plan: LoadPlan, window: AbstractAsyncContextManager[object] | None = None) -> LoadResult:
    """Let the callers talk with the engine at `plan.url`; raises `CarrierError` when none of them gets through.

    `window` is open exactly while it is measured: whoever reads meters of the engine does so there.
    """
    ticker = _Ticker()
    ticking = asyncio.create_task(ticker.run(), name="load ticks")
    lines: list[_Line] = []
    try:
        for caller in _callers(plan):
            line = _Line(caller)
            lines.append(line)
            await line.open(plan.url)
            ticker.add(line)
            await asyncio.sleep(plan.ramp_s / plan.callers)
        if not any(line.alive for line in lines):
            raise lines[0].refusal or CarrierError(f"{plan.url} closed all calls at once.")
        async with window or contextlib.nullcontext():
            for line in lines:
                line.caller.take_tally()
            ticker.lateness_ms.clear()
            await asyncio.sleep(plan.seconds)
            return _result(plan, lines, ticker)
    finally:
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)
        await asyncio.gather(*(line.hang_up() for line in lines))


def _callers(plan: LoadPlan) -> Iterable[LoadCaller]:
    utterances = plan.utterances or [clip for voice, text in SPEECH if (clip := load_clip(voice, text))]
    for number in range(plan.callers):
        codec = TwilioLineCodec(f"MZ{uuid4().hex}", f"CA{uuid4().hex}", plan.parameters)
        rng = random.Random(plan.seed * 100_003 + number)
        yield LoadCaller(codec, utterances, rng, interrupt_every=plan.interrupt_every)


def _result(plan: LoadPlan, lines: Sequence[_Line], ticker: _Ticker) -> LoadResult:
    tallies = [line.caller.take_tally() for line in lines]
    return LoadResult(
        callers=plan.callers,
        seconds=plan.seconds,
        response_ms=Spread.of(ms for tally in tallies for ms in tally.response_ms),
        clear_ms=Spread.of(ms for tally in tallies for ms in tally.clear_ms),
        turns=sum(tally.turns for tally in tallies),
        missing_answers=sum(tally.missing_answers for tally in tallies),
        missing_clears=sum(tally.missing_clears for tally in tallies),
        early_answers=sum(tally.early_answers for tally in tallies),
        underruns=sum(tally.underruns for tally in tallies),
        stray_frames=sum(tally.stray_frames for tally in tallies),
        faults=sum(tally.faults for tally in tallies),
        lost_sockets=sum(not line.alive for line in lines),
        lateness_ms=Spread.of(ticker.lateness_ms),
    )
