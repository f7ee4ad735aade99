"""Prices of recognisers and voices, pay as you go, in English, without options that are paid apart."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from getpatter.pricing.figure import READ, by_tokens, per_minute, per_thousand, tokens
from getpatter.pricing.rates import PerMinute, PerThousandCharacters
from getpatter.pricing.table import Entry

_OPENAI = "https://developers.openai.com/api/docs/models/"

RECOGNISERS: Final[Mapping[str, Mapping[str, Entry]]] = {
    "deepgram": {
        "nova-3": per_minute("0.0048"),
        "nova-3-multilingual": per_minute("0.0058"),
        "nova-2": per_minute("0.0058"),
        "nova": per_minute("0.0043"),
        "flux-general-en": per_minute("0.0065"),
        "flux-general-multi": per_minute("0.0078"),
    },
    "assemblyai": {
        "universal-streaming": per_minute("0.0025", of="session"),
        "universal-streaming-multilingual": per_minute("0.0025", "2026-05-26", of="session"),
        "u3-rt-pro": per_minute("0.0075", "2026-05-26", of="session"),
    },
    "cartesia": {"ink-whisper": per_minute("0.0025")},
    "soniox": {"stt-rt": per_minute("0.002", READ, "https://soniox.com/speech-to-text/features/diarization")},
    "elevenlabs": {"scribe_v2_realtime": per_minute("0.0065", "2026-06-30")},
    "openai": {
        "whisper-1": per_minute("0.006"),
        "gpt-4o-transcribe": by_tokens(
            tokens("2.5", "10", audio=("2.5", "", "")),
            READ,
            f"{_OPENAI}gpt-4o-transcribe",
            or_else=PerMinute(Decimal("0.006")),
        ),
        "gpt-4o-mini-transcribe": by_tokens(
            tokens("1.25", "5", audio=("1.25", "", "")),
            READ,
            f"{_OPENAI}gpt-4o-mini-transcribe",
            or_else=PerMinute(Decimal("0.003")),
        ),
        "gpt-transcribe": per_minute("0.0045", READ, f"{_OPENAI}gpt-transcribe"),
        "gpt-live-transcribe": per_minute("0.017", READ, f"{_OPENAI}gpt-live-transcribe"),
        "gpt-realtime-whisper": per_minute("0.017"),
    },
}
"""AssemblyAI counts how long a session is open, the others the audio in it."""

ONE_PRICE_RECOGNISERS: Final[Mapping[str, Entry]] = {"speechmatics": per_minute("0.004")}
"""Of vendors whose models all cost the same."""

VOICES: Final[Mapping[str, Mapping[str, Entry]]] = {
    "elevenlabs": {
        "eleven_flash": per_thousand("0.05"),
        "eleven_turbo": per_thousand("0.05"),
        "eleven_multilingual": per_thousand("0.10"),
        "eleven_v3": per_thousand("0.10"),
    },
    "openai": {
        "tts-1": per_thousand("0.015"),
        "tts-1-hd": per_thousand("0.030"),
        "gpt-4o-mini-tts": by_tokens(
            tokens("0.6", "12", audio=("", "", "12")), or_else=PerThousandCharacters(Decimal("0.012"))
        ),
    },
    "cartesia": {f"sonic-{model}": per_thousand("0.030") for model in ("2", "3", "3.5", "turbo")},
    "deepgram": {"aura-2": per_thousand("0.030"), "aura": per_thousand("0.015")},
    "rime": {
        "mist": per_thousand("0.030"),
        "mistv2": per_thousand("0.030"),
        "mistv3": per_thousand("0.030"),
        "arcana": per_thousand("0.040"),
    },
    "inworld": {
        "inworld-tts-2": per_thousand("0.025"),
        "inworld-tts-1.5-max": per_thousand("0.035"),
        "inworld-tts-1.5-mini": per_thousand("0.015"),
    },
}

ONE_PRICE_VOICES: Final[Mapping[str, Entry]] = {"lmnt": per_thousand("0.050")}
