"""Everything that is looked at, for one set of settings."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from functools import partial

from getpatter.carriers.base import Finding
from getpatter.clock import Clock
from getpatter.control.beacon import EngineInfo
from getpatter.doctor import endings, machine, speech, stored, telephone
from getpatter.doctor.check import Check, Told, at_once, look_at
from getpatter.doctor.reachability import Reachability, stand_in
from getpatter.errors import ConfigurationError
from getpatter.public_url import public_url
from getpatter.server.carriers import SIMULATED, account_of
from getpatter.settings import Settings


@dataclass(frozen=True, slots=True)
class Examination:
    """`engine` is the one that runs for the settings' home."""

    settings: Settings
    engine: EngineInfo | None
    clock: Clock

    @property
    def checks(self) -> list[Check]:
        """In the order in which somebody would put things right."""
        return [*self._own, *(self._simulated if self.settings.carrier == SIMULATED else self._real)]

    async def run(self, told: Told) -> list[Finding]:
        """Look at everything; `told` hears of each check when it is done."""
        return await look_at(self.checks, told, self.clock)

    @property
    def _own(self) -> list[Check]:
        settings, engine = self.settings, self.engine
        return [
            Check("installation", at_once(machine.installation)),
            Check("home", at_once(partial(machine.home, settings))),
            Check(".env", at_once(machine.env_file)),
            Check("store", partial(stored.store, settings)),
            Check("engine", at_once(partial(machine.engine_process, engine))),
            Check("ports", partial(machine.ports, settings, engine)),
            Check("recogniser", partial(speech.recogniser, settings)),
            Check("voice", partial(speech.voice, settings)),
            Check("language model", partial(speech.model, settings)),
            Check("models", at_once(partial(endings.models, settings))),
        ]

    @property
    def _simulated(self) -> list[Check]:
        advice = "For a real number set PATTER_CARRIER; .env.example has all that it needs."
        found = Finding("carrier", "ok", "The simulated network: nobody real is called, nothing costs.", advice)
        return [Check("carrier", at_once(lambda: [found]))]

    @property
    def _real(self) -> list[Check]:
        settings = self.settings
        return [
            Check("carrier", at_once(partial(telephone.configuration, settings))),
            *self._account,
            Check("outbound calls", at_once(partial(telephone.allowed, settings))),
            Check("tunnel", at_once(partial(machine.tunnel, settings))),
            *self._way_in,
        ]

    @property
    def _account(self) -> list[Check]:
        try:
            account = account_of(self.settings)
        except ConfigurationError:
            return []  # told by the check of the carrier
        return [
            Check("account", partial(telephone.account, account, self.settings.phone_number, self.reached_at)),
            Check("clock", partial(telephone.clock_skew, account, self.clock)),
        ]

    @property
    def reached_at(self) -> str:
        """The public URL; empty for one that cannot be used, and where a tunnel has none before the engine runs."""
        if self.engine is not None and self.engine.public_url:
            return self.engine.public_url
        try:
            return "" if self.settings.tunnel else public_url(self.settings.public_url)
        except ConfigurationError:
            return ""  # told by the check of the carrier

    @property
    def _way_in(self) -> list[Check]:
        if not self.reached_at:
            return [Check("public URL", at_once(_no_url_yet))] if self.settings.tunnel else []
        settings = self.settings
        way = Reachability(
            public_url=self.reached_at,
            carrier=settings.carrier,
            token=self.engine.token if self.engine else secrets.token_hex(32),
            leads_to=f"the engine's carrier listener, port {settings.carrier_port}",
        )
        checks = [Check("public URL", way.resolves), Check("round trip", partial(self._round_trip, way))]
        return [*checks, Check("signatures", way.refuses_unsigned)] if self.engine else checks

    # The check of the ports, which comes first and waits for nothing, is over by the time this takes one.
    async def _round_trip(self, way: Reachability) -> Sequence[Finding]:
        async with self._listener(way):
            return await way.round_trip()

    def _listener(self, way: Reachability) -> AbstractAsyncContextManager[None]:
        return nullcontext() if self.engine else stand_in(self.settings, way.carrier, way.token)


def _no_url_yet() -> Sequence[Finding]:
    found = "The tunnel is opened, and has a URL, when the engine starts."
    return [Finding("public URL", "warning", found, "Run `getpatter serve`, then `getpatter doctor` once more.")]
