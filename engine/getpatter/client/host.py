"""Where the engine of a program runs: none or one at a time, from one start to the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from getpatter.agent import Agent
from getpatter.client.number import Number
from getpatter.client.run import Run
from getpatter.errors import ConfigurationError
from getpatter.sdk.announcement import Announcement
from getpatter.sdk.callbacks import Callbacks

PORT: Final = 8000
"""Where the carrier listener listens, unless `Patter.serve` is told another port."""


@dataclass(frozen=True, slots=True)
class Reception:
    """Who answers calls that come in, and speaks in others for which nobody else is named."""

    agent: Agent | None = None
    callbacks: Callbacks = field(default_factory=Callbacks)


class Host:
    """Starts and stops runs; what has to wait for one can."""

    def __init__(self, number: Number, make_run: Callable[[Number], Run], settings: Mapping[str, Any]) -> None:
        """`settings` are those of every run that do not follow from the number."""
        self._number = number
        self._make_run = make_run
        self._settings = settings
        self._changing = asyncio.Lock()
        """Held while it starts or stops."""
        self.run: Run | None = None
        self.reception = Reception()
        self.ready: Announcement[str] = Announcement()
        """The URL of the carrier listener, once calls can come and go."""
        self.tunnel_ready: Announcement[str] = Announcement()
        """The URL by which the carrier reaches us."""

    async def serve(self, agent: Agent, callbacks: Callbacks, number: Number, settings: Mapping[str, Any]) -> Run:
        """Start, and have this agent take the calls that come in.  Raises `ConfigurationError`, `CarrierError`."""
        async with self._changing:
            if self.run is not None:
                raise ConfigurationError(
                    "This Patter is running already.", next_step="Call serve once, and before call; or stop it first."
                )
            self.reception = Reception(agent, callbacks)
            run = await self._start(agent, number, settings, answering=callbacks)
            self.ready.make(run.carrier_url)
            return run

    async def running(self, agent: Agent) -> Run:
        """What runs already, or else is started for this agent to call.  Raises `ConfigurationError`."""
        if self.run is None:
            await asyncio.sleep(0)  # a task that was made for `serve` a moment ago comes first
        async with self._changing:
            if self.run is not None:
                return self.run
            port = PORT if self._number.needs_its_port else 0
            return await self._start(agent, self._number, {"carrier_port": port, "record": False})

    async def stop(self) -> None:
        """Returns when all callbacks have been called.  Nothing happens where nothing runs."""
        async with self._changing:
            run, self.run = self.run, None
            if run is not None:
                run.stopping.set()
                await run.close()
                self._announce_anew()

    async def _start(
        self, agent: Agent, number: Number, settings: Mapping[str, Any], *, answering: Callbacks | None = None
    ) -> Run:
        """`answering` are the callbacks of calls that come in, where the agent is to take them."""
        run = self._make_run(number)
        try:
            await run.start(agent, {**self._settings, **number.settings, **settings})
            if answering is not None:
                await run.answer(agent, answering, number.carrier_name)
        except BaseException as error:
            await run.close()
            if isinstance(error, Exception):
                self.ready.fail(error)
                self.tunnel_ready.fail(error)
                self._announce_anew()
            raise
        self.run = run
        self.tunnel_ready.make(run.public_url)
        return run

    def _announce_anew(self) -> None:
        self.ready, self.tunnel_ready = Announcement(), Announcement()
