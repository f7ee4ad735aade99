from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# A slow machine is no fault of the code: examples have no wall-clock limit.
settings.register_profile("patter", deadline=None)
settings.load_profile("patter")

MODELS = Path(__file__).parent / "models"
LIBRARIES = Path(__file__).parents[1] / ".venv-models"
"""Libraries of models that are downloaded, beside our own environment; see `tests/models/requirements.txt`."""

ModelMaker = Callable[..., Path]


@pytest.fixture
def model_libraries(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Has this process and its workers find them."""
    if not (LIBRARIES / ".ready").exists():
        pytest.skip("the libraries of downloaded models are not installed; `make models` does that")
    monkeypatch.syspath_prepend(LIBRARIES)
    monkeypatch.setenv("PYTHONPATH", str(LIBRARIES))
    # No test reaches out for a model.
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return LIBRARIES


@pytest.fixture(scope="session")
def make_model(tmp_path_factory: pytest.TempPathFactory) -> ModelMaker:
    """Runs a script of `tests/models`, with the folder to write to and what the script says behind it."""
    made: dict[tuple[str, ...], Path] = {}

    def make(script: str, *arguments: str) -> Path:
        if (script, *arguments) not in made:
            folder = tmp_path_factory.mktemp("models") / Path(script).stem
            command = [sys.executable, str(MODELS / script), str(folder), *arguments]
            subprocess.run(command, env={**os.environ, "PYTHONPATH": str(LIBRARIES)}, check=True, timeout=120)
            made[script, *arguments] = folder
        return made[script, *arguments]

    return make


@pytest.fixture
def no_tracer_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program has set no tracer provider; what the test sets, which a process can do once, is forgotten."""
    from opentelemetry import trace  # takes long to import, and few tests need it
    from opentelemetry.util._once import Once

    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())
