from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from getpatter.errors import ConfigurationError
from getpatter.llm.factory import language_model
from getpatter.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in ("PATTER_LLM_URL", "PATTER_LLM_MODEL", "PATTER_LLM_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return Settings(home=tmp_path)


def test_without_a_server_there_is_the_script(settings: Settings) -> None:
    assert language_model(settings).scripted


def test_a_url_and_a_model_give_a_model(settings: Settings) -> None:
    changes = {"llm_url": "http://127.0.0.1:11434/v1", "llm_model": "llama", "llm_key": SecretStr("k")}
    llm = language_model(settings.model_copy(update=changes))
    assert llm.name == "llama at 127.0.0.1:11434"
    assert not llm.scripted


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"llm_url": "http://127.0.0.1:11434/v1"}, "PATTER_LLM_MODEL"),
        ({"llm_model": "llama"}, "PATTER_LLM_URL"),
        ({"llm_key": SecretStr("k")}, "PATTER_LLM_URL"),
    ],
)
def test_a_part_of_the_settings_says_what_is_missing(settings: Settings, changes: dict[str, Any], missing: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        language_model(settings.model_copy(update=changes))
    assert f"Set {missing}" in (raised.value.next_step or "")
