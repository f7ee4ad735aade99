"""Which parameters Deepgram's streaming recognisers take: names and limits of the official client's types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

SAMPLE_BYTES: Final = {"linear16": 2, "mulaw": 1}

_BOOLEANS: Final = frozenset(("true", "false"))
_V1_SWITCHES: Final = frozenset(
    (
        *("diarize", "dictation", "interim_results", "mip_opt_out", "multichannel", "no_delay", "numerals"),
        *("profanity_filter", "punctuate", "smart_format", "vad_events"),
    )
)
_V1_OTHERS: Final = frozenset(
    (
        *("channels", "encoding", "endpointing", "keyterm", "keywords", "language", "model", "redact", "replace"),
        *("sample_rate", "search", "tag", "utterance_end_ms", "version"),
    )
)
_LANGUAGES: Final = frozenset(
    (
        *("bg", "ca", "cs", "da", "da-DK", "de", "de-CH", "el", "en", "en-AU", "en-GB", "en-IN", "en-NZ", "en-US"),
        *("es", "es-419", "et", "fi", "fr", "fr-CA", "hi", "hu", "id", "it", "ja", "ko", "ko-KR", "lt", "lv", "ms"),
        *("multi", "nl", "nl-BE", "no", "pl", "pt", "pt-BR", "pt-PT", "ro", "ru", "sk", "sv", "sv-SE", "tr", "uk"),
        *("vi", "zh", "zh-CN", "zh-HK", "zh-TW"),
    )
)
_FLUX_NAMES: Final = frozenset(
    (
        *("model", "encoding", "sample_rate", "eager_eot_threshold", "eot_threshold", "eot_timeout_ms", "keyterm"),
        *("language_hint", "profanity_filter", "numerals", "redact", "mip_opt_out", "tag"),
    )
)


def nova_fault(query: Mapping[str, str]) -> str:
    """What is wrong with a request to `/v1/listen`; empty for nothing."""
    return _first_wrong(query, _V1_CHECKS)


def flux_fault(query: Mapping[str, str]) -> str:
    """What is wrong with a request to `/v2/listen`; empty for nothing."""
    return _first_wrong(query, _FLUX_CHECKS)


_Check = tuple[str, Callable[[Mapping[str, str]], bool]]


def _first_wrong(query: Mapping[str, str], checks: tuple[_Check, ...]) -> str:
    return next((what for what, is_right in checks if not is_right(query)), "")


def _number(text: str, low: float, high: float) -> bool:
    try:
        return low <= float(text) <= high
    except ValueError:
        return False


_V1_CHECKS: Final[tuple[_Check, ...]] = (
    ("Unknown parameter.", lambda query: set(query) <= _V1_SWITCHES | _V1_OTHERS),
    ("Invalid boolean.", lambda query: all(query[name] in _BOOLEANS for name in _V1_SWITCHES & set(query))),
    ("No such model.", lambda query: query.get("model", "").split("-")[0] in ("nova", "enhanced", "base")),
    ("Unsupported encoding.", lambda query: query.get("encoding", "") in SAMPLE_BYTES),
    ("Invalid sample rate.", lambda query: _number(query.get("sample_rate", ""), 8000, 48_000)),
    ("Invalid channels.", lambda query: query.get("channels", "1") == "1"),
    ("No such language for this model.", lambda query: query.get("language", "en") in _LANGUAGES),
    (
        "Invalid endpointing.",
        lambda query: (text := query.get("endpointing", "10")) in _BOOLEANS or _number(text, 0, 60_000),
    ),
    (
        "utterance_end_ms needs 1000 or more, and interim results.",
        lambda query: (
            "utterance_end_ms" not in query
            or (_number(query["utterance_end_ms"], 1000, 60_000) and query.get("interim_results") == "true")
        ),
    ),
    ("Keyterms are for nova-3.", lambda query: "keyterm" not in query or query["model"].startswith("nova-3")),
    ("nova-3 has no keywords.", lambda query: "keywords" not in query or not query["model"].startswith("nova-3")),
)
_FLUX_CHECKS: Final[tuple[_Check, ...]] = (
    ("Unknown parameter.", lambda query: set(query) <= _FLUX_NAMES),
    ("No such model.", lambda query: query.get("model") in ("flux-general-en", "flux-general-multi")),
    ("Unsupported encoding.", lambda query: query.get("encoding", "") in SAMPLE_BYTES),
    ("Invalid sample rate.", lambda query: query.get("sample_rate") in ("8000", "16000", "24000", "44100", "48000")),
    ("Invalid eot_threshold.", lambda query: _number(query.get("eot_threshold", "0.7"), 0.5, 1.0)),
    ("Invalid eager_eot_threshold.", lambda query: _number(query.get("eager_eot_threshold", "0.5"), 0.3, 0.9)),
    ("Invalid eot_timeout_ms.", lambda query: _number(query.get("eot_timeout_ms", "5000"), 500, 60_000)),
    (
        "Language hints are for flux-general-multi.",
        lambda query: "language_hint" not in query or query["model"].endswith("-multi"),
    ),
)
