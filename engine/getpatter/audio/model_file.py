"""Models that ship with the package: read, checked, and run by onnxruntime on one thread."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from importlib import resources

from getpatter.errors import ConfigurationError

# Published builds of onnxruntime write a device id to the user's cache and report to their maker from the import on;
# only the environment keeps them from it (the second name is that of earlier releases).
os.environ["ORT_DISABLE_TELEMETRY"] = os.environ["ORT_TELEMETRY_DISABLED"] = "1"
import onnxruntime

_NEXT_STEP = "Install the package again: pip install --force-reinstall patter-mcp"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """`name` is a file in `audio/models`, `purpose` what it is called in errors."""

    name: str
    purpose: str
    sha256: str

    def read(self) -> bytes:
        """Raises `ConfigurationError` when the file is missing or another one."""
        try:
            model = resources.files("getpatter.audio").joinpath("models", self.name).read_bytes()
        except OSError as error:
            raise ConfigurationError(
                f"The {self.purpose} model cannot be read: {error}.", next_step=_NEXT_STEP
            ) from error
        found = hashlib.sha256(model).hexdigest()
        if found != self.sha256:
            raise ConfigurationError(
                f"The {self.purpose} model is damaged: its sha256 is {found}, not {self.sha256}.", next_step=_NEXT_STEP
            )
        return model

    def open(self) -> onnxruntime.InferenceSession:
        """The model ready to run.  Raises as `read` does."""
        options = onnxruntime.SessionOptions()
        # More threads make a single small window slower and take the core that the event loop needs.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        return onnxruntime.InferenceSession(self.read(), options, providers=["CPUExecutionProvider"])
