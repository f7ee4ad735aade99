"""The measurements can be taken, and the engine that they start is one that others can call."""

from __future__ import annotations

import asyncio
import importlib
import json
import signal
import sys
import wave
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from getpatter.audio.format import FRAME_BYTES
from getpatter.testing.clips import load_clip
from getpatter.testing.line_codec import Mark, Play
from getpatter.testing.load import SPEECH
from getpatter.testing.speech import line_noise
from getpatter.testing.twilio_line import TwilioLineCodec

BENCH = Path(__file__).parent.parent / "bench"
PATIENCE_S = 60.0

Load = Callable[[str], ModuleType]
Command = TypeVar("Command", Play, Mark)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Imports a script as another script would."""
    monkeypatch.syspath_prepend(str(BENCH))
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if Path(sys.modules[name].__dict__.get("__file__") or "").parent == BENCH:
            del sys.modules[name]


# -- figures


@pytest.mark.parametrize(
    ("name", "small"),
    [
        ("audio_path", {"ROUNDS": 1}),
        ("media_socket", {"ROUNDS": 1, "REPEATS": 10}),
        ("sound", {}),
        ("store_writes", {"CALLS": 2}),
    ],
)
def test_a_script_gives_its_figures_as_rows(
    script: Load, monkeypatch: pytest.MonkeyPatch, name: str, small: dict[str, int]
) -> None:
    module = script(name)
    for constant, value in small.items():
        monkeypatch.setattr(module, constant, value)
    rows = module.rows()
    assert len({what for what, _, _ in rows}) == len(rows) > 0
    assert all(value >= 0 and unit for _, value, unit in rows)


def test_the_arguments_of_a_quick_run_are_those_of_the_scripts(script: Load) -> None:
    run = script("run")
    assert {entry.name for entry in run.SCRIPTS} == {
        path.stem for path in BENCH.glob("*.py") if "\ndef rows(" in path.read_text("utf-8")
    }
    for entry in run.SCRIPTS:
        parameters = script(entry.name).rows.__annotations__
        assert set(entry.quick) <= set(parameters)


def test_the_vad_alone_takes_its_waiting_times_and_little_more(script: Load) -> None:
    floor = script("vad_floor").vad_floor(0.2)
    assert floor.began_ms.count == floor.ended_ms.count > 0
    assert 40 <= floor.began_ms.p50 <= floor.began_ms.max < 200
    assert 200 <= floor.ended_ms.p50 <= floor.ended_ms.max < 500


def test_turn_taking_on_a_quiet_line_meets_its_targets(script: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    module = script("turn_taking")
    monkeypatch.setattr(module, "FEW", module.CLEAN)
    monkeypatch.setattr(module, "ECHOES", module.ECHOES[:1])
    rows = module.rows(quick=True)
    assert len({what for what, _, _ in rows}) == len(rows) > 10
    assert [row for row in rows if "not met" in row[2]] == []


def test_lines_are_saved_for_other_systems(script: Load, tmp_path: Path) -> None:
    lines = script("noisy_lines")
    spoken = lines.rendered()[0]
    lines.save(tmp_path, {"one": (lines.Condition("hum", 10.0).on(spoken.sound), spoken.words_from(0.0))})
    with wave.open(str(tmp_path / "one.wav")) as file:
        assert (file.getframerate(), file.getnchannels()) == (8000, 1)
        assert file.getnframes() == pytest.approx(len(spoken.sound), abs=FRAME_BYTES)
    assert json.loads((tmp_path / "lines.json").read_text("utf-8"))["one"][0]["word"] == "And"


def test_the_load_of_calls_is_measured(script: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    module = script("engine_load")
    monkeypatch.setattr(module, "MIN_RAMP_S", 0.1)
    figures = {what.partition(", ")[2]: value for what, value, _ in module.rows(calls=(2,), seconds=0.2)}
    assert set(figures) == {figure.what for figure in module.FIGURES if figure.key}
    assert figures["calls lost"] == 0
    assert figures["engine: CPU"] > 0 or sys.platform != "linux"


# -- all in one table


def write_script(folder: Path, name: str, body: str) -> None:
    (folder / f"{name}.py").write_text(f"from getpatter.errors import ConfigurationError\ndef rows(n=1):\n    {body}\n")


def test_a_script_that_fails_does_not_hide_the_others(
    script: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = script("run")
    write_script(tmp_path, "bench_dies", "import os; os._exit(3)")
    write_script(tmp_path, "bench_works", "return [('speed', 12.5, 'm/s'), ('turns', n, '')]")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(run, "SCRIPTS", (run.Script("bench_dies"), run.Script("bench_works", {"n": 7})))
    monkeypatch.setattr(sys, "argv", ["run.py", "--quick"])
    assert run.main() == 1
    printed = capsys.readouterr().out
    assert "failed" in printed
    assert [line.split() for line in printed.splitlines()[-2:]] == [["speed", "12.5", "m/s"], ["turns", "7"]]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise ConfigurationError('The package x is not installed.')", "The package x is not installed."),
        ("import there_is_no_such_package", "No module named 'there_is_no_such_package'"),
    ],
)
def test_what_is_not_installed_is_no_failure(
    script: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, body: str, said: str
) -> None:
    run = script("run")
    write_script(tmp_path, "bench_lacks", body)
    monkeypatch.syspath_prepend(str(tmp_path))
    result = run.take(run.Script("bench_lacks"), quick=False)
    assert (result.missing, result.failure, result.rows) == (said, "", ())


# -- the engine


@asynccontextmanager
async def engine_server(*options: str) -> AsyncIterator[str]:
    """The socket's address.  Holds the process to stopping by SIGTERM with status 0."""
    arguments = (str(BENCH / "engine_server.py"), "--port", "0", *options)
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=PIPE)
    try:
        assert process.stdout is not None
        yield json.loads(await process.stdout.readline())["url"]
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def received(socket: ClientConnection, codec: TwilioLineCodec, kind: type[Command]) -> Command:
    """The engine's next command of a kind."""
    async for message in socket:
        command = codec.decode(message)
        if isinstance(command, kind):
            return command
    raise AssertionError("the engine closed the stream")


async def test_the_engine_answers_a_caller_and_stops_when_told() -> None:
    clip = load_clip(*SPEECH[0])
    assert clip
    codec = TwilioLineCodec("MZ" + "1" * 32, "CA" + "1" * 32)
    async with (
        asyncio.timeout(PATIENCE_S),
        engine_server("--vad-stop", "0.2", "--answer-ms", "200") as url,
        connect(url) as socket,
        httpx.AsyncClient(base_url=httpx.URL(url).copy_with(scheme="http", path="/")) as http,
    ):
        frames = [clip[at : at + FRAME_BYTES] for at in range(0, len(clip), FRAME_BYTES)]
        for message in (codec.connected(), codec.start(), *map(codec.media, [*frames, *line_noise()])):
            await socket.send(message.decode())
        assert (await received(socket, codec, Play)).audio
        mark = await received(socket, codec, Mark)
        await socket.send(codec.mark(mark.name).decode())
        latency = {"answer": {"count": 0}}
        while not latency["answer"]["count"]:  # told once the answer was heard
            latency = (await http.get("/latency")).json()
        assert (await http.get("/lag")).json()["count"] > 0
        await socket.send(codec.stop().decode())
