"""Several providers for one task: which to ask first, which to pass over, and who is told of a change.

Recognisers, voices and language models that stand on several providers (`stt.fallback`, `tts.fallback`,
`llm.fallback`) share these parts.
"""

from __future__ import annotations

import asyncio
import copy
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar, runtime_checkable

from getpatter.clock import Clock, deadline
from getpatter.errors import ConfigurationError, ProviderError

log = logging.getLogger(__name__)

RETRY_AFTER_S = 30.0
"""How long a provider that failed is passed over."""
CLOSE_S = 5.0
"""Longest that a lost connection may take to close."""


class Service(Protocol):
    @property
    def name(self) -> str: ...

    async def close(self) -> None: ...


Provider = TypeVar("Provider", bound=Service)
Anything = TypeVar("Anything")


@dataclass(frozen=True, slots=True)
class Switch:
    """`lost` failed and `taken` does its work now; the same name when a lost connection was made anew."""

    lost: str
    taken: str
    error: ProviderError

    def __str__(self) -> str:
        what = "it was connected anew" if self.lost == self.taken else f"{self.taken} takes over"
        return f"{self.error.message.rstrip('.')}; {what}."


OnSwitch = Callable[[Switch], None]


@runtime_checkable
class ReportsSwitches(Protocol):
    """A provider that stands on several."""

    def reporting_to(self, on_switch: OnSwitch) -> Self:
        """The same provider for one reader, who is told of each switch; what it knows of failures stays shared."""


def reporting(provider: Anything, on_switch: OnSwitch) -> Anything:
    """`provider` with its switches reported, where it is one that can switch; else as it is."""
    return provider.reporting_to(on_switch) if isinstance(provider, ReportsSwitches) else provider


class Seat(Generic[Provider]):
    """One provider in its roster, and since when it is passed over."""

    def __init__(self, provider: Provider, clock: Clock, retry_after_s: float) -> None:
        self.provider = provider
        self._clock = clock
        self._retry_after_s = retry_after_s
        self._retry_at: float | None = None

    @property
    def name(self) -> str:
        return self.provider.name

    def failed(self) -> None:
        """Pass it over from now on, for as long as the roster does."""
        self._retry_at = self._clock.now() + self._retry_after_s

    def worked(self) -> None:
        self._retry_at = None

    def claim(self) -> bool:
        """Whether to ask it now: it works, or its time has come and the claimant is the one who probes it.

        Others go on passing it over until the probe has worked.
        """
        if self._retry_at is None:
            return True
        if self._clock.now() < self._retry_at:
            return False
        self.failed()
        return True


class Roster(Generic[Provider]):
    """Providers in the order of preference, shared by all calls."""

    def __init__(self, providers: Sequence[Provider], clock: Clock, *, retry_after_s: float = RETRY_AFTER_S) -> None:
        """Raises `ConfigurationError` when there is none."""
        if not providers:
            raise ConfigurationError("A fallback needs at least one provider.")
        self._seats = [Seat(provider, clock, retry_after_s) for provider in providers]

    def __len__(self) -> int:
        return len(self._seats)

    @property
    def first(self) -> Provider:
        return self._seats[0].provider

    @property
    def providers(self) -> list[Provider]:
        return [seat.provider for seat in self._seats]

    @property
    def name(self) -> str:
        return ", else ".join(seat.name for seat in self._seats)

    def order(self) -> Iterator[Seat[Provider]]:
        """Each seat once: those to ask first, then those that are passed over, since a call has nothing to lose."""
        last_resort = []
        for seat in self._seats:
            if seat.claim():
                yield seat
            else:
                last_resort.append(seat)
        yield from last_resort


class Standing(Generic[Provider]):
    """What stands on several providers and serves all calls: their name together, who is told, and their end."""

    def __init__(self, roster: Roster[Provider]) -> None:
        self._roster = roster
        self._on_switch: OnSwitch | None = None

    @property
    def name(self) -> str:
        return self._roster.name

    def reporting_to(self, on_switch: OnSwitch) -> Self:
        """See `ReportsSwitches`."""
        view = copy.copy(self)
        view._on_switch = on_switch
        return view

    async def close(self) -> None:
        for provider in self._roster.providers:
            await provider.close()


def all_failed(task: str, errors: Iterable[ProviderError]) -> ProviderError:
    """One error for all; `task` completes the sentence "Nothing could ..."."""
    listed = list(errors)
    words = "; ".join(error.message.rstrip(".") for error in listed)
    return ProviderError(
        f"Nothing could {task}: {words}.",
        provider=", ".join(dict.fromkeys(error.provider for error in listed if error.provider)),
        retryable=any(error.retryable for error in listed),
        next_step=next((error.next_step for error in listed if error.next_step), None),
    )


def report(on_switch: OnSwitch | None, switch: Switch) -> None:
    """Tell whoever listens, and the log."""
    log.warning("%s", switch)
    if on_switch is not None:
        on_switch(switch)


class Connection(Protocol):
    async def close(self) -> None: ...


class Closing:
    """Lost connections, closed beside the work that goes on without them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, connection: Connection) -> None:
        task = asyncio.create_task(self._close(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self) -> None:
        """Wait for those that are under way."""
        await asyncio.gather(*self._tasks)

    async def _close(self, connection: Connection) -> None:
        try:
            async with deadline(self._clock, self._clock.now() + CLOSE_S):
                await connection.close()
        except Exception:  # what was lost may well fail to close, and nothing follows from it
            log.debug("a lost connection did not close", exc_info=True)
