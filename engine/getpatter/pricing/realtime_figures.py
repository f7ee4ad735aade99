"""Prices of speech-to-speech engines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from getpatter.pricing.figure import READ, by_tokens, per_minute, tokens
from getpatter.pricing.table import Entry

_OPENAI = "https://developers.openai.com/api/docs/models/"

_GPT_REALTIME = tokens("4", "16", "0.4", audio=("32", "0.4", "64"))
_GPT_REALTIME_2 = tokens("4", "24", "0.4", audio=("32", "0.4", "64"))
_GPT_REALTIME_MINI = tokens("0.6", "2.4", "0.06", audio=("10", "0.3", "20"))

ENGINES: Final[Mapping[str, Mapping[str, Entry]]] = {
    "openai": {
        "gpt-realtime": by_tokens(_GPT_REALTIME),
        "gpt-realtime-1.5": by_tokens(_GPT_REALTIME, READ, f"{_OPENAI}gpt-realtime-1.5"),
        "gpt-realtime-2": by_tokens(_GPT_REALTIME_2, READ, f"{_OPENAI}gpt-realtime-2"),
        "gpt-realtime-2.1": by_tokens(_GPT_REALTIME_2, READ, f"{_OPENAI}gpt-realtime-2.1"),
        "gpt-realtime-mini": by_tokens(_GPT_REALTIME_MINI),
        "gpt-realtime-2.1-mini": by_tokens(_GPT_REALTIME_MINI, READ, f"{_OPENAI}gpt-realtime-2.1-mini"),
        "gpt-4o-realtime-preview": by_tokens(tokens("5", "20", "2.5", audio=("40", "2", "80"))),
        "gpt-4o-mini-realtime-preview": by_tokens(
            tokens("0.6", "2.4", "0.3", audio=("10", "0.3", "20")), READ, f"{_OPENAI}gpt-4o-mini-realtime-preview"
        ),
    },
    "elevenlabs": {"convai": per_minute("0.08", "2026-06-30", of="session")},
    "google": {
        "gemini-2.5-flash-native-audio": by_tokens(tokens("0.5", "2", audio=("3", "", "12"))),
        "gemini-live-2.5-flash": by_tokens(tokens("0.5", "2", audio=("3", "", "12"))),
    },
}
"""ElevenLabs charges its agents' language model apart, which is not in the minute."""

ONE_PRICE_ENGINES: Final[Mapping[str, Entry]] = {
    "ultravox": per_minute("0.05", READ, "https://docs.ultravox.ai/gettingstarted/how-ultravox-works", of="session")
}
