"""An engine inside of a program, from start to stop."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from getpatter import settings as engine_settings
from getpatter.agent import Agent
from getpatter.calls.desk import OutboundCall
from getpatter.calls.switchboard import Switchboard
from getpatter.client.number import Number
from getpatter.clock import SystemClock
from getpatter.llm.base import LanguageModel
from getpatter.observability.bus import EventBus
from getpatter.sdk.call_feed import CallFeed
from getpatter.sdk.callbacks import Callbacks
from getpatter.sdk.default_llm import DefaultLLM
from getpatter.sdk.feeds import Feeds
from getpatter.sdk.speech_events import SpeechEvents
from getpatter.settings import Settings


class Run:
    """The engine, and who is told of its calls.  `start` it once; `close` it, whether that went well or not."""

    def __init__(
        self, speech: SpeechEvents, bus: EventBus, number: Number, persist: bool | str | Path | None = None
    ) -> None:
        """`persist` is as in `Patter`."""
        self._speech = speech
        self._bus = bus
        self._number = number
        self._persist = persist
        self._stack = AsyncExitStack()
        self._models: dict[LanguageModel, LanguageModel] = {}
        """What was chosen in the place of each default."""
        self.stopping = asyncio.Event()

    async def start(self, agent: Agent, given: Mapping[str, Any]) -> None:
        """`given` are the settings that the program has made.  Raises `ConfigurationError`."""
        # Takes long to import, and a program that only makes agents has no need of it.
        from getpatter.server.engine import Engine

        account = self._number.account
        engine = self._engine = Engine(
            self._settings(given),
            agent=agent,
            account=account,
            # Nobody outside has to reach the simulated network.
            tunnel=self._number.tunnel if account is not None else None,
            any_number=True,
            bus=self._bus,
        )
        self.feeds = Feeds(engine.bus, SystemClock(), self._speech, engine.prices)
        self._stack.push_async_callback(self.feeds.close)  # after the engine, whose end tells them more
        await self._stack.enter_async_context(engine)

    def _settings(self, given: Mapping[str, Any]) -> Settings:
        persist = self._persist
        home: dict[str, Any] = {}
        if persist is False:
            home = {"home": Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="patter-")))}
        elif persist not in (None, True):
            home = {"home": Path(str(persist))}
        # The private listener takes any port, so that several programs can run; the tunnel is handed over as it is.
        return engine_settings.load(**home, **given, port=0, tunnel="")

    @property
    def switchboard(self) -> Switchboard:
        return self._engine.switchboard

    @property
    def carrier_url(self) -> str:
        """Where the carrier listener is on this machine."""
        return self._engine.carrier_url

    @property
    def public_url(self) -> str:
        """What the carrier reaches it by, at present."""
        return self._engine.public_url

    async def answer(self, agent: Agent, told: Callbacks, carrier: str) -> None:
        """Have this agent take the calls that come in, and the number lead here unless the program manages it itself.

        Raises `ConfigurationError`, and `CarrierError` where the carrier does not do it.
        """
        self.feeds.answer(self._engine.exchange, self._with_model(agent, told), told, carrier)
        await self._engine.lead_number_here()

    async def place(self, wanted: OutboundCall, told: Callbacks) -> CallFeed:
        """Dial.  Raises as `Switchboard.place` does, and `ConfigurationError`."""
        wanted = replace(wanted, agent=self._with_model(wanted.agent, told))
        return await self.feeds.place(self._engine.exchange, wanted, told)

    def _with_model(self, agent: Agent, told: Callbacks) -> Agent:
        """The agent with the model that is to be had, unless `on_message` takes its place."""
        if told.on_message is not None or not isinstance(agent.llm, DefaultLLM):
            return agent
        if agent.llm not in self._models:
            model = self._models[agent.llm] = agent.llm.chosen()
            self._stack.push_async_callback(model.close)
        return replace(agent, llm=self._models[agent.llm])

    async def close(self) -> None:
        await self._stack.aclose()
