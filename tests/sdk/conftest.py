"""Agents that need no machine's speech, and calls without a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from getpatter.agent import Agent
from getpatter.events import (
    CallAnswered,
    CallEnded,
    CallPlaced,
    CallPriced,
    Event,
    Turn,
    TurnLatency,
)
from getpatter.testing.providers import AnsweringLLM, CountingTTS, TellableSTT


def _agent(**changes: Any) -> Agent:
    given: dict[str, Any] = {
        "system_prompt": "Be quick.",
        "llm": AnsweringLLM("Yes."),
        "stt": TellableSTT(),
        "tts": CountingTTS(),
    }
    return Agent(**{**given, **changes})


@pytest.fixture
def make_agent() -> Callable[..., Agent]:
    """Makes an agent; keyword arguments are `Agent`'s fields."""
    return _agent


@pytest.fixture
def no_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Nothing in the environment says which model to use."""
    monkeypatch.chdir(tmp_path)  # where there is no .env
    for name in ("OPENAI_API_KEY", "PATTER_LLM_URL", "PATTER_LLM_MODEL", "PATTER_LLM_KEY"):
        monkeypatch.delenv(name, raising=False)


class Told:
    """A callback that remembers what it was told."""

    def __init__(self) -> None:
        self.all: list[Any] = []

    async def __call__(self, told: Any) -> None:
        self.all.append(told)


@pytest.fixture
def told() -> Callable[[], Told]:
    return Told


class Story:
    """The events of one call, with their times and numbers."""

    def __init__(self, call_id: str = "call_1") -> None:
        self._about: dict[str, Any] = {"call_id": call_id}
        self._turns = 0

    def placed(self, **more: Any) -> Event:
        return CallPlaced(
            **{
                **self._about,
                "at": 100.0,
                "direction": "outbound",
                "from_number": "+12025550199",
                "to_number": "+12025550100",
                "carrier": "sim",
                "language_model": "a model",
                "text_to_speech": "a voice",
                "speech_to_text": "an ear",
                **more,
            }
        )

    def answered(self) -> Event:
        return CallAnswered(**self._about, at=102.0)

    def caller(self, text: str) -> Event:
        return self._turn(role="caller", text=text)

    def agent(self, text: str, *, interrupted: bool = False, **latency: float) -> Event:
        return self._turn(role="agent", text=text, interrupted=interrupted, latency=TurnLatency(**latency))

    def _turn(self, **more: Any) -> Event:
        self._turns += 1
        return Turn(**self._about, at=103.0, index=self._turns - 1, started_at=103.0, ended_at=104.0, **more)

    def ended(self, **more: Any) -> Event:
        return CallEnded(
            **{
                **self._about,
                "at": 110.0,
                "outcome": "answered",
                "ended_by": "caller",
                "reason": "the other side hung up",
                "duration_s": 8.0,
                **more,
            }
        )

    def priced(self, **more: Any) -> CallPriced:
        return CallPriced(
            **{
                **self._about,
                "at": 130.0,
                "amount_micros": 14_000,
                "currency": "USD",
                "source": "carrier",
                **more,
            }
        )


@pytest.fixture
def story() -> Callable[..., Story]:
    return Story
