from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from getpatter.cli.main import app
from getpatter.store import IncidentRow, Store


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATTER_HOME", str(tmp_path))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def shown(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["security", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_what_was_refused_is_listed_newest_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpatter.cli.security.out.width", 200)

    async def note() -> None:
        store = await Store.open(f"sqlite+aiosqlite:///{home / 'calls.db'}")
        old = IncidentRow(id="1", at=1, last_at=2, kind="invalid_signature", count=7, detail="[red]forged")
        new = IncidentRow(id="2", at=3, last_at=4, kind="bad_token")
        for row in (old, new):
            row.path, row.peer = "/webhooks/sim/voice", "192.0.2.1"
        await store.incidents.put([old, new])
        await store.close()

    asyncio.run(note())
    header, first, second = shown().splitlines()
    assert header.split() == ["last", "what", "times", "peer", "path", "detail"]
    assert "bad token" in first
    assert "invalid signature      7  192.0.2.1  /webhooks/sim/voice  [red]forged" in second
    assert len(shown("--limit", "1").splitlines()) == 2


def test_where_nothing_was_refused_it_says_so(home: Path) -> None:
    assert shown() == "Nothing was refused.\n"
