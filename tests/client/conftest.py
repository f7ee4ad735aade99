"""`Patter` at each carrier's stand-in cloud: real sockets and REST, signed webhooks, parties that talk."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from getpatter import Agent, Patter, Plivo, Telnyx, Twilio
from getpatter.carriers.account import Account
from getpatter.settings import SIMULATED_NUMBER
from getpatter.testing.clip_voice import ClipTTS
from getpatter.testing.clouds import PlivoCloud, TelnyxCloud, TwilioCloud
from getpatter.testing.clouds.cloud import Cloud
from getpatter.testing.line_call import LineCall
from getpatter.testing.parties import Directory, parse_party
from getpatter.testing.providers import AnsweringLLM, TellableSTT
from getpatter.tunnels.base import Moved

PATIENCE_S: Final = 120.0
"""For everything that is waited for: long, because a slow machine is no fault of the code."""
OURS: Final = SIMULATED_NUMBER

# Whoever hears the agent out takes a silence for its end: a machine that stands still for a moment is silent, too.
PARTIES = {
    "+12025550170": "steps: [{say: 'Hello?'}, {pause: 1000}]",
    "+12025550171": "steps: [{say: 'Hello?'}, {listen: 1.5, longest_s: 1000}, hang_up]",
    "+12025550172": "steps: [{listen: 1.5, longest_s: 1000}, hang_up]",
    "+12025550173": "steps: [{listen: 1.5, longest_s: 1000}, hang_up]",
    "+12025550174": "answers: no_answer",
    "+12025550175": "answers: busy",
    "+12025550176": "answers: voicemail\nsteps: [{say: 'Hello?'}, {beep: 0.1}, {pause: 1000}]",
    "+12025550177": "rings: 100\nring_s: 60",
    "+12025550178": "steps: [{say: 'Hello?'}, {wait_for_digits: {'12': [{pause: 1}, hang_up]}, longest_s: 1000}]",
    "+12025550179": "steps: [{say: 'Hello?'}, {pause: 1}, {press: '1'}, {pause: 3}, hang_up]",
}


class Numbers:
    """Whom to call, and who calls."""

    patient: str = "+12025550170"
    """Says one word and stays on the line."""
    caller: str = "+12025550171"
    """Says one word, hears the agent out and hangs up."""
    listener: str = "+12025550172"
    """Hears the agent out and hangs up."""
    other_listener: str = "+12025550173"
    nobody: str = "+12025550174"
    busy: str = "+12025550175"
    machine: str = "+12025550176"
    far_away: str = "+12025550177"
    """Rings for longer than any test lasts."""
    menu: str = "+12025550178"
    """Hangs up some time after 12 was pressed."""
    colleague: str = "+12025550179"
    """Presses a key, as whoever takes a call over is asked to, and stays for a moment."""
    unknown: str = "+12025550149"


@pytest.fixture
def numbers() -> Numbers:
    return Numbers()


@pytest.fixture
def directory() -> Directory:
    parties = []
    for number, rest in PARTIES.items():
        rings = "" if "ring_s" in rest else "rings: 1\nring_s: 0.01\n"
        parties.append(parse_party(f'number: "{number}"\nname: Sam\n{rings}{rest}\n', source="test"))
    return Directory(parties)


# -- carriers ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Trunk:
    """One carrier: its stand-in, and an account there."""

    name: str
    cloud: Callable[[Directory], Cloud]
    account: Callable[[Any], Account]


TRUNKS = (
    Trunk("twilio", TwilioCloud, lambda cloud: Twilio(cloud.account_sid, "0" * 32, api_url=cloud.url)),
    Trunk(
        "telnyx",
        TelnyxCloud,
        lambda cloud: Telnyx("KEY0", cloud.application.connection_id, cloud.public_key, api_url=cloud.url),
    ),
    Trunk("plivo", PlivoCloud, lambda cloud: Plivo(cloud.auth_id, "0" * 40, api_url=cloud.url)),
)


@pytest.fixture(params=TRUNKS, ids=lambda trunk: trunk.name)
def trunk(request: pytest.FixtureRequest) -> Trunk:
    """Each carrier in turn."""
    chosen: Trunk = request.param
    return chosen


class Loopback:
    """A tunnel from this machine to this machine, which can move to another name of it."""

    def __init__(self) -> None:
        self._port = 0
        self._moved: Moved | None = None

    async def open(self, port: int, moved: Moved) -> str:
        self._port, self._moved = port, moved
        return f"http://127.0.0.1:{port}"

    def move(self) -> str:
        """The name by which it is reached now."""
        assert self._moved is not None
        self._moved(f"http://localhost:{self._port}")
        return f"localhost:{self._port}"

    async def close(self) -> None:
        pass


# -- programs ---------------------------------------------------------------------------------------------------


CALLBACKS = ("on_call_start", "on_call_end", "on_transcript", "on_metrics", "on_machine_detection", "on_price")


class Log:
    """What a program's callbacks were told, in order: the name of each and what it was given."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        self._more = asyncio.Event()

    def callbacks(self, *names: str) -> dict[str, Any]:
        """Those of these names, or all that tell something."""

        def callback(name: str) -> Callable[[Any], Awaitable[None]]:
            async def tell(given: Any) -> None:
                self.told.append((name, given))
                self._more.set()

            return tell

        return {name: callback(name) for name in names or CALLBACKS}

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.told]

    def of(self, name: str) -> list[Any]:
        return [given for told, given in self.told if told == name]

    async def until(self, name: str) -> Any:
        """What the callback was told first, once it was."""
        async with asyncio.timeout(PATIENCE_S):
            while name not in self.names:
                self._more.clear()
                await self._more.wait()
        return self.of(name)[0]


class Office:
    """A program with an account, and the carrier."""

    def __init__(self, cloud: Cloud, phone: Patter, tunnel: Loopback) -> None:
        self.cloud = cloud
        self.phone = phone
        self.tunnel = tunnel
        self.log = Log()
        """For calls that have no other."""

    def agent(self, *answers: str, **options: Any) -> Agent:
        """Understands every pause as "Hello?", and speaks so that parties take it for speech."""
        given = {"stt": TellableSTT(["Hello?"] * 99), "tts": ClipTTS(), "llm": AnsweringLLM(*answers or ("Hello?",))}
        return self.phone.agent(**{"system_prompt": "Be quick.", **given, **options})

    async def ready(self) -> str:
        async with asyncio.timeout(PATIENCE_S):
            return await self.phone.ready

    @asynccontextmanager
    async def serving(self, agent: Agent, **options: Any) -> AsyncIterator[None]:
        """Meanwhile calls are answered, and `log` is told of them."""
        serving = asyncio.create_task(self.phone.serve(agent, 0, **{**self.log.callbacks(), **options}))
        await self.ready()
        yield
        async with asyncio.timeout(PATIENCE_S):
            await self.phone.stop()
            await serving

    async def call(self, to: str, agent: Agent | None = None, **options: Any) -> Any:
        """As `Patter.call`."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.phone.call(to, agent, **options)

    async def ring(self, number: str) -> None:
        """Have somebody call us, until the end."""
        async with asyncio.timeout(PATIENCE_S):
            assert (await self.cloud.ring(number, OURS)).answered

    async def line(self, number: str) -> LineCall:
        """The latest call with this party as the carrier has it, once there is one."""
        await self.until(lambda: any(self._lines(number)))
        return max(self._lines(number), key=lambda call: call.began_at)

    def _lines(self, number: str) -> list[LineCall]:
        return [call for call in self.cloud.lines.calls if call.legs.party_number == number]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what nobody is told of."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                if condition():
                    return
                await asyncio.sleep(0)

    async def all_over(self) -> None:
        """No call is open at the carrier, and each call that began has ended for the program, once."""
        for call in list(self.cloud.lines.calls):
            async with asyncio.timeout(PATIENCE_S):
                await call.ended.wait()
        started = Counter(told["call_id"] for told in self.log.of("on_call_start"))
        assert set(started.values()) <= {1}
        assert started == Counter(told["call_id"] for told in self.log.of("on_call_end"))


@pytest.fixture
async def office(
    trunk: Trunk, directory: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Office]:
    """Stopped at the end; then no call may be open."""
    monkeypatch.chdir(tmp_path)  # where there is no .env
    for name in [name for name in os.environ if name.startswith(("PATTER_", "DATABASE_URL", "OPENAI_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATTER_DRAIN_S", "0")
    async with trunk.cloud(directory) as cloud:
        cloud.own(OURS)
        tunnel = Loopback()
        phone = Patter(carrier=trunk.account(cloud), phone_number=OURS, tunnel=tunnel, persist=tmp_path / "home")
        office = Office(cloud, phone, tunnel)
        yield office
        async with asyncio.timeout(PATIENCE_S):
            await phone.stop()
        await office.all_over()
