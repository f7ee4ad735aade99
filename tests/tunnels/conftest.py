from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

PROGRAM = """\
#!{python} -IS
import os, signal, sys, time
from pathlib import Path

folder = Path({folder!r})
runs = folder / "runs"
run = len(runs.read_text().splitlines()) if runs.exists() else 0
with runs.open("a") as file:
    file.write(f"{{os.getpid()}} {{' '.join(sys.argv[1:])}}\\n")
{body}
"""


class FakeCloudflared:
    """A program in place of `cloudflared` that does what the test wrote; each run leaves a line in `runs`.

    The body has `folder`, and `run`, which counts from 0.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "cloudflared"

    def does(self, body: str) -> str:
        """Writes the program; gives its path."""
        self.path.write_text(PROGRAM.format(python=sys.executable, folder=str(self.folder), body=body))
        self.path.chmod(self.path.stat().st_mode | stat.S_IXUSR)
        return str(self.path)

    @property
    def runs(self) -> list[tuple[int, str]]:
        """Process id and arguments of each run."""
        runs = self.folder / "runs"
        pairs = (line.partition(" ") for line in (runs.read_text() if runs.exists() else "").splitlines())
        return [(int(pid), arguments) for pid, _, arguments in pairs]


@pytest.fixture
def cloudflared(tmp_path: Path) -> FakeCloudflared:
    return FakeCloudflared(tmp_path)
