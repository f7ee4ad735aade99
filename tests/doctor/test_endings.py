from __future__ import annotations

from pathlib import Path

import pytest

from getpatter.carriers.base import Finding
from getpatter.doctor.endings import models
from getpatter.settings import Settings, load


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def settings(tmp_path: Path, **given: str) -> Settings:
    nothing = {"stt": "", "tts": "", "llm": "", "engine": "", "llm_url": "", "llm_model": ""}
    return load(home=tmp_path, **nothing | given)


def test_each_model_that_was_retired_is_an_error(tmp_path: Path) -> None:
    found = models(settings(tmp_path, llm="groq/llama-3.3-70b-versatile", tts="cartesia/sonic-english"))
    assert found == [
        Finding("models", "error", "sonic-english was retired on 2026-06-01.", "Set PATTER_TTS to cartesia/sonic-3.5."),
        Finding(
            "models",
            "error",
            "llama-3.3-70b-versatile was retired on 2026-08-16.",
            "Set PATTER_LLM to groq/openai/gpt-oss-120b.",
        ),
    ]


def test_where_nothing_takes_its_place_another_is_to_be_named(tmp_path: Path) -> None:
    (found,) = models(settings(tmp_path, tts="openai/tts-1"))
    assert found.next_step == "Set PATTER_TTS to another model."


def test_of_models_that_live_nothing_is_found(tmp_path: Path) -> None:
    assert models(settings(tmp_path, stt="deepgram", llm="groq/openai/gpt-oss-120b")) == []
    assert models(settings(tmp_path)) == []
