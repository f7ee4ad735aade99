from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest

from getpatter.stt.moonshine_files import LANGUAGES, MODELS, full_name, split_name


def test_sizes_and_languages_are_the_librarys(model_libraries: Path) -> None:
    api = importlib.import_module("moonshine_voice.moonshine_api")
    catalogue = json.loads(api.moonshine_get_stt_catalog_string())
    assert sorted(LANGUAGES) == sorted(language["code"] for language in catalogue["languages"])
    for model, megabytes in MODELS.items():
        options = {"model_arch": int(api.string_to_model_arch(model))}
        groups = json.loads(api.moonshine_get_stt_dependencies_string("en", options))["groups"]
        size = sum(file["size"] for group in groups for file in group["files"])
        assert megabytes == pytest.approx(size / 1e6, abs=1.0)


@pytest.mark.parametrize(
    ("model", "language", "name"),
    [("base", "en", "moonshine-base"), ("tiny-streaming", "de", "moonshine-tiny-streaming-de")],
)
def test_names_have_the_language_where_it_is_not_english(model: str, language: str, name: str) -> None:
    assert full_name(model, language) == name
    assert split_name(name.removeprefix("moonshine-")) == (model, language)


def test_what_is_no_name_stays_as_it_is() -> None:
    assert split_name("huge-de") == ("huge-de", "en")
