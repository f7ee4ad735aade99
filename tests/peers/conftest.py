"""Other people's software in processes of its own.  `make peers` installs it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".venv-peers"
PYTHON = ENVIRONMENT / "bin" / "python"
EMULATE = ENVIRONMENT / "node_modules" / "emulate" / "dist" / "api.js"
TIMEOUT_S = 120.0
"""Of a process that has hung; none takes a hundredth of it."""


class Peer:
    """A Python module of this folder in a process of the peers' environment."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, what: str, **arguments: Any) -> Any:
        """The answer of the function of this name; raises `Refused` where it raised something."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"ask": what, "with": arguments}) + "\n")
        self._process.stdin.flush()
        reply = json.loads(_line(self._process))
        if "refused" in reply:
            raise Refused(reply["refused"])
        return reply["answer"]


class Refused(Exception):
    """The peer's own error, as text."""


def _line(process: subprocess.Popen[str]) -> str:
    """The next line that a process writes; it is killed if it writes none."""
    assert process.stdout is not None
    deadline = Timer(TIMEOUT_S, process.kill)
    deadline.start()
    try:
        line = process.stdout.readline()
    finally:
        deadline.cancel()
    assert line, "the peer's process has ended"
    return line


@contextmanager
def _running(*command: str | Path) -> Iterator[subprocess.Popen[str]]:
    environment = {"PATH": os.environ.get("PATH", ""), "TAC_ANALYTICS_DISABLED": "true"}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def _python(module: str) -> Iterator[Peer]:
    if not PYTHON.exists():
        pytest.skip("the peers are not installed; `make peers` does that")
    with _running(PYTHON, "-m", "tests.peers.serve", module) as process:
        yield Peer(process)


@pytest.fixture(scope="session")
def agent_connect() -> Iterator[Peer]:
    with _python("tests.peers.agent_connect") as peer:
        yield peer


@pytest.fixture(scope="session")
def pipecat() -> Iterator[Peer]:
    with _python("tests.peers.pipecat_serializers") as peer:
        yield peer


@pytest.fixture
def emulate_url() -> Iterator[str]:
    """Where emulate's Twilio listens."""
    node = shutil.which("node")
    if node is None or not EMULATE.exists():
        pytest.skip("emulate is not installed; `make peers` does that where there is Node 20")
    with _running(node, ROOT / "tests" / "peers" / "emulate.mjs", EMULATE) as process:
        yield f"http://127.0.0.1:{_line(process).strip()}"
