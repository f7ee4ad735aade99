"""A program on the leash is not run for a process that is gone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from getpatter.tunnels import leash


def run(parent: int, folder: Path) -> int:
    program = [sys.executable, "-c", "open('ran', 'w').close()"]
    return subprocess.run([sys.executable, leash.__file__, str(parent), *program], cwd=folder).returncode


def test_it_becomes_the_program(tmp_path: Path) -> None:
    assert run(os.getpid(), tmp_path) == 0
    assert (tmp_path / "ran").exists()


def test_it_runs_nothing_for_a_process_that_has_ended(tmp_path: Path) -> None:
    assert run(os.getpid() + 1, tmp_path) == 1
    assert not (tmp_path / "ran").exists()
