"""`PATTER_HOME` on disk: a folder for its owner alone, and the secrets in it."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

TOKEN = "token"
"""File of the token for the control API and for MCP over HTTP."""
SIM_KEY = "sim.key"
"""File of the key with which the simulated network signs its webhooks."""


def make_home(home: Path) -> Path:
    """Make the folder, and those above it that are missing, readable by the owner alone."""
    for folder in reversed([home, *home.parents]):
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
    return home


def secret(home: Path, name: str) -> str:
    """The secret in this file of the home: 64 hexadecimal digits, made on first use, mode 0600.

    Processes that ask at the same time get the same one.
    """
    path = make_home(home) / name
    if not path.exists():
        # The link appears with its content or not at all, and the first of two processes wins.
        with tempfile.NamedTemporaryFile(dir=home, prefix=f".{name}.") as fresh:
            fresh.write(secrets.token_hex(32).encode())
            fresh.flush()
            with contextlib.suppress(FileExistsError):
                os.link(fresh.name, path)
    return path.read_text()


def keep(home: Path, name: str, content: bytes) -> None:
    """Write this file of the home, mode 0600: readers see the old content or the new, whatever happens meanwhile."""
    descriptor, fresh = tempfile.mkstemp(dir=make_home(home), prefix=f".{name}.")  # mkstemp gives 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(fresh).replace(home / name)
    except BaseException:
        Path(fresh).unlink(missing_ok=True)
        raise
