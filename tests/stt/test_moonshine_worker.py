from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from getpatter.stt.moonshine_wire import Begin

TOLD = Begin("small-streaming", "en", "", ("A table for four", "Luigi's Kitchen"), True)


class Transcriber:
    """Keeps what it is to lean towards."""

    def __init__(self, *_: object, **__: object) -> None:
        self.contexts: list[str] = []

    def set_context(self, context: str) -> None:
        self.contexts.append(context)


@pytest.fixture
def worker(model_libraries: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    module = importlib.import_module("getpatter.stt.moonshine_worker")
    monkeypatch.setattr(module, "Transcriber", Transcriber)
    monkeypatch.setattr(module, "find", lambda model, language: Path("nowhere"))
    return module


def test_each_call_is_heard_with_its_own_phrases(worker: Any) -> None:
    moonshine = worker.Moonshine()
    moonshine.load(TOLD)
    untold = Begin("small-streaming", "en", "", (), True)
    for begin in (untold, TOLD, TOLD, untold, TOLD):
        moonshine.lean(begin)
    told = "A table for four\nLuigi's Kitchen"
    assert vars(moonshine)["_transcriber"].contexts == [told, "", told]


def test_a_model_that_cannot_lean_is_not_asked_to(worker: Any) -> None:
    moonshine = worker.Moonshine()
    begin = Begin("base", "en", "", TOLD.phrases, True)
    moonshine.load(begin)
    moonshine.lean(begin)
    assert vars(moonshine)["_transcriber"].contexts == []
