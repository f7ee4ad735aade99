"""Rooms import only from the floors below them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import getpatter
import patter_mcp

ENGINE = Path(getpatter.__file__).parent
MCP = Path(patter_mcp.__file__).parent

FLOORS: dict[str, int] = {
    "errors": 0,
    "clock": 0,
    "environment": 0,
    "metering": 0,
    "models": 0,
    "extension": 0,
    "settings": 0,
    "version": 0,
    "home": 0,
    "public_url": 0,
    "audio": 1,
    "beat": 1,
    "connections": 1,
    "downloads": 1,
    "events": 1,
    "failover": 1,
    "language": 1,
    "observability": 1,
    "pricing": 1,
    "worker": 1,
    "worker_loop": 1,
    "carriers": 2,
    "stt": 2,
    "tts": 2,
    "llm": 2,
    "store": 2,
    "tunnels": 2,
    "turn_detection": 2,
    "barge_in": 3,
    "engines": 3,
    "guardrails": 3,
    "hooks": 3,
    "local": 3,
    "tools": 3,
    "agent": 4,
    "providers": 4,
    "conversation": 5,
    "calls": 6,
    "testing": 7,
    "control": 7,
    "sdk": 7,
    "server": 8,
    "trying": 8,
    "doctor": 9,
    "cli": 10,
    "client": 9,
}
"""A room may also import from its own."""

SIDEWAYS = {
    ("models", "metering"),
    ("settings", "errors"),
    ("settings", "public_url"),
    ("public_url", "errors"),
    ("observability", "events"),
    ("observability", "pricing"),
    ("worker", "worker_loop"),
}
"""Neighbours on one floor that may see each other, one way."""


def imports(path: Path) -> Iterator[str]:
    """Names of the modules that a file imports, outside of functions and inside."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(module: str) -> str | None:
    """The room of the engine that a module belongs to."""
    parts = module.split(".")
    return parts[1] if parts[0] == "getpatter" and len(parts) > 1 and parts[1] in FLOORS else None


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "migrations" not in path.parts)


@pytest.mark.parametrize("path", files(ENGINE), ids=lambda path: str(path.relative_to(ENGINE)))
def test_imports_lead_downward(path: Path) -> None:
    own = path.relative_to(ENGINE).parts[0].removesuffix(".py")
    if own == "__init__":
        return
    assert own in FLOORS, f"{own} has no floor yet"
    for module in imports(path):
        other = room(module)
        if other is None or other == own or (own, other) in SIDEWAYS:
            continue
        assert FLOORS[other] < FLOORS[own], f"{own} (floor {FLOORS[own]}) imports {module} (floor {FLOORS[other]})"


def test_only_the_command_line_knows_the_mcp_package() -> None:
    for path in files(ENGINE):
        if path.relative_to(ENGINE).parts[0] != "cli":
            assert not any(module.split(".")[0] == "patter_mcp" for module in imports(path)), path


@pytest.mark.parametrize("path", files(MCP), ids=lambda path: path.name)
def test_the_mcp_package_acts_on_calls_only_through_the_switchboard(path: Path) -> None:
    allowed = {"calls", "control", "clock", "errors", "events", "settings", "version"}
    if path.name in ("cli.py", "http.py"):
        allowed |= {"server", "observability"}  # run the engine in this process, and be mounted in it
    used = {other for module in imports(path) if (other := room(module)) is not None}
    assert used <= allowed
    forbidden = {"getpatter.calls.exchange", "getpatter.calls.live", "getpatter.calls.session"}
    assert not forbidden & set(imports(path))


@pytest.mark.parametrize("path", files(ENGINE) + files(MCP), ids=lambda path: path.name)
def test_files_stay_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 500, "this file asks for another room"
