"""The whole engine before each carrier's stand-in cloud: real sockets and REST, signed webhooks, a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from getpatter.agent import Agent
from getpatter.calls.switchboard import Switchboard
from getpatter.calls.views import CallQuery, CallView, PlaceCall
from getpatter.carriers.account import Account
from getpatter.carriers.plivo.account import Plivo
from getpatter.carriers.telnyx.account import Telnyx
from getpatter.carriers.twilio.account import Twilio
from getpatter.events import CallAnswered, CallPrepared, Event, Outcome, decode
from getpatter.server.engine import Engine
from getpatter.settings import SIMULATED_NUMBER, Settings
from getpatter.store import Store
from getpatter.testing.clock import SkippingClock
from getpatter.testing.clouds import PlivoCloud, TelnyxCloud, TwilioCloud
from getpatter.testing.clouds.cloud import Cloud
from getpatter.testing.line_call import LineCall
from getpatter.testing.lines import RingResult
from getpatter.testing.network import SimNetwork
from getpatter.testing.parties import Directory
from getpatter.testing.signing import sim_secret
from getpatter.tunnels.base import Moved

if TYPE_CHECKING:
    from tests.e2e.conftest import MakeAgent

PATIENCE_S: Final = 60.0
"""For everything that is waited for: long, because a slow machine is no fault of the code."""
OURS: Final = SIMULATED_NUMBER

PARTIES = {
    "+12025550170": "steps: [{say: 'Hello?'}, {listen: 0.4}, {say: 'Hello?'}, {pause: 1000}]",
    "+12025550171": "steps: [{say: 'Hello?'}, {wait_for_digits: {'12': "
    "[{wait_for_digits: {'3#': [{pause: 1}, hang_up]}, longest_s: 1000}]}, longest_s: 1000}]",
    "+12025550172": "steps: [{say: 'Hello?'}, {pause: 0.5}, {press: '1234#', gap_s: 0.04}, {pause: 1000}]",
    "+12025550173": "steps: [{say: 'Hello?'}, {listen: 0.3, longest_s: 1000}, hang_up]",
    "+12025550175": "steps: [{say: 'Hello?'}, {press: '1', once_asked: true}, {listen: 0.3, longest_s: 1000}, hang_up]",
    "+12025550174": "steps: [{say: 'Hello?'}, hang_up]",
}


class Numbers:
    """Whom to call beside those that the other tests call."""

    talkative: str = "+12025550170"
    """Waits for the agent's answers."""
    menu: str = "+12025550171"
    """Hangs up after 12 and then 3# were pressed."""
    keypad: str = "+12025550172"
    """Presses keys."""
    colleague: str = "+12025550173"
    """Hangs up once somebody has spoken to them."""
    briefed: str = "+12025550175"
    """The same, and presses a key when the carrier's voice has spoken."""
    hasty: str = "+12025550174"
    """Hangs up at once."""


@pytest.fixture
def more() -> Numbers:
    return Numbers()


# -- carriers ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """One carrier: its stand-in, an account there, and how it calls what it tells."""

    name: str
    cloud: Callable[[Directory], Cloud]
    account: Callable[[Any, bool], Account]
    """For the cloud; with False one with wrong credentials."""
    ringing: str
    verdict: tuple[str, ...]
    """Labels of the callbacks that tell who took the call."""
    told: tuple[str, ...]
    """Labels of those that tell how a call goes, its end left out."""
    ends: tuple[str, ...]
    asked_later: tuple[Outcome, Outcome, Outcome] = ("busy", "no_answer", "failed")
    """What it says, when it is asked, of a busy line, of one that nobody took and of a number that nobody has."""
    repeats_commands: bool
    """A dial or a transfer that failed is asked for again: the carrier does none twice."""
    tells_only_machines: bool = False
    """Whether a machine took the call is all that it says: of no fax, and nothing where it does not know."""


def _twilio(cloud: TwilioCloud, right: bool) -> Account:
    return Twilio(cloud.account_sid, "0" * 32 if right else "f" * 32, api_url=cloud.url)


def _telnyx(cloud: TelnyxCloud, right: bool) -> Account:
    key = "KEY0" if right else "KEY1"
    connection, public_key = cloud.application.connection_id, cloud.public_key
    return Telnyx(key, connection, public_key, api_url=cloud.url, machine_detection="premium")


def _plivo(cloud: PlivoCloud, right: bool) -> Account:
    return Plivo(cloud.auth_id, ("0" if right else "f") * 40, api_url=cloud.url)


TRUNKS = (
    Trunk(
        name="twilio",
        cloud=TwilioCloud,
        account=_twilio,
        ringing="ringing",
        verdict=("amd",),
        told=("initiated", "ringing", "in-progress", "stream-started", "stream-stopped", "amd"),
        ends=("completed", "busy", "no-answer", "failed", "canceled"),
        repeats_commands=False,
    ),
    Trunk(
        name="telnyx",
        cloud=TelnyxCloud,
        account=_telnyx,
        ringing="call.initiated",
        verdict=("call.machine.premium.detection.ended", "call.machine.premium.greeting.ended"),
        told=(
            "call.initiated",
            "call.answered",
            "streaming.started",
            "streaming.stopped",
            "call.machine.premium.detection.ended",
            "call.machine.premium.greeting.ended",
        ),
        ends=("call.hangup",),
        asked_later=("no_answer", "no_answer", "no_answer"),  # it knows only that nobody talked
        repeats_commands=True,
    ),
    Trunk(
        name="plivo",
        cloud=PlivoCloud,
        account=_plivo,
        ringing="ringing",
        verdict=("amd",),
        told=("ringing", "StartStream", "StopStream", "amd"),
        ends=("completed", "busy", "no-answer", "failed", "canceled"),
        asked_later=("no_answer", "no_answer", "no_answer"),  # it does not know them by their requests' names
        repeats_commands=False,
        tells_only_machines=True,
    ),
)


@pytest.fixture(params=TRUNKS, ids=lambda trunk: trunk.name)
def trunk(request: pytest.FixtureRequest) -> Trunk:
    """Each carrier in turn."""
    chosen: Trunk = request.param
    return chosen


# -- engines ----------------------------------------------------------------------------------------------------


class Loopback:
    """A tunnel from this machine to this machine."""

    async def open(self, port: int, moved: Moved) -> str:
        return f"http://127.0.0.1:{port}"

    async def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Ended:
    """A call that is over, and what happened in it as the store has it."""

    view: CallView
    events: list[Event]

    @property
    def how(self) -> tuple[str | None, str | None, str]:
        """Outcome, who ended it, and the code of what broke it."""
        return self.view.outcome, self.view.ended_by, self.view.error_code

    def of(self, kind: type[Any]) -> list[Any]:
        """Its events of one type."""
        return [event for event in self.events if isinstance(event, kind)]


class Site:
    """A running engine, and how it is rung."""

    def __init__(
        self, engine: Engine, store: Store, clock: SkippingClock, ring: Callable[[str], Awaitable[RingResult]]
    ) -> None:
        self.engine = engine
        self.clock = clock
        self.ring = ring
        """A party calls us, and stays until the end."""
        self.store = store
        self._events: list[Event] = []
        self._more = asyncio.Event()
        engine.bus.subscribe(self._hear)

    @property
    def board(self) -> Switchboard:
        return self.engine.switchboard

    def _hear(self, event: Event) -> None:
        self._events.append(event)
        self._more.set()

    async def place(self, number: str, **more: Any) -> str:
        """Place a call; its id."""
        return (await self.board.place(PlaceCall(to_number=number, goal="Be quick.", **more))).call_id

    async def happened(self, call_id: str, kind: type[Any], when: Callable[[Any], bool] = lambda _: True) -> Any:
        """The first such event of the call, which may have happened already."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for event in self._events:
                    if event.call_id == call_id and isinstance(event, kind) and when(event):
                        return event
                self._more.clear()
                await self._more.wait()

    async def line_open(self, call_id: str) -> None:
        """Wait until the agent may talk in the call."""
        await self.happened(call_id, CallPrepared)
        await self.happened(call_id, CallAnswered)

    async def ended(self, call_id: str) -> Ended:
        """The call once it is over."""
        async with asyncio.timeout(PATIENCE_S):
            view = await self.board.wait(call_id, timeout_s=PATIENCE_S)
        assert view.ended, view
        return await self.stored(call_id)

    async def stored(self, call_id: str) -> Ended:
        """The call as the store has it now."""
        [view] = [view for view in await self.board.list(CallQuery(limit=200)) if view.call_id == call_id]
        return Ended(view, [decode(row.data) for row in await self.store.calls.events(call_id=call_id)])

    async def only_call(self) -> str:
        """The id of the one call that there was."""
        [view] = await self.board.list(CallQuery())
        return view.call_id

    async def transcript(self, call_id: str) -> list[tuple[str, str]]:
        """Who said what."""
        page = await self.board.transcript(call_id)
        return [(turn.role, turn.text) for turn in page.turns]


class CarrierSite(Site):
    """A running engine at a carrier."""

    def __init__(self, engine: Engine, store: Store, clock: SkippingClock, cloud: Cloud) -> None:
        super().__init__(engine, store, clock, lambda number: cloud.ring(number, OURS))
        self.cloud = cloud

    async def line(self, number: str) -> LineCall:
        """The latest call with this party as the carrier has it, once there is one."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = [call for call in self.cloud.lines.calls if call.legs.party_number == number]
                if found:
                    return max(found, key=lambda call: call.began_at)
                await asyncio.sleep(0)

    async def asked(self, path: str) -> None:
        """Wait until the carrier's API was asked for something with `path` in its path."""
        async with asyncio.timeout(PATIENCE_S):
            while not any(path in request.path for request in self.cloud.requests):  # noqa: ASYNC110 -- nobody tells
                await asyncio.sleep(0)

    async def all_over(self) -> None:
        """No call is open at the carrier, nobody spoke what it does not understand, and every webhook was taken."""
        for call in list(self.cloud.lines.calls):
            async with asyncio.timeout(PATIENCE_S):
                await call.ended.wait()
            assert call.far_end is None or not call.far_end.faults
        assert self.engine.live_calls == 0
        refused = [(sent.label, status) for sent, status in self.cloud.webhooks.delivered if status >= 300]
        assert not refused


OpenSite = Callable[..., AbstractAsyncContextManager[CarrierSite]]
OpenEngine = Callable[..., AbstractAsyncContextManager[CarrierSite]]
OpenSimSite = Callable[..., AbstractAsyncContextManager[Site]]


@asynccontextmanager
async def running(settings: Settings, **options: Any) -> AsyncIterator[tuple[Engine, Store]]:
    """An engine and a look into its store."""
    async with Engine(settings, **options) as engine:
        store = await Store.open(settings.database)
        try:
            yield engine, store
        finally:
            await store.close()


@pytest.fixture
def directory(home: Path) -> Directory:
    """Everybody who has a telephone."""
    for number, rest in PARTIES.items():
        party = f'number: "{number}"\nname: Sam\nrings: 1\nring_s: 0.01\n{rest}\n'
        (home / "parties" / f"{number[1:]}.yaml").write_text(party)
    return Directory.load(home / "parties")


@pytest.fixture
def open_engine(trunk: Trunk, home: Path, clean_environment: None, agent: MakeAgent) -> OpenEngine:
    """Opens an engine at a cloud that runs already; afterwards no call may be open there."""

    @asynccontextmanager
    async def opened(
        cloud: Cloud, speaking: Agent | None = None, *, credentials: bool = True, **changes: Any
    ) -> AsyncIterator[CarrierSite]:
        given = {"home": home, "port": 0, "carrier_port": 0, "drain_s": 0.0, "phone_number": OURS, **changes}
        clock = SkippingClock()
        options = {"account": trunk.account(cloud, credentials), "tunnel": Loopback(), "clock": clock}
        settings = Settings.model_validate(given)
        async with running(settings, agent=speaking or agent(), any_number=True, **options) as (engine, store):
            site = CarrierSite(engine, store, clock, cloud)
            yield site
            await site.all_over()

    return opened


@pytest.fixture
def open_site(trunk: Trunk, directory: Directory, home: Path, open_engine: OpenEngine) -> OpenSite:
    """Opens an engine and the carrier's cloud, where we have a number if we `own` one."""

    @asynccontextmanager
    async def opened(speaking: Agent | None = None, *, own: bool = True, **changes: Any) -> AsyncIterator[CarrierSite]:
        async with trunk.cloud(directory) as cloud:
            if own:
                cloud.own(OURS)
            # Beside the simulated network's, which a test may have open, too.
            async with open_engine(cloud, speaking, home=home / "site", **changes) as site:
                yield site

    return opened


@pytest.fixture
def open_sim_site(directory: Directory, home: Path, clean_environment: None, agent: MakeAgent) -> OpenSimSite:
    """Opens an engine at the simulated network."""

    @asynccontextmanager
    async def opened(speaking: Agent | None = None, **changes: Any) -> AsyncIterator[Site]:
        settings = Settings.model_validate({"home": home, "port": 0, "carrier_port": 0, "drain_s": 0.0, **changes})
        network = SimNetwork(directory, sim_secret(home))
        try:
            async with running(settings, agent=speaking or agent()) as (engine, store):
                url = f"{engine.carrier_url}/webhooks/sim/voice"
                yield Site(engine, store, SkippingClock(), lambda number: network.ring(url, number, OURS))
        finally:
            await network.close()

    return opened
