"""The built-in list of retirements.

What no source tells is left out: a model of which nothing is known is not said to last, and not said to end.  Alive are
listed that would be taken for a revision of one that ends, and those of which the vendor says that it has set no day.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from getpatter.models.retirement import Retirement, RetirementTable

READ: Final = "2026-11-21"
"""The day on which vendors' pages, as stored copies, and the types of their clients were read."""

_OPENAI: Final = "https://developers.openai.com/api/docs/deprecations"
_ANTHROPIC: Final = "https://platform.claude.com/docs/en/about-claude/model-deprecations"
_GOOGLE: Final = "https://ai.google.dev/gemini-api/docs/deprecations"
_GOOGLE_2: Final = (
    "https://dev.to/aideprecations/what-to-do-before-gemini-25-pro-and-25-flash-are-retired-on-december-1-2026-5gg9"
)
"""Of Google's page of 2026-11-10, of which only older copies could be read."""
_GROQ: Final = "https://github.com/papi-ai/groq/releases/tag/v0.15.2"
"""Of Groq's announcement, of which no copy could be read."""
_CEREBRAS: Final = "https://inference-docs.cerebras.ai/support/deprecation"
_CARTESIA: Final = "https://docs.cartesia.ai/build-with-cartesia/tts-models/api-changes"
_ELEVENLABS: Final = "https://elevenlabs.io/docs/changelog/2026/6/8"


def _ends(source: str, on: str, successor: str, *models: str) -> dict[str, Retirement]:
    retirement = Retirement(on=date.fromisoformat(on), successor=successor, as_of=READ, source=source)
    return dict.fromkeys(models, retirement)


def _alive(source: str, *models: str) -> dict[str, Retirement]:
    return dict.fromkeys(models, Retirement(as_of=READ, source=source))


RETIREMENTS: Final[RetirementTable] = {
    "openai": {
        **_ends(
            _OPENAI, "2024-09-13", "gpt-5.6-terra", "gpt-3.5-turbo-0301", "gpt-3.5-turbo-0613", "gpt-3.5-turbo-16k"
        ),
        **_ends(_OPENAI, "2025-06-06", "", "gpt-4-32k"),
        **_ends(_OPENAI, "2025-07-28", "", "o1-preview"),
        **_ends(_OPENAI, "2026-03-26", "", "gpt-4-0125-preview", "gpt-4-0314", "gpt-4-turbo-preview"),
        **_ends(_OPENAI, "2026-05-07", "gpt-realtime-1.5", "gpt-4o-realtime-preview"),
        **_ends(_OPENAI, "2026-05-07", "gpt-realtime-mini", "gpt-4o-mini-realtime-preview"),
        **_ends(_OPENAI, "2026-07-23", "", "gpt-5-chat-latest", "gpt-5.1-chat-latest", "gpt-5.1-codex"),
        **_ends(_OPENAI, "2026-07-23", "", "o3-deep-research", "o4-mini-deep-research"),
        **_ends(_OPENAI, "2026-08-10", "", "gpt-5.2-chat-latest", "gpt-5.3-chat-latest"),
        **_ends(_OPENAI, "2026-09-28", "", "gpt-3.5-turbo-1106"),
        **_ends(_OPENAI, "2026-10-23", "gpt-5.6-terra", "gpt-3.5-turbo", "o4-mini"),
        **_ends(_OPENAI, "2026-10-23", "gpt-5.6-sol", "gpt-4", "gpt-4-turbo", "gpt-4o-2024-05-13", "o1", "o3-mini"),
        **_ends(_OPENAI, "2026-10-23", "gpt-5.6-luna", "gpt-4.1-nano"),
        **_ends(_OPENAI, "2026-12-11", "gpt-5.6-sol", "gpt-5", "o3"),
        **_ends(_OPENAI, "2026-12-11", "gpt-5.6-terra", "gpt-5-mini"),
        **_ends(_OPENAI, "2026-12-11", "gpt-5.6-luna", "gpt-5-nano"),
        # What OpenAI names in the place of these, gpt-realtime-2.1-mini, is not served by /v1/audio/speech.
        **_ends(_OPENAI, "2027-01-06", "", "tts-1", "tts-1-hd", "gpt-4o-mini-tts"),
        **_ends(_OPENAI, "2027-01-14", "gpt-6-luna", "gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini"),
        **_ends(_OPENAI, "2027-01-20", "gpt-realtime-2.1", "gpt-realtime"),
        **_ends(_OPENAI, "2027-01-20", "gpt-realtime-2.1-mini", "gpt-realtime-mini"),
        **_ends(_OPENAI, "2027-02-26", "gpt-transcribe", "whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe"),
        **_ends(_OPENAI, "2027-04-01", "", "gpt-5.1", "gpt-5.4-nano"),
    },
    "anthropic": {
        **_ends(_ANTHROPIC, "2026-02-19", "claude-haiku-4-5", "claude-3-5-haiku"),
        **_ends(_ANTHROPIC, "2026-02-19", "", "claude-3-7-sonnet"),
        **_ends(_ANTHROPIC, "2026-06-15", "claude-sonnet-4-6", "claude-sonnet-4", "claude-sonnet-4-0"),
        **_ends(_ANTHROPIC, "2026-06-15", "claude-opus-4-8", "claude-opus-4", "claude-opus-4-0"),
        **_ends(_ANTHROPIC, "2026-08-05", "", "claude-opus-4-1"),
        **_ends(_ANTHROPIC, "2026-11-30", "claude-sonnet-5-5", "claude-sonnet-4-5"),
    },
    "google": {
        **_ends(_GOOGLE_2, "2026-12-01", "gemini-3.5-flash-lite", "gemini-2.5-flash"),
        **_ends(_GOOGLE_2, "2026-12-01", "gemini-3.8-flash", "gemini-2.5-pro"),
        **_alive(_GOOGLE, "gemini-3.5-flash", "gemini-3.5-flash-lite", "gemini-3.6-flash", "gemini-3.7-flash"),
        **_alive(_GOOGLE, "gemini-3.8-flash", "gemini-3.8-live"),
    },
    "groq": _ends(_GROQ, "2026-08-16", "openai/gpt-oss-120b", "llama-3.3-70b-versatile", "llama-3.1-8b-instant"),
    "cerebras": {
        **_ends(_CEREBRAS, "2026-02-16", "gpt-oss-120b", "llama-3.3-70b", "qwen-3-32b"),
        **_ends(_CEREBRAS, "2026-05-27", "gpt-oss-120b", "llama3.1-8b", "qwen-3-235b"),
    },
    "cartesia": {
        **_ends(_CARTESIA, "2026-06-01", "sonic-3.5", "sonic", "sonic-english", "sonic-multilingual"),
        **_ends(_CARTESIA, "2026-06-01", "sonic-3.5", "sonic-2-2025-03-07", "sonic-turbo-2025-03-07"),
        **_alive(_CARTESIA, "sonic-latest"),
    },
    "elevenlabs": {
        **_ends(_ELEVENLABS, "2026-07-09", "eleven_multilingual_v2", "eleven_monolingual_v1", "eleven_multilingual_v1"),
        **_ends(_ELEVENLABS, "2026-07-09", "scribe_v2_realtime", "scribe_v1"),
    },
}
