"""The smart-turn model as a detector: one thread and one model for all calls of a process.

A judgement takes 30 to 80 ms of one core, by machine, so a core gives one to three dozen a second and no more.  When
more are asked for, those that cannot be answered in time are not answered at all: the conversation then goes by silence
alone, and late answers do not pile up behind each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, cached_property
from typing import Protocol, TypeVar

from getpatter.audio.smart_turn import SmartTurn
from getpatter.clock import Clock, SystemClock
from getpatter.errors import PatterError, ProviderError

NAME = "smart-turn"
MAX_WAIT_S = 0.3
"""A pause that an opinion came to after this has been long enough to speak for itself."""

_Result = TypeVar("_Result")


class TurnModel(Protocol):
    """Called in the one thread."""

    def probability(self, ulaw: bytes) -> float: ...


class ModelThread:
    """Runs one model in one thread.  Neither is there before the first use, and both stay until the process ends."""

    def __init__(self, load: Callable[[], TurnModel] = SmartTurn) -> None:
        self._load = load
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=NAME)

    def load(self) -> Future[None]:
        """The model is there; fails as its constructor does."""
        return self._executor.submit(self._ready)

    def judge(self, ulaw: bytes) -> Future[float]:
        """As `SmartTurn.probability`, after all that was asked before and not cancelled."""
        return self._executor.submit(self._probability, ulaw)

    @cached_property
    def _model(self) -> TurnModel:
        return self._load()

    def _ready(self) -> None:
        assert self._model

    def _probability(self, ulaw: bytes) -> float:
        return self._model.probability(ulaw)


@cache
def process_thread() -> ModelThread:
    """The one of this process: a second would cost another 70 MB and compete for the core."""
    return ModelThread()


class SmartTurnDetector:
    """A `TurnDetector`.  Any number of them, with different thresholds, share the process's model."""

    def __init__(
        self,
        threshold: float = 0.5,
        *,
        max_wait_s: float = MAX_WAIT_S,
        clock: Clock | None = None,
        thread: ModelThread | None = None,
    ) -> None:
        """`max_wait_s` bounds queue and judgement together; then there is no opinion."""
        self._threshold = threshold
        self._max_wait_s = max_wait_s
        self._clock = clock or SystemClock()
        self._thread = thread or process_thread()
        self._waiting: set[asyncio.Future[float]] = set()
        self._latest: dict[str, asyncio.Future[float]] = {}

    @property
    def name(self) -> str:
        return NAME

    @property
    def threshold(self) -> float:
        return self._threshold

    async def prepare(self) -> None:
        loading = asyncio.wrap_future(self._thread.load())
        await asyncio.wait([loading])
        _result(loading)

    async def judge(self, audio: bytes, *, call_id: str = "") -> float | None:
        # Cancelling the answer is all that giving up takes: what still queues then never runs.
        answer = asyncio.wrap_future(self._thread.judge(audio))
        self._enlist(call_id, answer)
        timer = self._clock.call_at(self._clock.now() + self._max_wait_s, lambda: _give_up(answer))
        try:
            await asyncio.wait([answer])
            return None if answer.cancelled() else _result(answer)
        finally:
            timer.cancel()
            answer.cancel()
            self._waiting.discard(answer)
            if self._latest.get(call_id) is answer:
                del self._latest[call_id]

    async def close(self) -> None:
        for answer in self._waiting:
            _give_up(answer)

    def _enlist(self, call_id: str, answer: asyncio.Future[float]) -> None:
        self._waiting.add(answer)
        if call_id:
            if (older := self._latest.get(call_id)) is not None:
                _give_up(older)
            self._latest[call_id] = answer


def _give_up(answer: asyncio.Future[float]) -> None:
    answer.cancel()


def _result(done: asyncio.Future[_Result]) -> _Result:
    """Of what is done and was not cancelled; raises `ProviderError`."""
    try:
        return done.result()
    except PatterError as error:
        raise ProviderError(error.message, provider=NAME, next_step=error.next_step) from error
    except Exception as error:  # what onnxruntime raises has no root of its own
        text = f"The end-of-turn model failed: {type(error).__name__}."
        raise ProviderError(text, provider=NAME, retryable=True) from error
