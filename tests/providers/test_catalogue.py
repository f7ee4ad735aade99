from __future__ import annotations

import inspect
from datetime import date, timedelta
from pathlib import Path

import pytest

import getpatter
from getpatter.connections.facts import Facts
from getpatter.llm.factory import VENDORS
from getpatter.models.retirement import fate
from getpatter.models.retirements import READ, RETIREMENTS
from getpatter.providers.catalogue import CATALOGUE, Adapter, adapters, find

ENGINE = Path(getpatter.__file__).parent

every_adapter = pytest.mark.parametrize("adapter", CATALOGUE, ids=lambda adapter: f"{adapter.kind}-{adapter.name}")


@every_adapter
def test_every_adapter_is_there_and_says_what_it_is(adapter: Adapter) -> None:
    assert isinstance(adapter.facts, Facts)
    assert adapter.load().__name__ == adapter.class_name


@every_adapter
def test_every_adapter_takes_what_is_named_behind_the_slash(adapter: Adapter) -> None:
    taken = inspect.signature(adapter.load()).parameters
    assert not adapter.behind_slash or adapter.behind_slash in taken
    if adapter.kind == "tts":
        assert "voice" in taken


@every_adapter
def test_every_voice_can_be_named_either_way(adapter: Adapter) -> None:
    if adapter.kind == "tts" and adapter.facts.key_variable:
        assert {"voice", "voice_id"} <= set(inspect.signature(adapter.load()).parameters)


@every_adapter
def test_every_adapter_can_be_imported_from_the_top(adapter: Adapter) -> None:
    if adapter.facts.key_variable:
        assert vars(getpatter).get(adapter.class_name) or getattr(getpatter, adapter.class_name) is adapter.load()


def test_names_are_unique_in_their_kind() -> None:
    names = [(adapter.kind, adapter.name) for adapter in CATALOGUE]
    assert len(set(names)) == len(names)


def test_adapters_are_found_by_name_in_any_case() -> None:
    assert find("stt", "DeepGram") == adapters("stt")[2]
    assert find("tts", "nobody") is None


def test_language_models_are_those_that_can_be_named() -> None:
    assert {adapter.name for adapter in adapters("llm")} == set(VENDORS)


def test_no_adapter_is_left_out() -> None:
    listed = {adapter.module for adapter in CATALOGUE}
    for room in ("stt", "tts", "engines"):
        for path in (ENGINE / room).glob("*.py"):
            if "    FACTS: ClassVar" in path.read_text("utf-8"):
                assert f"{room}.{path.stem}" in listed


ENDING_DEFAULTS = {("stt", "whisper-api"), ("tts", "openai")}
"""For the one there is another adapter, and OpenAI's endpoint for speech ends with its last models."""


@every_adapter
def test_no_default_ends_within_a_year_of_the_list(adapter: Adapter) -> None:
    found = fate(adapter.facts.product(), date.fromisoformat(READ), RETIREMENTS)
    ends = found is not None and found.on is not None and found.on <= date.fromisoformat(READ) + timedelta(days=365)
    assert ends == ((adapter.kind, adapter.name) in ENDING_DEFAULTS)
