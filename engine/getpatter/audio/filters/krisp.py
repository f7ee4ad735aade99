"""Krisp VIVA: suppression of noise and of other voices, for those who have Krisp's SDK and one of its models.

The package `krisp_audio` and its models come from Krisp to its customers and from no registry.  This file was written
against the published use of the SDK (Krisp's sample program for Python, and two open frameworks that call it); it has
not been run against the SDK itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from getpatter.audio.filters.base import FRAME_PCM_BYTES
from getpatter.audio.format import FRAME_S
from getpatter.errors import ConfigurationError

if TYPE_CHECKING:
    from types import ModuleType

    import krisp_audio

log = logging.getLogger(__name__)


class KrispVivaFilter:
    """Settings of the filter: `level` is how much is suppressed, 0 to 100.

    `model_path` names a model for noise cancellation, a `.kef` file.  SDKs that ask for a `license_key` check it with
    Krisp.  Raises `ConfigurationError` where package or model are missing, and where the SDK does not start.
    """

    name = "krisp_viva"
    delay_s = FRAME_S
    """An assumption: the SDK's documents at hand name none."""
    wants_reference = False

    def __init__(self, model_path: str | Path, *, level: int = 100, license_key: str = "") -> None:
        if not 0 <= level <= 100:
            raise ConfigurationError(f"Krisp's level cannot be {level}.", next_step="Choose 0 to 100.")
        model = Path(model_path)
        if model.suffix != ".kef" or not model.is_file():
            raise ConfigurationError(
                f"{model} is not a model of Krisp's.", next_step="Name a .kef file that came with the SDK."
            )
        self._sdk = _start_sdk(license_key)
        self._model = str(model)
        self._level = level

    def open(self) -> KrispVivaStream:
        sdk = self._sdk
        model = sdk.ModelInfo()
        model.path = self._model
        settings = sdk.NcSessionConfig()
        settings.inputSampleRate = settings.outputSampleRate = sdk.SamplingRate.Sr8000Hz
        settings.inputFrameDuration = sdk.FrameDuration.Fd20ms
        settings.modelInfo = model
        return KrispVivaStream(lambda: sdk.NcInt16.create(settings), self._level)


class KrispVivaStream:
    """Made by `KrispVivaFilter.open`."""

    def __init__(self, create: Callable[[], krisp_audio.NcInt16], level: int) -> None:
        self._create = create
        self._level = level
        self._session = create()

    def process(self, pcm: bytes) -> bytes:
        return b"".join(
            np.asarray(self._session.process(frame, self._level), "<i2").tobytes()
            for frame in np.frombuffer(pcm, "<i2").reshape(-1, FRAME_PCM_BYTES // 2)
        )

    def reference(self, pcm: bytes) -> None:
        """Not used."""

    def reset(self) -> None:
        self._session = self._create()

    def close(self) -> None:
        """The session goes with its last reference."""
        del self._session, self._create


@cache
def _start_sdk(license_key: str) -> ModuleType:
    """Start the SDK, once in a process; it stays up, since every call may need it."""
    try:
        import krisp_audio
    except ImportError as missing:
        raise ConfigurationError(
            f"The filter {KrispVivaFilter.name} needs the package krisp_audio, which cannot be imported: {missing}.",
            next_step="Install the wheel of Krisp's SDK for Python, which Krisp gives to its customers.",
        ) from missing
    try:
        if license_key:  # releases that know of keys take one argument more, and a callback
            krisp_audio.globalInit("", license_key, _on_licence_error, _on_log, krisp_audio.LogLevel.Off)
        else:
            krisp_audio.globalInit("", _on_log, krisp_audio.LogLevel.Off)
    except Exception as refusal:  # a foreign library, whose errors have no type of their own
        raise ConfigurationError(f"Krisp's SDK did not start: {refusal}.") from refusal
    sdk: ModuleType = krisp_audio
    return sdk


def _on_log(message: str, level: object) -> None:
    log.debug("krisp %s: %s", level, message)


def _on_licence_error(error: object, message: str) -> None:
    log.error("krisp refuses the licence: %s %s", error, message)
