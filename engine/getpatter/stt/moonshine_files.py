"""The models of Moonshine, which its library fetches from its authors into a cache of its own."""

from __future__ import annotations

import importlib.util
from functools import partial
from pathlib import Path

from getpatter.downloads import Download, not_here, not_installed
from getpatter.errors import ConfigurationError, ProviderError

PROVIDER = "moonshine"
PREFIX = "moonshine-"
"""Before a model's own name, where models of several kinds are named."""

MODELS = {
    "tiny": 44,
    "base": 141,
    "tiny-streaming": 46,
    "small-streaming": 143,
    "medium-streaming": 270,
}
"""Megabytes of the English ones, as the library's catalogue of version 0.1.5 has them."""
LANGUAGES = ("en", "ar", "de", "es", "ja", "ko", "tl", "uk", "vi", "zh")
"""Of that catalogue.  Not each has all models.  All but the English ones are for non-commercial use only."""


def moonshine_installed() -> bool:
    return importlib.util.find_spec("moonshine_voice") is not None


def checked(model: str, language: str) -> None:
    """Raises `ConfigurationError` for what the library cannot have."""
    if model not in MODELS:
        raise ConfigurationError(
            f"There is no Moonshine model {model!r}.", next_step=f"Use one of {', '.join(MODELS)}."
        )
    if language not in LANGUAGES:
        raise ConfigurationError(
            f"There are no Moonshine models of {language!r}.", next_step=f"Use one of {', '.join(LANGUAGES)}."
        )


def full_name(model: str, language: str) -> str:
    """As people ask for it: `moonshine-base`, and `moonshine-base-es` for other languages than English."""
    return PREFIX + model + ("" if language == "en" else f"-{language}")


def split_name(name: str) -> tuple[str, str]:
    """Model and language of a name without its prefix; the inverse of `full_name`."""
    model, _, language = name.rpartition("-")
    return (model, language) if model in MODELS and language in LANGUAGES else (name, "en")


def find(model: str, language: str) -> Path:
    """The folder of a model that is on this machine; raises `ConfigurationError` where it is not, or does not exist."""
    from moonshine_voice.download import get_components_for_model_info
    from moonshine_voice.download_file import get_cache_dir

    info = _info(model, language)
    folder = Path(get_cache_dir()) / info["download_url"].split("://", 1)[-1]
    if not all((folder / name).exists() for name in get_components_for_model_info(info)):
        raise not_here(full_name(model, language))
    return folder


def fetch(model: str, language: str) -> None:
    """See `Download.fetch`."""
    if not moonshine_installed():
        raise not_installed("moonshine-voice", "moonshine")
    from moonshine_voice.download import download_model_from_info

    info = _info(model, language)
    try:
        download_model_from_info(info)
    except Exception as fault:  # the edge to a library that raises whatever its transport does
        raise ProviderError(
            f"The model {full_name(model, language)} could not be downloaded: {fault}",
            provider=PROVIDER,
            retryable=True,
        ) from fault


def download(name: str) -> Download:
    """By a name without its prefix, e.g. `base` or `base-es`; raises `ConfigurationError`."""
    model, language = split_name(name)
    checked(model, language)
    about = "recogniser, English" if language == "en" else f"recogniser, {language}, non-commercial"
    megabytes = MODELS[model] if language == "en" else 0
    return Download(full_name(model, language), about, megabytes, partial(fetch, model, language))


def downloads() -> tuple[Download, ...]:
    return tuple(download(model) for model in MODELS)


def _info(model: str, language: str) -> dict[str, str]:
    """The catalogue's entry."""
    from moonshine_voice.download import find_model_info
    from moonshine_voice.moonshine_api import string_to_model_arch

    try:
        found: dict[str, str] = find_model_info(language, string_to_model_arch(model))
    except ValueError:
        raise ConfigurationError(
            f"Moonshine has no model {model} of {language}.", next_step=f"Use another of {', '.join(MODELS)}."
        ) from None
    return found
