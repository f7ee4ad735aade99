"""Where the time of one answer went: stages that follow each other and fill the response time."""

from __future__ import annotations

from typing import Literal

from getpatter.events import TurnLatency

Stage = Literal["silence", "recogniser", "waiting", "language_model", "voice", "engine", "writing"]
"""
- `silence`: the VAD's stop time,
- `recogniser`: its final transcript after that,
- `waiting`: the rest until the language model is asked: a hook, or patience with a caller who may go on,
- `language_model`: its first token,
- `writing`: from there to the first sentence whole enough to be spoken,
- `voice`: its first audio,
- `engine`: all that is our own.
"""


def stages(latency: TurnLatency) -> dict[Stage, float]:
    """Milliseconds of each stage that took any; together they are `response_ms`.  Empty where that is not known.

    No stage is longer than what the others leave of the response time: what was done in advance, while the caller was
    still speaking, kept nobody waiting.
    """
    left = latency.response_ms or 0.0
    endpoint, stt = latency.endpoint_ms or 0.0, latency.stt_ms or 0.0
    measured: tuple[tuple[Stage, float | None], ...] = (
        ("silence", latency.silence_ms),
        ("recogniser", min(stt, endpoint)),
        ("waiting", max(0.0, endpoint - stt)),
        ("language_model", latency.llm_ttft_ms),
        ("voice", latency.tts_ms),
        ("engine", latency.engine_ms),
    )
    took: dict[Stage, float] = {}
    for stage, ms in measured:
        took[stage] = min(ms or 0.0, left)
        left -= took[stage]
    took["writing"] = left
    return {stage: round(ms, 2) for stage, ms in took.items() if round(ms, 2) > 0}


def slowest(latency: TurnLatency) -> tuple[Stage, float] | None:
    """The stage that took longest, and its milliseconds; None where the response time is not known."""
    took = stages(latency)
    return max(took.items(), key=lambda stage: stage[1]) if took else None
