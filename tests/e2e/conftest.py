"""The whole engine in this process: real listeners, a real store, a simulated network on real sockets."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from mcp import Client
from mcp.types import TextContent
from websockets.asyncio.client import ClientConnection, connect

from getpatter.agent import Agent, TurnSettings
from getpatter.calls.record import call_view
from getpatter.calls.switchboard import Switchboard
from getpatter.calls.views import CallQuery, CallView, PlaceCall
from getpatter.clock import Clock
from getpatter.events import Event, decode
from getpatter.server.engine import Engine
from getpatter.settings import Settings
from getpatter.store import Store
from getpatter.testing import answer_document
from getpatter.testing.line_codec import Play
from getpatter.testing.providers import AnsweringLLM, CountingTTS, TellableSTT
from getpatter.testing.signing import signature_headers, sim_secret
from getpatter.testing.twilio_line import TwilioLineCodec
from getpatter.testing.twilio_wire import FORM, SIM_ACCOUNT, call_fields, new_call_id
from getpatter.testing.verbs import ConnectStream
from getpatter.testing.webhooks import Callback, Webhooks
from getpatter.testing.wire import Legs
from patter_mcp.http import mount
from patter_mcp.server import build_server

PATIENCE_S = 120.0
"""For everything that is waited for: long, because a slow machine is no fault of the code."""

PARTIES = {
    "+12025550150": "name: Patient\nsteps: [{say: 'Hello?'}, {pause: 1000}]",
    "+12025550151": "name: Brief\nsteps: [{say: 'Hello?'}, {pause: 0.5}, hang_up]",
    "+12025550152": "name: Nobody\nanswers: no_answer",
    "+12025550153": "name: Machine\nanswers: voicemail\nsteps: [{say: 'Hello?'}, {beep: 0.1}, {pause: 1000}]",
    "+12025550154": "name: Far away\nrings: 100\nring_s: 60",
    "+12025550157": "name: Restaurant\nrings: 2\nsteps: [{say: 'Of course. For how many people?'}, listen, "
    "{say: 'And at what time would you like to come?'}, listen, {say: 'You are welcome. Goodbye.'}, {pause: 1000}]",
    "+12025550158": "name: Listener\nsteps: [listen, hang_up]",
    "+12025550156": "name: Talker\nsteps: [{repeat: 100, steps: [{say: 'Hello?'}, {pause: 1}]}]",
    "+12025550155": "name: Silent\nsteps: [{pause: 1000}]",
}
"""Parties with short rings, beside those that are built in."""


class Numbers:
    """Whom to call."""

    patient: str = "+12025550150"
    """Says one word and stays on the line."""
    brief: str = "+12025550151"
    """Says one word and hangs up."""
    nobody: str = "+12025550152"
    machine: str = "+12025550153"
    far_away: str = "+12025550154"
    """Rings for longer than any test lasts."""
    talker: str = "+12025550156"
    """Says one word again and again."""
    silent: str = "+12025550155"
    busy: str = "+12025550101"
    listener: str = "+12025550158"
    """Hears the agent out and hangs up."""
    brisk: str = "+12025550157"
    """A restaurant that asks two questions and says goodbye."""
    restaurant: str = "+12025550100"
    unknown: str = "+12025550149"


@pytest.fixture
def numbers() -> Numbers:
    return Numbers()


class Refused(Exception):
    """A tool answered with an error, and this is its text."""


@pytest.fixture
def refused() -> type[Refused]:
    return Refused


@dataclass(frozen=True, slots=True)
class Assistant:
    """An MCP client and its session with the tools."""

    client: Client

    async def use(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The tool's structured result; raises `Refused`."""
        result = await self.client.call_tool(tool, arguments)
        if result.is_error:
            raise Refused(" ".join(block.text for block in result.content if isinstance(block, TextContent)))
        return dict(result.structured_content or {})


@pytest.fixture
def assistant_over() -> Callable[[Client], Assistant]:
    """Makes an assistant of an MCP client."""
    return Assistant


@dataclass(frozen=True, slots=True)
class Ended:
    """A call that is over: as the switchboard showed it, which is how the store has it, and as MCP tells it."""

    view: CallView
    result: dict[str, Any]
    events: list[Event]

    @property
    def how(self) -> tuple[str | None, str | None, str]:
        """Outcome, who ended it, and the code of what broke it."""
        return self.view.outcome, self.view.ended_by, self.view.error_code


class House:
    """A running engine with an assistant beside it."""

    def __init__(self, engine: Engine, settings: Settings, store: Store, assistant: Assistant) -> None:
        self.engine = engine
        self.settings = settings
        self.assistant = assistant
        self._store = store

    @property
    def board(self) -> Switchboard:
        return self.engine.switchboard

    @property
    def voice_url(self) -> str:
        """What a carrier calls when somebody rings us."""
        return f"{self.engine.carrier_url}/webhooks/sim/voice"

    async def place(self, number: str, **more: Any) -> str:
        """Have the assistant place a call; its id."""
        placed = await self.assistant.use("place_call", to_number=number, goal="Be quick.", **more)
        return str(placed["call_id"])

    async def until(self, call_id: str, reached: Callable[[CallView], bool]) -> CallView:
        """The call once it is as awaited."""
        async with asyncio.timeout(PATIENCE_S):
            view = await self.board.get(call_id)
            while not reached(view):
                assert not view.ended, view
                view = await self.board.wait(call_id, timeout_s=PATIENCE_S, after_seq=view.last_seq)
        return view

    async def talking(self, call_id: str) -> CallView:
        """The call once somebody has said something in it."""
        return await self.until(call_id, lambda view: view.turns > 0)

    async def ended(self, call_id: str) -> Ended:
        """Wait for the end; switchboard, store and MCP must tell the same of it."""
        async with asyncio.timeout(PATIENCE_S):
            view = await self.board.wait(call_id, timeout_s=PATIENCE_S)
            await self.board.list(CallQuery(limit=1))  # writes what the journal still holds
        assert view.ended, view
        row = await self._store.calls.get(call_id)
        assert row is not None
        assert call_view(row, 0.0) == view
        result = await self.assistant.use("wait_for_call", call_id=call_id)
        assert result["ended"]
        told = (result["outcome"], result["ended_by"], result.get("reason", ""), result.get("error", ""))
        assert told == (view.outcome, view.ended_by, view.reason, view.error)
        events = [decode(row.data) for row in await self._store.calls.events(call_id=call_id)]
        return Ended(view, result, events)

    async def transcript(self, call_id: str) -> list[tuple[str, str]]:
        """Who said what."""
        page = await self.board.transcript(call_id)
        return [(turn.role, turn.text) for turn in page.turns]

    @asynccontextmanager
    async def handset(self) -> AsyncIterator[Handset]:
        """A telephone that has rung the engine, which must answer."""
        secret = sim_secret(self.settings.home)
        webhooks = Webhooks()
        legs = Legs(new_call_id(), "inbound", Numbers().patient, self.settings.phone_number)
        try:
            fields = call_fields(SIM_ACCOUNT, legs, "ringing")
            headers = signature_headers(secret, self.voice_url, fields)
            ring = Callback("voice", self.voice_url, urlencode(fields).encode(), FORM, sign=lambda: headers)
            [verb] = answer_document.read((await webhooks.post(ring)).content)
            assert isinstance(verb, ConnectStream)
            yield Handset(verb.url, verb.parameters["token"], legs, secret)
        finally:
            await webhooks.close()


@dataclass(frozen=True, slots=True)
class Handset:
    """A telephone in the hand of a test, which opens media sockets and writes each message itself."""

    url: str
    token: str
    legs: Legs
    secret: bytes

    @property
    def call_id(self) -> str:
        return self.url.rpartition("/")[2]

    @asynccontextmanager
    async def connect(self, call_id: str | None = None) -> AsyncIterator[Line]:
        """An open media socket of this call, or of another, on which nothing was said yet."""
        url = self.url if call_id is None else self.url.replace(self.call_id, call_id)
        codec = TwilioLineCodec("MZ1", self.legs.call_id, {"token": self.token})
        signed = signature_headers(self.secret, url)
        async with connect(url, additional_headers=signed, compression=None, proxy=None, ping_interval=None) as socket:
            yield Line(socket, codec)

    @asynccontextmanager
    async def open(self, token: str | None = None) -> AsyncIterator[Line]:
        """A media socket on which `start` was sent, with another token than the right one if it is given."""
        presented = self if token is None else dataclasses.replace(self, token=token)
        async with presented.connect() as line:
            await line.send(line.codec.connected())
            await line.send(line.codec.start())
            yield line


@dataclass(frozen=True, slots=True)
class Line:
    """One media socket, from the carrier's side."""

    socket: ClientConnection
    codec: TwilioLineCodec

    async def send(self, message: bytes) -> None:
        await self.socket.send(message, text=True)

    async def agent_speaks(self) -> None:
        """Wait for the first sound of the agent."""
        async with asyncio.timeout(PATIENCE_S):
            while not isinstance(self.codec.decode(await self.socket.recv()), Play):
                pass

    async def closed(self) -> int | None:
        """The code that the engine closes with."""
        async with asyncio.timeout(PATIENCE_S):
            await self.socket.wait_closed()
        return self.socket.close_code

    def drop(self) -> None:
        """Lose the connection without a word."""
        self.socket.transport.abort()


def _agent(**changes: Any) -> Agent:
    """One that speaks without sound and understands what it is told; its own sentences are short."""
    agent = Agent(
        system_prompt="",
        llm=AnsweringLLM("Yes."),
        stt=TellableSTT(),
        tts=CountingTTS(),
        still_there_message="Hello?",
        silence_message="Bye.",
        time_limit_message="Time's up.",
        error_message="Sorry, goodbye.",
        shutdown_message="Closing.",
        turns=TurnSettings(vad_stop_s=0.2, goodbye_timeout_s=PATIENCE_S),
    )
    return dataclasses.replace(agent, **changes)


MakeAgent = Callable[..., Agent]


@pytest.fixture
def agent() -> MakeAgent:
    """Makes an agent; keyword arguments are `Agent`'s fields."""
    return _agent


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A `PATTER_HOME` in which the parties of `PARTIES` can be called."""
    folder = tmp_path / "home" / "parties"
    folder.mkdir(parents=True)
    for number, rest in PARTIES.items():
        rings = "" if "rings:" in rest else "rings: 1\nring_s: 0.01\n"
        (folder / f"{number[1:]}.yaml").write_text(f'number: "{number}"\n{rings}{rest}\n')
    return folder.parent


OpenHouse = Callable[..., AbstractAsyncContextManager[House]]


@pytest.fixture
def clean_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of whoever runs the tests have no part in them."""
    monkeypatch.chdir(home)  # where there is no .env
    for name in [name for name in os.environ if name.startswith("PATTER_") or name == "DATABASE_URL"]:
        monkeypatch.delenv(name)


@pytest.fixture
def open_house(home: Path, clean_environment: None) -> OpenHouse:
    """Opens a house; afterwards no task, no socket and no line may be left of its calls."""

    @asynccontextmanager
    async def opened(agent: Agent | None = None, *, clock: Clock | None = None, **changes: Any) -> AsyncIterator[House]:
        given = {"home": home, "port": 0, "carrier_port": 0, "max_calls": 2, "drain_s": 0.0, **changes}
        settings = Settings.model_validate(given)
        with no_socket_left():
            async with Engine(settings, agent=agent or _agent(), mounts=[mount], clock=clock) as engine:
                store = await Store.open(settings.database)
                try:
                    async with (
                        no_call_left(engine, settings.max_calls),
                        Client(build_server(engine.switchboard)) as mcp,
                    ):
                        yield House(engine, settings, store, Assistant(mcp))
                finally:
                    await store.close()

    return opened


@asynccontextmanager
async def no_call_left(engine: Engine, lines: int) -> AsyncIterator[None]:
    """Every task that began inside must end, and every line be free again."""
    before = asyncio.all_tasks()
    yield
    while begun := asyncio.all_tasks() - before:
        _, left = await asyncio.wait(begun, timeout=PATIENCE_S)
        assert not left
    assert engine.live_calls == 0
    assert await free_lines(engine, lines) == lines


async def free_lines(engine: Engine, most: int) -> int:
    """How many calls can be placed at once."""
    board = engine.switchboard
    request = PlaceCall(to_number=Numbers.busy, goal="Find out whether a line is free.")
    placed = await asyncio.gather(*(board.place(request) for _ in range(most)), return_exceptions=True)
    calls = [call for call in placed if isinstance(call, CallView)]
    await asyncio.gather(*(board.wait(call.call_id, timeout_s=PATIENCE_S) for call in calls))
    return len(calls)


@contextmanager
def no_socket_left() -> Iterator[None]:
    before = open_sockets()
    yield
    assert open_sockets() == before


def open_sockets() -> set[int]:
    """Inodes of this process's sockets."""
    found = set()
    for name in os.listdir("/dev/fd"):
        try:
            status = os.fstat(int(name))
        except OSError:  # the listing's own descriptor
            continue
        if stat.S_ISSOCK(status.st_mode):
            found.add(status.st_ino)
    return found
