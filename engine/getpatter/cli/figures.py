"""The figures of a call for a terminal."""

from __future__ import annotations

from rich.table import Table

from getpatter.calls.views import CallView, LatencySummary, TurnView

PARTS = {
    "response_ms": "caller's last word to first sound of the answer",
    "silence_ms": "  silence that shows they have stopped",
    "endpoint_ms": "  deciding that they have finished",
    "stt_ms": "    of it, recognising the words",
    "llm_ttft_ms": "  first token of the answer",
    "tts_ms": "  first sound of its first sentence",
    "engine_ms": "  everything the engine itself does",
    "agent_response_ms": "deciding, first token and first sound together",
    "llm_total_ms": "the whole answer written",
    "tts_total_ms": "the whole answer spoken into sound",
    "bargein_ms": "caller's voice over the agent to its silence",
    "user_speech_duration_ms": "how long the caller had spoken",
}
STAGES = {
    "silence": "silence",
    "recogniser": "recogniser",
    "waiting": "waiting for more",
    "language_model": "language model",
    "writing": "first sentence",
    "voice": "voice",
    "engine": "engine",
}
COST_PARTS = {
    "stt": "recogniser",
    "llm": "language model",
    "tts": "voice",
    "engine": "engine",
    "telephony": "telephone",
}
KINDS = {"noise": "noise", "backchannel": "back-channel", "unconfirmed": "unconfirmed", "echo": "echo"}


def latency_table(latency: LatencySummary) -> Table:
    """The percentiles of each part that was observed."""
    table = Table(box=None, pad_edge=False)
    table.add_column(f"milliseconds over {latency.turns} {'answer' if latency.turns == 1 else 'answers'}")
    for column in ("p50", "p90", "p95", "p99"):
        table.add_column(column, justify="right")
    shown = dict(latency)
    for part, words in PARTS.items():
        if found := shown[part]:
            table.add_row(words, *(f"{ms:.0f}" for ms in (found.p50, found.p90, found.p95, found.p99)))
    return table


def waited(turn: TurnView) -> str:
    """How long the caller waited for this turn, and for what most; empty for one that answers nothing."""
    if turn.response_ms is None:
        return ""
    longest = ""
    if turn.slowest is not None and turn.slowest_ms is not None:
        longest = f", {STAGES[turn.slowest]} {turn.slowest_ms:.0f}"
    return f"{turn.response_ms:.0f} ms{longest}"


def typical(view: CallView) -> str:
    """Median and 95th percentile of the response time, for a column."""
    response = view.latency.response_ms if view.latency is not None else None
    return "" if response is None else f"{response.p50:.0f}/{response.p95:.0f} ms"


def became(view: CallView) -> str:
    """What has become of a call so far, in a word."""
    return "transferred" if view.transferred_to else (view.outcome or view.status)


def carrier_cost(view: CallView) -> str:
    """What the carrier charges; an estimate with a tilde, and a question mark while nothing is known."""
    cost = view.carrier_cost
    if cost is None:
        return "?"
    about = "~" if cost.source == "estimate" else ""
    return f"{about}{cost.amount:.4f} {cost.currency}"


def cost(view: CallView) -> str:
    """What a call cost in all, for a column: with `≥` where a part is not known."""
    known = view.cost
    if known.total is None:
        return "unknown"
    return f"{'≥' if known.unknown else ''}{'~' if known.estimated else ''}{known.total:.4f} USD"


def cost_parts(view: CallView) -> str:
    """What it cost and for what, in one line."""
    known = view.cost
    shown = dict(known)
    parts = []
    for part, name in COST_PARTS.items():
        about = "~" if part in known.estimated else ""
        least = "≥" if part in known.unknown else ""
        if shown[part] is not None:
            parts.append(f"{name} {least}{about}{shown[part]:.4f}")
        elif least:
            parts.append(f"{name} unknown")
    if known.cached_savings:
        parts.append(f"caches saved {known.cached_savings:.4f}")
    return f"{known}" + (f" ({', '.join(parts)})" if parts else "")


def counts(view: CallView) -> str:
    """What happened how often, in one line."""
    parts = [_several(view.turns, "turn"), _several(view.interruptions, "interruption")]
    dismissed = sum(view.false_interruptions.values())
    if dismissed:
        kinds = ", ".join(f"{count} {KINDS[kind]}" for kind, count in sorted(view.false_interruptions.items()))
        parts.append(f"{_several(dismissed, 'false interruption')} ({kinds})")
    if view.tool_calls:
        parts.append(_several(view.tool_calls, "tool call"))
    drafts = view.drafts_used + view.drafts_wasted
    if drafts:
        parts.append(f"{view.drafts_used} of {_several(drafts, 'answer')} begun in advance used")
    if view.first_message_wasted_s:
        parts.append(f"{view.first_message_wasted_s:.1f} s of first message spoken in advance for nobody")
    return ", ".join(parts)


def _several(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
