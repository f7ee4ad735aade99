"""`Patter` on the simulated network: the real engine, real sockets, parties that really talk."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import deque
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from getpatter import CallControl, CallResult, CloudflareTunnel, MachineDetectionResult, Patter, Static, Twilio
from getpatter.agent import Agent
from getpatter.errors import ConfigurationError, InvalidRequest, PolicyDenied
from getpatter.metering import Product, Used
from getpatter.settings import SIMULATED_NUMBER
from getpatter.stt.base import SpeechHints
from getpatter.testing.clip_voice import ClipTTS
from getpatter.testing.lines import RingResult
from getpatter.testing.network import SimNetwork
from getpatter.testing.parties import Directory
from getpatter.testing.providers import AnsweringLLM, CountingTTS, TellableSTT, ToldRecognition
from getpatter.testing.signing import sim_secret

PATIENCE_S = 120.0
"""For everything that is waited for: long, because a slow machine is no fault of the code."""

PARTIES = {
    "+12025550150": "name: Patient\nsteps: [{say: 'Hello?'}, {pause: 1000}]",
    "+12025550151": "name: Brief\nsteps: [{say: 'Hello?'}, {pause: 0.5}, hang_up]",
    "+12025550152": "name: Nobody\nanswers: no_answer",
    "+12025550153": "name: Machine\nanswers: voicemail\nsteps: [{say: 'Hello?'}, {beep: 0.1}, {pause: 1000}]",
    "+12025550158": "name: Listener\nsteps: [listen, hang_up]",
}
PATIENT, BRIEF, NOBODY, MACHINE, LISTENER = PARTIES
SAM, WHO, NOD = "Hello, this is Sam.", "Sorry, who is this?", "Mm-hm."
"""What `ClipTTS` says so that parties take it for speech."""
BUSY, UNKNOWN = "+12025550101", "+12025550149"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with these parties, and nothing of whoever runs the tests."""
    folder = tmp_path / "home"
    (folder / "parties").mkdir(parents=True)
    for number, rest in PARTIES.items():
        text = f'number: "{number}"\nrings: 1\nring_s: 0.01\n{rest}\n'
        (folder / "parties" / f"{number[1:]}.yaml").write_text(text)
    monkeypatch.chdir(folder)  # where there is no .env
    for name in [name for name in os.environ if name.startswith(("PATTER_", "DATABASE_URL", "OPENAI_", "TWILIO_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATTER_HOME", str(folder))
    monkeypatch.setenv("PATTER_DRAIN_S", "0")
    return folder


def agent(phone: Patter, *answers: str, **options: Any) -> Agent:
    """One that speaks without sound; it understands every pause as "Hello?"."""
    providers = {"stt": TellableSTT(["Hello?"] * 9), "tts": CountingTTS(), "llm": AnsweringLLM(*(answers or ("Yes.",)))}
    return phone.agent(**{"system_prompt": "Be quick.", **providers, **options})


async def soon(coming: Awaitable[Any]) -> Any:
    async with asyncio.timeout(PATIENCE_S):
        return await coming


async def ring(home: Path, url: str, number: str = BRIEF) -> RingResult:
    """Have a party call us, on a network of its own."""
    network = SimNetwork(Directory.load(home / "parties"), sim_secret(home))
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await network.ring(f"{url}/webhooks/sim/voice", number, SIMULATED_NUMBER)
    finally:
        await network.close()


class Serving:
    """A `Patter` that serves in a task of its own."""

    def __init__(self, phone: Patter, who: Agent, **options: Any) -> None:
        self.phone = phone
        self.task = asyncio.create_task(phone.serve(who, 0, **options))

    async def __aenter__(self) -> str:
        return str(await soon(self.phone.ready))

    async def __aexit__(self, *error: object) -> None:
        await soon(self.phone.stop())
        await soon(self.task)


# -- calls that we place


@pytest.mark.parametrize(
    ("number", "outcome", "status"),
    [
        (BRIEF, "answered", "completed"),
        (BUSY, "busy", "busy"),
        (NOBODY, "no_answer", "no-answer"),
        (UNKNOWN, "failed", "failed"),
        (MACHINE, "voicemail", "completed"),
    ],
)
async def test_whatever_becomes_of_a_call_is_its_result(number: str, outcome: str, status: str) -> None:
    async with Patter() as phone:
        result = await soon(phone.call(number, agent(phone), voicemail_message="Call me back.", wait=True))
    assert isinstance(result, CallResult)
    assert (result.outcome, result.status) == (outcome, status)
    assert (result.duration_seconds > 0) == (status == "completed")
    if outcome == "voicemail":
        assert [(line["role"], line["text"]) for line in result.transcript] == [("assistant", "Call me back.")]


async def test_each_call_has_its_own_agent_first_message_and_callbacks() -> None:
    said = {"Ann": SAM, "Ben": WHO, "Cleo": NOD}
    starts: dict[str, str] = {}
    ends: dict[str, list[str]] = {}

    async def place(phone: Patter, name: str) -> None:
        who = agent(phone, name=name, tts=ClipTTS())
        heard: list[str] = []
        ends[name] = heard

        def started(call: dict[str, Any]) -> None:
            starts[name] = call["call_id"]

        def ended(call: dict[str, Any]) -> None:
            heard.extend([call["call_id"], *(line["text"] for line in call["transcript"])])

        result = await phone.call(
            LISTENER, who, first_message=said[name], wait=True, on_call_start=started, on_call_end=ended
        )
        assert result.call_id == starts[name]

    async with Patter() as phone:
        await soon(asyncio.gather(*(place(phone, name) for name in said)))
    assert {name: heard[1] for name, heard in ends.items()} == said
    assert {name: heard[0] for name, heard in ends.items()} == starts
    assert len(set(starts.values())) == 3


async def test_a_call_goes_on_by_itself_and_can_be_ended() -> None:
    ended: list[dict[str, Any]] = []
    answered = asyncio.Event()

    async def started(call: dict[str, Any]) -> None:
        answered.set()

    async with Patter() as phone:
        call = await phone.call(PATIENT, agent(phone), on_call_start=started, on_call_end=ended.append)
        assert isinstance(call, CallControl)
        await soon(answered.wait())
        assert phone.conversation_state["agent"] != "initializing"
        await phone.end_call(call.call_id)
        assert call.is_hung_up
    assert [end["call_id"] for end in ended] == [call.call_id]
    assert phone.conversation_state == {"user": "away", "agent": "initializing"}


async def test_machines_are_told_of() -> None:
    found: list[MachineDetectionResult] = []
    async with Patter() as phone:
        await soon(phone.call(MACHINE, agent(phone), on_machine_detection=found.append, wait=True))
    assert {(result.classification, result.carrier) for result in found} == {("machine", "sim")}


@pytest.mark.parametrize(
    ("number", "kind"), [("911", PolicyDenied), ("12025550100", InvalidRequest), ("hello", ValueError)]
)
async def test_numbers_that_are_not_called(number: str, kind: type[Exception]) -> None:
    async with Patter() as phone:
        with pytest.raises(kind):
            await phone.call(number, agent(phone))


async def test_a_call_needs_an_agent() -> None:
    async with Patter() as phone:
        with pytest.raises(ConfigurationError, match="no agent"):
            await phone.call(BRIEF)


# -- calls that come in


async def test_whoever_rings_is_answered_by_what_on_call_start_makes_of_the_agent(home: Path) -> None:
    phone, calls = Patter(), []

    async def start(call: dict[str, Any]) -> dict[str, Any]:
        calls.append(call)
        return {"first_message": WHO}

    served = Serving(
        phone, agent(phone, first_message=SAM, tts=ClipTTS()), on_call_start=start, on_call_end=calls.append
    )
    async with served as url:
        assert (await ring(home, url, LISTENER)).answered
    start_told, end_told = calls
    assert (start_told["direction"], start_told["caller"]) == ("inbound", LISTENER)
    assert start_told["call_id"] == end_told["call_id"]
    assert end_told["transcript"][0]["text"] == WHO


async def test_the_programs_own_function_holds_the_conversation(home: Path) -> None:
    phone, asked = Patter(), []

    async def answer(message: dict[str, Any], call: CallControl) -> str:
        asked.append((message["text"], call.call_id))
        await call.hangup()
        return "Goodbye."

    ended: list[dict[str, Any]] = []
    async with Serving(phone, agent(phone, llm=None), on_message=answer, on_call_end=ended.append) as url:
        await ring(home, url, PATIENT)
    assert asked == [("Hello?", ended[0]["call_id"])]


async def test_calls_are_placed_by_the_agent_that_serves() -> None:
    phone = Patter()
    async with Serving(phone, agent(phone, first_message=SAM, tts=ClipTTS()), voicemail_message=WHO):
        heard = await soon(phone.call(LISTENER, wait=True))
        left = await soon(phone.call(MACHINE, wait=True))
    assert [heard.transcript[0]["text"], left.transcript[0]["text"]] == [SAM, WHO]


async def test_a_recording_lies_where_it_was_asked_for(home: Path, tmp_path: Path) -> None:
    phone = Patter()
    ended: list[dict[str, Any]] = []
    folder = tmp_path / "recorded"
    async with Serving(phone, agent(phone), local_recording=folder, on_call_end=ended.append) as url:
        await ring(home, url)
    recorded = ended[0]["recording_path"]
    assert Path(recorded).parent == folder
    assert recorded in {entry.path for entry in os.scandir(folder) if entry.stat().st_size > 44}


async def test_a_signal_ends_it_and_handlers_are_as_before(home: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    phone = Patter()
    serving = asyncio.create_task(phone.serve(agent(phone), 0))
    await soon(phone.ready)
    signal.raise_signal(signal.SIGTERM)
    await soon(serving)
    assert signal.getsignal(signal.SIGTERM) == before


# -- starting


async def test_it_serves_once_at_a_time() -> None:
    phone = Patter()
    async with Serving(phone, agent(phone)):
        with pytest.raises(ConfigurationError, match="running already"):
            await phone.serve(agent(phone), 0)


async def test_a_call_right_after_serve_waits_for_it() -> None:
    phone = Patter()
    who = agent(phone, first_message=SAM, tts=ClipTTS())
    serving = asyncio.create_task(phone.serve(who, 0))
    result = await soon(phone.call(LISTENER, who, wait=True))
    assert result.outcome == "answered"
    await phone.disconnect()
    await soon(serving)


async def test_whoever_waits_for_a_start_that_fails_is_told(home: Path) -> None:
    async with Patter() as first:
        await soon(first.call(BUSY, agent(first), wait=True))
        second = Patter()
        ready = asyncio.ensure_future(_wait(second))
        await asyncio.sleep(0)
        with pytest.raises(ConfigurationError, match="running already"):
            await second.serve(agent(second), 0)
        with pytest.raises(ConfigurationError, match="running already"):
            await soon(ready)


async def _wait(phone: Patter) -> str:
    return await phone.ready


async def test_it_can_start_again_after_it_was_stopped() -> None:
    phone = Patter()
    for _ in range(2):
        async with Serving(phone, agent(phone)) as url:
            assert await soon(phone.tunnel_ready) == url


async def test_without_persistence_nothing_is_left(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    untouched = tmp_path / "untouched"
    monkeypatch.setenv("PATTER_HOME", str(untouched))
    async with Patter(persist=False) as phone:
        assert (await soon(phone.call(BUSY, agent(phone), wait=True))).outcome == "busy"
    assert not untouched.exists()


async def test_calls_are_kept_where_the_program_says(tmp_path: Path) -> None:
    async with Patter(persist=str(tmp_path / "kept")) as phone:
        await soon(phone.call(BUSY, agent(phone), wait=True))
    assert (tmp_path / "kept" / "calls.db").exists()


# -- what has no effect


async def test_the_simulated_network_says_that_it_does_not_record(caplog: pytest.LogCaptureFixture) -> None:
    phone = Patter()
    async with Serving(phone, agent(phone), recording=True, dashboard_token="secret-token"):
        pass
    assert "recording=True does nothing" in caplog.text
    assert "dashboard_token protects nothing" in caplog.text
    assert "secret-token" not in caplog.text


def test_own_prices_that_cannot_be_read_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError, match="openai needs a unit"):
        Patter(pricing={"openai": {"price": 1.0}})


class PaidRecognition(ToldRecognition):
    used = (Used(Product("acme", "m-2026-01-01"), seconds=90.0),)


class PaidSTT(TellableSTT):
    async def open(self, hints: SpeechHints) -> ToldRecognition:
        return PaidRecognition(deque())


async def test_a_call_is_priced_by_the_programs_own_prices() -> None:
    pricing = {"acme": {"models": {"m": {"unit": "minute", "price": 0.1}}}, "sim": {"unit": "minute", "price": 0.6}}
    async with Patter(pricing=pricing) as phone:
        cost = (await soon(phone.call(BRIEF, agent(phone, stt=PaidSTT()), wait=True))).cost
    assert (cost.stt, cost.tts, cost.unknown) == (0.15, 0.0, ())
    assert cost.telephony is not None
    assert 0 < cost.telephony <= 0.6


# -- what cannot be


@pytest.mark.parametrize("name", ["api_key", "backend_url", "rest_url"])
def test_there_is_no_hosted_service(name: str) -> None:
    with pytest.raises(NotImplementedError, match=name):
        Patter(**{name: "x"})  # type: ignore[arg-type]  # by name


ACCOUNT = Twilio("AC" + "0" * 32, "secret-token")


@pytest.mark.parametrize(
    ("options", "kind", "says"),
    [
        ({"colour": "blue"}, TypeError, "'colour'"),
        ({"mode": "cloud"}, ConfigurationError, "mode"),
        ({"carrier": ACCOUNT}, ValueError, "no phone_number"),
        ({"phone_number": "5550100"}, ValueError, "not an international"),
        ({"webhook_url": "http://example.org"}, ConfigurationError, "not HTTPS"),
        ({"webhook_url": "example.org", "tunnel": True}, ConfigurationError, "either tunnel or webhook_url"),
    ],
)
def test_what_cannot_work_is_refused_at_once(options: dict[str, Any], kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        Patter(**options)


def test_ways_in() -> None:
    assert Patter(webhook_url="phone.example.org/").webhook_url == "https://phone.example.org"
    assert isinstance(Patter(tunnel=True).tunnel, CloudflareTunnel)
    assert Patter(tunnel=False).tunnel is None
    static = Static("phone.example.org")
    assert Patter(tunnel=static, pricing={}, telemetry=False).tunnel is static


async def test_a_real_carrier_needs_a_way_in() -> None:
    phone = Patter(carrier=ACCOUNT, phone_number="+12025550123")
    with pytest.raises(ConfigurationError, match="cannot reach"):
        await phone.serve(agent(phone), 0)


def test_no_secret_is_shown() -> None:
    assert "secret-token" not in repr(Patter(carrier=ACCOUNT, phone_number="+12025550123")) + repr(ACCOUNT)


@pytest.mark.parametrize("option", ["on_message", "on_fire"])
async def test_callbacks_that_cannot_be_are_refused(option: str) -> None:
    phone = Patter()
    with pytest.raises((ConfigurationError, TypeError)):
        await phone.serve(agent(phone), 0, **{option: print})  # type: ignore[arg-type]  # by name


# -- without a telephone


@contextmanager
def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> Iterator[None]:
    """Standard input says this."""
    read, write = os.pipe()
    os.write(write, text.encode())
    os.close(write)
    with os.fdopen(read) as file:
        monkeypatch.setattr("sys.stdin", file)
        yield
    with suppress(OSError):
        os.close(read)


async def test_an_agent_can_be_tried_in_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    phone = Patter()
    told: list[dict[str, Any]] = []
    with typed(monkeypatch, "Are you open?\n/wait 1\n/hangup\n"):
        await soon(
            phone.test(
                agent(phone, llm=None),
                on_message=lambda message: f"You said: {message['text']}",
                on_call_start=told.append,
                on_call_end=told.append,
            )
        )
    start, end = told
    assert start["call_id"] == end["call_id"]
    assert [line["text"] for line in end["transcript"]] == ["Are you open?", "You said: Are you open?"]
    assert "You said: Are you open?" in capsys.readouterr().out


async def test_whoever_hears_by_name_is_told_of_calls_whatever_runs(home: Path) -> None:
    heard: list[str] = []
    done = asyncio.Event()

    async def slow(told: dict[str, Any]) -> None:
        await done.wait()
        heard.append(f"slow {told['outcome']}")

    async with Patter(persist=home) as phone:
        phone.events.on("turn_ended", lambda told: heard.append(told["role"]))
        phone.events.on("call_ended", lambda told: heard.append(told["outcome"]))
        leave = phone.events.on("call_ended", slow)
        result = await phone.call(LISTENER, agent(phone, first_message=SAM, tts=ClipTTS()), wait=True)
        done.set()
        await phone.stop()
        assert heard == ["assistant", "answered", "slow answered"]
        leave()
        heard.clear()
        again = await phone.call(LISTENER, agent(phone, first_message=SAM, tts=ClipTTS()), wait=True)
    assert result.call_id != again.call_id
    assert heard == ["assistant", "answered"]
