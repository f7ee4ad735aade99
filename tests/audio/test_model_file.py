from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from getpatter.audio import smart_turn, vad
from getpatter.audio.model_file import ModelFile
from getpatter.errors import ConfigurationError

every_model = pytest.mark.parametrize("model", [vad.MODEL, smart_turn.MODEL], ids=lambda model: model.name)


@every_model
def test_what_ships_is_what_was_tested(model: ModelFile) -> None:
    assert model.read()


@every_model
def test_another_model_is_refused(model: ModelFile) -> None:
    with pytest.raises(ConfigurationError, match=f"{model.purpose} model is damaged") as caught:
        replace(model, sha256="0" * 64).open()
    assert "pip install" in str(caught.value.next_step)


def test_a_missing_model_is_told() -> None:
    with pytest.raises(ConfigurationError, match="The sixth sense model cannot be read") as caught:
        ModelFile("missing.onnx", "sixth sense", sha256="").open()
    assert "pip install" in str(caught.value.next_step)


@every_model
def test_licence_and_origin_stand_beside_it(model: ModelFile) -> None:
    notice = Path(vad.__file__).with_name("models").joinpath("NOTICE.md").read_text()
    assert model.name in notice
    assert model.sha256 in notice


def test_the_models_write_nothing_and_tell_nobody(tmp_path: Path) -> None:
    """onnxruntime reports to its maker unless it is told not to before it is imported."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "CI", "PYTEST"))}
    script = "\n".join(
        [
            "from getpatter.audio.vad import VoiceActivityModel",
            "from getpatter.audio.smart_turn import SmartTurn",
            "VoiceActivityModel(), SmartTurn()",
        ]
    )
    subprocess.run([sys.executable, "-c", script], env=environment | {"HOME": str(tmp_path)}, check=True)
    assert list(tmp_path.rglob("*")) == []
