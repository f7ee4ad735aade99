"""The command tells what it found, and by its exit status whether calls can work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from getpatter.cli.main import app


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("PATTER_PUBLIC_URL", "PATTER_TUNNEL", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": tmp_path / "home", "PORT": 0, "CARRIER_PORT": 0, "CARRIER": "sim"}.items():
        monkeypatch.setenv(f"PATTER_{name}", str(value))


def test_what_is_well_is_ticked_and_the_status_is_zero() -> None:
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 0, result.output
    assert "✓ carrier: The simulated network" in result.output
    assert "0 errors" in result.output


def test_what_is_missing_is_crossed_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATTER_CARRIER", "twilio")
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "✗ carrier: Twilio has no account_sid." in result.output
    assert "→ Set TWILIO_ACCOUNT_SID" in result.output


def test_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATTER_CARRIER", "twilio")
    result = CliRunner().invoke(app, ["doctor", "--json"])
    told = json.loads(result.stdout)
    assert (result.exit_code, told["ok"]) == (1, False)
    (carrier,) = [finding for finding in told["findings"] if finding["about"] == "carrier"]
    assert carrier["level"] == "error"
    assert set(carrier) == {"about", "level", "message", "next_step"}
