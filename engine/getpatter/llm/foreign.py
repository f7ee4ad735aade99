"""The edge to code of the user's that answers in a language model's place: how long it is waited for, and what its
faults come to."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from getpatter.clock import Clock, Patience
from getpatter.errors import ProviderError
from getpatter.extension import contained

REPLY_S = 30.0
"""Longest wait for an answer, or for its next piece."""

Result = TypeVar("Result")


class Waiting:
    """The waits of one answer, each with a deadline of its own."""

    def __init__(self, name: str, timeout_s: float, clock: Clock) -> None:
        self._name = name
        self._timeout_s = timeout_s
        self._clock = clock
        self._patience = Patience(clock)

    async def given(self, coming: Awaitable[Result]) -> Result:
        """What the code gives; raises `ProviderError` for whatever goes wrong in it."""
        self._patience.until(self._clock.now() + self._timeout_s)
        try:
            with contained():
                return await self._patience.wait(coming)
        except TimeoutError:
            raise self.failed(f"gave nothing within {self._timeout_s:g} s") from None
        except ProviderError:
            raise
        except Exception as error:  # the user's code may raise anything, with words of the call in its text
            raise self.failed(f"failed: {type(error).__name__}") from error

    def failed(self, what: str, *, next_step: str | None = None) -> ProviderError:
        """`what` completes the sentence that begins with the code's name."""
        return ProviderError(f"{self._name} {what}.", provider=self._name, next_step=next_step)

    def close(self) -> None:
        """Leave no timer behind."""
        self._patience.close()
