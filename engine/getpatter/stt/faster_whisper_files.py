"""The models of faster-whisper: converted to CTranslate2, on the Hugging Face Hub, in the hub's own cache."""

from __future__ import annotations

import importlib.util
import re
from functools import partial
from pathlib import Path

from getpatter.downloads import Download, not_here, not_installed
from getpatter.errors import ConfigurationError, ProviderError

PROVIDER = "faster-whisper"
PREFIX = "whisper-"
"""Before a model's own name, where models of several kinds are named."""
FILES = ["config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*"]
"""What `faster_whisper.utils.download_model` takes of a repository."""

REPOSITORIES = {
    "tiny": ("Systran/faster-whisper-tiny", 78),
    "tiny.en": ("Systran/faster-whisper-tiny.en", 78),
    "base": ("Systran/faster-whisper-base", 148),
    "base.en": ("Systran/faster-whisper-base.en", 148),
    "small": ("Systran/faster-whisper-small", 486),
    "small.en": ("Systran/faster-whisper-small.en", 486),
    "medium": ("Systran/faster-whisper-medium", 1530),
    "medium.en": ("Systran/faster-whisper-medium.en", 1530),
    "large-v3": ("Systran/faster-whisper-large-v3", 3090),
    "large-v3-turbo": ("mobiuslabsgmbh/faster-whisper-large-v3-turbo", 1620),
    "distil-large-v3": ("Systran/faster-distil-whisper-large-v3", 1510),
}
"""Repository, and megabytes.  The names and repositories are those of faster-whisper, which knows a few more."""

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


def faster_whisper_installed() -> bool:
    return importlib.util.find_spec("faster_whisper") is not None


def checked(model: str) -> str:
    """`model`, where it can be one: a name above, a folder, a repository of the hub.  Raises `ConfigurationError`."""
    if model in REPOSITORIES or Path(model).is_dir() or _REPOSITORY.fullmatch(model):
        return model
    raise ConfigurationError(
        f"There is no Whisper model {model!r}.",
        next_step=f"Use {', '.join(REPOSITORIES)}, a folder, or a repository such as Systran/faster-whisper-small.",
    )


def find(model: str) -> str:
    """The folder of a model that is on this machine; raises `ConfigurationError` where it is not."""
    if Path(model).is_dir():
        return model
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return str(snapshot_download(_repository(model), allow_patterns=FILES, local_files_only=True))
    except LocalEntryNotFoundError:
        raise not_here(PREFIX + model) from None


def fetch(model: str) -> None:
    """See `Download.fetch`."""
    if not faster_whisper_installed():
        raise not_installed("faster-whisper", "whisper")
    from huggingface_hub import snapshot_download

    try:
        # The library's own `download_model` is this call with its progress bars switched off.
        snapshot_download(_repository(model), allow_patterns=FILES)
    except Exception as fault:  # the edge to a library that raises whatever its transports do
        failed = f"The model {PREFIX}{model} could not be downloaded: {fault}"
        raise ProviderError(failed, provider=PROVIDER, retryable=True) from fault


def download(model: str) -> Download:
    """Raises `ConfigurationError` for what cannot be a model."""
    _, megabytes = REPOSITORIES.get(checked(model), ("", 0))
    about = "recogniser, English" if model.endswith(".en") else "recogniser, 99 languages"
    return Download(PREFIX + model, about, megabytes, partial(fetch, model))


def downloads() -> tuple[Download, ...]:
    return tuple(download(model) for model in REPOSITORIES)


def _repository(model: str) -> str:
    return REPOSITORIES[model][0] if model in REPOSITORIES else model
