from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from getpatter.errors import ConfigurationError
from getpatter.providers.catalogue import CATALOGUE
from getpatter.providers.chosen import chosen_engine, chosen_stt, chosen_tts
from getpatter.settings import Settings
from getpatter.stt.pocketsphinx import PocketSphinxSTT, pocketsphinx_installed


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in ("DEEPGRAM_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(variable, "sk-1")


def settings(tmp_path: Path, **given: Any) -> Settings:
    return Settings(home=tmp_path, **given)


@pytest.mark.skipif(not pocketsphinx_installed(), reason="the extra local is not installed")
def test_without_a_word_the_ear_is_this_machines(tmp_path: Path) -> None:
    assert isinstance(chosen_stt(settings(tmp_path)), PocketSphinxSTT)


def test_a_vendor_brings_its_default_model(tmp_path: Path) -> None:
    assert chosen_stt(settings(tmp_path, stt="Deepgram")).name == "nova-3 at api.deepgram.com"


def test_a_model_stands_behind_the_slash(tmp_path: Path) -> None:
    assert chosen_stt(settings(tmp_path, stt="deepgram/nova-2")).name == "nova-2 at api.deepgram.com"
    assert chosen_tts(settings(tmp_path, tts="deepgram/aura-2-zeus-en")).name.startswith("aura-2-zeus-en")
    engine = chosen_engine(settings(tmp_path, engine="openai/gpt-realtime-mini"))
    assert engine is not None
    assert engine.name == "gpt-realtime-mini at api.openai.com"


def test_without_an_engine_a_pipeline_is_put_together(tmp_path: Path) -> None:
    assert chosen_engine(settings(tmp_path)) is None


@pytest.mark.parametrize("kind", ["stt", "tts", "engine"])
def test_an_unknown_vendor_is_told_with_those_that_are_known(kind: str, tmp_path: Path) -> None:
    choose: Any = {"stt": chosen_stt, "tts": chosen_tts, "engine": chosen_engine}[kind]
    with pytest.raises(ConfigurationError, match=f"PATTER_{kind.upper()} names 'acme'") as unknown:
        choose(settings(tmp_path, **{kind: "acme/x"}))
    known = [adapter.name for adapter in CATALOGUE if adapter.kind == kind]
    assert ", ".join(known) in str(unknown.value.next_step)


def test_an_engine_and_a_part_of_a_pipeline_cannot_both_be(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="PATTER_ENGINE cannot be set together with PATTER_STT and PATTER_TTS"):
        chosen_engine(settings(tmp_path, engine="openai", stt="deepgram", tts="elevenlabs"))


def test_what_has_no_models_takes_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="pocketsphinx has no models to choose from"):
        chosen_stt(settings(tmp_path, stt="pocketsphinx/large"))
