"""The files of Kokoro: the model and its voices, on the Hugging Face Hub, in the hub's own cache."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from getpatter.downloads import Download, not_here, not_installed
from getpatter.errors import ProviderError

NAME = "kokoro"
REPOSITORY = "fastrtc/kokoro-onnx"
"""A copy of what kokoro-onnx publishes as `model-files-v1.0`, byte for byte."""
MODEL, VOICES = "kokoro-v1.0.onnx", "voices-v1.0.bin"
MEGABYTES = 354


def kokoro_installed() -> bool:
    return importlib.util.find_spec("kokoro_onnx") is not None


def find() -> Path:
    """The folder of both files; raises `ConfigurationError` where they are not on this machine."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(REPOSITORY, allow_patterns=[MODEL, VOICES], local_files_only=True))
    except LocalEntryNotFoundError:
        raise not_here(NAME) from None
    if not ((folder / MODEL).exists() and (folder / VOICES).exists()):
        raise not_here(NAME)
    return folder


def fetch() -> None:
    """See `Download.fetch`."""
    if not kokoro_installed():
        raise not_installed("kokoro-onnx", "kokoro")
    from huggingface_hub import snapshot_download

    try:
        snapshot_download(REPOSITORY, allow_patterns=[MODEL, VOICES])
    except Exception as fault:  # the edge to a library that raises whatever its transports do
        failed = f"The model {NAME} could not be downloaded: {fault}"
        raise ProviderError(failed, provider=NAME, retryable=True) from fault


def download() -> Download:
    return Download(NAME, "voices of seven languages", MEGABYTES, fetch)
