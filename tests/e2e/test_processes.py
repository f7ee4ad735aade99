"""The real commands in processes of their own, and what is left when one of them is killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from getpatter.calls.inbound_memory import InboundMemory
from getpatter.calls.views import CallQuery, CallView, PlaceCall, ServeInbound
from getpatter.control.beacon import EngineInfo, engine_lock_held, read_engine
from getpatter.control.remote import RemoteSwitchboard
from getpatter.errors import EngineUnavailable
from getpatter.events import DtmfPressed, Event, Turn, decode
from getpatter.settings import Settings
from getpatter.store import Store
from getpatter.store.projection import kept
from getpatter.tts.espeak import DEFAULT_VOICE

if TYPE_CHECKING:
    from tests.e2e.conftest import Assistant, Numbers

PATIENCE_S = 120.0
LOST_S = 0.5
"""The most of a call's record that a killed engine may take with it."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that has ended."""

    status: int
    out: str
    err: str


class Serving:
    """`getpatter serve` as a child of ours, ready for calls."""

    def __init__(self, process: Process, info: EngineInfo) -> None:
        self.process = process
        self.info = info

    def __repr__(self) -> str:
        return f"Serving({self.info!r})"

    @property
    def workers(self) -> set[int]:
        """Ids of its child processes."""
        return children(self.info.pid)

    async def draining(self) -> None:
        """Wait until it says that it takes no more calls."""
        async with asyncio.timeout(PATIENCE_S), httpx.AsyncClient(trust_env=False) as http:
            while (await http.get(f"{self.info.private_url}/health")).status_code != 503:
                pass

    async def exit_status(self) -> int:
        """Wait for its end."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.process.wait()


class Machine:
    """A user's machine, on which commands are run with one `PATTER_HOME`."""

    def __init__(self, home: Path, assistant_over: Callable[[Client], Assistant]) -> None:
        self.home = home
        self._assistant_over = assistant_over
        self.environment = {**os.environ, "PATTER_HOME": str(home), "PATTER_LOG_LEVEL": "WARNING", "COLUMNS": "200"}

    async def getpatter(self, *arguments: str) -> Finished:
        """Run a command to its end."""
        process = await self._start(*arguments)
        async with asyncio.timeout(PATIENCE_S):
            out, err = await process.communicate()
        assert process.returncode is not None
        return Finished(process.returncode, out.decode(), err.decode())

    @asynccontextmanager
    async def serving(self, *arguments: str, **settings: str) -> AsyncIterator[Serving]:
        """`getpatter serve` on free ports; killed at the end if it still runs.  `settings` are environment."""
        process = await self._start("serve", "--port", "0", "--carrier-port", "0", *arguments, **settings)
        assert process.stderr is not None
        try:
            async with asyncio.timeout(PATIENCE_S):
                told = b""
                while b"patter is ready" not in told:
                    told = await process.stderr.readline()
                    assert told, "the engine ended while starting"
            info = read_engine(self.home)
            assert info is not None
            yield Serving(process, info)
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()

    @asynccontextmanager
    async def switchboard(self, engine: Serving) -> AsyncIterator[RemoteSwitchboard]:
        """The engine's switchboard over its control API."""
        remote = RemoteSwitchboard(engine.info.private_url, engine.info.token)
        try:
            yield remote
        finally:
            await remote.aclose()

    @asynccontextmanager
    async def assistant(self) -> AsyncIterator[tuple[Assistant, int]]:
        """An MCP session with a `patter-mcp` process over its standard input and output, and the process's id."""
        server = StdioServerParameters(
            command=sys.executable, args=["-m", "patter_mcp"], env=self.environment, cwd=self.home
        )
        before = children(os.getpid())
        async with Client(server) as client:
            [pid] = children(os.getpid()) - before
            yield self._assistant_over(client), pid

    async def stop(self) -> None:
        """Kill engines that commands have started, and wait until they are gone."""
        for home in (self.home, self.home / "demo"):
            if (engine := read_engine(home)) is not None:
                os.kill(engine.pid, signal.SIGKILL)
            async with asyncio.timeout(PATIENCE_S):
                while engine_lock_held(home):  # noqa: ASYNC110 -- a lock has no event to wait for
                    await asyncio.sleep(0)

    async def _start(self, *arguments: str, **settings: str) -> Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "getpatter.cli.main",
            *arguments,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            env={**self.environment, **settings},
            cwd=self.home,
        )


@pytest.fixture
async def machine(
    home: Path, clean_environment: None, assistant_over: Callable[[Client], Assistant]
) -> AsyncIterator[Machine]:
    machine = Machine(home, assistant_over)
    yield machine
    await machine.stop()


def children(pid: int) -> set[int]:
    """Ids of the living processes whose parent is `pid`."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("processes are looked up in /proc")
    return {child for child, parent in _processes() if parent == pid}


async def gone(pids: set[int]) -> None:
    """Wait until none of these processes lives."""
    async with asyncio.timeout(PATIENCE_S):
        while pids & {pid for pid, _ in _processes()}:  # noqa: ASYNC110 -- not our children: nothing tells of their end
            await asyncio.sleep(0)


def _processes() -> Iterator[tuple[int, int]]:
    """Process and parent; those that are dead and were not waited for are left out."""
    for stat_file in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat_file.read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):  # it ended just now
            continue
        if state not in "ZX":
            yield int(stat_file.parent.name), int(parent)


async def talking(board: RemoteSwitchboard, request: PlaceCall) -> CallView:
    """A new call, once somebody has said something in it."""
    view = await board.place(request)
    while view.turns == 0:
        assert not view.ended, view
        view = await board.wait(view.call_id, timeout_s=PATIENCE_S, after_seq=view.last_seq)
    return view


async def stored_events(machine: Machine, call_id: str) -> list[Event]:
    store = await Store.open(Settings(home=machine.home).database)
    try:
        return [decode(row.data) for row in await store.calls.events(call_id=call_id)]
    finally:
        await store.close()


def words(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.role, event.text) for event in events if isinstance(event, Turn)]


# -- kill -9 ----------------------------------------------------------------------------------------------------


async def test_a_call_outlives_the_killed_process_that_placed_it_and_is_ended_through_another(
    machine: Machine, numbers: Numbers
) -> None:
    async with machine.assistant() as (first, process):
        placed = await first.use("place_call", to_number=numbers.silent, goal="Wait.", first_message="Good day.")
        call_id = placed["call_id"]
        os.kill(process, signal.SIGKILL)
    async with machine.assistant() as (second, _), asyncio.timeout(PATIENCE_S):
        while (call := await second.use("wait_for_call", call_id=call_id, timeout_s=0.2))["turns"] == 0:
            assert not call["ended"], call
        transcript = await second.use("get_transcript", call_id=call_id)
        ended = await second.use("hang_up", call_id=call_id, reason="enough")
    assert transcript["transcript"].endswith("agent: Good day.")
    assert (ended["outcome"], ended["ended_by"], ended["reason"]) == ("answered", "assistant", "enough")


async def test_a_killed_engine_loses_half_a_second_and_its_successor_reports_the_call_as_interrupted(
    machine: Machine, numbers: Numbers
) -> None:
    seen: list[Event] = []
    async with machine.serving() as engine, machine.switchboard(engine) as board:
        placing = asyncio.create_task(board.place(PlaceCall(to_number=numbers.talker, goal="Listen.")))
        async with asyncio.timeout(PATIENCE_S):
            async for event in board.events():
                seen.append(event)
                turns = [event.at for event in seen if isinstance(event, Turn)]
                if turns and event.at >= turns[0] + 2 * LOST_S:
                    workers = engine.workers
                    engine.process.kill()
                    break
        call_id = (await placing).call_id
        await engine.exit_status()
    await gone(workers)

    stored = {event.seq for event in await stored_events(machine, call_id)}
    due = {event.seq for event in seen if kept(event) and event.at <= seen[-1].at - LOST_S}
    assert due
    assert due <= stored
    async with machine.assistant() as (assistant, _):
        call = await assistant.use("get_call", call_id=call_id)
        transcript = await assistant.use("get_transcript", call_id=call_id)
    assert (call["status"], call["outcome"], call["ended_by"]) == ("ended", "interrupted", "engine")
    assert "without closing the call" in call["reason"]
    assert "caller:" in transcript["transcript"]


# -- an orderly stop --------------------------------------------------------------------------------------------


async def test_a_stopping_engine_refuses_calls_says_goodbye_for_those_it_has_and_leaves_no_process(
    machine: Machine, numbers: Numbers
) -> None:
    patience = {"PATTER_DRAIN_S": "0.2", "PATTER_VOICE": DEFAULT_VOICE}
    async with machine.serving(**patience) as engine, machine.switchboard(engine) as board:
        call = await talking(board, PlaceCall(to_number=numbers.silent, goal="Wait.", first_message="Good day."))
        workers = engine.workers
        engine.process.terminate()
        await engine.draining()
        with pytest.raises(EngineUnavailable, match="takes no new calls"):
            await board.place(PlaceCall(to_number=numbers.silent, goal="Come too late."))
        ended = await board.wait(call.call_id, timeout_s=PATIENCE_S)
        assert await engine.exit_status() == 0
    assert (ended.outcome, ended.ended_by) == ("answered", "engine")
    said = words(await stored_events(machine, call.call_id))
    assert said == [("agent", "Good day."), ("agent", "I am sorry, I have to end this call now. Goodbye.")]
    assert len(workers) == 2  # recogniser and voice
    await gone(workers)


async def test_a_stopping_engine_lets_calls_come_to_their_own_end(machine: Machine, numbers: Numbers) -> None:
    async with machine.serving() as engine, machine.switchboard(engine) as board:
        call = await board.place(PlaceCall(to_number=numbers.brief, goal="Say hello."))
        engine.process.terminate()
        ended = await board.wait(call.call_id, timeout_s=PATIENCE_S)
        assert await engine.exit_status() == 0
    assert (ended.outcome, ended.ended_by) == ("answered", "caller")


# -- the command line -------------------------------------------------------------------------------------------


async def test_calls_out_from_the_command_line(machine: Machine, numbers: Numbers) -> None:
    missing = await machine.getpatter("status")
    assert (missing.status, missing.out) == (1, f"No engine runs for {machine.home}.\n")
    async with machine.serving() as engine, machine.switchboard(engine) as board:
        placed = await machine.getpatter("call", numbers.listener, "Say hello.", "--first-message", "Good day.")
        assert placed.status == 0, placed.err
        assert "answered: the other side hung up" in placed.out
        [call] = await board.list(CallQuery())

        live = await board.place(PlaceCall(to_number=numbers.silent, goal="Wait."))
        status = await machine.getpatter("status")
        assert "with 1 live calls" in status.out
        assert engine.info.private_url in status.out
        hung_up = await machine.getpatter("hang-up", live.call_id)
        assert "hung up from the command line" in hung_up.out

        listed = await machine.getpatter("calls")
        assert [line.split()[0] for line in listed.out.splitlines()[1:]] == [live.call_id, call.call_id]
        transcript = await machine.getpatter("transcript", call.call_id)
        assert "agent  Good day." in transcript.out
        unknown = await machine.getpatter("transcript", "call_0")
        assert (unknown.status, "There is no call 'call_0'" in unknown.err) == (1, True)

        stopped = await machine.getpatter("stop")
        assert stopped.out.endswith("The engine has stopped.\n")
        assert await engine.exit_status() == 0


async def test_calls_in_from_the_command_line(machine: Machine, numbers: Numbers) -> None:
    parties = await machine.getpatter("sim", "list")
    assert {numbers.busy, numbers.brief} <= {line.split()[0] for line in parties.out.splitlines()}
    async with machine.serving("--answer", "Take a message.", "--greeting", "Good day.") as engine:
        rung = await machine.getpatter("sim", "call", "--party", numbers.brief)
        assert rung.status == 0, rung.err
        assert "caller  Hello?" in rung.out
        assert "ended by the party" in rung.out
        async with machine.switchboard(engine) as board:
            [call] = await board.list(CallQuery(direction="inbound"))
    assert (call.outcome, call.ended_by, call.from_number) == ("answered", "caller", numbers.brief)


async def test_a_number_is_answered_again_after_its_engine_was_killed(machine: Machine, numbers: Numbers) -> None:
    async with machine.serving() as engine:
        assert "are answered" not in (await machine.getpatter("status")).out
        told = await machine.getpatter("answer", "Take a message.", "--greeting", "Good day.")
        assert (told.status, "are answered: Take a message." in told.out) == (0, True), told.err
        engine.process.kill()
        await engine.exit_status()
    async with machine.serving() as engine:
        assert "are answered: Take a message." in (await machine.getpatter("status")).out
        rung = await machine.getpatter("sim", "call", "--party", numbers.brief)
        assert "ended by the party" in rung.out
        assert "are turned away" in (await machine.getpatter("answer", "--stop")).out
    async with machine.serving():
        assert "are answered" not in (await machine.getpatter("status")).out


async def test_a_number_can_be_given_up_while_no_engine_runs(machine: Machine) -> None:
    InboundMemory(machine.home).save(ServeInbound(goal="Take a message."))
    given_up = await machine.getpatter("answer", "--stop")
    assert (given_up.status, given_up.out) == (0, "Incoming calls will be turned away.\n")
    assert InboundMemory(machine.home).load() is None


async def test_keys_and_a_transfer_from_the_command_line(machine: Machine, numbers: Numbers) -> None:
    async with machine.serving() as engine, machine.switchboard(engine) as board:
        call = await talking(board, PlaceCall(to_number=numbers.silent, goal="Wait.", first_message="Good day."))
        pressed = await machine.getpatter("press", call.call_id, "1w2")
        assert (pressed.status, pressed.out) == (0, "pressed 1w2\n"), pressed.err
        wrong = await machine.getpatter("press", call.call_id, "?")
        assert (wrong.status, "cannot be used" in wrong.err) == (1, True)
        no_number = await machine.getpatter("transfer", call.call_id, "555-0100")
        assert (no_number.status, "E.164" in no_number.err) == (1, True)
        cannot = await machine.getpatter("transfer", call.call_id, numbers.patient, "--warm")
        assert (cannot.status, cannot.err.splitlines()[-1]) == (1, "Transfer it cold.")
        given = await machine.getpatter("transfer", call.call_id, numbers.patient)
        assert f"answered: transferred to {numbers.patient}" in given.out, given.err
        listed = await machine.getpatter("calls")
        assert "transferred" in listed.out.splitlines()[1]
        over = await machine.getpatter("press", call.call_id, "1")
        assert (over.status, "Nobody is on the line" in over.err) == (1, True)
    keys = [event.digit for event in await stored_events(machine, call.call_id) if isinstance(event, DtmfPressed)]
    assert keys == ["1", "2"]


async def test_the_demo_as_one_json_object(machine: Machine, numbers: Numbers) -> None:
    parties = machine.home / "demo" / "parties"
    parties.mkdir(parents=True)
    # In the place of the built-in restaurant, which would keep us for a minute.
    (parties / "restaurant.yaml").write_text(
        f"number: '{numbers.restaurant}'\nname: Restaurant\nring_s: 0.01\nsteps:\n"
        "  - say: Of course. For how many people?\n  - listen\n  - say: You are welcome. Goodbye.\n  - pause: 1000\n"
    )
    demo = await machine.getpatter("demo", "--json")
    assert demo.status == 0, demo.err
    told = json.loads(demo.out)
    assert [turn["role"] for turn in told["transcript"]] == ["caller", "agent", "caller", "agent"]
    assert (told["call"]["outcome"], told["call"]["ended_by"]) == ("answered", "agent")
    details = told["call"]["details"]
    parts = {"silence_ms", "endpoint_ms", "stt_ms", "llm_ttft_ms", "tts_ms", "agent_response_ms", "response_ms"}
    assert parts <= set(details["latency"])
    assert details["recording"].startswith(str(machine.home / "demo"))
