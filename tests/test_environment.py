from __future__ import annotations

from pathlib import Path

import pytest

from getpatter.environment import variables


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_file_beside_the_program_is_read(folder: Path) -> None:
    (folder / ".env").write_text("TWILIO_AUTH_TOKEN='a secret'\nEMPTY\n", "utf-8")
    assert variables()["TWILIO_AUTH_TOKEN"] == "a secret"
    assert "EMPTY" not in variables()


def test_the_environment_comes_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".env").write_text("TWILIO_AUTH_TOKEN=old\n", "utf-8")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "new")
    assert variables()["TWILIO_AUTH_TOKEN"] == "new"


def test_without_a_file_there_is_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLIVO_AUTH_ID", "MA1")
    assert variables()["PLIVO_AUTH_ID"] == "MA1"
