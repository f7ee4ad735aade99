from __future__ import annotations

import importlib
from pathlib import Path

from getpatter.stt.faster_whisper_files import REPOSITORIES, download


def test_names_and_repositories_are_the_librarys(model_libraries: Path) -> None:
    library = vars(importlib.import_module("faster_whisper.utils"))["_MODELS"]
    for name, (repository, _) in REPOSITORIES.items():
        assert library[name] == repository


def test_a_repository_of_the_hub_can_be_fetched_by_its_name() -> None:
    model = download("somebody/whisper-ct2")
    assert (model.name, model.megabytes) == ("whisper-somebody/whisper-ct2", 0)
