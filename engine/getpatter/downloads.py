"""Models that are downloaded once and then lie on this machine.

A call never waits for a download: what is not there is an error that names the command which fetches it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from getpatter.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Download:
    """A model under the name by which people ask for it, e.g. `whisper-small`."""

    name: str
    about: str
    megabytes: int
    """What is downloaded; 0 where it is not known beforehand."""
    fetch: Callable[[], None]
    """Blocks until it is there, with its library's progress on the terminal; does little where it is there already.
    Raises `ConfigurationError` where the library is not installed and `ProviderError` when the download fails."""


def not_here(name: str) -> ConfigurationError:
    """The model is not on this machine."""
    return ConfigurationError(f"The model {name} is not on this machine.", next_step=f"Run: getpatter fetch {name}")


def not_installed(package: str, extra: str) -> ConfigurationError:
    """A package of an extra is missing."""
    return ConfigurationError(
        f"The package {package} is not installed.", next_step=f"Run: pip install 'patter-mcp[{extra}]'"
    )
