"""The SDK is not to be had without a contract: these hold our side of its published calls to a stand-in for it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from getpatter.audio.filters import krisp
from getpatter.audio.filters.krisp import KrispVivaFilter
from getpatter.errors import ConfigurationError

Made = Callable[..., Any]


class SamplingRate(Enum):
    Sr8000Hz = 8000


class FrameDuration(Enum):
    Fd20ms = 20


class LogLevel(Enum):
    Off = 0


class NcInt16:
    """A session that lowers sound by its level in percent."""

    made: ClassVar[list[Any]] = []

    @classmethod
    def create(cls, settings: Any) -> NcInt16:
        cls.made.append(settings)
        return cls()

    def process(self, frame: NDArray[np.int16], level: int) -> NDArray[np.int16]:
        assert frame.shape == (160,)
        assert frame.dtype == np.int16
        return (frame.astype(int) * (100 - level) // 100).astype(np.int16)


class Sdk(ModuleType):
    """What `krisp_audio` gives, as far as it is used; `starts` are the arguments of each start."""

    ModelInfo = NcSessionConfig = SimpleNamespace
    SamplingRate = SamplingRate
    FrameDuration = FrameDuration
    LogLevel = LogLevel
    NcInt16 = NcInt16

    def __init__(self) -> None:
        super().__init__("krisp_audio")
        self.starts: list[tuple[Any, ...]] = []
        self.refusal: str = ""

    def globalInit(self, *arguments: Any) -> None:
        if self.refusal:
            raise RuntimeError(self.refusal)
        self.starts.append(arguments)


@pytest.fixture
def sdk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sdk]:
    stand_in = Sdk()
    monkeypatch.setitem(sys.modules, "krisp_audio", stand_in)
    NcInt16.made.clear()
    krisp._start_sdk.cache_clear()
    yield stand_in
    krisp._start_sdk.cache_clear()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "tel.kef"
    path.write_bytes(b"model")
    return path


def test_the_sound_goes_through_a_session_of_the_call(sdk: Sdk, model: Path, run: Made, sine: Made) -> None:
    settings = KrispVivaFilter(model, level=50)
    sound = np.rint(sine(500, 0.2, -20))
    for frames in (1, 5):
        assert np.array_equal(run(settings.open(), sound, frames=frames), sound * 50 // 100)
    assert len(NcInt16.made) == 2
    session = NcInt16.made[0]
    assert session.inputSampleRate == session.outputSampleRate == SamplingRate.Sr8000Hz
    assert session.inputFrameDuration == FrameDuration.Fd20ms
    assert session.modelInfo.path == str(model)


def test_the_sdk_is_started_once_for_all_calls(sdk: Sdk, model: Path) -> None:
    for _ in range(2):
        KrispVivaFilter(model).open().close()
    assert [(start[0], start[-1], len(start)) for start in sdk.starts] == [("", LogLevel.Off, 3)]


def test_a_licence_key_is_handed_to_it(sdk: Sdk, model: Path) -> None:
    KrispVivaFilter(model, license_key="key")
    assert [(start[:2], len(start)) for start in sdk.starts] == [(("", "key"), 5)]


def test_a_reset_makes_a_new_session(sdk: Sdk, model: Path) -> None:
    KrispVivaFilter(model).open().reset()
    assert len(NcInt16.made) == 2


def test_an_sdk_that_does_not_start_says_why(sdk: Sdk, model: Path) -> None:
    sdk.refusal = "licence expired"
    with pytest.raises(ConfigurationError, match="did not start: licence expired"):
        KrispVivaFilter(model)


def test_without_the_package_it_is_named(sdk: Sdk, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "krisp_audio", None)
    with pytest.raises(ConfigurationError, match="krisp_audio"):
        KrispVivaFilter(model)


def test_the_model_must_be_one(sdk: Sdk, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"")
    for name in ("model.onnx", "missing.kef"):
        with pytest.raises(ConfigurationError, match="not a model"):
            KrispVivaFilter(tmp_path / name)


@pytest.mark.parametrize("level", [-1, 101])
def test_the_level_is_a_percentage(sdk: Sdk, model: Path, level: int) -> None:
    with pytest.raises(ConfigurationError, match="level"):
        KrispVivaFilter(model, level=level)
