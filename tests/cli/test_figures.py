from __future__ import annotations

from typing import get_args

import pytest
from rich.console import Console

from getpatter.calls.views import CallCost, CallView, Cost, LatencySummary, Percentiles, TurnView
from getpatter.cli.figures import (
    COST_PARTS,
    KINDS,
    PARTS,
    STAGES,
    became,
    carrier_cost,
    cost,
    cost_parts,
    counts,
    latency_table,
    typical,
    waited,
)
from getpatter.events import DismissedAs, UsedFor
from getpatter.observability import latency
from getpatter.observability.stages import Stage

RESPONSE = Percentiles(p50=810.0, p90=1190.0, p95=1240.0, p99=1290.0)


def turn(**figures: object) -> TurnView:
    said: dict[str, object] = {"index": 1, "role": "agent", "text": "Yes.", "at_s": 1.0, "duration_s": 1.0}
    return TurnView.model_validate(said | figures)


def call(**figures: object) -> CallView:
    known: dict[str, object] = {
        "call_id": "c1",
        "direction": "outbound",
        "from_number": "",
        "to_number": "",
        "carrier": "sim",
        "status": "ended",
        "created_at": 1.0,
    }
    return CallView.model_validate(known | figures)


def test_everything_that_is_measured_has_its_words() -> None:
    assert set(PARTS) == set(latency.PARTS)
    assert set(STAGES) == set(get_args(Stage))
    assert set(KINDS) == set(get_args(DismissedAs))
    assert set(COST_PARTS) == {*get_args(UsedFor), "telephony"}


def test_an_answer_says_how_long_it_took_and_what_took_longest() -> None:
    answer = turn(response_ms=1402.4, slowest="language_model", slowest_ms=900.2)
    assert waited(answer) == "1402 ms, language model 900"


def test_a_word_says_what_became_of_a_call() -> None:
    assert became(call(status="ringing")) == "ringing"
    assert became(call(outcome="voicemail")) == "voicemail"
    assert became(call(outcome="answered", transferred_to="+12025550150")) == "transferred"


def test_words_that_answer_nothing_took_no_time() -> None:
    assert waited(turn()) == ""


def test_a_list_of_calls_shows_what_an_answer_took() -> None:
    assert typical(call(latency=LatencySummary(turns=2, response_ms=RESPONSE))) == "810/1240 ms"
    assert typical(call()) == ""


def test_a_price_says_whether_it_is_the_carriers() -> None:
    assert carrier_cost(call(carrier_cost=Cost(amount=0.014, currency="USD", source="carrier"))) == "0.0140 USD"
    assert carrier_cost(call(carrier_cost=Cost(amount=0.014, currency="USD", source="estimate"))) == "~0.0140 USD"


def test_a_price_that_is_not_known_is_not_shown_as_nothing() -> None:
    assert carrier_cost(call()) == "?"
    assert carrier_cost(call(carrier_cost=Cost(amount=0.0, currency="USD", source="carrier"))) == "0.0000 USD"


@pytest.mark.parametrize(
    ("figures", "shown", "in_parts"),
    [
        ({}, "unknown", "unknown"),
        ({"total": 0.0, "telephony": 0.0}, "0.0000 USD", "0.0000 USD (telephone 0.0000)"),
        (
            {"total": 0.0142, "llm": 0.0002, "telephony": 0.014, "estimated": ["telephony"]},
            "~0.0142 USD",
            "~0.0142 USD (language model 0.0002, telephone ~0.0140)",
        ),
        (
            {"total": 0.0002, "llm": 0.0002, "unknown": ["llm", "tts"], "cached_savings": 0.0001},
            "≥0.0002 USD",
            "at least 0.0002 USD (language model ≥0.0002, voice unknown, caches saved 0.0001)",
        ),
    ],
)
def test_a_cost_says_what_is_not_known_of_it(figures: dict[str, object], shown: str, in_parts: str) -> None:
    priced = call(cost=CallCost.model_validate(figures))
    assert (cost(priced), cost_parts(priced)) == (shown, in_parts)


def test_what_happened_is_counted_in_words() -> None:
    assert counts(call(turns=1)) == "1 turn, 0 interruptions"
    busy = call(
        turns=12,
        interruptions=2,
        false_interruptions={"noise": 1, "backchannel": 2},
        tool_calls=1,
        drafts_used=2,
        drafts_wasted=1,
        first_message_wasted_s=2.46,
    )
    assert counts(busy) == (
        "12 turns, 2 interruptions, 3 false interruptions (2 back-channel, 1 noise), 1 tool call, "
        "2 of 3 answers begun in advance used, 2.5 s of first message spoken in advance for nobody"
    )


def test_the_table_has_a_row_for_each_part_that_was_observed() -> None:
    console = Console(width=100)
    with console.capture() as captured:
        console.print(latency_table(LatencySummary(turns=2, response_ms=RESPONSE)))
    head, response, *rest = captured.get().splitlines()
    assert head.split() == ["milliseconds", "over", "2", "answers", "p50", "p90", "p95", "p99"]
    assert response.split()[-4:] == ["810", "1190", "1240", "1290"]
    assert rest == []
