"""Prices of language models for each million tokens of text, without batches, tiers and regions that cost otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from getpatter.pricing.figure import READ, by_tokens, tokens
from getpatter.pricing.table import Entry

_ANTHROPIC = "https://platform.claude.com/docs/en/about-claude/pricing"
_SONNET_5 = "https://platform.claude.com/docs/en/models/sonnet-5/overview"

_LUNA = "https://developers.openai.com/api/docs/models/gpt-6-luna"
_FLASH_LITE = "https://github.com/simstudioai/sim/pull/5812"


def _claude(input: str, output: str, cached: str, write: str, source: str = _ANTHROPIC) -> Entry:
    """`write` is of what the cache keeps for five minutes, as it does unless asked otherwise."""
    return by_tokens(tokens(input, output, cached, write), READ, source)


MODELS: Final[Mapping[str, Mapping[str, Entry]]] = {
    "openai": {
        "gpt-4o": by_tokens(tokens("2.5", "10", "1.25")),
        "gpt-4o-mini": by_tokens(tokens("0.15", "0.6", "0.075")),
        "gpt-4.1": by_tokens(tokens("2", "8", "0.5")),
        "gpt-4.1-mini": by_tokens(tokens("0.4", "1.6", "0.1")),
        "o3": by_tokens(tokens("2", "8", "0.5")),
        "o4-mini": by_tokens(tokens("1.1", "4.4", "0.275")),
        "gpt-5-mini": by_tokens(tokens("0.25", "2", "0.025")),
        "gpt-5.2": by_tokens(tokens("1.75", "14", "0.175")),
        "gpt-5.4": by_tokens(tokens("2.5", "15", "0.25")),
        "gpt-5.4-mini": by_tokens(tokens("0.75", "4.5", "0.075")),
        "gpt-6-luna": by_tokens(tokens("0.1", "0.5", "0.01", "0.125", longest_prompt=272_000), READ, _LUNA),
    },
    "anthropic": {
        "claude-opus-4-1": _claude("15", "75", "1.5", "18.75"),
        "claude-opus-4-5": _claude("5", "25", "0.5", "6.25"),
        "claude-opus-4-6": _claude("5", "25", "0.5", "6.25"),
        "claude-opus-4-7": _claude("5", "25", "0.5", "6.25"),
        "claude-opus-4-8": _claude("5", "25", "0.5", "6.25"),
        "claude-opus-5": _claude("5", "25", "0.5", "6.25"),
        "claude-sonnet-4": _claude("3", "15", "0.3", "3.75"),
        "claude-sonnet-4-5": _claude("3", "15", "0.3", "3.75"),
        "claude-sonnet-4-6": _claude("3", "15", "0.3", "3.75"),
        "claude-sonnet-5": _claude("2", "10", "0.2", "2.5", _SONNET_5),
        "claude-haiku-4-5": _claude("1", "5", "0.1", "1.25"),
        "claude-opus-5-5": by_tokens(tokens("4", "20", "0.2", "5"), "2026-10-10"),
        "claude-sonnet-5-5": by_tokens(tokens("2", "10", "0.1", "2.5"), "2026-10-24"),
        "claude-haiku-5-5": by_tokens(tokens("0.1", "0.5", "0.01", "0.125", longest_prompt=100_000), "2026-10-24"),
    },
    "google": {
        "gemini-2.5-pro": by_tokens(tokens("1.25", "10", "0.125", longest_prompt=200_000)),
        "gemini-2.5-flash": by_tokens(tokens("0.3", "2.5", "0.03")),
        "gemini-3.5-flash-lite": by_tokens(tokens("0.3", "2.5", "0.03"), "2026-07-21", _FLASH_LITE),
    },
    "groq": {
        "llama-3.3-70b-versatile": by_tokens(tokens("0.59", "0.79")),
        "llama-3.1-8b-instant": by_tokens(tokens("0.05", "0.08")),
        "openai/gpt-oss-120b": by_tokens(tokens("0.15", "0.6", "0.075")),
        "openai/gpt-oss-20b": by_tokens(tokens("0.075", "0.3", "0.037")),
    },
    "cerebras": {
        "gpt-oss-120b": by_tokens(tokens("0.35", "0.75")),
        "llama3.1-8b": by_tokens(tokens("0.1", "0.1")),
        "llama-3.3-70b": by_tokens(tokens("0.85", "1.2")),
        "qwen-3-235b": by_tokens(tokens("0.6", "1.2")),
    },
}
