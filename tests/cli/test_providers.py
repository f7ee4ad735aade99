from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from getpatter.cli.console import out
from getpatter.cli.main import app
from getpatter.llm.litellm import LiteLLMLLM
from getpatter.providers.catalogue import CATALOGUE


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(out, "width", 200)
    for name in ("DEEPGRAM_API_KEY", "GOOGLE_API_KEY", "GEMINI_API_KEY", "ELEVENLABS_API_KEY", "ELEVENLABS_AGENT_ID"):
        monkeypatch.delenv(name, raising=False)


def listed() -> dict[str, str]:
    """The lines of the list by their first word; of two with one name the later, which is the engine."""
    shown = CliRunner().invoke(app, ["providers"])
    assert shown.exit_code == 0
    return {line.split()[0]: line for line in shown.output.splitlines() if line}


def test_every_provider_is_listed() -> None:
    assert {adapter.name for adapter in CATALOGUE} <= set(listed())


def test_it_is_told_whose_key_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "DEEPGRAM_API_KEY missing" in listed()["deepgram-flux"]
    monkeypatch.setenv("DEEPGRAM_API_KEY", "k")
    assert "DEEPGRAM_API_KEY set" in listed()["deepgram-flux"]


def test_one_of_two_variables_may_be_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "GOOGLE_API_KEY or GEMINI_API_KEY missing" in " ".join(listed()["gemini"].split())
    monkeypatch.setenv("GEMINI_API_KEY", "k")
    assert "GEMINI_API_KEY set" in listed()["gemini"]


def test_of_two_that_are_needed_one_is_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELEVENLABS_API_KEY", "k")
    assert "ELEVENLABS_AGENT_ID missing" in listed()["elevenlabs"]
    monkeypatch.setenv("ELEVENLABS_AGENT_ID", "a")
    assert "ELEVENLABS_AGENT_ID set" in listed()["elevenlabs"]


def test_what_runs_here_needs_no_key() -> None:
    assert "none needed" in listed()["ollama"]
    assert "none needed" in listed()["pocketsphinx"]


def test_a_default_that_ends_is_shown_with_its_day() -> None:
    assert re.search(r"whisper-1 (is|was) retired on 2027-02-26: use gpt-transcribe", listed()["whisper-api"])
    assert "retired" not in listed()["deepgram-flux"]


def test_the_default_of_a_library_that_reaches_many_vendors_ends_with_its_vendors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ending = replace(LiteLLMLLM.FACTS, models=("gpt-3.5-turbo",))
    monkeypatch.setattr(LiteLLMLLM, "FACTS", ending)
    assert "gpt-3.5-turbo was retired on 2026-10-23" in " ".join(listed()["litellm"].split())
