"""`getpatter test` and `getpatter eval`, as they are typed."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from getpatter.testing.vendors.openai_chat import Answer, OpenAIServer

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
COMMAND = (sys.executable, "-m", "getpatter.cli.main")
PATIENCE_S = 120.0
"""For a command to say something: long, because a slow machine is no fault of the code."""


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PATTER_")}
    return {**kept, "PATTER_HOME": str(home), "COLUMNS": "200", "NO_COLOR": "1", **more}


def command(home: Path, *arguments: str, typed: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        input=typed,
        capture_output=True,
        text=True,
        cwd=home,
        env=environment(home, **more),
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.fixture
def bakery() -> str:
    return str(EXAMPLES / "bakery.py")


# -- getpatter test


def test_lines_from_a_pipe_are_a_conversation(tmp_path: Path, bakery: str) -> None:
    typed = "When do you open?\n/barge Sorry, do you have rye bread?\nMiller\n/history\n/nonsense\nGoodbye\n"
    done = command(tmp_path, "test", bakery, typed=typed)
    assert done.returncode == 0, done.stderr
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert lines[0].startswith("test_")
    assert "agent  Corner bakery, good morning." in lines
    (cut,) = [line for line in lines if "interrupted; heard:" in line]
    assert cut.startswith("note  interrupted; heard: We open at seven in the morning")
    assert cut.endswith("all day.")
    assert "user  Sorry, do you have rye bread?" in lines
    assert any(line.startswith("tool  end_call()") for line in lines)
    assert lines[-2:] == ["note  the call is over: the agent ended the call", "Goodbye."]


def test_a_file_of_lines_does_as_well_and_its_end_is_the_end(tmp_path: Path, bakery: str) -> None:
    (tmp_path / "lines").write_text("When do you open?")
    with (tmp_path / "lines").open() as lines:
        done = subprocess.run(
            [*COMMAND, "test", bakery],
            stdin=lines,
            capture_output=True,
            text=True,
            env=environment(tmp_path),
            timeout=PATIENCE_S,
            check=True,
        )
    assert "closed all day." in done.stdout
    assert "interrupted" not in done.stdout
    assert done.stdout.endswith("Goodbye.\n")


def test_commands_that_cannot_be_done_are_explained(tmp_path: Path, bakery: str) -> None:
    typed = "/barge\n/key x\n/wait long\n/transfer me\n/help\n/wait 13\n/transfer +12025550100\n"
    done = command(tmp_path, "test", bakery, typed=typed)
    for told in ("/barge TEXT", "Keys are", "/wait SECONDS", "E.164", "/history ", "Are you still there?"):
        assert told in done.stdout
    assert "the caller was transferred to +12025550100" in done.stdout


def test_an_agent_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    done = command(tmp_path, "test", "nowhere.py")
    assert done.returncode == 1
    assert "There is no file" in done.stderr


@dataclass
class Terminal:
    """A command in a terminal of its own."""

    process: asyncio.subprocess.Process
    shown: str = ""
    _fd: int = -1

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    async def shows(self, text: str) -> None:
        """Wait for it."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(PATIENCE_S):
            while text not in self.shown:
                data = await loop.run_in_executor(None, self._read)
                assert data, f"{text!r} is not in {self.shown!r}"
                self.shown += data.decode(errors="replace")

    def _read(self) -> bytes:
        with suppress(OSError):  # how Linux says that the other side is gone
            return os.read(self._fd, 65536)
        return b""


@asynccontextmanager
async def terminal(home: Path, *arguments: str) -> AsyncIterator[Terminal]:
    ours, theirs = pty.openpty()
    try:
        process = await asyncio.create_subprocess_exec(
            *COMMAND, *arguments, stdin=theirs, stdout=theirs, stderr=theirs, env=environment(home), cwd=home
        )
    finally:
        os.close(theirs)
    try:
        yield Terminal(process, _fd=ours)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        os.close(ours)


async def test_in_a_terminal_one_is_asked_for_ones_words(tmp_path: Path, bakery: str) -> None:
    async with terminal(tmp_path, "test", bakery) as there:
        await there.shows("good morning.")
        await there.shows("   you  ")
        there.type("When do you open?\n")
        await there.shows("We open at seven")
        there.type("/hangup\n")
        await there.shows("the caller hung up")
        await there.shows("Goodbye.")
        assert await there.process.wait() == 0


async def test_an_interrupt_ends_with_a_goodbye(tmp_path: Path, bakery: str) -> None:
    async with terminal(tmp_path, "test", bakery) as there:
        await there.shows("   you  ")
        there.process.send_signal(signal.SIGINT)
        await there.shows("Goodbye.")
        assert await there.process.wait() == 0
    assert "Traceback" not in there.shown


async def test_with_a_pace_words_come_one_by_one_and_can_be_interrupted(tmp_path: Path, bakery: str) -> None:
    async with terminal(tmp_path, "test", bakery, "--pace") as there:
        await there.shows("good morning.")
        there.type("When do you open?\n")
        await there.shows("We open at")
        assert "closed all day" not in there.shown
        there.type("/barge Sorry, do you have rye bread?\n")
        await there.shows("interrupted; heard: We open")
        await there.shows("In what name")
        there.type("/quit\n")
        assert await there.process.wait() == 0


# -- getpatter eval


def test_the_example_passes_without_a_language_model(tmp_path: Path) -> None:
    suite = str(EXAMPLES / "bakery.suite.yaml")
    done = command(tmp_path, "eval", suite, "--junit", "out.xml")
    assert done.returncode == 0, done.stdout
    assert "5 of 5 passed." in done.stdout
    assert ElementTree.parse(tmp_path / "out.xml").getroot().get("tests") == "5"


FAILING = """\
name: fails
cases:
  - {name: good, tags: a, turns: [{user: "When do you open?", expected_contains: seven}]}
  - {name: bad, tags: b, turns: [{user: "When do you open?", expected_contains: midnight}]}
"""


def test_one_failure_is_status_one_and_is_shown_with_its_conversation(tmp_path: Path, bakery: str) -> None:
    (tmp_path / "s.yaml").write_text(FAILING)
    done = command(tmp_path, "eval", "s.yaml", "--agent", bakery)
    assert done.returncode == 1
    assert "Turn 1: The agent did not say 'midnight'." in done.stdout
    assert "agent  We open at seven" in done.stdout
    assert "1 of 2 passed." in done.stdout


def test_results_come_as_json_of_the_cases_with_a_tag(tmp_path: Path, bakery: str) -> None:
    (tmp_path / "s.yaml").write_text(FAILING)
    done = command(tmp_path, "eval", "s.yaml", "--agent", bakery, "--tag", "a", "--json")
    assert done.returncode == 0
    (result,) = json.loads(done.stdout)["results"]
    assert (result["name"], result["status"]) == ("good", "passed")


def test_a_malformed_suite_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(FAILING.replace("expected_contains: midnight", "expects: midnight"))
    done = command(tmp_path, "eval", "s.yaml")
    assert done.returncode == 1
    assert "line 4, cases[2].turns[1].expects" in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_language_model_answers_and_judges(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(
        "name: judged\ncases:\n  - {name: one, turns: [{user: Hello., expected_contains: bread}], rubric: Is kind.}\n"
    )
    answers = [Answer(text="We have bread."), Answer(text='{"passed": false, "reason": "It was curt."}')]
    async with OpenAIServer(*answers).running() as server:
        there: Mapping[str, str] = {"PATTER_LLM_URL": server.url, "PATTER_LLM_MODEL": "test", "PATTER_LLM_KEY": "k"}
        done = await asyncio.to_thread(command, tmp_path, "eval", "s.yaml", **there)
    assert done.returncode == 1
    assert "It was curt." in done.stdout
