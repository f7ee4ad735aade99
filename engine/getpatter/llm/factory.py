"""The language model that the settings ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol
from urllib.parse import urlsplit

from getpatter.connections.vendor import Vendor, host_of
from getpatter.errors import ConfigurationError
from getpatter.llm import presets
from getpatter.llm.anthropic import AnthropicLLM
from getpatter.llm.base import LanguageModel
from getpatter.llm.faults import SetBy
from getpatter.llm.google import GoogleLLM
from getpatter.llm.litellm import MODEL, LiteLLMLLM
from getpatter.llm.openai_compatible import ANY_SERVER, OpenAICompatibleLLM
from getpatter.llm.scripted import ScriptedLLM
from getpatter.settings import Settings


class _Make(Protocol):
    def __call__(self, *, model: str, set_by: SetBy) -> LanguageModel: ...


def _openclaw(*, model: str, set_by: SetBy) -> LanguageModel:
    return presets.OpenClawLLM(model or "main", set_by=set_by)


def _litellm(*, model: str, set_by: SetBy) -> LanguageModel:
    return LiteLLMLLM(model or MODEL, set_by=set_by)


VENDORS: Final[Mapping[str, _Make]] = {
    "openai": presets.OpenAILLM,
    "anthropic": AnthropicLLM,
    "google": GoogleLLM,
    "groq": presets.GroqLLM,
    "cerebras": presets.CerebrasLLM,
    "inworld": presets.InworldLLM,
    "litellm": _litellm,
    "litellm-proxy": presets.LiteLLMProxyLLM,
    "ollama": presets.OllamaLLM,
    "vllm": presets.VLLMLLM,
    "hermes": presets.HermesLLM,
    "openclaw": _openclaw,
}
"""By the name that stands before the slash in `PATTER_LLM`."""

_BY_NAME: Final = SetBy(model="PATTER_LLM")
_BY_URL: Final = SetBy(model="PATTER_LLM_MODEL", url="PATTER_LLM_URL")


def language_model(settings: Settings) -> LanguageModel:
    """The model that `PATTER_LLM` names, or the one at `PATTER_LLM_URL`; without either the built-in script, which
    needs no account.

    Raises `ConfigurationError` when only a part of what a server needs is set, or more than can hold.
    """
    given = {
        "PATTER_LLM_URL": settings.llm_url,
        "PATTER_LLM_MODEL": settings.llm_model,
        "PATTER_LLM_KEY": settings.llm_key.get_secret_value(),
    }
    if settings.llm:
        if stray := _set(given):
            raise ConfigurationError(
                f"{stray} cannot hold beside PATTER_LLM={settings.llm}.",
                next_step=f"Unset {stray}: PATTER_LLM names the model, and the vendor's own variable holds its key.",
            )
        return named_model(settings.llm)
    if settings.llm_url:
        if not settings.llm_model:
            raise ConfigurationError(
                "PATTER_LLM_URL is set, but PATTER_LLM_MODEL is not.",
                next_step="Set PATTER_LLM_MODEL to the name of a model that the server has, e.g. gpt-6-luna.",
            )
        return model_at(settings.llm_url, settings.llm_model, settings.llm_key.get_secret_value())
    # A script in place of the model that somebody asked for would come as a surprise on the telephone.
    if stray := _set(given):
        raise ConfigurationError(
            f"{stray} cannot work without PATTER_LLM_URL.",
            next_step="Set PATTER_LLM_URL to the server's base URL, e.g. https://api.openai.com/v1, "
            f"or unset {stray} to have the built-in script.",
        )
    return ScriptedLLM()


def named_model(name: str) -> LanguageModel:
    """`vendor/model`, or the vendor alone for its default, e.g. `anthropic/claude-haiku-4-5`.

    Raises `ConfigurationError` for a vendor that is not known, and for one whose key is missing.
    """
    vendor, _, model = name.strip().partition("/")
    make = VENDORS.get(vendor.lower())
    if make is None:
        raise ConfigurationError(
            f"PATTER_LLM names {vendor!r}, which is no vendor that is known here.",
            next_step="Set PATTER_LLM to a vendor and a model, e.g. openai/gpt-6-luna. "
            f"Known vendors are {', '.join(VENDORS)}. "
            "For any other server that speaks chat completions set PATTER_LLM_URL.",
        )
    return make(model=model, set_by=_BY_NAME)


def model_at(url: str, model: str, key: str) -> OpenAICompatibleLLM:
    """A model that the settings name by its server, which is asked as its vendor's own adapter asks it.

    Raises `ConfigurationError`.
    """
    preset = preset_at(url) or presets.Preset(vendor=ANY_SERVER, url=url)
    return OpenAICompatibleLLM(
        url,
        model,
        key,
        vendor=Vendor("that server", "PATTER_LLM_KEY", id=billed_at(url)),
        limit_field=preset.limit_field,
        efforts=preset.efforts,
        strict_tools=preset.strict_tools,
        set_by=_BY_URL,
    )


def billed_at(url: str) -> str:
    """Who is paid for models at this address, as the price table calls them; the host where nobody is known, and
    nothing where there is none.  A vendor's servers of one region have prices of their own."""
    preset = preset_at(url)
    if preset is not None and _hostname(url) == _hostname(preset.url):
        return preset.vendor.billed_as
    return host_of(url.strip()).rpartition("@")[2] if _hostname(url) else ""


def preset_at(url: str) -> presets.Preset | None:
    """Of the vendor whose server it is, that of one region among them, e.g. `eu.api.openai.com`."""
    host = f".{_hostname(url)}"
    return next((preset for preset in presets.PAID if host.endswith(f".{_hostname(preset.url)}")), None)


def _hostname(url: str) -> str:
    """In lower case and without a port; empty where the address is none."""
    try:
        return urlsplit(url.strip()).hostname or ""
    except ValueError:
        return ""


def _set(given: Mapping[str, str]) -> str:
    return " and ".join(name for name, value in given.items() if value)
