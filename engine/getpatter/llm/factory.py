"""The language model that the settings ask for."""

from __future__ import annotations

from getpatter.errors import ConfigurationError
from getpatter.llm.base import LanguageModel
from getpatter.llm.openai_compatible import OpenAICompatibleLLM
from getpatter.llm.scripted import ScriptedLLM
from getpatter.settings import Settings


def language_model(settings: Settings) -> LanguageModel:
    """The model at `PATTER_LLM_URL`; without one the built-in script, which needs no account.

    Raises `ConfigurationError` when only a part of what a server needs is set.
    """
    if settings.llm_url:
        if not settings.llm_model:
            raise ConfigurationError(
                "PATTER_LLM_URL is set, but PATTER_LLM_MODEL is not.",
                next_step="Set PATTER_LLM_MODEL to the name of a model that the server has, e.g. gpt-4o-mini.",
            )
        return OpenAICompatibleLLM(settings.llm_url, settings.llm_model, settings.llm_key)
    # A script in place of the model that somebody asked for would come as a surprise on the telephone.
    given = {"PATTER_LLM_MODEL": settings.llm_model, "PATTER_LLM_KEY": settings.llm_key.get_secret_value()}
    if stray := [name for name, value in given.items() if value]:
        raise ConfigurationError(
            f"{' and '.join(stray)} cannot work without PATTER_LLM_URL.",
            next_step="Set PATTER_LLM_URL to the server's base URL, e.g. https://api.openai.com/v1, "
            f"or unset {' and '.join(stray)} to have the built-in script.",
        )
    return ScriptedLLM()
